#include "learn/foreign/nnunet.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr std::string_view nnunet_fold_prefix = "fold_";

[[noreturn]] void nnunet_refuse_checkpoint(fs::path const& file, std::string const& happened) {
  throw Error{Fault::input, text(file, ": ", happened),
              "pass a folder as nnUNetv2_train leaves it: plans.json, dataset.json and "
              "fold_N/checkpoint_final.pth"};
}

// What a checkpoint says of itself.
struct NnunetTold {
  std::string trainer;
  std::string config;
  std::vector<std::size_t> mirror_axes;

  bool operator==(NnunetTold const&) const = default;
};

std::string nnunet_word(fs::path const& file, Pickled const* value, char const* key) {
  auto const* word = value == nullptr ? nullptr : value->as<std::string>();
  if (word == nullptr || word->size() > 1000)
    nnunet_refuse_checkpoint(file, text("expected a text as \"", key, "\", got ",
                                        value == nullptr ? "none" : value->in_words()));
  return *word;
}

NnunetTold nnunet_told(fs::path const& file) {
  TorchCheckpoint const checkpoint{file};
  auto const& root = checkpoint.root();
  NnunetTold out;
  out.trainer = nnunet_word(file, root.find("trainer_name"), "trainer_name");
  auto const* arguments = root.find("init_args");
  out.config = nnunet_word(
      file, arguments == nullptr ? nullptr : arguments->find("configuration"), "configuration");
  auto const* axes = root.find("inference_allowed_mirroring_axes");
  if (axes == nullptr || axes->is_none()) return out;
  auto const* list = axes->as<Pickled::List>();
  if (list == nullptr || list->size() > 3)
    nnunet_refuse_checkpoint(file,
                             text("expected up to 3 axes for flips, got ", axes->in_words()));
  for (auto const& axis : *list) {
    auto const* number = axis.as<std::int64_t>();
    if (number == nullptr || *number < 0 || *number > 2)
      nnunet_refuse_checkpoint(file,
                               text("expected an axis from 0 to 2, got ", axis.in_words()));
    out.mirror_axes.push_back(static_cast<std::size_t>(*number));
  }
  std::ranges::sort(out.mirror_axes);
  out.mirror_axes.erase(std::unique(out.mirror_axes.begin(), out.mirror_axes.end()),
                        out.mirror_axes.end());
  return out;
}

std::vector<NnunetModel::Fold> nnunet_folds(fs::path const& folder,
                                            NnunetOptions const& options) {
  std::vector<NnunetModel::Fold> all;
  std::error_code fault;
  for (auto const& entry : fs::directory_iterator{folder, fault}) {
    auto const name = entry.path().filename().string();
    auto const file = entry.path() / options.checkpoint;
    if (name.starts_with(nnunet_fold_prefix) && fs::is_regular_file(file, fault))
      all.push_back({name, file});
  }
  std::ranges::sort(all, {}, &NnunetModel::Fold::name);
  if (all.empty())
    nnunet_refuse_checkpoint(folder, text("no fold_N/", options.checkpoint, " is in it"));
  if (options.folds.empty()) return all;
  std::vector<NnunetModel::Fold> out;
  std::vector<std::string> names;
  for (auto const& fold : all) names.push_back(fold.name.substr(nnunet_fold_prefix.size()));
  for (auto const& wanted : options.folds) {
    auto const found = std::ranges::find(names, wanted);
    if (found == names.end())
      throw Error{Fault::usage, text("no fold '", wanted, "' with ", options.checkpoint),
                  text("there are ", joined(names, ", "))};
    out.push_back(all[static_cast<std::size_t>(found - names.begin())]);
  }
  return out;
}

// The name under which PyTorch's module holds the same tensor first, or the name itself.
// A unit of convolution, norm and nonlinearity holds each as a member and in a list.
std::string nnunet_first_name(std::string name) {
  constexpr std::string_view again = "decoder.encoder.";
  if (name.starts_with(again)) name = "encoder." + name.substr(again.size());
  constexpr std::pair<std::string_view, std::string_view> listed[] = {
      {".all_modules.0.", ".conv."}, {".all_modules.1.", ".norm."}};
  for (auto const& [written, first] : listed) {
    auto const at = name.find(written);
    if (at != std::string::npos) name.replace(at, written.size(), first);
  }
  return name;
}

// Of torch.compile and of DataParallel.
std::string nnunet_bare_name(std::string name) {
  for (std::string_view const prefix : {"module.", "_orig_mod."}) {
    if (name.starts_with(prefix)) name = name.substr(prefix.size());
  }
  return name;
}

