#pragma once

#include "base/core/file.hpp"
#include "base/geometry/mesh.hpp"

#include <iosfwd>

namespace fovea {

/// Whether a name ends as .stl, .obj or .ply, in any case.
bool names_a_mesh(fs::path const& file);

/// Writes a mesh as its name ends: STL (binary, triangle by triangle), OBJ (text) or PLY
/// (binary, little-endian), places as 32-bit floats in mm, LPS, which the header says in the
/// words that 3D Slicer heeds (SPACE=LPS). The same mesh gives the same bytes. Throws
/// Error{usage} on another ending; as write_file does.
void write_mesh(fs::path const& file, Mesh const& mesh);

}  // namespace fovea
