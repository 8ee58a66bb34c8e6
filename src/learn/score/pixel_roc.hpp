#pragma once

#include "base/image/volume.hpp"
#include "learn/metric/bootstrap.hpp"

#include <cstdint>
#include <vector>

namespace fovea {

/// ROC of pixels pooled over images, in 0.5 MB and 8 KB an image however many pixels there are:
/// probabilities are counted in 65536 bins that are as fine near 0 and near 1 as they are far
/// off (a thousandth of p or of 1 - p).
class PixelRoc {
 public:
  /// One image more.
  ///
  /// In      probability f32; truth (not 0: positive); within (not 0: inside the field of view)
  ///         or null; all of one channel on the same grid
  ///         group: the patient, whose images the interval takes together; below 0: its own
  /// Throws  Error{input} if they do not fit together or a probability is not in 0 … 1
  void add(Volume const& probability,
           Volume const& truth,
           Volume const* within = nullptr,
           std::int64_t group = -1);
  /// The images of another after these.
  void add(PixelRoc const& other);

  std::int64_t positives() const;
  std::int64_t negatives() const;

  /// The area under the curve, pixels of a bin as ties, which are counted half; the interval by
  /// bootstrap over patients. Undefined without positives or negatives.
  Interval auc(BootstrapOptions const& options = {}) const;
  /// How far at most the exact area is from it.
  double auc_error() const;

  /// Of pixels called positive at p >= 1/2 and the like; `threshold` is rounded to a bin.
  struct At {
    double threshold;
    std::int64_t tp = 0, fp = 0, fn = 0, tn = 0;
  };
  At at(double threshold) const;
  /// From the highest threshold to the lowest, at most `points`, evenly along the curve.
  std::vector<At> curve(std::size_t points = 200) const;

 private:
  struct Image {
    std::int64_t group;
    std::vector<std::uint32_t> coarse;  ///< [2, 1024]: negatives, positives
  };
  std::vector<std::int64_t> fine_;  ///< [2, 65536]; empty before the first image
  std::vector<Image> images_;
};

}  // namespace fovea
