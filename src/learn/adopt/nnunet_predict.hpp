#pragma once

#include "learn/adopt/nnunet_network.hpp"
#include "learn/recipe/preprocess.hpp"
#include "learn/window/predict.hpp"

#include <span>

namespace fovea {

/// Options of `nnunet_predict`.
struct NnunetPredict {
  bool flips = true;  ///< along the axes that the model allows (nnU-Net's test-time mirroring)
  double step = 0.5;  ///< from window to window, as a part of the patch
  std::uint64_t memory = 0;  ///< bytes; see Windows::memory
  int threads = 0;           ///< for preparing; 0: all usable cores
  Stop const* stop = nullptr;
};

/// Where the networks of a model see a prepared case, in the words of learn/window.
WayBack way_back_of(Placement const& placement, RecipeConfig const& config);

/// What nnUNetv2_predict gives for an image: prepared as the model's plan says, networks of one
/// or several folds over windows, brought back to the image's own grid.
///
/// In      the channels that the model was trained on, any grid
/// Out     labels (u8 or u16) on that grid: values of NnunetLabel::written, 0 for background
/// Throws  Error{input} if the model is the second step of a cascade, or as prepare; as
///         predict_by_windows
Volume nnunet_predict(NnunetModel const& model,
                      std::span<Network const> networks,
                      Volume const& image,
                      NnunetPredict const& options = {});

}  // namespace fovea
