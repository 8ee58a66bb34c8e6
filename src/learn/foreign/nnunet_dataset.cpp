#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/nnunet.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr std::int64_t nnunet_most_value = 65535;
constexpr std::size_t nnunet_most_labels = 5000;

[[noreturn]] void nnunet_refuse(std::string_view what,
                                std::string const& expected,
                                Json const& got) {
  auto words = printable(got.dump(-1, ' ', true, Json::error_handler_t::replace), "");
  constexpr std::size_t longest = 80;
  if (words.size() > longest) words = words.substr(0, longest) + "…";
  throw Error{Fault::input, text(what, ": expected ", expected, ", got ", words),
              "it should be the file that nnU-Net v2 left in the folder of the model"};
}

Json const& nnunet_member(std::string_view what, Json const& json, char const* key) {
  if (!json.is_object() || !json.contains(key))
    nnunet_refuse(what, text("an object with \"", key, "\""), json);
  return json.at(key);
}

std::int32_t nnunet_value(std::string_view what, Json const& value) {
  if (!value.is_number_integer() || value.get<double>() < 0 ||
      value.get<double>() > static_cast<double>(nnunet_most_value))
    nnunet_refuse(what, "a whole number from 0 to 65535 as value of a label", value);
  return value.get<std::int32_t>();
}

std::vector<std::int32_t> nnunet_values(std::string_view what, Json const& json) {
  if (!json.is_array()) return {nnunet_value(what, json)};
  if (json.empty() || json.size() > static_cast<std::size_t>(nnunet_most_value))
    nnunet_refuse(what, "values of a region", json);
  std::vector<std::int32_t> out;
  for (auto const& value : json) out.push_back(nnunet_value(what, value));
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<std::string> nnunet_channels(std::string_view what, Json const& json) {
  auto const& names = json.contains("channel_names") ? json.at("channel_names")
                                                     : nnunet_member(what, json, "modality");
  if (!names.is_object() || names.empty() || names.size() > nnunet_most_labels)
    nnunet_refuse(what, "channels by number, {\"0\": \"CT\"}", names);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const& name = nnunet_member(what, names, text(i).c_str());
    if (!name.is_string()) nnunet_refuse(what, "the name of a channel", name);
    out.push_back(name.get<std::string>());
  }
  return out;
}

// In the order of the file; the background, a label of 0 alone, is none.
void nnunet_labels(std::string_view what, Json const& labels, NnunetDataset& into) {
  if (!labels.is_object() || labels.size() > nnunet_most_labels)
    nnunet_refuse(what, "values by name of label, {\"background\": 0, \"liver\": 1}", labels);
  for (auto const& row : labels.items()) {
    auto values = nnunet_values(what, row.value());
    if (row.key() == "ignore") {
      if (values.size() != 1 || values[0] == 0)
        nnunet_refuse(what, "one value above 0 to ignore", row.value());
      into.ignore = values[0];
      continue;
    }
    if (values == std::vector<std::int32_t>{0}) continue;
    if (values[0] == 0) nnunet_refuse(what, "values above 0 in a region", row.value());
    into.regions = into.regions || values.size() > 1;
    auto const written = values[0];
    into.labels.push_back({row.key(), std::move(values), written});
  }
  if (into.labels.empty()) nnunet_refuse(what, "a label above 0", labels);
}

void nnunet_order_of_regions(std::string_view what, Json const& json, NnunetDataset& into) {
  auto const& order = nnunet_member(what, json, "regions_class_order");
  if (!order.is_array() || order.size() != into.labels.size())
    nnunet_refuse(what, text("\"regions_class_order\" of ", into.labels.size(), " values"),
                  order);
  for (std::size_t i = 0; i < order.size(); ++i) {
    into.labels[i].written = nnunet_value(what, order[i]);
    if (into.labels[i].written == 0) nnunet_refuse(what, "values above 0 to write", order);
  }
}

// The network's output n + 1 is the label of value n + 1.
void nnunet_order_of_labels(std::string_view what, Json const& labels, NnunetDataset& into) {
  std::ranges::stable_sort(into.labels, {}, &NnunetLabel::written);
  for (std::size_t i = 0; i < into.labels.size(); ++i) {
    if (static_cast<std::size_t>(into.labels[i].written) != i + 1)
      nnunet_refuse(what, "labels that count 1, 2, 3 … without a gap", labels);
  }
}

}  // namespace

NnunetDataset nnunet_dataset(Json const& json, std::string_view what) {
  NnunetDataset out;
  auto const& labels = nnunet_member(what, json, "labels");
  out.channels = nnunet_channels(what, json);
  nnunet_labels(what, labels, out);
  if (out.regions)
    nnunet_order_of_regions(what, json, out);
  else
    nnunet_order_of_labels(what, labels, out);
  if (!json.contains("file_ending")) return out;
  auto const& ending = json.at("file_ending");
  if (!ending.is_string() || !ending.get_ref<std::string const&>().starts_with('.') ||
      ending.get_ref<std::string const&>().find('/') != std::string::npos)
    nnunet_refuse(what, "the ending of image files, \".nii.gz\"", ending);
  out.ending = ending.get<std::string>();
  return out;
}

}  // namespace fovea