bool nnunet_is_coarse_head(std::string const& name, std::size_t stages) {
  constexpr std::string_view heads = "decoder.seg_layers.";
  if (!name.starts_with(heads)) return false;
  auto const rest = name.substr(heads.size());
  return rest.substr(0, rest.find('.')) != text(stages - 2);
}

}  // namespace

std::vector<std::uint16_t> NnunetModel::found() const {
  std::set<std::uint16_t> values;
  for (auto const& label : dataset.labels)
    for (auto const value : label.values)
      if (value != 0) values.insert(static_cast<std::uint16_t>(value));
  constexpr std::uint16_t most = 32767;
  if (!values.empty() && *values.rbegin() > most)
    throw Error{Fault::input,
                text(folder / "dataset.json", ": expected values up to ", most,
                     " in a cascade, got ", *values.rbegin()),
                "give the label a smaller value"};
  return {values.begin(), values.end()};
}

std::int64_t NnunetModel::inputs() const {
  auto const cascaded = !recipe.config(config).previous.empty();
  return std::ssize(dataset.channels) + (cascaded ? std::ssize(found()) : 0);
}

NnunetModel read_nnunet(fs::path const& folder, NnunetOptions const& options) {
  for (auto const* name : {"plans.json", "dataset.json"}) {
    if (!fs::is_regular_file(folder / name))
      nnunet_refuse_checkpoint(folder, text("no ", name, " is in it"));
  }
  NnunetModel out;
  out.folder = folder;
  auto const dataset = folder / "dataset.json";
  auto const plans = folder / "plans.json";
  out.dataset = nnunet_dataset(read_json(dataset), text(dataset));
  out.recipe = read_recipe(read_json(plans), text(plans));
  out.folds = nnunet_folds(folder, options);
  std::optional<NnunetTold> told;
  for (auto const& fold : out.folds) {
    auto const one = nnunet_told(fold.checkpoint);
    if (told && *told != one)
      nnunet_refuse_checkpoint(
          fold.checkpoint, text("its trainer, configuration or axes for flips (", one.trainer,
                                ", ", one.config, ") are not those of ", out.folds[0].name,
                                " (", told->trainer, ", ", told->config, ")"));
    told = one;
  }
  out.trainer = told->trainer;
  out.config = told->config;
  out.mirror_axes = told->mirror_axes;
  auto const configs = out.recipe.configs;
  if (std::ranges::find(configs, out.config, &RecipeConfig::name) == configs.end())
    nnunet_refuse_checkpoint(
        out.folds[0].checkpoint,
        text("its configuration '", printable(out.config, ""), "' is none of plans.json"));
  auto const& config = out.recipe.config(out.config);
  if (config.normalisation.size() != out.dataset.channels.size())
    nnunet_refuse_checkpoint(
        folder, text("plans.json is for ", config.normalisation.size(),
                     " channels and dataset.json names ", out.dataset.channels.size()));
  if (!out.mirror_axes.empty() && out.mirror_axes.back() >= config.patch.size())
    nnunet_refuse_checkpoint(out.folds[0].checkpoint,
                             text("it allows flips along axis ", out.mirror_axes.back(),
                                  " of a patch of ", config.patch.size(), " axes"));
  return out;
}

Safetensors nnunet_weights(NnunetModel const& model, NnunetModel::Fold const& fold) {
  TorchCheckpoint const checkpoint{fold.checkpoint};
  auto const* state = checkpoint.root().find("network_weights");
  if (state == nullptr)
    nnunet_refuse_checkpoint(fold.checkpoint, "it has no \"network_weights\"");
  auto all = checkpoint.weights(*state);
  std::map<std::string, Blob const*, std::less<>> by_name;
  for (auto& blob : all.blobs) {
    blob.name = nnunet_bare_name(std::move(blob.name));
    by_name[blob.name] = &blob;
  }
  auto const stages = model.recipe.config(model.config).network.stages();
  Safetensors out{.blobs = {}, .notes = {}, .storage = all.storage};
  for (auto const& blob : all.blobs) {
    auto const first = nnunet_first_name(blob.name);
    if (first == blob.name) {
      if (!nnunet_is_coarse_head(blob.name, stages)) out.blobs.push_back(blob);
      continue;
    }
    auto const same = by_name.find(first);
    if (same == by_name.end() || same->second->shape != blob.shape ||
        same->second->dtype != blob.dtype ||
        !std::ranges::equal(same->second->bytes, blob.bytes))
      nnunet_refuse_checkpoint(fold.checkpoint, text(blob.name, " is not the same as ", first,
                                                     ", of which it is a second name"));
  }
  return out;
}

}  // namespace fovea
