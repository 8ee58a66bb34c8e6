#include "learn/nn/fused.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sum.h>

#include <algorithm>
#include <cstring>

namespace fovea {
namespace {

using FusedSizes = std::vector<std::int64_t>;

template <class Value>
Winograd::Steps<Value> fused_steps(at::Tensor const& weight, Value* values) {
  return {values, weight.stride(0), weight.stride(1), weight.stride(-1)};
}

constexpr std::int64_t fused_channels_at_once = 4;  // that a thread prepares

// Sums of few channels fit a core's cache; so the weights are cut into blocks of them, and a
// block's sums, where threads are left over, into groups of what they are summed over.
class FusedWeightGradient {
 public:
  FusedWeightGradient(Winograd const& kernel, Winograd::Maps const& maps) : maps_{maps} {
    if (maps_.in_step == 0) maps_.in_step = kernel.in;
    if (maps_.out_step == 0) maps_.out_step = kernel.out;
    for (std::int64_t c = 0; c < kernel.in; c += most_channels)
      for (std::int64_t o = 0; o < kernel.out; o += most_channels) {
        auto part = kernel;
        part.in = std::min(most_channels, kernel.in - c);
        part.out = std::min(most_channels, kernel.out - o);
        blocks_.push_back({part, c, o});
      }
    auto const blocks = std::ssize(blocks_);
    for (auto const& block : blocks_) groups_ = std::max(groups_, block.kernel.parts(maps_));
    groups_ = std::min(groups_, (at::get_num_threads() + blocks - 1) / blocks);
  }

