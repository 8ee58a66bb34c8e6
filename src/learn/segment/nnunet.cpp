#include "learn/segment/nnunet.hpp"

#include "base/core/words.hpp"
#include "learn/adopt/nnunet_network.hpp"
#include "learn/segment/model.hpp"
#include "learn/task/ways.hpp"

namespace fovea {
namespace {

// nnU-Net calls its folders TRAINER__PLANS__CONFIGURATION and lays them side by side.
fs::path nnunet_before(fs::path const& folder, RecipeConfig const& config) {
  auto const whole = fs::absolute(folder / "").lexically_normal().parent_path();
  auto const name = whole.filename().string();
  auto const ending = "__" + config.name;
  auto const stem = name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : name;
  auto const first = whole.parent_path() / text(stem, "__", config.previous);
  if (first != whole && is_nnunet(first)) return first;
  throw Error{Fault::input,
              text(config.name, " goes on from what ", config.previous,
                   " found, and there is no ", first),
              text("lay the folder of ", config.previous, " beside it, under that name")};
}

// Of one step, without the other.
Model nnunet_alone(NnunetModel const& foreign) {
  auto const& config = foreign.recipe.config(foreign.config);
  Model model;
  SegmentContract contract;
  contract.recipe = foreign.recipe;
  contract.channels = foreign.dataset.channels;
  contract.rule.regions = foreign.dataset.regions;
  contract.recipe.configs = {config};
  contract.recipe.configs.front().previous.clear();
  contract.recipe.configs.front().next.clear();
  contract.patch.fill(1);
  auto const first = contract.patch.size() - config.patch.size();
  for (std::size_t a = 0; a < config.patch.size(); ++a)
    contract.patch[first + a] = config.patch[a];
  for (auto const axis : foreign.mirror_axes)
    contract.flips.push_back(static_cast<int>(first + axis));
  contract.run_as = way_of(to_answer_in(Precision::float32));
  // nnU-Net asks for no spacing: it resamples whatever comes.
  contract.finest.fill(0);
  contract.coarsest.fill(1e9);
  auto& about = model.about;
  if (!contract.rule.regions) contract.rule.values.push_back(0);
  for (auto const& label : foreign.dataset.labels) {
    contract.rule.values.push_back(static_cast<std::uint16_t>(label.written));
    contract.inside.emplace_back(label.values.begin(), label.values.end());
    about.labels.push_back({label.name, {}});
  }
  about.task = "segment";
  about.name = foreign.recipe.dataset;
  about.output = {
      .format = "segmentation", .channels = foreign.dataset.outputs(), .on_grid = true};
  about.description = text("Trained by nnU-Net (", foreign.trainer, ", ", foreign.config, ").");
  for (auto const& fold : foreign.folds)
    model.networks.push_back(nnunet_network(foreign, fold));
  write_contract(contract, about);
  return model;
}

}  // namespace

bool is_nnunet(fs::path const& folder) {
  std::error_code fault;
  return fs::exists(folder / "plans.json", fault) && fs::exists(folder / "dataset.json", fault);
}

Model nnunet_model(fs::path const& folder) {
  auto const foreign = read_nnunet(folder);
  auto model = nnunet_alone(foreign);
  auto const& config = foreign.recipe.config(foreign.config);
  if (config.previous.empty()) return model;
  auto const before = read_nnunet(nnunet_before(folder, config));
  if (!before.recipe.config(before.config).previous.empty())
    throw Error{Fault::input, text(before.folder, " is a second step, expected a first one"),
                "nnU-Net's cascades have two"};
  if (before.dataset.channels != foreign.dataset.channels ||
      before.dataset.labels != foreign.dataset.labels)
    throw Error{
        Fault::input,
        text("the steps ", before.folder, " and ", folder, " have other channels or labels"),
        "lay the folders of one data set beside each other"};
  auto contract = segment_contract(model.about);
  contract.found = foreign.found();
  write_contract(contract, model.about);
  model.before = std::make_shared<Model const>(nnunet_alone(before));
  return model;
}

}  // namespace fovea
