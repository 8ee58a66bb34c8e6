#pragma once

#include "learn/data/dataset.hpp"

namespace fovea {

/// What one look at every image gave.
struct ImageFacts {
  bool readable = false;
  std::string fault;           ///< why not
  std::int64_t width = 0, height = 0, channels = 0;
  Type type = Type::u8;
  double low = 0, high = 0, mean = 0, deviation = 0;
  std::string hash;            ///< SHA-256 of size, channels, type and voxels
  std::uint64_t looks = 0;     ///< perceptual hash (64 bits of a DCT of the shrunken grey image)
};

struct QualityReport {
  std::vector<ImageFacts> facts;   ///< by case
  std::vector<Problem> problems;   ///< most severe first
};

/// Reads every image once, on `threads` threads, and lists what a person should look at: unreadable, constant, exact and
/// near duplicates inside and across splits, the same image with different labels, odd sizes and intensities,
/// class imbalance, classes with too few cases, labels in test that train never saw. `seen` hears how many are done.
QualityReport quality(Dataset const& set,
                      int threads,
                      std::function<void(std::size_t done)> const& seen = {});

}  // namespace fovea
