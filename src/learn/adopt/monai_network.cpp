#include "learn/adopt/monai_network.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/checkpoint.hpp"
#include "learn/model/state.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr std::int64_t monai_most = 100'000;  // of any number in a description

std::string monai_class(std::string_view target) {
  return std::string{target.substr(target.rfind('.') + 1)};
}

// The arguments of a network, each asked for once: what is left over is not drawn.
class MonaiArguments {
 public:
  explicit MonaiArguments(BundlePlan const& plan)
      : name_(monai_class(plan.network)), left_(plan.network_options) {
    if (!plan.network_missing.empty()) refuse(joined(plan.network_missing, "; "));
  }

  [[noreturn]] void refuse(std::string const& found) const {
    throw Error{Fault::input, text("the network ", printable(name_), " is not drawn: ", found),
                "add models/model.ts to the bundle and --trust if you trust who made it"};
  }

  std::int64_t whole(std::string const& name, std::int64_t otherwise) {
    auto const value = take(name);
    if (!value || value->is_none()) return otherwise;
    return whole_of(name, *value);
  }

  std::int64_t needed(std::string const& name) {
    constexpr std::int64_t none = -1;
    auto const value = whole(name, none);
    if (value == none) refuse(text("it has no ", name));
    return value;
  }

  std::vector<std::int64_t> wholes(std::string const& name,
                                   std::vector<std::int64_t> otherwise) {
    auto const value = take(name);
    if (!value || value->is_none()) return otherwise;
    auto const* list = value->as<BundleValue::List>();
    if (list == nullptr) return {whole_of(name, *value)};
    std::vector<std::int64_t> out;
    for (auto const& one : *list) out.push_back(whole_of(name, one));
    return out;
  }

  // Numbers by axis for each level: 2 or [2, 2, 1].
  std::vector<std::vector<std::int64_t>> sides(std::string const& name, std::size_t axes) {
    auto const value = take(name);
    auto const* list = value ? value->as<BundleValue::List>() : nullptr;
    if (list == nullptr) refuse(text("it has no list of ", name));
    std::vector<std::vector<std::int64_t>> out;
    for (auto const& one : *list) {
      auto const* inner = one.as<BundleValue::List>();
      if (inner == nullptr) {
        out.emplace_back(axes, whole_of(name, one));
        continue;
      }
      auto& row = out.emplace_back();
      for (auto const& number : *inner) row.push_back(whole_of(name, number));
      if (row.size() != axes) refuse(text(name, " of ", row.size(), " axes"));
    }
    return out;
  }

  // "instance", "INSTANCE", ["instance", {}]: the word in small letters. What stands beside it
  // must be among `known`: "num_groups" with its value.
  std::string kind(std::string const& name,
                   std::string const& otherwise,
                   std::vector<std::pair<std::string_view, double>> const& known = {}) {
    auto const value = take(name);
    if (!value || value->is_none()) return otherwise;
    auto const* list = value->as<BundleValue::List>();
    auto const* word =
        (list != nullptr && !list->empty() ? (*list)[0] : *value).as<std::string>();
    if (word == nullptr) refuse(text(name, " ", value->in_words()));
    if (list == nullptr || list->size() < 2) return lower(*word);
    auto const* more = (*list)[1].as<BundleValue::Dict>();
    if (more == nullptr) refuse(text(name, " with ", (*list)[1].in_words()));
    for (auto const& [key, given] : *more) {
      auto const row = std::ranges::find(known, std::string_view{key},
                                         &std::pair<std::string_view, double>::first);
      auto const* as_whole = given.as<std::int64_t>();
      auto const* as_real = given.as<double>();
      auto const* as_flag = given.as<bool>();
      auto const number = as_whole != nullptr  ? static_cast<double>(*as_whole)
                          : as_real != nullptr ? *as_real
                          : as_flag != nullptr ? (*as_flag ? 1.0 : 0.0)
                                               : -1.0;
      if (row == known.end() || row->second != number)
        refuse(text(name, " with ", printable(key.substr(0, 100)), " ", given.in_words()));
    }
    return lower(*word);
  }

  // An argument that must be what it is anyway.
  void expect(std::string const& name, std::string const& words) {
    auto const value = take(name);
    if (value && lower(value->in_words()) != lower(words) &&
        lower(value->in_words()) != text("'", lower(words), "'"))
      refuse(text(name, " ", value->in_words()));
  }

  void ignore(std::string const& name) { take(name); }

