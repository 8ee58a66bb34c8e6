#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace fovea {

/// A 16 x 16 grey picture, its darkest cell 0 and its brightest 255: what two exposures of the
/// same picture share.
using Thumbnail = std::array<std::uint8_t, 256>;

/// What an image looks like, so that it is found again after scaling, compression or another
/// exposure.
struct Looks {
  std::uint64_t hash =
      0;  ///< signs of the 8 x 8 lowest waves of a DCT of 32 x 32 cells, against their median
  Thumbnail thumbnail{};
};

/// From 32 x 32 cells, row by row (shrunken_grey).
Looks looks_of(std::vector<double> const& cells);

/// Pearson's correlation of two thumbnails; 0 if one of them is flat.
double correlation(Thumbnail const& a, Thumbnail const& b);

/// When two images count as near duplicates. Chest X-rays look alike, so the hash alone would
/// accuse strangers: it only proposes, the thumbnails decide.
struct NearRule {
  int bits = 4;                ///< hashes differ in at most so many
  double correlation = 0.995;  ///< of the thumbnails, at least
  /// So many pairs are compared at most: a million images of 4 x 4 pixels have few hashes, and
  /// would ask for a million times as many. Sets of 5,000 images never reach it.
  std::size_t comparisons = 200'000'000;
};

struct NearFound {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  ///< a < b, sorted
  bool all = true;  ///< false: only the likeliest were compared, too many hashes are alike
};

/// The pairs that fit the rule, found without comparing each with each: hashes
/// are cut into `bits` + 2 pieces; two hashes within `bits` share at least two whole pieces, so
/// only those that share a pair of pieces are compared.
NearFound near_pairs(std::vector<Looks> const& looks, NearRule rule = {});

}  // namespace fovea
