#pragma once

#include "base/image/volume.hpp"

#include <optional>
#include <span>
#include <string_view>

// The PNGs that most are, without libpng. Inside base/io only: others call read_picture.
namespace fovea {

/// Chunks that change no pixel (profiles, times, words), four letters and a zero each: no
/// reader of ours looks into them.
inline constexpr std::string_view png_notes{
    "cHRM\0gAMA\0iCCP\0sRGB\0sBIT\0bKGD\0hIST\0pHYs\0sPLT\0tIME\0"
    "tEXt\0zTXt\0iTXt\0oFFs\0pCAL\0sCAL\0sTER\0",
    85};

/// The picture in a plain PNG: 8 bits, not interlaced, no transparent colour, nothing but notes
/// beside its header, palette and pixels, whole and with every sum right. Nothing if the bytes
/// are anything else, damaged ones as well: then libpng reads them, or says what is wrong. What
/// comes back is what libpng makes of the same bytes, in about a third of the time.
///
/// The bytes must begin with signature and header, its size held against the limits already.
/// Throws Error{input} on a pixel beyond the palette, Error{resource} without memory.
///
/// PNG specification (ISO/IEC 15948), sections 5, 9 and 11
std::optional<Volume> decode_plain_png(std::span<std::byte const> bytes);

}  // namespace fovea
