#pragma once

#include "learn/patch/patch_sampler.hpp"

#include <utility>
#include <vector>

namespace fovea {

/// From a to b, both included where that matters.
using PatchRange = std::pair<double, double>;

/// nnU-Net's augmentations, in its order, with its probabilities: `like_nnunet` fills them in
/// for a patch. Each has its own key, so switching one off changes nothing about the others.
///
/// The result depends on the case, the place and the key alone. Memory for what is in between
/// is kept by each thread.
///
/// Source  Isensee et al., nnU-Net, Nature Methods 2021; facts from nnU-Net 2.8.1 and
///         batchgeneratorsv2 0.3.6
struct PatchAugment {
  Kji patch{};
  Kji box{};  ///< for PatchSampling, which places patches by it

  // Spatial: turned and scaled about the patch's middle; images linear, labels by the vote of
  // the eight around. All that this reaches is read from the case (nnU-Net ends at its box,
  // which large scales leave): 0 and -1 lie beyond the case only. If neither is drawn the patch
  // is just cut out.
  double turn_chance = 0.2;
  PatchRange turn_degrees{-30, 30};  ///< about each axis, drawn apart
  bool in_plane = false;             ///< only in the j-i plane, and k is never resampled
  double scale_chance = 0.2;
  PatchRange scale{0.7, 1.4};  ///< one for all axes; above 1 things get smaller

  double noise_chance = 0.1;
  PatchRange noise{0, 0.1};  ///< standard deviation, one for all channels

  double blur_chance = 0.2;
  double blur_channel_chance = 0.5;
  PatchRange blur{0.5, 1};  ///< standard deviation in voxels, for each axis of each channel

  double brightness_chance = 0.15;
  PatchRange brightness{0.75, 1.25};  ///< factor: half of the draws below 1, half above

  double contrast_chance = 0.15;
  PatchRange contrast{0.75, 1.25};  ///< factor about the mean, drawn likewise; range kept

  double low_resolution_chance = 0.25;
  double low_resolution_channel_chance = 0.5;
  PatchRange low_resolution{0.5, 1};  ///< size of the coarse image; k is left if in_plane

  double inverted_gamma_chance = 0.1;
  double gamma_chance = 0.3;
  PatchRange gamma{0.7, 1.5};  ///< exponent, drawn as brightness; mean and deviation are kept

  std::array<bool, 3> mirror{true, true, true};  ///< k, j, i: each with probability 1/2
  /// Channels that were normalised inside a mask: made 0 where the label is -1.
  std::vector<bool> masked_channels;

  // A cascade's second stage: what the first one found becomes a channel of 0 and 1 for each of
  // these labels, behind those of the case. Each is made larger, smaller, closed or opened by
  // a ball, or loses a small part, so that the second stage does not believe all of it.
  LabelSet cascade_labels;
  double morphology_chance = 0.4;
  PatchRange morphology_radius{1, 8};  ///< voxels
  double removal_chance = 0.2;
  double removal_most = 0.15;         ///< of the patch: larger parts stay
  double cascade_label_chance = 0.5;  ///< of each label, if either is drawn

  /// For a patch of this size: nnU-Net's angles, whether in the plane only, its box, which axes
  /// are mirrored. Flat (2D) if patch[0] == 1.
  static PatchAugment like_nnunet(Kji const& patch);

  /// Fills `out` (its size must be `patch`) from the case. Labels -1 have become 0. `found`:
  /// the labels that the first stage of a cascade gave this case; needed with cascade_labels.
  void operator()(StoredCase const& from,
                  PatchPlace const& place,
                  PatchKey const& key,
                  PatchView const& out,
                  StoredCase const* found = nullptr) const;
};

/// nnU-Net's size of the box that is cut before turning: the furthest that a corner of the
/// patch reaches when it is turned about one axis by up to `degrees` (at most 90), divided by
/// 0.85. With `in_plane`, k stays.
Kji box_around(Kji const& patch, double degrees, bool in_plane);

}  // namespace fovea
