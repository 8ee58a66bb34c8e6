#include "learn/nn/fused_kernels.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>

namespace fovea {
namespace {

using FusedSizes = std::vector<std::int64_t>;

template <class Value>
Winograd::Steps<Value> fused_steps(at::Tensor const& weight, Value* values) {
  return {values, weight.stride(0), weight.stride(1), weight.stride(-1)};
}

constexpr std::int64_t fused_channels_at_once = 4;  // that a thread prepares

template <class T>
Winograd::Channels<T const> fused_channels(at::Tensor const& map,
                                           std::int64_t first,
                                           std::int64_t count) {
  return {static_cast<T const*>(map.const_data_ptr()) + first, count, map.size(1)};
}

// Sums of few channels fit a core's cache; so the weights are cut into blocks of them, and a
// block's sums, where threads are left over, into groups of what they are summed over.
class FusedWeightGradient {
 public:
  FusedWeightGradient(Winograd const& kernel,
                      Winograd::Maps const& maps,
                      std::span<at::Tensor const> x)
      : maps_{maps} {
    std::int64_t before = 0;
    for (auto const& map : x) {
      for (std::int64_t c = 0; c < map.size(1); c += most_channels)
        for (std::int64_t o = 0; o < kernel.out; o += most_channels) {
          auto part = kernel;
          part.in = std::min(most_channels, map.size(1) - c);
          part.out = std::min(most_channels, kernel.out - o);
          blocks_.push_back({part, &map, c, before + c, o});
        }
      before += map.size(1);
    }
    auto const blocks = std::ssize(blocks_);
    for (auto const& block : blocks_) groups_ = std::max(groups_, block.kernel.parts(maps_));
    groups_ = std::min(groups_, (at::get_num_threads() + blocks - 1) / blocks);
  }

  at::Tensor operator()(at::Tensor const& weight, at::Tensor const& gradient) const {
    std::int64_t values = 0;  // of the largest block's sums
    for (auto const& block : blocks_) values = std::max(values, block.kernel.sum_values());
    auto const count = std::ssize(blocks_);
    auto const sums = at::empty({count, groups_, values}, at::kFloat);
    together_typed(gradient, [&]<class T>(T) {
      at::parallel_for(0, count * groups_, 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto at = begin; at < end; ++at) {
          auto const& block = blocks_[static_cast<std::size_t>(at / groups_)];
          auto const parts = block.kernel.parts(maps_), group = at % groups_;
          auto* const to = sums.mutable_data_ptr<float>() + at * values;
          std::fill_n(to, values, 0.0F);
          block.kernel.add_gradient(maps_,
                                    fused_channels<T>(*block.x, block.first, block.kernel.in),
                                    fused_channels<T>(gradient, block.out, block.kernel.out),
                                    to, group * parts / groups_, (group + 1) * parts / groups_);
        }
      });
    });
    auto const out = at::empty_like(weight);
    auto const to = fused_steps(out, out.mutable_data_ptr<float>());
    constexpr std::int64_t values_at_once = 1 << 16;
    for (std::int64_t at = 0; at < count; ++at) {
      auto const& block = blocks_[static_cast<std::size_t>(at)];
      auto* const all = sums.mutable_data_ptr<float>() + at * groups_ * values;
      if (groups_ > 1)
        at::parallel_for(0, values, values_at_once, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t group = 1; group < groups_; ++group)
            for (auto i = begin; i < end; ++i) all[i] += all[group * values + i];
        });
      auto there = to;
      there.values += block.in * to.in + block.out * to.out;
      at::parallel_for(0, block.kernel.in, fused_channels_at_once,
                       [&](std::int64_t begin, std::int64_t end) {
                         block.kernel.gradient(all, there, begin, end);
                       });
    }
    return out;
  }

 private:
  static constexpr std::int64_t most_channels = 64;
  struct Block {
    Winograd kernel;
    at::Tensor const* x;
    std::int64_t first;    // of its channels in x
    std::int64_t in, out;  // in all
  };

  Winograd::Maps const& maps_;
  std::vector<Block> blocks_;
  std::int64_t groups_ = 1;
};

}  // namespace

bool fused_may_take(Node const& node, std::string_view op, std::size_t rank, Execution how) {
  return node.op == op && how.executor == Executor::fused &&
         how.layout == Layout::channels_last && (rank == 2 || rank == 3) &&
         whole_option(node, "groups") == 1 &&
         axes_option(node, "dilation", rank) == FusedSizes(rank, 1) && Winograd::pays();
}

bool fused_has_matrices(Execution how) {
  return how.precision == Precision::bfloat16 && vectors::matrices();
}

