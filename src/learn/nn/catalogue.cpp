#include "learn/nn/families.hpp"

namespace fovea {

std::span<NetworkRow const> networks() {
  static constexpr NetworkRow rows[] = {
      {"small-cnn", "Chollet, Keras' image classification examples",
       [](Draw const& d) { return small_cnn(d); }, true},
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
  };
  return rows;
}

}  // namespace fovea
