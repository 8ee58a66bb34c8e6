#include "app/dicom_labels.hpp"

#include "base/core/error.hpp"
#include "base/core/json.hpp"
#include "base/core/words.hpp"
#include "base/finding/structures.hpp"

#include <algorithm>

namespace fovea {
namespace {

[[noreturn]] void labels_wrong(std::string const& what) {
  throw Error{Fault::usage, what,
              "for example --labels 1=Liver 2=Spleen, or a file {\"1\": \"Liver\"}"};
}

// "3" or "2:3".
std::optional<LabelName> labels_key(std::string_view words) {
  auto const parts = split(words, ':');
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  LabelName out;
  auto const value = whole(trimmed(parts.back()));
  auto const layer = parts.size() == 2 ? whole(trimmed(parts.front())) : 0;
  if (!value || !layer || *value < 0 || *layer < (parts.size() == 2 ? 1 : 0))
    return std::nullopt;
  out.value = *value;
  out.layer = *layer;
  return out;
}

Code labels_code(Json const& json, std::string const& where) {
  auto const words = json.is_array() && json.size() == 3 &&
                     std::ranges::all_of(json, [](Json const& one) { return one.is_string(); });
  if (!words)
    throw Error{Fault::input, text("expected [value, scheme, meaning] for a code of ", where),
                "for example [\"10200004\", \"SCT\", \"Liver\"]"};
  return {json[0].get<std::string>(), json[1].get<std::string>(), json[2].get<std::string>()};
}

Segment labels_detailed(Json const& json, std::string const& where) {
  auto const name = json.value("name", Json{});
  if (!name.is_string())
    throw Error{Fault::input, text("expected a name for label ", where),
                "write {\"name\": \"Liver\"}"};
  auto out = segment_named(name.get<std::string>());
  std::vector<std::string> const known{"name", "category", "type", "side", "site", "colour"};
  for (auto const& [key, value] : json.items()) {
    if (key == "category") out.category = labels_code(value, where);
    if (key == "type") out.type = labels_code(value, where);
    if (key == "side") out.side = labels_code(value, where);
    if (key == "site") out.site = labels_code(value, where);
    if (std::ranges::find(known, key) == known.end())
      throw Error{Fault::input, text("label ", where, " has an unknown key '", key, "'"),
                  did_you_mean(key, known)};
    if (key != "colour") continue;
    auto const byte = [](Json const& one) {
      return one.is_number_integer() && one.get<std::int64_t>() >= 0 &&
             one.get<std::int64_t>() <= 255;
    };
    if (!value.is_array() || value.size() != 3 || !std::ranges::all_of(value, byte))
      throw Error{Fault::input,
                  text("expected a colour of three numbers 0 to 255, label ", where),
                  "for example [255, 0, 0]"};
    out.colour = {value[0].get<std::uint8_t>(), value[1].get<std::uint8_t>(),
                  value[2].get<std::uint8_t>()};
  }
  return out;
}

std::vector<LabelName> labels_of_json(Json const& file, std::string const& name) {
  auto const inner = file.is_object() && file.contains("labels") ? file["labels"] : file;
  if (!inner.is_object())
    throw Error{Fault::input, text("expected an object of labels in ", name),
                "for example {\"1\": \"Liver\"}"};
  std::vector<LabelName> out;
  for (auto const& [key, value] : inner.items()) {
    if (value.is_number_integer()) {  // nnU-Net's: the name leads to the number
      if (value.get<std::int64_t>() != 0)
        out.push_back({.value = value.get<std::int64_t>(), .segment = segment_named(key)});
      continue;
    }
    auto one = labels_key(key);
    if (!one || !(value.is_string() || value.is_object()))
      throw Error{Fault::input,
                  text("expected a number and a name in ", name, ", got '", key, "'"),
                  "for example {\"1\": \"Liver\"}"};
    if (one->value == 0) continue;
    one->segment = value.is_string() ? segment_named(value.get<std::string>())
                                     : labels_detailed(value, key);
    out.push_back(*std::move(one));
  }
  return out;
}

}  // namespace

std::vector<LabelName> read_label_names(std::vector<std::string> const& words) {
  std::vector<LabelName> out;
  for (auto const& word : words) {
    auto const at = word.find('=');
    if (at == std::string::npos) {
      if (!lower(word).ends_with(".json"))
        labels_wrong(
            text("expected VALUE=NAME or a .json file behind --labels, got '", word, "'"));
      for (auto& one : labels_of_json(read_json(word), word)) out.push_back(std::move(one));
      continue;
    }
    auto one = labels_key(std::string_view{word}.substr(0, at));
    if (!one || one->value == 0)
      labels_wrong(text("expected a number above 0 before =, got '", word, "'"));
    one->segment = segment_named(word.substr(at + 1));
    out.push_back(*std::move(one));
  }
  return out;
}

void name_segments(LabelMap& map, std::vector<LabelName> const& names) {
  auto const layers = map.voxels.channels();
  auto const one_each =
      map.fractional || std::ranges::all_of(map.segments, [](Segment const& segment) {
        return segment.value == 1;
      });
  std::vector<char> named(map.segments.size());
  for (auto const& name : names) {
    auto const layer = name.layer > 0 ? name.layer
                       : layers == 1  ? 1
                       : one_each     ? name.value
                                      : 0;
    auto const value = name.layer == 0 && (layers > 1 || map.fractional) ? 1 : name.value;
    if (layer < 1 || layer > layers)
      labels_wrong(text("the mask has ", layers, " layers: in which of them does label ",
                        name.value, " lie? Write LAYER:VALUE=NAME"));
    auto const at = std::ranges::find_if(map.segments, [&](Segment const& segment) {
      return segment.layer == layer - 1 && segment.value == value;
    });
    auto const place = static_cast<std::size_t>(at - map.segments.begin());
    if (at == map.segments.end()) {
      map.segments.push_back(name.segment);
      named.push_back(0);
    } else {
      if (named[place] != 0) labels_wrong(text("label ", name.value, " is named twice"));
      map.segments[place] = name.segment;
    }
    map.segments[place].layer = layer - 1;
    map.segments[place].value = value;
    named[place] = 1;
  }
  for (std::size_t i = 0; i < map.segments.size(); ++i) {
    // One of a segmentation has its own name and code.
    if (named[i] != 0 || !map.segments[i].type.empty()) continue;
    auto fresh = segment_named(map.segments[i].name);
    fresh.layer = map.segments[i].layer;
    fresh.value = map.segments[i].value;
    map.segments[i] = std::move(fresh);
  }
  std::ranges::stable_sort(map.segments, {}, [](Segment const& segment) {
    return std::pair{segment.layer, segment.value};
  });
}

}  // namespace fovea
