#pragma once

#include "base/core/json.hpp"
#include "base/image/volume.hpp"
#include "learn/recipe/recipe.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// The values of one channel of an image: of about a million of its voxels, drawn alike every
/// time, percentiles 0.5 and 99.5. Those of a CT below -1024 HU count as -1024: scanners write
/// -2000 or -3024 beyond their field of view.
struct SeenValues {
  double low = 0, high = 0;
  bool flat = false;  ///< not two finite voxels of the whole channel differ

  double contrast() const { return high - low; }
};
SeenValues seen_values(Volume const& image, std::int64_t channel, Normalisation normalisation);

/// What they were like over the training cases: the least and the most of each number.
struct SeenChannel {
  std::array<double, 2> low{}, high{}, contrast{};
  bool flat = false;  ///< a case had but one value

  void add(SeenValues const& values, bool first);
};

Json seen_json(std::vector<SeenChannel> const& seen);
/// Empty of a model that says nothing. Throws Error{input} if it is damaged, or of another
/// number of channels.
std::vector<SeenChannel> read_seen(Json const& json, std::size_t channels);

/// Why a network was not made for such values, in a sentence; else empty.
///
/// Without any contrast   refused unless a training case had none
/// CT, or as they come    the network takes values for what they are: a range that ends more
///                        than 500 HU (of others, and if that is more, a quarter of the
///                        training range) away from where the training cases' did; that begins
///                        so much above; a contrast below a tenth of the least. A CT may begin
///                        lower: what lies below the recipe's range looks all the same.
/// Others                 any range: they are normalised case by case, and the numbers of MR
///                        mean nothing
/// `seen` may be null: then only contrast is looked at.
std::string outside_seen(SeenValues const& values,
                         SeenChannel const* seen,
                         Normalisation normalisation);

/// The DICOM modality that a channel's name stands for: "CT"; "MR" for MR, MRI, T1, T1w, T1gd,
/// T1ce, T2, T2w, FLAIR, ADC, DWI, PD; "PT" for PT and PET; else empty.
std::string_view modality_of(std::string_view channel);

}  // namespace fovea
