#pragma once

#include "base/image/volume.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace fovea {

/// Mean and spread of values that come a picture at a time. Values that are not finite are left
/// out. For the same bits on any number of threads keep one for each picture and merge them in
/// the order of the pictures.
struct Moments {
  std::int64_t count = 0;
  double mean = 0;
  double squares = 0;  ///< sum of squared differences from the mean
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(std::span<float const> values);
  void add(Volume const& image);  ///< all channels

  /// Chan, Golub, LeVeque 1983.
  void merge(Moments const& other);

  double deviation() const;  ///< over all values (divided by count); 0 of nothing
};

/// How often each value occurs, in 65,536 bins that are 1/256 of a value wide at most (whole
/// numbers up to 256 have a bin each). Merging is a sum of counts: threads may share the
/// pictures in any way.
class Histogram {
 public:
  void add(Volume const& image);  ///< all channels; values that are not finite are left out
  void merge(Histogram const& other);

  std::int64_t count() const { return count_; }
  /// The lowest value of the bin below whose end at least this share of all values lies; share
  /// in 0 … 1. Throws Error{input} of nothing.
  double percentile(double share) const;

 private:
  std::vector<std::int64_t> bins_ = std::vector<std::int64_t>(65536);
  std::int64_t count_ = 0;
};

}  // namespace fovea
