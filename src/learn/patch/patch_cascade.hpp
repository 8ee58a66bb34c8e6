#pragma once

#include "learn/patch/patch_sampler.hpp"

#include <span>

namespace fovea {

// For the second stage of a cascade, which sees what the first one found as channels more.

/// 1 where the label is that of the channel, else 0: [labels, k, j, i] from [k, j, i]. Throws
/// Error{bug} unless `out` has room for exactly these.
void one_hot(std::span<std::int16_t const> found,
             std::span<std::int16_t const> labels,
             std::span<float> out);

/// cut_patch with channels more behind those of the case: one for each of `labels`, as the
/// first stage, whose labels are `found`, saw it. Throws Error{input} if it is of another size
/// than the case.
void cut_patch(StoredCase const& from,
               StoredCase const& found,
               std::span<std::int16_t const> labels,
               PatchPlace const& place,
               PatchView const& out);
void expect_same_size(StoredCase const& from, StoredCase const& found);

enum class Morphology { dilate, erode, close, open };

/// What a ball of this radius (voxels, up to 8; a disc if k is 1) makes of a mask of 0 and 1,
/// in place. Nothing is known beyond the borders: they neither grow nor shrink a mask.
void patch_morphology(std::span<std::uint8_t> mask,
                      Kji const& size,
                      Morphology which,
                      double radius);

/// Takes one part away from a mask of 0 and 1: drawn (`chosen` is a number in [0, 1)) from
/// those parts (voxels that share a face, an edge or a corner) that have fewer than `most`
/// voxels. Nothing if there is none.
void patch_remove_part(std::span<std::uint8_t> mask,
                       Kji const& size,
                       std::int64_t most,
                       double chosen);

}  // namespace fovea
