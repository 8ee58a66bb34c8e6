#pragma once

#include <span>
#include <string_view>

namespace fovea {

/// How pixels are packed inside a data set.
enum class Codec { none, rle, jpeg, jpeg_ls, jpeg_2000, frames_deflated, video, other };

/// A transfer syntax: how a data set is written.
struct Syntax {
  std::string_view uid;
  std::string_view name;
  bool explicit_kinds = true;  ///< each attribute says the kind of its value
  bool big = false;            ///< most significant byte first
  bool deflated = false;       ///< all behind the meta header
  bool encapsulated = false;   ///< pixels lie in fragments
  Codec codec = Codec::none;
};

std::span<Syntax const> syntaxes();

/// The row of this UID; one that nobody knows is taken for explicit, little endian, with pixels
/// of an unknown codec, as PS3.5 asks of all new ones.
Syntax const& syntax_of(std::string_view uid);

}  // namespace fovea
