// What a ResNet-18 with fresh weights makes of a phantom: a network is drawn, then called.
#include "learn/nn/network.hpp"

#include "base/core/error.hpp"
#include "learn/tensor/tensor.hpp"
#include "learn/transform/window.hpp"

#include <ATen/core/Tensor.h>

#include <iostream>

int main() try {
  using namespace fovea;
  Volume const ct = phantom(upright({64, 64, 1}, Spacing{{4, 4, 5}}));
  at::Tensor const image = tensor_of(Window{.low = -160, .high = 240}(ct));  // [1, 1, j, i]

  Draw const wanted{.in = 1, .out = 3, .size = 64};
  Network const net{network_named("resnet18").draw(wanted), 1};
  at::Tensor const logits = net(image);  // [batch, classes]
  for (int of = 0; of < logits.size(1); ++of) {
    std::cout << text("class ", of, ": ", logits[0][of].item<float>(), '\n');
  }
} catch (fovea::Error const& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.fault());
}
