#pragma once

#include "learn/explain/explain.hpp"

#include <optional>
#include <span>
#include <vector>

namespace fovea {

/// A copy in which a share (0 … 1) of the layers has fresh weights of this seed, beginning at
/// the output (Adebayo et al., NeurIPS 2018: cascading randomisation). A method whose maps stay
/// the same shows edges, not reasons. Throws Error{bug} for another share.
Network randomised(Network const& network, std::uint64_t seed, double share = 1);

/// How the answer changes while pixels are taken out of an image (deletion) or put into a blank
/// one (insertion), the most important first (Petsiuk et al., BMVC 2018). A map that knows
/// where the reason lies has a small area under deletion and a large one under insertion,
/// beside maps of random blobs. Blank is each channel's mean over the image.
struct Curve {
  std::vector<double> answers;  ///< at fractions 0, 1/steps, …, 1 of the pixels
  double area = 0;              ///< mean height, trapezoidal
};
struct Removal {
  Curve deletion, insertion;
  Curve random_deletion, random_insertion;  ///< mean of `random` maps of blobs
};
struct RemovalOptions {
  int steps = 20;
  int random = 5;  ///< maps
  int blobs = 7;   ///< values along an axis of a random map, before it is stretched: as coarse
                   ///< as a feature map
  std::uint64_t seed = 0;
  std::int64_t batch = 32;
};

/// Answers should be bounded: ask for a probability. Throws Error{bug} if the map has another
/// size than the image [1, channels, (k,) j, i].
Removal removal_curves(Network const& network,
                       at::Tensor const& image,
                       at::Tensor const& map,
                       Question const& question,
                       RemovalOptions const& options = {});

/// Spearman's: Pearson's correlation of ranks, equal values sharing their mean rank; none if
/// all values of one are equal. Throws Error{bug} if they differ in length.
std::optional<double> rank_correlation(std::span<float const> a, std::span<float const> b);

}  // namespace fovea
