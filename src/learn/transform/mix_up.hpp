#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

namespace fovea {

/// How much of the first of two samples to keep (Zhang et al. 2018): Beta(strength, strength),
/// and of the two shares it gives the larger, so that the first sample stays the main one.
/// 1 if strength is 0.
double mix_up_share(double strength, Rng& rng);

/// share * one + (1 - share) * other: mix the targets by the same share. Mix-up works on two
/// pictures and on their targets, so it is no row of transforms().
///
/// In      two pictures of the same size and channels, any types
/// Out     f32 on the grid of the first
/// Throws  Error{bug} if their sizes differ: prepare them first
Volume mix_up(Volume const& one, Volume const& other, double share);

}  // namespace fovea
