#include "learn/nn/families.hpp"

namespace fovea {

std::span<NetworkRow const> networks() {
  static constexpr NetworkRow rows[] = {
      {"small-cnn", "Chollet, Keras' image classification examples",
       [](Draw const& d) {
         return d.size <= 64 ? small_cnn(d)
                             : small_cnn(d, {.widths = {32, 64, 128}, .dense = 128});
       },
       true},
      {"resnet-small",
       "He et al., Identity mappings in deep residual networks, ECCV 2016; three stages of 32, "
       "64, 128",
       [](Draw const& d) { return resnet_small(d); }, true},
      {"vgg11", "Simonyan and Zisserman, Very deep convolutional networks, ICLR 2015", vgg11,
       true},
      {"resnet18", "He et al., Deep residual learning for image recognition, CVPR 2016",
       [](Draw const& d) {
         return resnet("resnet18", d, {.blocks = {2, 2, 2, 2}});
       },
       true},
      {"resnet34", "He et al., Deep residual learning for image recognition, CVPR 2016",
       [](Draw const& d) {
         return resnet("resnet34", d, {.blocks = {3, 4, 6, 3}});
       },
       true},
      {"resnet50", "He et al., Deep residual learning for image recognition, CVPR 2016",
       [](Draw const& d) {
         return resnet("resnet50", d, {.blocks = {3, 4, 6, 3}, .bottleneck = true});
       },
       true},
      {"densenet121", "Huang et al., Densely connected convolutional networks, CVPR 2017",
       densenet121, true},
      {"inception-v3", "Szegedy et al., Rethinking the Inception architecture, CVPR 2016",
       inception_v3},
      {"efficientnet-b0", "Tan and Le, EfficientNet, ICML 2019", efficientnet_b0, true},
      {"convnext-tiny", "Liu et al., A ConvNet for the 2020s, CVPR 2022", convnext_tiny, true},
      {"vit-small", "Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021", vit_small,
       true},
  };
  return rows;
}

}  // namespace fovea
