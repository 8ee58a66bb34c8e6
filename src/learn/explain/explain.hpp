#pragma once

#include "learn/nn/network.hpp"

#include <functional>
#include <optional>

namespace fovea {

/// What is asked of a network: from its outputs [cases, …] to one number for each case,
/// [cases]. Differentiable. Any task has one: a class's logit, the voxels of an organ, a risk.
using Question = std::function<at::Tensor(at::Tensor const& outputs)>;

/// The logit of one class: outputs [cases, classes].
Question logit_of(std::int64_t label);
/// Its probability, for curves that must be bounded: softmax over the classes, or a sigmoid of
/// its own where labels do not exclude each other.
Question probability_of(std::int64_t label, bool exclusive = true);

/// A map that says how much each pixel counts for the answer: [(k,) j, i] float32 on the CPU,
/// the size of the image, in units of the answer or of no meaning (each method says); larger is
/// more.
using Explainer = std::function<at::Tensor(
    Network const& network, at::Tensor const& image, Question const& question)>;

/// Grad-CAM (Selvaraju et al., ICCV 2017): channels of a layer weighted by their mean gradient,
/// added, negative parts cut off, stretched to the image by (bi- or tri-)linear interpolation.
/// No unit.
///
/// In      image [1, channels, (k,) j, i], prepared as for the network
/// Throws  Error{input} if the layer has no places (a vector), or its tokens cannot be laid out
/// on the image
struct GradCam {
  std::optional<std::size_t> node = std::nullopt;  ///< of the graph; none: its mark "features"

  at::Tensor operator()(Network const& network,
                        at::Tensor const& image,
                        Question const& question) const;
};

/// Occlusion (Zeiler and Fergus, ECCV 2014): how far the answer falls when a patch is covered,
/// averaged over the patches on a pixel. In units of the answer; negative where covering helps.
struct Occlusion {
  std::int64_t patch = 0;  ///< pixels along a side; 0: an eighth of the shortest side
  std::int64_t stride =
      0;  ///< between patches; 0: half of the patch, for volumes (a cube of passes) the whole
  double value = 0;         ///< what covers: 0 is the mean of images that are normalised
  std::int64_t batch = 32;  ///< images at once

  at::Tensor operator()(Network const& network,
                        at::Tensor const& image,
                        Question const& question) const;
};

/// Integrated gradients (Sundararajan et al., ICML 2017): the gradient along the straight way
/// from a baseline to the image, times the difference. In units of the answer: all pixels
/// together give what the answer rose by (completeness).
struct IntegratedGradients {
  std::int64_t steps = 32;  ///< of the midpoint rule
  double baseline = 0;      ///< value of every pixel of it
  std::int64_t batch = 16;  ///< steps at once

  struct Result {
    at::Tensor attribution;  ///< [channels, (k,) j, i], signed
    double rise = 0;         ///< answer for the image less that for the baseline
    double gap = 0;          ///< |sum of the attribution - rise|: what the steps left out
  };
  Result with_check(Network const& network,
                    at::Tensor const& image,
                    Question const& question) const;

  /// Added over the channels.
  at::Tensor operator()(Network const& network,
                        at::Tensor const& image,
                        Question const& question) const;
};

/// One row for each method that a user can name. Add yours in explain.cpp.
struct ExplainerRow {
  std::string_view name;
  std::string_view does;
  Explainer (*with_defaults)();
};
std::span<ExplainerRow const> explainers();
/// Throws Error{usage} with the nearest name.
ExplainerRow const& explainer_named(std::string_view name);

/// The mean of the networks' maps.
at::Tensor explained(std::span<Network const> ensemble,
                     at::Tensor const& image,
                     Question const& question,
                     Explainer const& how);

}  // namespace fovea
