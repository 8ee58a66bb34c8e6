#include "learn/foreign/bundle.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/bundle_lambda.hpp"
#include "learn/foreign/bundle_parts.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr std::string_view bundle_anywhere[] = {"keys", "allow_missing_keys", "device"};
// With several keys these have a value for each.
constexpr std::string_view bundle_by_key =
    "mode padding_mode align_corners argmax threshold to_onehot rounding softmax sigmoid "
    "nearest_interp func select_fn";
// What is done to these does not reach the result.
constexpr std::string_view bundle_aside[] = {"label", "mask", "seg"};

bool bundle_lists(std::string_view names, std::string_view name) {
  auto const words = split(names, ' ');
  return std::ranges::find(words, name) != words.end();
}

// "monai.transforms.Spacingd", "SpacingD", "SpacingDict" and "Spacing" are one step.
std::string bundle_step_name(std::string_view target) {
  for (std::string_view const module : {"monai.transforms.", "transforms."}) {
    if (target.starts_with(module)) target.remove_prefix(module.size());
  }
  for (std::string_view const tail : {"Dict", "d", "D"}) {
    if (!target.ends_with(tail)) continue;
    auto const bare = target.substr(0, target.size() - tail.size());
    for (auto const& row : bundle_steps()) {
      if (row.name == bare) return std::string{bare};
    }
  }
  return std::string{target};
}

std::string bundle_class(std::string_view target) {
  return std::string{target.substr(target.rfind('.') + 1)};
}

// Collects a plan, and whatever is missing instead of stopping at the first.
class BundlePlanner {
 public:
  explicit BundlePlanner(BundleConfig const& config) : config_(config) {}

  BundlePlan run() {
    auto const evaluator = part("evaluator", {"SupervisedEvaluator"});
    if (!evaluator) return std::move(plan_);
    // What changes how a batch goes through the network.
    for (auto const* name : {"prepare_batch", "iteration_update", "non_blocking_update"}) {
      if (config_.written(*evaluator, name) != nullptr)
        miss(text("the evaluator's own ", name));
    }
    attempt([&] { network(*evaluator); });
    attempt([&] { inferer(*evaluator); });
    attempt([&] { before(*evaluator); });
    attempt([&] {
      key_ = "pred";
      if (auto const after = argument_part(*evaluator, "postprocessing"))
        steps(*after, plan_.after);
      for (auto const& one : plan_.after) {
        if (bundle_is_spatial(one.name))
          miss(text("the transform ", one.name, " behind the network"));
      }
    });
    attempt([&] { weights(*evaluator); });
    return std::move(plan_);
  }

 private:
  void miss(std::string words) {
    if (std::ranges::find(plan_.missing, words) == plan_.missing.end())
      plan_.missing.push_back(std::move(words));
  }

  template <class Work>
  void attempt(Work const& work) {
    attempt(plan_.missing, work);
  }

  template <class Work>
  void attempt(std::vector<std::string>& missing, Work const& work) {
    try {
      work();
    } catch (Error const& fault) {
      if (fault.fault() != Fault::input) throw;
      missing.emplace_back(fault.what());
    }
  }

  // The part that an entry stands for, if it is one of these classes.
  std::optional<BundlePart> part(std::string const& id, std::vector<std::string> const& known) {
    if (!config_.has(id)) {
      miss(text("there is no \"", id, "\""));
      return std::nullopt;
    }
    std::optional<BundleValue> value;
    attempt([&] { value = config_.at(id); });
    if (!value) return std::nullopt;
    auto const* found = value->as<BundlePart>();
    if (found == nullptr) {
      miss(text("\"", id, "\" is ", value->in_words(), ", not a part"));
      return std::nullopt;
    }
    if (!known.empty() &&
        std::ranges::find(known, bundle_class(found->target)) == known.end()) {
      miss(text(id, ": ", printable(found->target.substr(0, 100), "")));
      return std::nullopt;
    }
    return *found;
  }

  std::optional<BundlePart> argument_part(BundlePart const& of, std::string const& name) {
    auto const value = config_.argument(of, name);
    if (!value || value->is_none()) return std::nullopt;
    auto const* found = value->as<BundlePart>();
    if (found == nullptr) {
      miss(text(name, " is ", value->in_words(), ", not a part"));
      return std::nullopt;
    }
    return *found;
  }

  void network(BundlePart const& evaluator) {
    auto const net = argument_part(evaluator, "network");
    if (!net) return miss("the evaluator has no network");
    plan_.network = net->target;
    if (net->target == "torch.jit.load") {
      if (!config_.inside(net->id))
        return miss(text("a network outside of the bundle: '", printable(net->id), "'"));
      plan_.script = net->id;
      return;
    }
    for (auto const& name : config_.arguments(*net)) {
      attempt(plan_.network_missing,
              [&] { plan_.network_options[name] = *config_.argument(*net, name); });
    }
  }