at::Tensor fused_map(at::Tensor const& like, std::int64_t channels) {
  auto sizes = like.sizes().vec();
  sizes[1] = channels;
  auto const format = format_of(Layout::channels_last, like.dim());
  return at::empty(sizes, like.options().memory_format(format));
}

Winograd::Weights winograd_steps(at::Tensor const& weight) {
  return fused_steps(weight, weight.const_data_ptr<float>());
}

at::Tensor winograd_prepared(Winograd const& kernel, Winograd::Weights const& weights) {
  auto const prepared = at::empty({kernel.weight_values()}, at::kFloat);
  auto* const to = prepared.mutable_data_ptr<float>();
  at::parallel_for(
      0, kernel.in, fused_channels_at_once,
      [&](std::int64_t begin, std::int64_t end) { kernel.prepare(weights, to, begin, end); });
  return prepared;
}

void winograd_convolve(Winograd const& kernel,
                       Winograd::Maps const& maps,
                       at::Tensor const& prepared,
                       at::Tensor const& bias,
                       std::span<at::Tensor const> x,
                       std::span<at::Tensor const> y) {
  auto const* const plus = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  together_typed(x.front(), [&]<class T>(T) {
    std::vector<Winograd::Channels<T const>> from;
    for (auto const& map : x) from.push_back(fused_channels<T>(map, 0, map.size(1)));
    std::vector<Winograd::Channels<T>> to;
    for (auto const& map : y)
      to.push_back({static_cast<T*>(map.mutable_data_ptr()), map.size(1), map.size(1)});
    at::parallel_for(0, kernel.parts(maps), 1, [&](std::int64_t begin, std::int64_t end) {
      kernel.convolve<T>(maps, from, prepared.const_data_ptr<float>(), plus, to, begin, end);
    });
  });
}

at::Tensor winograd_convolved(Winograd const& kernel,
                              Winograd::Maps const& maps,
                              at::Tensor const& prepared,
                              at::Tensor const& bias,
                              at::Tensor const& given) {
  auto const format = format_of(Layout::channels_last, given.dim());
  auto const x = given.contiguous(format);
  auto const y = fused_map(x, kernel.out);
  winograd_convolve(kernel, maps, prepared, bias, {&x, 1}, {&y, 1});
  return y;
}

Winograd::Maps winograd_maps(std::int64_t batch, std::vector<std::int64_t> const& size) {
  auto const deep = size.size() == 3;
  return {batch, {deep ? size[0] : 1, size[deep ? 1 : 0], size[deep ? 2 : 1]}};
}

std::optional<Winograd> winograd_of(Node const& node, Shape const& in, Execution how) {
  auto const rank = in.size.size();
  if (!fused_may_take(node, "conv", rank, how) || fused_has_matrices(how)) return std::nullopt;
  auto const is = [&](std::string_view name, FusedSizes const& axes) {
    return axes_option(node, name, rank) == axes;
  };
  FusedSizes const one(rank, 1);
  auto const flat = rank == 3 ? FusedSizes{1, 3, 3} : FusedSizes{3, 3};
  auto const flat_padding = rank == 3 ? FusedSizes{0, 1, 1} : one;
  auto const deep = rank == 3 && is("kernel", {3, 3, 3}) && is("padding", one);
  auto const by_slices = is("kernel", flat) && is("padding", flat_padding);
  if ((!deep && !by_slices) || !is("stride", one)) return std::nullopt;
  Winograd const kernel{.in = in.channels, .out = whole_option(node, "out"), .deep = deep};
  // Few channels do not fill its vectors.
  constexpr std::int64_t least_channels = 8;
  if (std::min(kernel.in, kernel.out) < least_channels) return std::nullopt;
  return kernel;
}

std::optional<Winograd> winograd_for(Node const& node,
                                     Shape const& in,
                                     std::optional<std::int64_t> training,
                                     Execution how) {
  auto const kernel = winograd_of(node, in, how);
  if (!kernel) return std::nullopt;
  // Small maps fill neither its tiles nor the threads, nor do they pay for the weights.
  std::int64_t const least_tiles = training ? 192 : 48;
  // oneDNN's bfloat16 is nearly twice as fast as its float32.
  auto const least_saved = how.precision == Precision::bfloat16 ? 2.4 : 1.6;
  auto const maps = winograd_maps(training.value_or(1), in.size);
  if (kernel->tiles(maps) * maps.size[0] < least_tiles || kernel->saves(maps) < least_saved)
    return std::nullopt;
  return kernel;
}

at::Tensor winograd_weight_gradient(Winograd const& kernel,
                                    Winograd::Maps const& maps,
                                    at::Tensor const& weight,
                                    std::span<at::Tensor const> x,
                                    at::Tensor const& gradient) {
  return FusedWeightGradient{kernel, maps, x}(weight, gradient);
}

}  // namespace fovea
