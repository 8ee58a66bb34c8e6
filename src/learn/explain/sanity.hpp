#pragma once

#include "learn/explain/explain.hpp"

#include <string>
#include <vector>

namespace fovea {

/// Do the maps depend on what the network has learnt? (Adebayo et al., NeurIPS 2018: cascading
/// randomisation.)
struct Randomised {
  std::vector<std::string>
      layers;  ///< the last layer that each stage randomised, from the output down to the input
  std::vector<std::optional<double>>
      similarity;  ///< rank correlation with the maps before; mean of the images; none: maps of
                   ///< one value alone
  bool depends_on_weights =
      false;  ///< with all weights random the maps are less than half alike

  static constexpr double alike = 0.5;
};

/// Explains `images` [cases, channels, (k,) j, i] one by one, then again after giving more and
/// more layers of a copy fresh weights, from the output to the input, in at most `stages` equal
/// steps. A method whose maps hardly change shows edges, not reasons.
Randomised randomised_weights(Network const& network,
                              at::Tensor const& images,
                              Question const& question,
                              Explainer const& how,
                              std::uint64_t seed,
                              int stages = 4);

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
