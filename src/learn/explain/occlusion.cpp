#include "base/core/error.hpp"
#include "learn/explain/ask.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace fovea {
namespace {

// Corners of the patches along one axis; the last one ends at the edge, so that every pixel is
// covered.
std::vector<std::int64_t> occlusion_starts(std::int64_t side,
                                           std::int64_t patch,
                                           std::int64_t stride) {
  std::vector<std::int64_t> starts;
  for (std::int64_t at = 0; at + patch < side; at += stride) starts.push_back(at);
  starts.push_back(std::max<std::int64_t>(side - patch, 0));
  return starts;
}

/// The part of `whole` under a patch; its spatial axes are the last ones.
at::Tensor occlusion_under(at::Tensor whole,
                           std::vector<std::int64_t> const& corner,
                           std::int64_t patch) {
  auto const first = whole.dim() - static_cast<std::int64_t>(corner.size());
  for (std::size_t axis = 0; axis < corner.size(); ++axis) {
    auto const dim = first + static_cast<std::int64_t>(axis);
    whole = whole.narrow(dim, corner[axis], std::min(patch, whole.size(dim)));
  }
  return whole;
}

std::vector<std::vector<std::int64_t>> occlusion_corners(at::IntArrayRef size,
                                                         std::int64_t patch,
                                                         std::int64_t stride) {
  std::vector<std::vector<std::int64_t>> corners{{}};
  for (auto const side : size) {
    std::vector<std::vector<std::int64_t>> longer;
    for (auto const& corner : corners) {
      for (auto const start : occlusion_starts(side, patch, stride)) {
        longer.push_back(corner);
        longer.back().push_back(start);
      }
    }
    corners = std::move(longer);
  }
  return corners;
}

}  // namespace

at::Tensor Occlusion::operator()(Network const& network,
                                 at::Tensor const& image,
                                 Question const& question) const {
  expect_one_image(image);
  if (patch < 0 || stride < 0 || batch < 1)
    throw Error{
        Fault::usage,
        text("expected a patch and stride of at least 0 and a batch of at least 1, got ", patch,
             ", ", stride, ", ", batch),
        "use positive numbers"};
  c10::NoGradGuard const quiet;
  auto const size = image.sizes().slice(2);
  auto const side = patch > 0 ? patch : (*std::ranges::min_element(size) + 7) / 8;
  auto const step = stride > 0 ? stride : size.size() == 2 ? (side + 1) / 2 : side;
  auto const corners = occlusion_corners(size, side, step);
  auto const answer = answers(network, image, question, 1).item<double>();
  auto const sum = at::zeros(size, at::kDouble), times = at::zeros(size, at::kDouble);
  for (std::size_t at = 0; at < corners.size(); at += static_cast<std::size_t>(batch)) {
    auto const count = std::min(static_cast<std::size_t>(batch), corners.size() - at);
    std::vector<std::int64_t> copies(static_cast<std::size_t>(image.dim()), 1);
    copies[0] = static_cast<std::int64_t>(count);
    auto const covered = image.repeat(copies);
    for (std::size_t i = 0; i < count; ++i)
      occlusion_under(covered.select(0, static_cast<std::int64_t>(i)), corners[at + i], side)
          .fill_(value);
    auto const found = answers(network, covered, question, batch);
    for (std::size_t i = 0; i < count; ++i) {
      occlusion_under(sum, corners[at + i], side)
          .add_(answer - found[static_cast<std::int64_t>(i)].item<double>());
      occlusion_under(times, corners[at + i], side).add_(1);
    }
  }
  return (sum / times).to(at::kFloat);
}

}  // namespace fovea
