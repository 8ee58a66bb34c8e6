#include "base/core/error.hpp"
#include "learn/explain/ask.hpp"
#include "learn/nn/ops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/relu.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace fovea {
namespace {

std::size_t gradcam_node(Graph const& graph, std::optional<std::size_t> node) {
  if (node) return *node;
  auto const marked = graph.marks.find("features");
  if (marked == graph.marks.end())
    throw Error{Fault::input, "the network does not say which node is its last feature map",
                "name a node of the graph"};
  return marked->second;
}

// Tokens are patches of the image, row by row, perhaps behind one that stands for all of it.
// Patches are as wide as they are high, so their number and the image's sides say how many fit
// along each.
std::vector<std::int64_t> gradcam_token_grid(std::int64_t tokens, at::IntArrayRef image) {
  double pixels = 1;
  for (auto const side : image) pixels *= static_cast<double>(side);
  auto const patch =
      std::pow(pixels / static_cast<double>(tokens), 1.0 / static_cast<double>(image.size()));
  std::vector<std::int64_t> grid;
  std::int64_t places = 1;
  for (auto const side : image) {
    grid.push_back(std::max<std::int64_t>(std::llround(static_cast<double>(side) / patch), 1));
    places *= grid.back();
  }
  return places == tokens ? grid : std::vector<std::int64_t>{};
}

/// Weighted features [1, tokens, channels] as [1, (k,) j, i, channels].
at::Tensor gradcam_laid_out(at::Tensor const& tokens, at::IntArrayRef image) {
  for (std::int64_t leading = 0; leading <= 1; ++leading) {
    auto const count = tokens.size(1) - leading;
    auto grid = count > 0 ? gradcam_token_grid(count, image) : std::vector<std::int64_t>{};
    if (grid.empty()) continue;
    grid.insert(grid.begin(), 1);
    grid.push_back(tokens.size(2));
    return tokens.narrow(1, leading, count).reshape(grid);
  }
  throw Error{
      Fault::input,
      text(tokens.size(1), " tokens do not tile an image of ", image, " in square patches"),
      "name another node, or use occlusion or integrated-gradients"};
}

/// To [1, channels, (k,) j, i], whatever the layer's order of axes.
at::Tensor gradcam_channels_first(at::Tensor const& value,
                                  Shape const& shape,
                                  at::IntArrayRef image) {
  auto const rank = static_cast<std::int64_t>(image.size());
  if (!shape.last && value.dim() == rank + 2) return value;
  if (shape.last && value.dim() == rank + 2) return value.movedim(-1, 1);
  if (shape.last && value.dim() == 3) return gradcam_laid_out(value, image).movedim(-1, 1);
  throw Error{
      Fault::input,
      text("expected a layer with places in the image, got one that gives ", value.sizes()),
      "name a node before the pooling"};
}

}  // namespace

at::Tensor GradCam::operator()(Network const& network,
                               at::Tensor const& image,
                               Question const& question) const {
  expect_one_image(image);
  auto const at = gradcam_node(network.graph(), node);
  c10::AutoGradMode const tape{true};
  // The tape must reach the layer also where all weights before it are frozen, or it is the
  // image itself.
  auto const outputs = network.outputs(image.detach().set_requires_grad(true), {at}, true);
  auto const gradient = gradient_of(asked(question, outputs.back(), 1), outputs[0]);

  c10::NoGradGuard const quiet;
  auto const size = image.sizes().slice(2);
  auto const shape = shapes_of(network.graph(), size.vec())[at];
  auto const features = gradcam_channels_first(outputs[0], shape, size);
  auto const slopes = gradcam_channels_first(gradient, shape, size);
  auto const weights = slopes.flatten(2).mean(2).reshape([&] {
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(features.dim()), 1);
    sizes[1] = features.size(1);
    return sizes;
  }());
  auto const map = at::relu((features * weights).sum(1, true));
  return stretched(map.to(at::kFloat), size).reshape(size).to(at::kCPU);
}

}  // namespace fovea
