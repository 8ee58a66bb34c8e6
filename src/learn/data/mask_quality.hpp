#pragma once

#include "learn/data/quality.hpp"

#include <array>
#include <optional>

namespace fovea {

/// What one look at the mask of a case, and at its image through it, gave.
struct MaskFacts {
  std::array<std::int64_t, 3> size{};
  std::array<double, 3> spacing{};  ///< mm
  Unit unit = Unit::arbitrary;
  std::string kind{};   ///< why the mask cannot be used, as Dataset::mask says; empty: it can
  std::string fault{};  ///< the same for people
  std::string hash{};   ///< SHA-256 of its values
  bool white = false;   ///< it held 0 and 255
  std::vector<std::int64_t> voxels{};  ///< by label
  std::vector<double> volumes{};       ///< by label, mm3
  /// Of each label, parts of fewer than ten voxels and of less than a hundredth of it, which
  /// share no corner with another part.
  std::vector<std::int64_t> tiny{};
  std::optional<double> edges{};  ///< edge_contrast; none if it cannot be told
  /// The first channel's mean inside all labels against the whole image, in its deviations.
  std::optional<double> inside{};

  bool usable() const { return kind.empty(); }
};

/// How far the edges of a mask follow edges of the image: the logarithm of the image's mean
/// gradient (central differences, per mm; the mean over channels) at the two layers of voxels
/// on both sides of the mask's surface, against the mean of those in the third to fifth layer
/// inside and in the third and fourth outside (layers by faces; a side of fewer than 20 voxels
/// is left out). 0 is chance: the surface lies anywhere. None without a surface, without either
/// side, or in an even image.
///
/// In  labels of u8 or u16 on the grid of the image; what is not 0 and not `ignore` is inside
std::optional<double> edge_contrast(Volume const& image,
                                    Volume const& labels,
                                    std::optional<std::int32_t> ignore = {});

struct MaskReport {
  std::vector<ImageFacts> images;  ///< by case; looks are those of 2D images only
  std::vector<MaskFacts> masks;    ///< by case
  std::vector<Problem> problems;   ///< most severe first; those found while reading included
};

/// Reads every image and mask once, a case at a time on each thread; the result does not depend
/// on their number. `seen` hears how many are done, one call at a time.
///
/// Problems beside those of images (unreadable, not-finite, constant, duplicate,
/// duplicate-across-splits, near-duplicate, …, patient-across-splits, missing):
/// mask-unreadable · grid-differs · non-integer-label · negative-label · undeclared-label ·
/// mask-not-finite · empty-mask · tiny-component · conflicting-labels (equal images, different
/// masks) · odd-spacing · odd-intensity · mixed-scale (intensities mean different things) ·
/// odd-channels · one-voxel-thick · mask-off-edges (edge_contrast far below that of the other
/// cases: flipped, moved or another case's) · unseen-label (severe) · few-cases
MaskReport mask_quality(Dataset const& set,
                        int threads,
                        std::function<void(std::size_t done)> const& seen = {});

/// The problems again, after splits were assigned.
std::vector<Problem> mask_problems_of(Dataset const& set,
                                      std::vector<ImageFacts> const& images,
                                      std::vector<MaskFacts> const& masks);

/// Writes into Case::labels what the masks show, so that splits and folds spread it and
/// expect_trainable asks for it.
void note_presence(Dataset& set, std::vector<MaskFacts> const& masks);

}  // namespace fovea