  void done() const {
    if (!left_.empty())
      refuse(text("the argument ", printable(left_.begin()->first.substr(0, 100))));
  }

 private:
  std::optional<BundleValue> take(std::string const& name) {
    auto const at = left_.find(name);
    if (at == left_.end()) return std::nullopt;
    auto out = std::move(at->second);
    left_.erase(at);
    return out;
  }

  std::int64_t whole_of(std::string const& name, BundleValue const& value) const {
    auto const* number = value.as<std::int64_t>();
    if (number == nullptr || *number < 0 || *number > monai_most)
      refuse(text(name, " of ", value.in_words()));
    return *number;
  }

  std::string name_;
  std::map<std::string, BundleValue, std::less<>> left_;
};

SegmentDraw monai_begun(MonaiArguments& given, std::int64_t dimensions) {
  if (dimensions != 2 && dimensions != 3) given.refuse(text(dimensions, " dimensions"));
  return {.dimensions = static_cast<int>(dimensions)};
}

SegmentDraw monai_unet_draw(MonaiArguments& given) {
  auto draw = monai_begun(given, given.needed("spatial_dims"));
  draw.in = given.needed("in_channels");
  draw.out = given.needed("out_channels");
  auto const axes = static_cast<std::size_t>(draw.dimensions);
  auto const channels = given.wholes("channels", {});
  auto const strides = given.sides("strides", axes);
  if (channels.size() < 2 || strides.size() + 1 < channels.size())
    given.refuse(text(channels.size(), " channels and ", strides.size(), " strides"));
  auto kernel = given.wholes("kernel_size", {3});
  auto up_kernel = given.wholes("up_kernel_size", {3});
  if (kernel.size() == 1) kernel.assign(axes, kernel[0]);
  if (up_kernel.size() == 1) up_kernel.assign(axes, up_kernel[0]);
  if (kernel != up_kernel) given.refuse("another up_kernel_size than kernel_size");
  auto const units = given.whole("num_res_units", 0);
  auto const norm = given.kind("norm", "instance", {{"affine", 0}, {"eps", 1e-5}});
  if (norm != "instance" && norm != "batch") given.refuse(text("norm ", printable(norm)));
  draw.norm = norm == "batch" ? SegmentDraw::Norm::batch : SegmentDraw::Norm::instance;
  if (given.kind("act", "prelu", {{"init", 0.25}, {"init", 0.2}}) != "prelu")
    given.refuse("another act than PReLU");
  given.expect("bias", "True");
  given.expect("adn_ordering", "NDA");
  given.ignore("dropout");  // does nothing outside of training
  for (std::size_t level = 0; level < channels.size(); ++level) {
    auto const deepest = level + 1 == channels.size();
    draw.levels.push_back(
        {.features = channels[level],
         .kernel = kernel,
         .stride = deepest ? std::vector<std::int64_t>(axes, 1) : strides[level],
         .blocks = units,
         .decoder_blocks = 1});
  }
  return draw;
}

SegmentDraw monai_segresnet_draw(MonaiArguments& given) {
  auto draw = monai_begun(given, given.whole("spatial_dims", 3));
  auto const width = given.whole("init_filters", 8);
  draw.in = given.whole("in_channels", 1);
  draw.out = given.whole("out_channels", 2);
  auto const down = given.wholes("blocks_down", {1, 2, 2, 4});
  auto const up = given.wholes("blocks_up", {1, 1, 1});
  constexpr std::size_t most_levels = 12;
  if (down.empty() || down.size() > most_levels || up.size() + 1 != down.size())
    given.refuse(text(down.size(), " blocks_down and ", up.size(), " blocks_up"));
  auto const norm = given.kind("norm", "group", {{"num_groups", 8}, {"eps", 1e-5}});
  auto const old_norm = given.kind("norm_name", "group");
  if (norm != "group" || (old_norm != "group" && !old_norm.empty()))
    given.refuse("another norm than groups");
  given.expect("num_groups", "8");
  if (given.kind("act", "relu", {{"inplace", 1}}) != "relu")
    given.refuse("another act than ReLU");
  given.expect("use_conv_final", "True");
  given.expect("upsample_mode", "nontrainable");
  given.ignore("dropout_prob");
  auto const axes = static_cast<std::size_t>(draw.dimensions);
  for (std::size_t level = 0; level < down.size(); ++level)
    draw.levels.push_back(
        {.features = width << level,
         .kernel = std::vector<std::int64_t>(axes, 3),
         .stride = std::vector<std::int64_t>(axes, level == 0 ? 1 : 2),
         .blocks = down[level],
         .decoder_blocks = level + 1 < down.size() ? up[up.size() - 1 - level] : 1});
  return draw;
}