  void inferer(BundlePart const& evaluator) {
    auto const found = argument_part(evaluator, "inferer");
    if (!found) return;  // MONAI's default is the simple one
    auto const name = bundle_class(found->target);
    auto& out = plan_.inferer;
    if (name == "SimpleInferer") return;
    auto const slices = name == "SliceInferer";
    if (!slices && name != "SlidingWindowInferer")
      return miss(text("inferer: ", printable(found->target.substr(0, 100), "")));
    out.kind = slices ? BundleInferer::Kind::slices : BundleInferer::Kind::sliding;
    constexpr std::string_view known =
        "roi_size overlap mode padding_mode spatial_dim sw_batch_size sw_device device "
        "progress "
        "cache_roi_weight_map cpu_thresh buffer_steps buffer_dim";
    for (auto const& option : config_.arguments(*found)) {
      if (!bundle_lists(known, option)) miss(text(name, ": the argument ", printable(option)));
    }
    out.window = wholes(*found, "roi_size");
    out.overlap = real(*found, "overlap", 0.25);
    out.padding = word(*found, "padding_mode", "constant");
    auto const mode = word(*found, "mode", "constant");
    out.gaussian = mode == "gaussian";
    if (mode != "gaussian" && mode != "constant") miss(text(name, ": the blend ", mode));
    auto const axis = slices ? real(*found, "spatial_dim", 0) : 0;
    if (axis == 0 || axis == 1 || axis == 2)
      out.axis = static_cast<std::int64_t>(axis);
    else
      miss(text(name, ": spatial_dim ", spelled(axis)));
    if (!(out.overlap >= 0 && out.overlap < 1))
      miss(text(name, ": an overlap of ", spelled(out.overlap)));
    if (out.window.empty()) miss(text(name, " without roi_size"));
  }

  void before(BundlePart const& evaluator) {
    auto const loader = argument_part(evaluator, "val_data_loader");
    if (!loader) return miss("the evaluator has no data loader");
    auto const data = argument_part(*loader, "dataset");
    if (!data) return miss("the data loader has no dataset");
    auto const name = bundle_class(data->target);
    if (name != "Dataset" && name != "CacheDataset")
      return miss(text("dataset: ", printable(data->target.substr(0, 100), "")));
    key_ = "";  // that of the first step that loads
    if (auto const chain = argument_part(*data, "transform")) steps(*chain, plan_.before);
    for (auto const& one : plan_.before) {
      if (one.name == "Invert") miss("the transform Invert before the network");
    }
  }

  // The place of the image, or of the network's outputs, among a step's keys; none if the step
  // is of something else.
  std::optional<std::size_t> place_of_key(BundlePart const& part, std::size_t& count) {
    count = 1;
    auto const given = config_.argument(part, "keys");
    if (!given) return 0;
    std::vector<std::string> keys;
    auto const add = [&](BundleValue const& one) {
      if (auto const* word = one.as<std::string>()) keys.push_back(*word);
    };
    if (auto const* list = given->as<BundleValue::List>())
      std::ranges::for_each(*list, add);
    else
      add(*given);
    if (keys.empty()) return 0;
    count = keys.size();
    if (key_.empty()) key_ = keys.front();
    auto const at = std::ranges::find(keys, key_);
    if (at != keys.end()) return static_cast<std::size_t>(at - keys.begin());
    for (auto const& key : keys) {
      // Behind the network the image itself is of no importance any more.
      if (std::ranges::find(bundle_aside, key) == std::end(bundle_aside) && key_ != "pred")
        miss(text("the key '", printable(key.substr(0, 100), ""), "' beside '",
                  printable(key_.substr(0, 100), ""), "'"));
    }
    return std::nullopt;
  }

  BundleValue option_of(BundlePart const& part,
                        std::string const& option,
                        std::size_t place,
                        std::size_t keys) {
    // A function is no expression of values: it stays as it is written.
    auto const function = option == "func" || option == "select_fn";
    auto const* written = config_.written(part, option);
    if (function && written != nullptr && written->is_string()) {
      auto const words = written->get<std::string>();
      BundleLambda{words, text(bundle_step_name(part.target))};
      return {words};
    }
    auto value = *config_.argument(part, option);
    auto const* list = value.as<BundleValue::List>();
    if (keys > 1 && list != nullptr && list->size() == keys &&
        bundle_lists(bundle_by_key, option))
      return BundleValue{(*list)[place]};
    return value;
  }

  void steps(BundlePart const& chain, std::vector<BundleStep>& into) {
    if (bundle_class(chain.target) != "Compose") return step(chain, into);
    auto const list = config_.argument(chain, "transforms");
    auto const* parts = list ? list->as<BundleValue::List>() : nullptr;
    if (parts == nullptr) return miss(text(chain.id, " has no list of transforms"));
    for (auto const& one : *parts) {
      auto const* found = one.as<BundlePart>();
      if (found == nullptr) {
        miss(text(chain.id, ": ", one.in_words(), " is no transform"));
        continue;
      }
      attempt([&] {
        if (bundle_class(found->target) == "Compose")
          miss("a chain of transforms inside a chain");
        else
          step(*found, into);
      });
    }
  }

