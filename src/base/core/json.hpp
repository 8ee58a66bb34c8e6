#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace fovea {

/// Keys keep the order in which they were written.
using Json = nlohmann::ordered_json;

/// Throws Error{input} naming `what` if it is not JSON, is nested deeper than 64, has a key
/// twice in one object, or an object of more than 20,000 keys.
Json parse_json(std::string_view words, std::string_view what);
/// The same of a file of at most 64 MiB.
Json read_json(std::filesystem::path const& file);

/// The same text with what is no UTF-8 replaced, as JSON demands: names of files can be any
/// bytes.
std::string utf8(std::string_view words);

/// For people and for diffs: two blanks, a line end at the end. Not a number becomes null.
std::string pretty(Json const& json);

}  // namespace fovea
