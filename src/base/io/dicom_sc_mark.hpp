#pragma once

#include "base/image/volume.hpp"

#include <string_view>

namespace fovea {

/// A picture with words below it, white on black: whoever sees its pixels sees them. Its own
/// pixels stay as they are; one narrower than 160 is widened to the right, in black.
///
/// In     one slice of u8 or u16, any number of channels
/// Words  capitals, digits and common signs; a question mark stands for anything else
Volume with_words_below(Volume const& picture, std::string_view words);

}  // namespace fovea
