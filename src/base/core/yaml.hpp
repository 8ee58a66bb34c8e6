#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// One line of a flat YAML mapping: `key: value  # comment`.
struct YamlLine {
  std::string key;
  std::string value;  ///< a scalar's text, or a flow list's: "[a, b]"
  int line = 0;       ///< in the file, from 1
};

/// The subset of YAML 1.2 that plans are written in: one mapping of plain keys to scalars
/// (plain, single or double quoted) or to lists of scalars (flow "[a, b]" or block "- a");
/// comments. Parsed by yaml-cpp, so whatever an editor makes of it is understood; anything
/// deeper (nested maps, anchors, tags, several documents) is refused. Throws Error{input} with
/// the line number; also on a key that occurs twice and on more than 1 MiB.
std::vector<YamlLine> parse_yaml(std::string_view words, std::string_view what);

/// The scalars of a list value: "[a, 'b, c']" gives a and "b, c"; a plain scalar gives itself.
std::vector<std::string> yaml_list(std::string_view value);

/// A scalar as YAML: quoted where it would else be read as something other than this text.
std::string yaml_scalar(std::string_view value);

}  // namespace fovea
