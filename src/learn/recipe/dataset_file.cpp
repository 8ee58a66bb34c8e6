#include "learn/recipe/dataset_file.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr std::int64_t file_most_value = 65535;
constexpr std::size_t file_most_names = 5000;  // of labels, or channels
constexpr std::size_t file_longest = 1000;     // bytes of a name

// The file and what is wrong with it.
struct FileReader {
  std::string_view what;

  [[noreturn]] void refuse(std::string const& expected, std::string const& got) const {
    throw Error{Fault::input, text(what, ": expected ", expected, ", got ", got),
                "it should be as the Decathlon or nnU-Net writes it"};
  }
  [[noreturn]] void refuse(std::string const& expected, Json const& got) const {
    auto words = printable(got.dump(-1, ' ', true, Json::error_handler_t::replace), "");
    constexpr std::size_t longest = 80;
    refuse(expected, words.size() > longest ? words.substr(0, longest) + "…" : words);
  }

  std::string word(Json const& value, std::string const& expected) const {
    if (!value.is_string()) refuse(expected, value);
    auto const& word = value.get_ref<std::string const&>();
    if (word.size() > file_longest) refuse(expected, text("one of ", word.size(), " bytes"));
    return word;
  }

  std::int32_t value(Json const& json, std::string const& name) const {
    std::optional<std::int64_t> number;
    if (json.is_number_unsigned()) {
      auto const large = json.get<std::uint64_t>();
      if (large <= static_cast<std::uint64_t>(file_most_value))
        number = static_cast<std::int64_t>(large);
    } else if (json.is_number_integer()) {
      number = json.get<std::int64_t>();
    } else if (json.is_string()) {
      number = whole(json.get_ref<std::string const&>());
    }
    if (!number || *number < 0 || *number > file_most_value)
      refuse(text("a whole number from 0 to ", file_most_value, " as value of the label '",
                  printable(name.substr(0, 80), ""), "'"),
             json);
    return static_cast<std::int32_t>(*number);
  }

  std::vector<std::int32_t> values(Json const& json, std::string const& name) const {
    if (!json.is_array()) return {value(json, name)};
    if (json.empty() || json.size() > static_cast<std::size_t>(file_most_value))
      refuse("one value or more of a region", json);
    std::vector<std::int32_t> out;
    for (auto const& one : json) out.push_back(value(one, name));
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    if (out.size() > 1 && out.front() == 0) refuse("values above 0 in a region", json);
    return out;
  }

