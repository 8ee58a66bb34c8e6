#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace fovea {

/// How far a picture's pixels are apart in mm, {along a row, down a column}, as it stands once
/// its EXIF orientation is applied: what PNG (pHYs), JPEG (JFIF, else EXIF) and TIFF say in
/// units of length. None if they do not, if they only give an aspect, or if it makes no sense:
/// a picture is never refused because of it.
std::optional<std::array<double, 2>> picture_spacing(std::span<std::byte const> bytes);

}  // namespace fovea
