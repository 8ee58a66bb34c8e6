#pragma once

#include "base/core/json.hpp"
#include "base/image/volume.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace fovea {

// Arrays of axes are in the order k, j, i here, as nnU-Net's files have them and as tensors
// are.
using Shape3 = std::array<std::int64_t, 3>;
using Spacing3 = std::array<double, 3>;  ///< mm

/// The foreground's values of one channel over a data set in which every case weighs the same.
struct IntensityStatistics {
  double mean = 0, median = 0, deviation = 0, least = 0, most = 0;
  double lower = 0, upper = 0;  ///< percentiles 0.5 and 99.5
};

/// What a plan is made from: nnU-Net's dataset_fingerprint.json.
struct Fingerprint {
  std::vector<Spacing3> spacings;  ///< by case
  std::vector<Shape3> shapes;      ///< by case, after the crop to what is not zero
  double size_ratio = 1;           ///< median of voxels after / before that crop
  std::vector<IntensityStatistics> intensities;  ///< by channel
};

/// Of an array whose axes are k, j, i. Of a turned grid only 6 digits count: what lies behind
/// them is the rounding of its directions and would make equal spacings differ.
Spacing3 spacing_of(Grid const& grid);
Shape3 shape_of(Grid const& grid);

/// A 2D picture as nnU-Net's reader has it: pixels of 1 x 1 mm in one slice of 999 mm, so that
/// nothing ever runs along k. The same voxels; a colour picture's channels are channels.
/// Throws Error{input} if there is more than one slice.
Volume as_picture(Volume const& picture);

/// Collects a fingerprint case by case, from any number of threads; the result does not depend
/// on which thread was when. It holds at most 16 MiB for each channel however many cases: of
/// each case's foreground (label > 0) as many values at evenly spaced ranks as fit, and the
/// exact moments. nnU-Net draws the same number of voxels from every case at random; this is
/// what its figures scatter around.
class FingerprintBuilder {
 public:
  /// Throws Error{usage} unless there is at least one case and one channel.
  FingerprintBuilder(std::int64_t cases, std::int64_t channels);

  /// Case `at` of 0 ... cases - 1. Labels: one channel on the image's voxels.
  /// Throws Error{input} if sizes differ, there are other channels than said, a value is not
  /// finite, or a label is not a whole number.
  void add(std::int64_t at, Volume const& image, Volume const& labels);

  /// Throws Error{bug} if a case was not added; Error{input} if no case has foreground.
  Fingerprint finish() const;

 private:
  struct Part {
    Spacing3 spacing{};
    Shape3 shape{};
    double ratio = 1;
    std::vector<IntensityStatistics> moments;  // by channel
    std::vector<std::vector<float>> ranks;     // by channel, ascending; none without foreground
  };
  std::int64_t channels_;
  std::size_t most_ranks_;
  std::vector<std::optional<Part>> parts_;
  std::mutex lock_;
};

/// nnU-Net's dataset_fingerprint.json.
Json fingerprint_json(Fingerprint const& fingerprint);
/// Throws Error{input} naming `what` and the key: missing, of another kind, not finite, not
/// above 0, of more than 1,000,000 cases or 10,000 channels.
Fingerprint read_fingerprint(Json const& json, std::string_view what);

}  // namespace fovea
