#pragma once

#include "base/io/mha.hpp"

#include <string>

// Words of MetaImage that reading and writing share. Inside base/io only.
namespace fovea {

/// "MET_SHORT"
std::string_view mha_name_of(Type type);
/// Where each axis comes from, as ITK writes it: "RAI" is LPS, from right, front and feet.
std::string mha_orientation(Grid const& grid);

}  // namespace fovea
