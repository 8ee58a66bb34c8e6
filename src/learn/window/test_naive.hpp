#pragma once

#include "learn/nn/ops.hpp"
#include "learn/window/predict.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

// For tests: small networks, and prediction by windows done plainly over the whole volume in
// double, with none of the code that is tested.
namespace fovea {

struct TestNetwork {
  std::int64_t in = 1, features = 3, outputs = 7;
  int dimensions = 3;
  std::int64_t head = 1;  // its kernel
};

// Two convolutions, whose padding makes a voxel depend on where its window ends, and a head.
inline std::vector<Network> test_networks(TestNetwork const& draw, int count = 1) {
  Graph graph;
  auto at = graph.add("input", {},
                      {{"channels", draw.in}, {"dimensions", std::int64_t{draw.dimensions}}});
  at = graph.add(
      "conv", {at},
      {{"out", std::int64_t{4}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "first");
  at = graph.add("leaky_relu", {at});
  at = graph.add(
      "conv", {at},
      {{"out", draw.features}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "second");
  graph.marks["features"] = at;
  graph.add("conv", {at},
            {{"out", draw.outputs}, {"kernel", draw.head}, {"padding", draw.head / 2}}, "head");
  std::vector<Network> networks;
  for (int n = 0; n < count; ++n) {
    networks.emplace_back(graph, 5 + n);
    c10::NoGradGuard const quiet;
    for (auto const& one : networks.back().parameters()) {
      if (one.name == "head.bias") one.value.copy_(at::linspace(-0.2, 0.3, draw.outputs));
    }
  }
  return networks;
}

struct WindowCase {
  std::string_view name;
  Windows windows;
  std::vector<Network> networks;
  WayBack back;
  std::int64_t channels = 1;
};

// Along one axis.
inline std::vector<std::int64_t> naive_starts(std::int64_t size,
                                              std::int64_t tile,
                                              Windows const& w) {
  std::vector<std::int64_t> starts;
  if (w.places == WindowPlaces::fixed) {
    auto const step = static_cast<std::int64_t>(static_cast<double>(tile) * w.step);
    for (std::int64_t at = 0;; at += step) {
      starts.push_back(std::min(at, size - tile));
      if (at + tile >= size) return starts;
    }
  }
  auto const count =
      std::ceil(static_cast<double>(size - tile) / (static_cast<double>(tile) * w.step)) + 1;
  for (double n = 0; n < count; ++n)
    starts.push_back(count > 1 ? std::lrint(static_cast<double>(size - tile) / (count - 1) * n)
                               : 0);
  return starts;
}

inline double naive_weight(std::array<std::int64_t, 3> const& tile,
                           std::array<std::int64_t, 3> const& at,
                           WindowBlend blend) {
  if (blend == WindowBlend::flat) return 1;
  double product = 10;
  for (int axis = 0; axis < 3; ++axis) {
    auto const side = static_cast<double>(tile[axis]);
    auto const centre =
        blend == WindowBlend::floored ? (side - 1) / 2 : static_cast<double>(tile[axis] / 2);
    auto const far = (static_cast<double>(at[axis]) - centre) / (side / 8);
    product *= std::exp(-far * far / 2);
  }
  return blend == WindowBlend::floored ? std::max(product / 10, 1e-3) : product;
}

inline at::Tensor naive_output(Network const& network, at::Tensor const& window, bool slices) {
  auto const in = slices ? window.squeeze(1) : window;
  auto const out = network(in.unsqueeze(0))[0].to(at::kDouble);
  return slices ? out.unsqueeze(1) : out;
}

inline at::Tensor naive_weights(Windows const& w) {
  auto const weights = at::zeros({w.size[0], w.size[1], w.size[2]}, at::kDouble);
  auto at = weights.accessor<double, 3>();
  for (std::int64_t k = 0; k < w.size[0]; ++k) {
    for (std::int64_t j = 0; j < w.size[1]; ++j) {
      for (std::int64_t i = 0; i < w.size[2]; ++i)
        at[k][j][i] = naive_weight(w.size, {k, j, i}, w.blend);
    }
  }
  return weights;
}

inline at::Tensor naive_box(at::Tensor const& whole,
                            std::array<std::int64_t, 3> const& first,
                            std::array<std::int64_t, 3> const& size) {
  auto part = whole;
  for (int axis = 0; axis < 3; ++axis) part = part.narrow(axis - 3, first[axis], size[axis]);
  return part;
}

// Logits on the prepared grid.
inline at::Tensor naive_blended(WindowCase const& one, at::Tensor const& image) {
  auto const& w = one.windows;
  std::array<std::int64_t, 3> size{}, padded{}, before{};
  for (int axis = 0; axis < 3; ++axis) {
    size[axis] = image.size(axis + 1);
    padded[axis] = std::max(size[axis], w.size[axis]);
    before[axis] = (padded[axis] - size[axis]) / 2;
  }
  auto const whole = at::zeros({image.size(0), padded[0], padded[1], padded[2]});
  naive_box(whole, before, size).copy_(image);
  auto const slices = shapes_of(one.networks[0].graph()).front().size.size() == 2;
  auto const weights = naive_weights(w);
  at::Tensor sums;
  auto const total = at::zeros({padded[0], padded[1], padded[2]}, at::kDouble);
  for (auto const k : naive_starts(padded[0], w.size[0], w)) {
    for (auto const j : naive_starts(padded[1], w.size[1], w)) {
      for (auto const i : naive_starts(padded[2], w.size[2], w)) {
        auto const window = naive_box(whole, {k, j, i}, w.size);
        for (unsigned flips = 0; flips < 1U << w.flips.size(); ++flips) {
          std::vector<std::int64_t> axes;
          for (std::size_t n = 0; n < w.flips.size(); ++n) {
            if (flips >> n & 1U) axes.push_back(w.flips[n] - 3);
          }
          for (auto const& network : one.networks) {
            auto const out =
                at::flip(naive_output(network, at::flip(window, axes), slices), axes);
            if (!sums.defined())
              sums = at::zeros({out.size(0), padded[0], padded[1], padded[2]}, at::kDouble);
            naive_box(sums, {k, j, i}, w.size).add_(out * weights);
            naive_box(total, {k, j, i}, w.size).add_(weights);
          }
        }
      }
    }
  }
  return naive_box(sums / total, before, size).contiguous();
}

// Logits on the cut.
inline at::Tensor naive_logits(WindowCase const& one, at::Tensor const& image) {
  auto logits = naive_blended(one, image);
  for (int axis = 0; axis < 3; ++axis) {
    auto const from = logits.size(axis + 1), to = one.back.cut[axis];
    auto const scale = static_cast<double>(from) / static_cast<double>(to);
    std::vector<at::Tensor> rows;
    for (std::int64_t n = 0; n < to; ++n) {
      auto const place = scale * (static_cast<double>(n) + 0.5) - 0.5;
      auto const at = [&](double where) {
        return logits.select(axis + 1,
                             std::clamp<std::int64_t>(std::lrint(where), 0, from - 1));
      };
      auto const low = std::floor(place);
      rows.push_back(one.back.nearest == axis
                         ? at(std::floor(place + 0.5))
                         : at(low) * (low + 1 - place) + at(low + 1) * (place - low));
    }
    logits = at::stack(rows, axis + 1);
  }
  return logits.contiguous();
}

}  // namespace fovea