  at::Tensor operator()(at::Tensor const& weight,
                        at::Tensor const& x,
                        at::Tensor const& gradient) const {
    std::int64_t values = 0;  // of the largest block's sums
    for (auto const& block : blocks_) values = std::max(values, block.kernel.sum_values());
    auto const count = std::ssize(blocks_);
    auto const sums = at::empty({count, groups_, values}, at::kFloat);
    together_typed(x, [&]<class T>(T) {
      auto const* const in = static_cast<T const*>(x.const_data_ptr());
      auto const* const g = static_cast<T const*>(gradient.const_data_ptr());
      at::parallel_for(0, count * groups_, 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto at = begin; at < end; ++at) {
          auto const& block = blocks_[static_cast<std::size_t>(at / groups_)];
          auto const parts = block.kernel.parts(maps_), group = at % groups_;
          auto* const to = sums.mutable_data_ptr<float>() + at * values;
          std::fill_n(to, values, 0.0F);
          block.kernel.add_gradient(maps_, in + block.in, g + block.out, to,
                                    group * parts / groups_, (group + 1) * parts / groups_);
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
    std::int64_t in, out;  // its first channels
  };

  Winograd::Maps maps_;
  std::vector<Block> blocks_;
  std::int64_t groups_ = 1;
};

// Each voxel becomes a block of its own: a product with one matrix, and the blocks laid beside
// each other.
class FusedBlocks {
 public:
  FusedBlocks(at::Tensor const& coarse, FusedSizes const& block, std::int64_t channels)
      : channels_{channels} {
    auto const deep = coarse.dim() == 5;
    batch_ = coarse.size(0);
    for (std::size_t a = 0; a < 3; ++a) {
      auto const axis = a + (deep ? 2 : 1);
      auto const there = deep || a > 0;
      size_[a] = there ? coarse.size(static_cast<std::int64_t>(axis)) : 1;
      block_[a] = there ? block[axis - 2] : 1;
    }
  }

  std::int64_t places() const { return block_[0] * block_[1] * block_[2]; }

  // Between [voxels, places * channels] and the fine map: rows along i lie together in both.
  template <bool spread>
  void move(at::Tensor const& matrix, at::Tensor const& fine) const {
    auto const item = static_cast<std::int64_t>(matrix.element_size());
    auto const run = block_[2] * channels_ * item;
    auto* const rows = static_cast<std::byte*>(matrix.mutable_data_ptr());
    auto* const voxels = static_cast<std::byte*>(fine.mutable_data_ptr());
    auto const lines = batch_ * size_[0] * block_[0] * size_[1] * block_[1];  // of the fine map
    constexpr std::int64_t at_once = 16;
    at::parallel_for(0, lines, at_once, [&](std::int64_t begin, std::int64_t end) {
      for (auto line = begin; line < end; ++line) {
        auto const j = line % (size_[1] * block_[1]);
        auto const above = line / (size_[1] * block_[1]);
        auto const k = above % (size_[0] * block_[0]), sample = above / (size_[0] * block_[0]);
        auto const first =
            ((sample * size_[0] + k / block_[0]) * size_[1] + j / block_[1]) * size_[2];
        auto const place = (k % block_[0] * block_[1] + j % block_[1]) * run;
        for (std::int64_t i = 0; i < size_[2]; ++i) {
          auto* const in_matrix = rows + (first + i) * places() / block_[2] * run + place;
          auto* const in_fine = voxels + (line * size_[2] + i) * run;
          std::memcpy(spread ? in_fine : in_matrix, spread ? in_matrix : in_fine,
                      static_cast<std::size_t>(run));
        }
      }
    });
  }

 private:
  std::int64_t channels_, batch_ = 1;
  std::array<std::int64_t, 3> size_{}, block_{};
};

// [in, out, (k,) j, i] -> [in, places * out]
at::Tensor fused_block_matrix(at::Tensor const& weight) {
  return weight.movedim(1, -1).reshape({weight.size(0), -1});
}

at::Tensor fused_channel_sums(at::Tensor const& gradient) {
  FusedSizes axes;
  for (std::int64_t axis = 0; axis < gradient.dim(); ++axis)
    if (axis != 1) axes.push_back(axis);
  return at::sum(gradient, axes, false, at::kFloat);
}

at::Tensor fused_rows(at::Tensor const& x) {
  return x.movedim(1, -1).reshape({-1, x.size(1)});
}

}  // namespace

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

at::Tensor winograd_convolved(Winograd const& kernel,
                              Winograd::Maps const& maps,
                              at::Tensor const& prepared,
                              at::Tensor const& bias,
                              at::Tensor const& given) {
  auto const format = format_of(Layout::channels_last, given.dim());
  auto const x = given.contiguous(format);
  auto sizes = x.sizes().vec();
  sizes[1] = kernel.out;
  auto const y = at::empty(sizes, x.options().memory_format(format));
  auto const* const plus = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  together_typed(x, [&]<class T>(T) {
    auto const* const in = static_cast<T const*>(x.const_data_ptr());
    auto* const out = static_cast<T*>(y.mutable_data_ptr());
    at::parallel_for(0, kernel.parts(maps), 1, [&](std::int64_t begin, std::int64_t end) {
      kernel.convolve(maps, in, prepared.const_data_ptr<float>(), plus, out, begin, end);
    });
  });
  return y;
}

Winograd::Maps winograd_maps(std::int64_t batch, std::vector<std::int64_t> const& size) {
  auto const deep = size.size() == 3;
  return {batch, {deep ? size[0] : 1, size[deep ? 1 : 0], size[deep ? 2 : 1]}};
}

std::optional<Winograd> winograd_of(Node const& node, Shape const& in, Execution how) {
  auto const rank = in.size.size();
  if (node.op != "conv" || how.executor != Executor::fused ||
      how.layout != Layout::channels_last || (rank != 2 && rank != 3) ||
      whole_option(node, "groups") != 1 || !Winograd::pays() ||
      (how.precision == Precision::bfloat16 && vectors::matrices()))
    return std::nullopt;
  auto const is = [&](std::string_view name, FusedSizes const& axes) {
    return axes_option(node, name, rank) == axes;
  };
  FusedSizes const one(rank, 1);
  auto const flat = rank == 3 ? FusedSizes{1, 3, 3} : FusedSizes{3, 3};
  auto const flat_padding = rank == 3 ? FusedSizes{0, 1, 1} : one;
  auto const deep = rank == 3 && is("kernel", {3, 3, 3}) && is("padding", one);
  auto const by_slices = is("kernel", flat) && is("padding", flat_padding);
  if ((!deep && !by_slices) || !is("stride", one) || !is("dilation", one)) return std::nullopt;
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

FusedConvolution::FusedConvolution(Node const& node,
                                   Shape const& in,
                                   std::int64_t batch,
                                   Execution how)
    : node_{node}, how_{how}, winograd_{winograd_for(node, in, batch, how)} {
  if (winograd_) maps_ = winograd_maps(batch, in.size);
  auto const rank = in.size.size();
  auto const are = [&](std::string_view name, std::int64_t all) {
    return axes_option(node, name, rank) == FusedSizes(rank, all);
  };
  blocks_ = node.op == "conv_transpose" && (rank == 2 || rank == 3) &&
            axes_option(node, "stride", rank) == axes_option(node, "kernel", rank) &&
            are("padding", 0) && are("output_padding", 0) && are("dilation", 1) &&
            whole_option(node, "groups") == 1;
}

at::Tensor FusedConvolution::forward(std::span<at::Tensor const> weights,
                                     at::Tensor const& x) const {
  auto const& weight = weights[0];
  if (winograd_)
    return winograd_convolved(*winograd_, maps_,
                              winograd_prepared(*winograd_, winograd_steps(weight)),
                              weights.size() > 1 ? weights[1] : at::Tensor{}, x);
  auto const rank = static_cast<std::size_t>(x.dim()) - 2;
  auto const type = type_of(how_.precision);
  if (blocks_) {
    auto const block = axes_option(node_, "kernel", rank);
    auto const channels = weight.size(1);
    FusedBlocks const blocks{x, block, channels};
    auto const matrix = fused_block_matrix(weight).to(type);
    auto const made =
        weights.size() > 1
            ? at::addmm(weights[1].to(type).repeat({blocks.places()}), fused_rows(x), matrix)
            : at::mm(fused_rows(x), matrix);
    FusedSizes sizes{x.size(0), channels};
    for (std::size_t a = 0; a < rank; ++a)
      sizes.push_back(x.size(static_cast<std::int64_t>(a) + 2) * block[a]);
    auto const y = at::empty(sizes, x.options().memory_format(format_of(how_.layout, x.dim())));
    blocks.move<true>(made, y);
    return y;
  }
  auto const bias = weights.size() > 1 ? std::optional{weights[1].to(type)} : std::nullopt;
  auto const transposed = node_.op == "conv_transpose";
  return at::convolution(
             x, weight.to(type), bias, axes_option(node_, "stride", rank),
             axes_option(node_, "padding", rank), axes_option(node_, "dilation", rank),
             transposed,
             transposed ? axes_option(node_, "output_padding", rank) : FusedSizes(rank, 0),
             whole_option(node_, "groups"))
      .contiguous(format_of(how_.layout, x.dim()));
}

FusedConvolution::Gradients FusedConvolution::backward(std::span<at::Tensor const> weights,
                                                       at::Tensor const& x,
                                                       at::Tensor const& gradient,
                                                       bool of_input) const {
  auto const& weight = weights[0];
  Gradients out;
  if (winograd_) {
    if (of_input) {
      auto back = *winograd_;
      std::swap(back.in, back.out);
      auto const turned = winograd_->turned(winograd_steps(weight));
      out.x = winograd_convolved(back, maps_, winograd_prepared(back, turned), {}, gradient);
    }
    out.weight = FusedWeightGradient{*winograd_, maps_}(weight, x, gradient);
    if (weights.size() > 1) out.bias = fused_channel_sums(gradient);
    return out;
  }
  auto const rank = static_cast<std::size_t>(x.dim()) - 2;
  if (blocks_) {
    auto const channels = weight.size(1);
    FusedBlocks const blocks{x, axes_option(node_, "kernel", rank), channels};
    auto const rows = fused_rows(x);
    auto const given = at::empty({rows.size(0), blocks.places() * channels}, x.options());
    blocks.move<false>(given, gradient);
    if (of_input) {
      auto const back = at::mm(given, fused_block_matrix(weight).to(x.scalar_type()).t());
      out.x = at::empty_like(x);
      out.x.movedim(1, -1).copy_(back.view(out.x.movedim(1, -1).sizes()));
    }
    auto const by_matrix = at::mm(rows.t(), given).to(at::kFloat);
    auto shape = weight.movedim(1, -1).sizes().vec();
    out.weight = at::empty_like(weight);
    out.weight.movedim(1, -1).copy_(by_matrix.view(shape));
    if (weights.size() > 1) out.bias = fused_channel_sums(gradient);
    return out;
  }
  auto const transposed = node_.op == "conv_transpose";
  auto const [by_x, by_weight, by_bias] = at::convolution_backward(
      gradient, x, weight.to(type_of(how_.precision)),
      weights.size() > 1 ? at::OptionalIntArrayRef{weights[1].sizes()} : std::nullopt,
      axes_option(node_, "stride", rank), axes_option(node_, "padding", rank),
      axes_option(node_, "dilation", rank), transposed,
      transposed ? axes_option(node_, "output_padding", rank) : FusedSizes(rank, 0),
      whole_option(node_, "groups"), {of_input, true, weights.size() > 1});
  out.x = by_x;
  out.weight = by_weight.to(at::kFloat);
  if (by_bias.defined()) out.bias = by_bias.to(at::kFloat);
  return out;
}

}  // namespace fovea
