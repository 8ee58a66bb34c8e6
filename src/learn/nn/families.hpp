#pragma once

#include "learn/nn/network.hpp"

namespace fovea {

// One file for each family; catalogue.cpp names them. Weights are named as torchvision names
// them.

/// The classic of Keras' examples: convolution, ReLU, pool, and again; flatten; dense; dense.
struct SmallCnn {
  std::vector<std::int64_t> widths{
      32, 64};  ///< of the convolutions, 3 x 3 without padding, a 2 x 2 pool behind each
  std::int64_t dense = 64;  ///< of the hidden dense layer
};

/// Flatten needs a fixed size: the last map is pooled to the size that it has for images of
/// draw.size, which is no work at all for those and lets other sizes through.
///
/// In      [batch, in, (k,) j, i] float32; sides of at least 10 pixels with two convolutions,
/// 22 with three Out     [batch, out] logits Source  Chollet, "Simple MNIST convnet" and Keras'
/// image classification example
Graph small_cnn(Draw const& draw, SmallCnn const& options = {});

/// He et al., "Deep residual learning", CVPR 2016.
struct ResNet {
  std::vector<std::int64_t> blocks;  ///< of each stage: {2, 2, 2, 2}
  bool bottleneck = false;  ///< 1x1, 3x3, 1x1 with a fourfold output, for 50 layers and more
};
Graph resnet(std::string_view name, Draw const& draw, ResNet const& options);

}  // namespace fovea
