#pragma once

#include <string_view>

namespace fovea {

/// What every page carries inside: its style, and the small script of the theme button, the
/// hover values, the marked line of the table of contents, and unfolding before printing.
std::string_view page_style();
std::string_view page_script();

}  // namespace fovea