SegmentDraw monai_swin_draw(MonaiArguments& given) {
  auto draw = monai_begun(given, given.whole("spatial_dims", 3));
  draw.in = given.needed("in_channels");
  draw.out = given.needed("out_channels");
  draw.width = given.whole("feature_size", 24);
  if (given.wholes("depths", {2, 2, 2, 2}) != std::vector<std::int64_t>{2, 2, 2, 2})
    given.refuse("other depths than 2, 2, 2, 2");
  if (given.wholes("num_heads", {3, 6, 12, 24}) != std::vector<std::int64_t>{3, 6, 12, 24})
    given.refuse("other num_heads than 3, 6, 12, 24");
  auto const window = given.wholes("window_size", {7});
  if (!std::ranges::all_of(window, [](auto one) { return one == 7; }))
    given.refuse("another window_size than 7");
  if (given.kind("norm_name", "instance") != "instance")
    given.refuse("another norm_name than instance");
  given.expect("patch_size", "2");
  given.expect("qkv_bias", "True");
  given.expect("mlp_ratio", "4");
  given.expect("normalize", "True");
  given.expect("patch_norm", "False");
  given.expect("downsample", "merging");
  given.expect("use_v2", "False");
  given.expect("use_hyena", "False");
  // Of training, or of MONAI before 1.5.
  for (auto const* name :
       {"img_size", "drop_rate", "attn_drop_rate", "dropout_path_rate", "use_checkpoint"})
    given.ignore(name);
  return draw;
}

struct MonaiRow {
  std::string_view theirs, ours;
  SegmentDraw (*draw)(MonaiArguments&);
};
constexpr MonaiRow monai_rows[] = {
    {"UNet", "monai-unet", monai_unet_draw},
    {"Unet", "monai-unet", monai_unet_draw},
    {"SegResNet", "segresnet", monai_segresnet_draw},
    {"SwinUNETR", "swin-unetr", monai_swin_draw},
};

MonaiRow const* monai_row(std::string_view target) {
  // A class of the bundle's own may have the same name.
  if (target.find('.') != std::string_view::npos && !target.starts_with("monai."))
    return nullptr;
  auto const* const row = std::ranges::find(monai_rows, monai_class(target), &MonaiRow::theirs);
  return row == std::end(monai_rows) ? nullptr : row;
}

// What a state dict holds beside what is learnt.
bool monai_is_aside(std::string_view name) {
  return name.ends_with("num_batches_tracked") || name.ends_with("relative_position_index");
}

}  // namespace

bool is_monai_network(std::string_view target) {
  return monai_row(target) != nullptr;
}

Graph monai_graph(BundlePlan const& plan) {
  MonaiArguments given{plan};
  auto const* const row = monai_row(plan.network);
  if (row == nullptr) given.refuse("only UNet, SegResNet and SwinUNETR of MONAI are");
  auto const draw = row->draw(given);
  given.done();
  try {
    return segmenter_named(row->ours).draw(draw);
  } catch (Error const& fault) {
    given.refuse(fault.what());
  }
}

Network monai_network(Bundle const& bundle, BundlePlan const& plan) {
  auto graph = monai_graph(plan);
  auto const state = bundle.config.inside(plan.weights);
  auto const script = bundle.folder / "models" / "model.ts";
  std::error_code fault;
  auto const has_state = state && fs::is_regular_file(*state, fault);
  if (!has_state && !fs::is_regular_file(script, fault))
    throw Error{Fault::input,
                text("the bundle ", bundle.folder, " has no weights: there is neither ",
                     printable(plan.weights), " nor models/model.ts"),
                "download them (large_files.yml says from where) into the bundle's folder"};
  auto const file = has_state ? *state : script;
  TorchCheckpoint const checkpoint{file};
  auto weights =
      checkpoint.weights(checkpoint.is_script() ? checkpoint.root() : checkpoint.state_dict());
  std::erase_if(weights.blobs, [](auto const& blob) { return monai_is_aside(blob.name); });
  Network network{std::move(graph), 0};
  load_all_weights(network, weights, text(file));
  return network;
}

}  // namespace fovea
