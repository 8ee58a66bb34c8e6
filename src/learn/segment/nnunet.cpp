#include "learn/segment/nnunet.hpp"

#include "base/core/words.hpp"
#include "learn/adopt/nnunet_network.hpp"
#include "learn/segment/model.hpp"

namespace fovea {

bool is_nnunet(fs::path const& folder) {
  std::error_code fault;
  return fs::exists(folder / "plans.json", fault) && fs::exists(folder / "dataset.json", fault);
}

Model nnunet_model(fs::path const& folder) {
  auto const foreign = read_nnunet(folder);
  auto const& config = foreign.recipe.config(foreign.config);
  if (!config.previous.empty())
    throw Error{Fault::input,
                text(foreign.config, " goes on from what ", config.previous,
                     " found, and that is not at hand"),
                "pass the model of another configuration"};
  SegmentContract contract;
  contract.recipe = foreign.recipe;
  contract.channels = foreign.dataset.channels;
  contract.rule.regions = foreign.dataset.regions;
  contract.recipe.configs = {config};
  contract.patch.fill(1);
  auto const first = contract.patch.size() - config.patch.size();
  for (std::size_t a = 0; a < config.patch.size(); ++a)
    contract.patch[first + a] = config.patch[a];
  for (auto const axis : foreign.mirror_axes)
    contract.flips.push_back(static_cast<int>(first + axis));
  // nnU-Net asks for no spacing: it resamples whatever comes.
  contract.finest.fill(0);
  contract.coarsest.fill(1e9);
  Model model;
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

}  // namespace fovea