  void step(BundlePart const& part, std::vector<BundleStep>& into) {
    BundleStep out{bundle_step_name(part.target), {}};
    auto const rows = bundle_steps();
    auto const row = std::ranges::find(rows, out.name, &BundleStepRow::name);
    if (row == rows.end())
      return miss(text("the transform ", printable(part.target.substr(0, 100), "")));
    std::size_t keys = 1;
    auto const place = place_of_key(part, keys);
    if (!place) return;
    for (auto const& option : config_.arguments(part)) {
      if (bundle_lists(row->ignored, option) ||
          std::ranges::find(bundle_anywhere, option) != std::end(bundle_anywhere))
        continue;
      // A chain that is undone was read already; MONAI passes its name around.
      if (!bundle_lists(row->options, option))
        miss(text(out.name, ": the argument ", printable(option.substr(0, 100), "")));
      else if (option != "transform")
        out.options[option] = option_of(part, option, *place, keys);
    }
    into.push_back(std::move(out));
  }

  // Of "checkpointloader", or of the evaluator's handlers.
  void weights(BundlePart const& evaluator) {
    std::optional<BundlePart> loader;
    if (config_.has("checkpointloader")) {
      loader = part("checkpointloader", {"CheckpointLoader"});
    } else if (auto const handlers = config_.argument(evaluator, "val_handlers")) {
      auto const* list = handlers->as<BundleValue::List>();
      for (auto const& one : list != nullptr ? *list : BundleValue::List{}) {
        auto const* found = one.as<BundlePart>();
        if (found != nullptr && bundle_class(found->target) == "CheckpointLoader")
          loader = *found;
      }
    }
    if (!loader) {
      plan_.weights = "models/model.pt";  // where bundles keep it
      return;
    }
    auto const path = config_.argument(*loader, "load_path");
    auto const* words = path ? path->as<std::string>() : nullptr;
    if (words == nullptr || !config_.inside(*words))
      return miss(text("weights outside of the bundle: ",
                       path ? path->in_words() : std::string{"no load_path"}));
    plan_.weights = *words;
  }

  std::vector<std::int64_t> wholes(BundlePart const& part, std::string const& name) {
    std::vector<std::int64_t> out;
    auto const value = config_.argument(part, name);
    auto const* list = value ? value->as<BundleValue::List>() : nullptr;
    if (value && list == nullptr) miss(text(part.id, ": ", name, " ", value->in_words()));
    for (auto const& one : list != nullptr ? *list : BundleValue::List{}) {
      auto const* number = one.as<std::int64_t>();
      if (number == nullptr || *number < 1 || *number > 100'000 || list->size() > 3)
        miss(text(part.id, ": ", name, " of ", one.in_words()));
      else
        out.push_back(*number);
    }
    return out;
  }

  double real(BundlePart const& part, std::string const& name, double otherwise) {
    auto const value = config_.argument(part, name);
    if (!value) return otherwise;
    if (auto const* number = value->as<double>()) return *number;
    if (auto const* number = value->as<std::int64_t>()) return static_cast<double>(*number);
    miss(text(part.id, ": ", name, " ", value->in_words()));
    return otherwise;
  }

  std::string word(BundlePart const& part, std::string const& name, std::string otherwise) {
    auto const value = config_.argument(part, name);
    if (!value) return otherwise;
    if (auto const* found = value->as<std::string>()) return *found;
    miss(text(part.id, ": ", name, " ", value->in_words()));
    return otherwise;
  }

  BundleConfig const& config_;
  BundlePlan plan_;
  std::string key_;  // of what the steps work on
};

}  // namespace

BundlePlan plan_of(BundleConfig const& config) {
  return BundlePlanner{config}.run();
}

Bundle read_bundle(fs::path const& folder) {
  auto const configs = folder / "configs";
  for (auto const* name : {"inference.json", "inference.yaml", "inference.yml"}) {
    auto const file = configs / name;
    if (!fs::is_regular_file(file)) continue;
    auto root = file.extension() == ".json" ? read_json(file)
                                            : parse_bundle_yaml(read_text(file), text(file));
    // All paths begin in the bundle, wherever it was made.
    if (root.is_object()) root["bundle_root"] = ".";
    auto const metadata = configs / "metadata.json";
    return {folder, fs::is_regular_file(metadata) ? read_json(metadata) : Json{},
            BundleConfig{std::move(root), text(file), folder}};
  }
  throw Error{Fault::input,
              text("expected a MONAI bundle, got no configs/inference.json or "
                   "inference.yaml in ",
                   folder),
              "pass the folder of the bundle, unpacked"};
}

}  // namespace fovea
