#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string_view>

namespace fovea {

/// Keys keep the order in which they were written.
using Json = nlohmann::ordered_json;

/// Throws Error{input} naming `what` if it is not JSON, is nested deeper than 64, or has a key
/// twice in one object.
Json parse_json(std::string_view words, std::string_view what);
Json read_json(std::filesystem::path const& file);

/// For people and for diffs: two blanks, a line end at the end. Not a number becomes null.
std::string pretty(Json const& json);

}  // namespace fovea
