#include "learn/explain/sanity.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "learn/explain/ask.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

std::span<float const> sanity_values(at::Tensor const& map) {
  return {map.const_data_ptr<float>(), static_cast<std::size_t>(map.numel())};
}

std::vector<double> sanity_ranks(std::span<float const> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::size_t at) { return values[at]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (auto i = first; i < last; ++i)
      ranks[order[i]] = static_cast<double>(first + last - 1) / 2;
  }
  return ranks;
}

using SanityLayer = std::vector<std::size_t>;  // places in parameters and buffers together

std::vector<Named> sanity_state(Network const& network) {
  auto all = network.parameters();
  auto const kept = network.buffers();
  all.insert(all.end(), kept.begin(), kept.end());
  return all;
}

/// Tensors of one node together, from the output to the input.
std::vector<SanityLayer> sanity_layers(Network const& network) {
  auto const state = sanity_state(network);
  std::vector<SanityLayer> layers;
  auto const& nodes = network.graph().nodes;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    SanityLayer layer;
    for (std::size_t i = 0; i < state.size(); ++i) {
      auto const& name = state[i].name;
      if (name.substr(0, name.rfind('.')) == node->name) layer.push_back(i);
    }
    if (!layer.empty() && !node->name.empty()) layers.push_back(std::move(layer));
  }
  return layers;
}

/// A map of random blobs, as smooth as a stretched feature map: pixels in random order would
/// test the network's taste for noise.
at::Tensor sanity_random_map(at::IntArrayRef size, int blobs, Rng& rng) {
  std::vector<std::int64_t> coarse(size.size() + 2, blobs);
  coarse[0] = coarse[1] = 1;
  auto const values = at::empty(coarse, at::kFloat);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.mutable_data_ptr<float>()[i] = static_cast<float>(rng.uniform());
  return stretched(values, size).reshape(size);
}

/// Rank of each pixel, 0 for the most important; equal ones in random order.
at::Tensor sanity_order(at::Tensor const& map, Rng& rng) {
  auto const flat = map.contiguous();
  auto const values = sanity_values(flat);
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  rng.shuffle(std::span{order});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t at) { return values[at]; });
  auto const ranks = at::empty(map.sizes(), at::kLong);
  for (std::size_t i = 0; i < order.size(); ++i)
    ranks.mutable_data_ptr<std::int64_t>()[order[i]] = static_cast<std::int64_t>(i);
  return ranks;
}

Curve sanity_curve(std::vector<double> answers) {
  Curve curve{std::move(answers), 0};
  for (std::size_t i = 1; i < curve.answers.size(); ++i)
    curve.area += (curve.answers[i - 1] + curve.answers[i]) / 2;
  curve.area /= static_cast<double>(curve.answers.size() - 1);
  return curve;
}

/// Pixels pass from `from` to `to` in the order of their ranks.
Curve sanity_passage(Network const& network,
                     at::Tensor const& from,
                     at::Tensor const& to,
                     at::Tensor const& ranks,
                     Question const& question,
                     RemovalOptions const& options) {
  std::vector<double> all;
  auto const pixels = ranks.numel();
  for (int first = 0; first <= options.steps; first += static_cast<int>(options.batch)) {
    std::vector<at::Tensor> images;
    auto const last = std::min<int>(first + static_cast<int>(options.batch) - 1, options.steps);
    for (int step = first; step <= last; ++step)
      images.push_back(at::where(ranks < pixels * step / options.steps, to, from));
    auto const found = answers(network, at::cat(images), question, options.batch);
    all.insert(all.end(), found.const_data_ptr<double>(),
               found.const_data_ptr<double>() + found.numel());
  }
  return sanity_curve(std::move(all));
}

Curve sanity_mean(std::vector<Curve> const& curves) {
  std::vector<double> mean(curves[0].answers.size());
  for (auto const& curve : curves) {
    for (std::size_t i = 0; i < mean.size(); ++i)
      mean[i] += curve.answers[i] / static_cast<double>(curves.size());
  }
  return sanity_curve(std::move(mean));
}

}  // namespace

std::optional<double> rank_correlation(std::span<float const> a, std::span<float const> b) {
  if (a.size() != b.size())
    throw Error{Fault::bug, text("ranks of ", a.size(), " and ", b.size(), " values"),
                "compare maps of one size"};
  auto const ranks_a = sanity_ranks(a), ranks_b = sanity_ranks(b);
  auto const mean = (static_cast<double>(a.size()) - 1) / 2;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (ranks_a[i] - mean) * (ranks_b[i] - mean);
    aa += (ranks_a[i] - mean) * (ranks_a[i] - mean);
    bb += (ranks_b[i] - mean) * (ranks_b[i] - mean);
  }
  if (aa == 0 || bb == 0) return std::nullopt;
  return ab / std::sqrt(aa * bb);
}

Network randomised(Network const& network, std::uint64_t seed, double share) {
  if (!(share >= 0 && share <= 1))
    throw Error{Fault::bug, text("expected a share of the layers from 0 to 1, got ", share),
                "ask for a part of them"};
  auto copy = network.clone();
  Network const fresh{network.graph(), seed};
  auto const into = sanity_state(copy), from = sanity_state(fresh);
  auto layers = sanity_layers(network);
  layers.resize(
      static_cast<std::size_t>(std::ceil(share * static_cast<double>(layers.size()))));
  c10::NoGradGuard const quiet;
  for (auto const& layer : layers) {
    for (auto const tensor : layer) at::Tensor{into[tensor].value}.copy_(from[tensor].value);
  }
  return copy;
}

Removal removal_curves(Network const& network,
                       at::Tensor const& image,
                       at::Tensor const& map,
                       Question const& question,
                       RemovalOptions const& options) {
  expect_one_image(image);
  auto const size = image.sizes().slice(2);
  if (map.sizes() != size)
    throw Error{Fault::bug, text("expected a map of ", size, ", got ", map.sizes()),
                "pass the map of this image"};
  if (options.steps < 1 || options.random < 1 || options.blobs < 1 || options.batch < 1)
    throw Error{Fault::bug, "expected at least one step, random map, blob and image at once",
                "use positive numbers"};
  c10::NoGradGuard const quiet;
  auto const whole = image.detach();
  auto const blank = [&] {
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(image.dim()), 1);
    sizes[1] = image.size(1);
    return whole.flatten(2).mean(2).reshape(sizes).expand_as(whole);
  }();
  Rng rng{options.seed};
  auto const both = [&](at::Tensor const& chosen) {
    auto const ranks = sanity_order(chosen.to(at::kCPU, at::kFloat), rng).to(image.device());
    return std::pair{sanity_passage(network, whole, blank, ranks, question, options),
                     sanity_passage(network, blank, whole, ranks, question, options)};
  };
  Removal result;
  std::tie(result.deletion, result.insertion) = both(map);
  std::vector<Curve> deletions, insertions;
  for (int i = 0; i < options.random; ++i) {
    auto [deletion, insertion] = both(sanity_random_map(size, options.blobs, rng));
    deletions.push_back(std::move(deletion));
    insertions.push_back(std::move(insertion));
  }
  result.random_deletion = sanity_mean(deletions);
  result.random_insertion = sanity_mean(insertions);
  return result;
}

}  // namespace fovea
