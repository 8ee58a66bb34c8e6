#include "learn/segment/codes.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>

namespace fovea {
namespace {

struct CodesField {
  char const* key;
  Code Segment::*code;
};
constexpr CodesField codes_fields[] = {{"category", &Segment::category},
                                       {"type", &Segment::type},
                                       {"side", &Segment::side},
                                       {"site", &Segment::site}};

[[noreturn]] void codes_refuse(std::string const& found) {
  throw Error{Fault::input, text("the model's codes of structures are damaged: ", found),
              "use the version of fovea that made it, or a newer one"};
}

Code codes_code(Json const& json, char const* key) {
  constexpr std::size_t most = 1024;
  auto const sound =
      json.is_array() && json.size() == 3 && std::ranges::all_of(json, [](Json const& one) {
        return one.is_string() && one.get_ref<std::string const&>().size() <= most;
      });
  if (!sound) codes_refuse(text("'", key, "' is no value, scheme and meaning"));
  return {json[0].get<std::string>(), json[1].get<std::string>(), json[2].get<std::string>()};
}

Segment codes_segment(Json const& json) {
  Segment out;
  if (json.is_null()) return out;
  if (!json.is_object()) codes_refuse("a structure is no object");
  for (auto const& [key, code] : codes_fields) {
    if (json.contains(key)) out.*code = codes_code(json[key], key);
  }
  if (out.type.empty() || out.category.empty()) codes_refuse("a structure has no type");
  if (!json.contains("colour")) return out;
  auto const& colour = json["colour"];
  auto const byte = [](Json const& one) {
    return one.is_number_unsigned() && one.get<std::uint64_t>() <= 255;
  };
  if (!colour.is_array() || colour.size() != 3 || !std::ranges::all_of(colour, byte))
    codes_refuse("'colour' is not three numbers from 0 to 255");
  out.colour = {colour[0].get<std::uint8_t>(), colour[1].get<std::uint8_t>(),
                colour[2].get<std::uint8_t>()};
  return out;
}

}  // namespace

Json codes_json(std::vector<Segment> const& described) {
  auto out = Json::array();
  for (auto const& one : described) {
    auto& json = out.emplace_back();
    if (one.type.empty()) continue;
    for (auto const& [key, code] : codes_fields) {
      auto const& words = one.*code;
      if (!words.empty())
        json[key] = Json::array({utf8(words.value), utf8(words.scheme), utf8(words.meaning)});
    }
    if (one.colour) json["colour"] = *one.colour;
  }
  return out;
}

std::vector<Segment> read_codes(Json const& json, std::size_t structures) {
  std::vector<Segment> out;
  if (json.is_null()) return out;
  if (!json.is_array() || (!json.empty() && json.size() != structures))
    codes_refuse(text("expected a list of ", structures));
  for (auto const& one : json) out.push_back(codes_segment(one));
  return out;
}

}  // namespace fovea
