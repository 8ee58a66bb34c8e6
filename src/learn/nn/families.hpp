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

/// He et al., "Deep residual learning for image recognition", CVPR 2016. Small images keep
/// their pixels: the stem is a 3 x 3 convolution without pooling.
struct ResNet {
  std::vector<std::int64_t> blocks;  ///< of each stage: {2, 2, 2, 2}
  std::int64_t width = 64;           ///< of the first stage; doubles with each
  bool bottleneck = false;  ///< 1x1, 3x3, 1x1 with a fourfold output, for 50 layers and more
};
Graph resnet(std::string_view name, Draw const& draw, ResNet const& options);

/// A compact residual network with pre-activation (He et al., "Identity mappings in deep
/// residual networks", ECCV 2016): three stages of two blocks, 0.7 million weights; made for
/// small grey images and short budgets.
struct ResNetSmall {
  std::int64_t width = 32;  ///< of the first stage; doubles with each
  std::int64_t stages = 3;
  std::int64_t blocks = 2;  ///< of each stage
};
Graph resnet_small(Draw const& draw, ResNetSmall const& options = {});

/// Simonyan and Zisserman, "Very deep convolutional networks", ICLR 2015, configuration A.
/// Small images are not pooled below two pixels, and get a head of 512 instead of 4096.
Graph vgg11(Draw const& draw);

/// Huang et al., "Densely connected convolutional networks", CVPR 2017.
Graph densenet121(Draw const& draw);

/// Szegedy et al., "Rethinking the Inception architecture", CVPR 2016, without the auxiliary
/// head.
Graph inception_v3(Draw const& draw);

/// Tan and Le, "EfficientNet", ICML 2019.
Graph efficientnet_b0(Draw const& draw);

/// Liu et al., "A ConvNet for the 2020s", CVPR 2022.
Graph convnext_tiny(Draw const& draw);

/// Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, in the small size of Touvron
/// et al., "DeiT", ICML 2021: 12 layers, 6 heads, width 384. Patches follow the size: 16 pixels
/// at 224, 4 at 28. Its "features" are the patches' embedding: behind it there are tokens only.
Graph vit_small(Draw const& draw);

}  // namespace fovea
