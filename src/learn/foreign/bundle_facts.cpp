#include "learn/foreign/bundle_facts.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/bundle_lambda.hpp"
#include "learn/foreign/bundle_parts.hpp"

#include <set>

namespace fovea {
namespace {

constexpr std::int64_t facts_most_channels = 10'000;
constexpr std::int64_t facts_most_value = 65535;  // of a mask
constexpr std::size_t facts_longest = 200;        // of a name

[[noreturn]] void facts_refuse(std::string_view what, std::string const& happened) {
  throw Error{Fault::input, text(what, ": ", happened),
              "correct configs/metadata.json: MONAI's bundle specification says what it holds"};
}

Json const& facts_field(Json const& json, std::string_view key, std::string_view what) {
  if (!json.is_object() || !json.contains(std::string{key}))
    facts_refuse(what, text("expected \"", key, "\", got none"));
  return json.at(std::string{key});
}

std::string facts_words(Json const& json, std::string_view key) {
  if (!json.is_object() || !json.contains(std::string{key})) return {};
  auto const& value = json.at(std::string{key});
  return value.is_string() ? value.get<std::string>().substr(0, facts_longest * 10)
                           : std::string{};
}

// "image" of the inputs, "pred" of the outputs, or the first there is.
Json const& facts_tensor(Json const& all, std::string const& usual, std::string_view what) {
  if (!all.is_object() || all.empty()) facts_refuse(what, "expected a mapping of tensors");
  auto const& one = all.contains(usual) ? all.at(usual) : all.begin().value();
  if (!one.is_object()) facts_refuse(what, "expected a tensor's description");
  return one;
}

std::vector<std::string> facts_channels(Json const& tensor,
                                        std::string const& unnamed,
                                        std::string_view what) {
  auto const& count = facts_field(tensor, "num_channels", what);
  if (!count.is_number_integer() || count.get<double>() < 1 ||
      count.get<double>() > static_cast<double>(facts_most_channels))
    facts_refuse(what, text("expected \"num_channels\" of 1 to ", facts_most_channels));
  std::vector<std::string> out;
  for (std::int64_t c = 0; c < count.get<std::int64_t>(); ++c)
    out.push_back(text(unnamed, " ", c));
  if (!tensor.contains("channel_def") || !tensor.at("channel_def").is_object()) return out;
  for (auto const& row : tensor.at("channel_def").items()) {
    auto const at = whole(row.key());
    if (at && *at >= 0 && *at < std::ssize(out) && row.value().is_string())
      out[static_cast<std::size_t>(*at)] =
          row.value().get<std::string>().substr(0, facts_longest);
  }
  return out;
}

}  // namespace

BundleFacts bundle_facts(Json const& metadata, std::string_view what) {
  auto const& formats = facts_field(metadata, "network_data_format", what);
  auto const inputs = text(what, ", inputs"), outputs = text(what, ", outputs");
  auto const& image = facts_tensor(facts_field(formats, "inputs", what), "image", inputs);
  auto const& pred = facts_tensor(facts_field(formats, "outputs", what), "pred", outputs);
  BundleFacts out;
  out.name = facts_words(metadata, "name").substr(0, facts_longest);
  out.version = facts_words(metadata, "version").substr(0, facts_longest);
  out.description = facts_words(metadata, "description");
  out.channels = facts_channels(image, "channel", inputs);
  out.outputs = facts_channels(pred, "label", outputs);
  auto const& shape = facts_field(image, "spatial_shape", inputs);
  if (!shape.is_array() || (shape.size() != 2 && shape.size() != 3))
    facts_refuse(inputs, "expected \"spatial_shape\" of 2 or 3 axes");
  out.dimensions = static_cast<int>(shape.size());
  auto const format = lower(facts_words(pred, "format"));
  auto const type = lower(facts_words(pred, "type"));
  out.labels_voxels = type == "image" || format == "segmentation";
  return out;
}

BundleFacts bundle_facts(Bundle const& bundle) {
  auto const file = bundle.folder / "configs" / "metadata.json";
  if (bundle.metadata.is_null())
    throw Error{Fault::input,
                text("the bundle ", bundle.folder, " has no configs/metadata.json"),
                "pass the folder of a whole bundle"};
  auto out = bundle_facts(bundle.metadata, text(file));
  if (out.name.empty()) out.name = fs::absolute(bundle.folder).filename().string();
  return out;
}

std::vector<BundleLabel> bundle_label_names(BundlePlan const& plan, BundleFacts const& facts) {
  std::vector<BundleLabel> out;
  auto const channels = [&](std::size_t first, std::int64_t value) {
    out.clear();
    for (auto c = first; c < facts.outputs.size(); ++c)
      out.push_back({value + static_cast<std::int64_t>(c - first), facts.outputs[c]});
  };
  auto one_hot = false;
  for (auto const& step : plan.after) {
    if (step.name == "AsDiscrete") {
      one_hot = step_number(step, "to_onehot").has_value();
      if (step_flag(step, "argmax") || one_hot)
        channels(1, 1);
      else if (step_number(step, "threshold"))
        // One output beside two names: MONAI names what is not there, too.
        channels(0, 1);
    }
    if (step.name != "Lambda") continue;
    std::set<std::int64_t> values;
    BundleLambda const function{step_word(step, "func", ""), step.name};
    for (auto const value : function.values()) {
      if (value > 0 && value <= facts_most_value) values.insert(value);
    }
    if (values.empty()) continue;
    if (function.keeps_argument())
      for (auto const& label : out) values.erase(label.value);
    else
      out.clear();
    for (auto const value : values) out.push_back({value, text("label ", value)});
  }
  // As bundle_label_map numbers the channels of a result.
  if (out.empty()) channels(0, 1);
  return out;
}

}  // namespace fovea
