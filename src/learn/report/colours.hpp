#pragma once

#include "base/image/volume.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace fovea {

/// Red, green, blue.
using Rgb = std::array<std::uint8_t, 3>;

/// The colour of a value in [0, 1] (clamped): from dark violet over teal to yellow, its
/// lightness rising evenly, so that equal steps look equal, also in grey and to the
/// colour-blind. Computed in Oklab (Ottosson 2020) from a table of five hues.
Rgb colour_of(double value);

/// A 2D map in colour.
///
/// In      f32, 1 channel, one slice; [low, high] spans the colours, what is not a number is
/// black Out     same grid, u8, 3 channels Throws  Error{bug} on another type or if low >= high
Volume colour_mapped(Volume const& map, double low, double high);

/// A map laid over its picture. Where the map is 0 the picture is seen as it is; where it is 1
/// the colour covers it by `opacity`; so the weak parts of a map do not hide what they lie on.
///
/// In      grey: u8, 1 channel; map: f32, same size, in [0, 1] (clamped; not a number counts as
/// 0) Out     the grid of `grey`, u8, 3 channels Throws  Error{bug} on another type, other
/// sizes or an opacity outside [0, 1]
Volume overlay(Volume const& grey, Volume const& map, double opacity = 0.6);

/// A legend: low at the left, high at the right; u8, 3 channels.
Volume colour_scale(std::int64_t width, std::int64_t height);

/// The picture with its colour scale below, and the numbers at its ends: 0 is dark, `high` is
/// bright. In: u8, 1 or 3 channels; out: u8, 3 channels. Throws Error{bug} on another type.
Volume with_scale(Volume const& picture, double high);

/// Each pixel `times` x `times`: nothing is made up between them. In: a u8 picture of any
/// number of channels. Throws Error{bug} on another type or below 1.
Volume magnified(Volume const& picture, std::int64_t times);

/// At most `width` wide: each pixel the mean of those it covers. Shares the voxels if it is
/// already. In: u8 picture of any number of channels. Throws Error{bug} on another type.
Volume thumbnail(Volume const& picture, std::int64_t width);

/// Pictures in rows of `columns`, each shrunk (never enlarged) to fit a square tile, centred on
/// black; `gap` black pixels between. Grey pictures become colour. Out: u8, 3 channels.
/// Throws Error{bug} without pictures or on other than u8 with 1 or 3 channels.
Volume montage(std::vector<Volume> const& pictures,
               std::int64_t columns,
               std::int64_t tile,
               std::int64_t gap = 2);

}  // namespace fovea
