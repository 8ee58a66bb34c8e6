#pragma once

#include <string_view>

namespace fovea {

/// Of the program and the library; CMakeLists.txt reads it from here.
constexpr std::string_view version = "0.1.0";

}  // namespace fovea
