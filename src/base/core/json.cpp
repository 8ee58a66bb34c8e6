#include "base/core/json.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"

#include <set>

namespace fovea {
namespace {

constexpr int json_depth = 64;
// An ordered object looks a key up one by one, so its cost grows with the square.
constexpr std::size_t json_keys = 20'000;

}  // namespace

Json parse_json(std::string_view words, std::string_view what) {
  std::vector<std::set<std::string>> seen;
  auto const check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > json_depth)
      throw Error{Fault::input, text(what, " is nested deeper than ", json_depth, " levels"),
                  "it is not a file of this program"};
    if (event == Json::parse_event_t::object_start) seen.emplace_back();
    if (event == Json::parse_event_t::object_end) seen.pop_back();
    if (event == Json::parse_event_t::key &&
        !seen.back().insert(value.get<std::string>()).second)
      throw Error{Fault::input, text(what, " has the key ", value.dump(), " twice"),
                  "keep one of them"};
    if (event == Json::parse_event_t::key && seen.back().size() > json_keys)
      throw Error{Fault::input, text(what, " has an object of more than ", json_keys, " keys"),
                  "it is not a file of this program"};
    return true;
  };
  try {
    return Json::parse(words, check);
  } catch (Json::exception const& fault) {
    throw Error{Fault::input, text("expected JSON in ", what, ", got: ", fault.what()),
                "the file may be cut short or damaged"};
  }
}

Json read_json(std::filesystem::path const& file) {
  return parse_json(read_text(file, 64U << 20), text(file));
}

std::string utf8(std::string_view words) {
  auto const dumped = Json(words).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(dumped).get<std::string>();
}

std::string pretty(Json const& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fovea
