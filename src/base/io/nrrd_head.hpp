#pragma once

#include "base/io/nrrd.hpp"
#include "base/io/voxel_input.hpp"

#include <functional>
#include <map>
#include <optional>
#include <utility>

// The header of NRRD. Inside base/io only: others call read_nrrd and write_nrrd.
namespace fovea {

/// The fields by their names; blanks in names as the format writes them.
struct NrrdHead {
  std::map<std::string, std::string, std::less<>> fields;
  std::size_t keys = 0;   ///< key:=value
  std::size_t bytes = 0;  ///< of the header, with the empty line
  bool ends = false;      ///< with an empty line

  std::optional<std::string_view> find(std::string_view name) const {
    auto const at = fields.find(name);
    if (at == fields.end()) return std::nullopt;
    return at->second;
  }
  std::string_view get(std::string_view name) const;  ///< throws Refusal{bad-header}
};

[[noreturn]] void nrrd_bad_header(std::string const& found);

/// The header of a file. Throws Refusal{not-nrrd, bad-header, tag-twice}.
NrrdHead nrrd_head_of(ByteSource const& source);

struct NrrdAxis {
  enum class Use { space, colour, vector, other };
  std::int64_t size = 1;
  std::string kind;
  std::string unit;
  std::optional<double> spacing;
  std::optional<std::vector<double>> direction;
  Use use = Use::space;
};

/// Throws Refusal{bad-size, bad-header, bad-affine, bad-spacing, unsupported-type}.
std::vector<NrrdAxis> nrrd_axes(NrrdHead const& head);
/// The grid of the axes in space, and whether it is placed.
std::pair<Grid, bool> nrrd_grid(std::span<NrrdAxis const* const> axes,
                                NrrdHead const& head,
                                std::vector<Note>& notes);

/// Throws Refusal{unsupported-type}.
Type nrrd_type(std::string_view written);
std::string_view nrrd_name_of(Type type);

std::vector<std::string> nrrd_words(std::string_view line);
/// "mm" "" "s": quoted, with blanks inside.
std::vector<std::string> nrrd_quoted(std::string_view line);
double nrrd_length(std::vector<double> const& vector);

/// Notes of what is in the header and left.
void nrrd_say_rest(NrrdHead const& head, std::vector<Note>& notes);

}  // namespace fovea