  // {"0": "CT", "1": "PET"}: by number, and none left out.
  std::vector<std::string> channels(Json const& json) const {
    auto const* const key = json.contains("channel_names") ? "channel_names" : "modality";
    if (!json.contains(key)) return {};
    auto const& names = json.at(key);
    if (!names.is_object() || names.empty() || names.size() > file_most_names)
      refuse(text("an object of channels, {\"0\": \"CT\"}, as \"", key, "\""), names);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < names.size(); ++i) {
      auto const at = names.find(text(i));
      if (at == names.end())
        refuse(text("channel ", i, " as \"", i, "\" in \"", key, "\""), names);
      out.push_back(word(*at, "the name of a channel"));
    }
    return out;
  }

  // Decathlon and nnU-Net v1: {"0": "background", "1": "liver"}.
  static bool by_number(Json const& labels) {
    for (auto const& row : labels.items()) {
      auto const& name = row.value();
      if (!whole(row.key()) || !name.is_string() || whole(name.get_ref<std::string const&>()))
        return false;
    }
    return true;
  }

  void labels_by_number(Json const& labels, DatasetFile& into) const {
    for (auto const& row : labels.items()) {
      auto const name = word(row.value(), "the name of a label");
      auto const number = value(Json(row.key()), name);
      if (number > 0) into.labels.push_back({name, {number}, number});
    }
    std::ranges::stable_sort(into.labels, {}, &DatasetFileLabel::written);
  }

  void labels_by_name(Json const& labels, DatasetFile& into) const {
    for (auto const& row : labels.items()) {
      auto found = values(row.value(), row.key());
      if (row.key() == "ignore") {
        if (found.size() != 1 || found[0] == 0)
          refuse("one value above 0 to ignore", row.value());
        into.ignore = found[0];
        continue;
      }
      if (found.front() == 0) continue;
      auto const written = found.front();
      into.labels.push_back({row.key(), std::move(found), written});
    }
    for (auto const& label : into.labels) {
      if (into.ignore && std::ranges::binary_search(label.values, *into.ignore))
        refuse("a value of its own to ignore",
               text(*into.ignore, ", which the label '", printable(label.name, ""), "' has"));
    }
  }

  void unique_names(DatasetFile const& file) const {
    std::set<std::string_view> names;
    for (auto const& label : file.labels) {
      if (label.name.empty() || label.name.size() > file_longest ||
          !names.insert(label.name).second)
        refuse("a name of its own for each label",
               text("'", printable(label.name.substr(0, 80), ""), "' twice"));
    }
  }

  // Which value each region gets in an answer, in the order of regions.
  void order_of_regions(Json const& json, DatasetFile& into) const {
    if (!json.contains("regions_class_order"))
      refuse("\"regions_class_order\" where labels cover several values", std::string{"none"});
    auto const& order = json.at("regions_class_order");
    if (!order.is_array() || order.size() != into.labels.size())
      refuse(text("\"regions_class_order\" of ", into.labels.size(), " values"), order);
    for (std::size_t i = 0; i < into.labels.size(); ++i) {
      into.labels[i].written = value(order[i], into.labels[i].name);
      if (into.labels[i].written == 0) refuse("values above 0 in the order of regions", order);
    }
  }

  std::string ending(Json const& json) const {
    auto const expected = std::string{"the ending of image files, \".nii.gz\""};
    auto out = word(json, expected);
    if (out.size() < 2 || out.front() != '.' || out.find('/') != std::string::npos)
      refuse(expected, json);
    return out;
  }
};

bool file_has_regions(std::vector<DatasetFileLabel> const& labels) {
  std::set<std::int32_t> seen;
  for (auto const& label : labels) {
    if (label.values.size() > 1 || !seen.insert(label.values.front()).second) return true;
  }
  return false;
}

}  // namespace

DatasetFile read_dataset_file(Json const& json, std::string_view what) {
  FileReader const reader{what};
  if (!json.is_object() || !json.contains("labels"))
    reader.refuse("an object with \"labels\"", json);
  auto const& labels = json.at("labels");
  if (!labels.is_object() || labels.empty() || labels.size() > file_most_names)
    reader.refuse("values by name of label, {\"background\": 0, \"liver\": 1}, as \"labels\"",
                  labels);
  DatasetFile out;
  out.channels = reader.channels(json);
  if (FileReader::by_number(labels))
    reader.labels_by_number(labels, out);
  else
    reader.labels_by_name(labels, out);
  if (out.labels.empty()) reader.refuse("a label above 0", labels);
  reader.unique_names(out);
  out.regions = file_has_regions(out.labels);
  if (out.regions) reader.order_of_regions(json, out);
  if (json.contains("file_ending")) out.ending = reader.ending(json.at("file_ending"));
  return out;
}

Json dataset_file_json(DatasetFile const& file) {
  Json out = Json::object();
  for (std::size_t i = 0; i < file.channels.size(); ++i)
    out["channel_names"][text(i)] = file.channels[i];
  auto& labels = out["labels"] = {{"background", 0}};
  auto order = Json::array();
  for (auto const& label : file.labels) {
    if (labels.contains(label.name) || label.name == "ignore")
      throw Error{Fault::input,
                  text("expected labels of other names than background and ignore, got '",
                       printable(label.name, ""), "'"),
                  "rename the label"};
    if (file.regions)
      labels[label.name] = label.values;
    else
      labels[label.name] = label.values.front();
    order.push_back(label.written);
  }
  if (file.ignore) labels["ignore"] = *file.ignore;
  if (file.regions) out["regions_class_order"] = order;
  out["file_ending"] = file.ending;
  return out;
}

}  // namespace fovea
