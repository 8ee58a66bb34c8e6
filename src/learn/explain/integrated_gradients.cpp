#include "base/core/error.hpp"
#include "learn/explain/ask.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

/// Places along the way, [count, 1, 1, 1(, 1)]: the middles of equal steps.
at::Tensor integrated_gradients_places(std::int64_t first,
                                       std::int64_t count,
                                       std::int64_t steps,
                                       at::Tensor const& image) {
  std::vector<float> places;
  for (std::int64_t i = first; i < first + count; ++i)
    places.push_back(
        static_cast<float>((static_cast<double>(i) + 0.5) / static_cast<double>(steps)));
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(image.dim()), 1);
  sizes[0] = count;
  return at::tensor(places).reshape(sizes).to(image.device());
}

}  // namespace

IntegratedGradients::Result IntegratedGradients::with_check(Network const& network,
                                                            at::Tensor const& image,
                                                            Question const& question) const {
  expect_one_image(image);
  if (steps < 1 || batch < 1)
    throw Error{Fault::usage,
                text("expected at least one step and a batch of at least 1, got ", steps,
                     " and ", batch),
                "use positive numbers"};
  auto const start = at::full_like(image, baseline);
  auto const way = image.detach() - start;
  auto sum = at::zeros_like(way, at::kDouble);
  for (std::int64_t at = 0; at < steps; at += batch) {
    auto const count = std::min(batch, steps - at);
    c10::AutoGradMode const tape{true};
    auto const images = (start + way * integrated_gradients_places(at, count, steps, image))
                            .detach()
                            .set_requires_grad(true);
    auto const found = asked(question, network.outputs(images, {}, true).back(), count);
    sum += gradient_of(found, images).to(at::kDouble).sum(0, true);
  }
  c10::NoGradGuard const quiet;
  auto const ends = answers(network, at::cat({start, image.detach()}), question, 2);
  Result result;
  auto const attribution = way.to(at::kDouble) * sum / static_cast<double>(steps);
  result.rise = ends[1].item<double>() - ends[0].item<double>();
  result.gap = std::abs(attribution.sum().item<double>() - result.rise);
  result.attribution = attribution.select(0, 0).to(at::kCPU, at::kFloat);
  return result;
}

at::Tensor IntegratedGradients::operator()(Network const& network,
                                           at::Tensor const& image,
                                           Question const& question) const {
  return with_check(network, image, question).attribution.sum(0);
}

}  // namespace fovea
