#include "learn/kernel/few_outputs.hpp"
#include "learn/nn/chain.hpp"
#include "learn/nn/fused.hpp"
#include "learn/nn/ops_rows.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

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

// Each voxel becomes a block of its own: a product with one matrix, and the blocks laid beside
// each other.
class FusedBlocks {
 public:
  // coarse: [batch, any, (k,) j, i]
  FusedBlocks(at::IntArrayRef coarse, FusedSizes const& block, std::int64_t channels)
      : channels_{channels} {
    auto const deep = coarse.size() == 5;
    batch_ = coarse[0];
    for (std::size_t a = 0; a < 3; ++a) {
      auto const axis = a + (deep ? 2 : 1);
      auto const there = deep || a > 0;
      size_[a] = there ? coarse[axis] : 1;
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

// A map of as many voxels.
at::Tensor fused_map(at::Tensor const& like, std::int64_t channels) {
  auto sizes = like.sizes().vec();
  sizes[1] = channels;
  auto const format = format_of(Layout::channels_last, like.dim());
  return at::empty(sizes, like.options().memory_format(format));
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

std::optional<FewInputs> few_inputs_of(Node const& node, Shape const& in, Execution how) {
  auto const rank = in.size.size();
  if (node.op != "conv" || how.executor != Executor::fused ||
      how.layout != Layout::channels_last || (rank != 2 && rank != 3) ||
      whole_option(node, "groups") != 1 || in.channels > FewInputs::most ||
      axes_option(node, "dilation", rank) != FusedSizes(rank, 1) || !Winograd::pays() ||
      (how.precision == Precision::bfloat16 && vectors::matrices()))
    return std::nullopt;
  FewInputs out{.in = in.channels, .out = whole_option(node, "out")};
  constexpr std::int64_t least_outputs = 8;  // fewer do not fill its vectors
  if (out.out < least_outputs) return std::nullopt;
  auto const kernel = axes_option(node, "kernel", rank);
  // Larger ones, as that which cuts an image into patches, have more weights than places.
  constexpr std::int64_t most_places = 7;
  if (std::ranges::max(kernel) > most_places) return std::nullopt;
  auto const stride = axes_option(node, "stride", rank);
  auto const padding = axes_option(node, "padding", rank);
  for (std::size_t a = 0; a < rank; ++a) {
    out.kernel[a + 3 - rank] = kernel[a];
    out.stride[a + 3 - rank] = stride[a];
    out.padding[a + 3 - rank] = padding[a];
  }
  return out;
}

at::Tensor few_inputs_convolved(FewInputs const& kernel,
                                at::Tensor const& weight,
                                at::Tensor const& bias,
                                at::Tensor const& given) {
  auto const format = format_of(Layout::channels_last, given.dim());
  auto const x = given.contiguous(format);
  auto const rank = static_cast<std::size_t>(x.dim()) - 2;
  FewInputs::Maps maps{.batch = x.size(0), .in = {1, 1, 1}, .out = {1, 1, 1}};
  FusedSizes sizes{x.size(0), kernel.out};
  for (std::size_t a = 3 - rank; a < 3; ++a) {
    maps.in[a] = x.size(static_cast<std::int64_t>(a + rank) - 1);
    maps.out[a] =
        (maps.in[a] + 2 * kernel.padding[a] - kernel.kernel[a]) / kernel.stride[a] + 1;
    sizes.push_back(maps.out[a]);
  }
  auto const prepared = at::empty({kernel.weight_values()}, at::kFloat);
  kernel.prepare(weight.contiguous().const_data_ptr<float>(),
                 prepared.mutable_data_ptr<float>());
  auto const y = at::empty(sizes, x.options().memory_format(format));
  constexpr std::int64_t rows_at_once = 4;
  together_typed(x, [&]<class T>(T) {
    at::parallel_for(0, maps.rows(), rows_at_once, [&](std::int64_t begin, std::int64_t end) {
      kernel.convolve(maps, together_read<T>(x), prepared.const_data_ptr<float>(),
                      together_read<float>(bias), together_write<T>(y), begin, end);
    });
  });
  return y;
}

FusedConvolution::FusedConvolution(Node const& node,
                                   Shape const& in,
                                   std::int64_t batch,
                                   Execution how)
    : node_{node}, how_{how}, winograd_{winograd_for(node, in, batch, how)} {
  if (winograd_) maps_ = winograd_maps(batch, in.size);
  few_inputs_ = few_inputs_of(node, in, how);
  auto const rank = in.size.size();
  auto const are = [&](std::string_view name, std::int64_t all) {
    return axes_option(node, name, rank) == FusedSizes(rank, all);
  };
  blocks_ = node.op == "conv_transpose" && (rank == 2 || rank == 3) &&
            axes_option(node, "stride", rank) == axes_option(node, "kernel", rank) &&
            are("padding", 0) && are("output_padding", 0) && are("dilation", 1) &&
            whole_option(node, "groups") == 1;
  few_outputs_ = node.op == "conv" && (rank == 2 || rank == 3) && are("kernel", 1) &&
                 are("stride", 1) && are("padding", 0) && whole_option(node, "groups") == 1 &&
                 whole_option(node, "out") <= FewOutputs::most;
}

bool FusedConvolution::joins(std::vector<std::int64_t> const& channels) const {
  return winograd_ && std::all_of(channels.begin(), channels.end() - 1, [](std::int64_t count) {
           return count % Winograd::joins == 0;
         });
}

at::Tensor FusedConvolution::forward(std::span<at::Tensor const> weights,
                                     std::span<at::Tensor const> all) const {
  auto const& weight = weights[0];
  auto const& x = all.front();
  RECORD_USER_SCOPE(winograd_     ? "convolution, forward"
                    : blocks_     ? "transposed convolution, forward"
                    : few_inputs_ ? "first convolution, forward"
                                  : "convolution by oneDNN, forward");
  if (winograd_) {
    auto const y = fused_map(x, winograd_->out);
    winograd_convolve(*winograd_, maps_, winograd_prepared(*winograd_, winograd_steps(weight)),
                      weights.size() > 1 ? weights[1] : at::Tensor{}, all, {&y, 1});
    return y;
  }
  if (few_inputs_)
    return few_inputs_convolved(*few_inputs_, weight,
                                weights.size() > 1 ? weights[1] : at::Tensor{}, x);
  auto const rank = static_cast<std::size_t>(x.dim()) - 2;
  auto const type = type_of(how_.precision);
  if (blocks_) {
    auto const block = axes_option(node_, "kernel", rank);
    auto const channels = weight.size(1);
    FusedBlocks const blocks{x.sizes(), block, channels};
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
                                                       std::span<at::Tensor const> all,
                                                       at::Tensor const& gradient,
                                                       Ask ask) const {
  auto const& weight = weights[0];
  auto const& x = all.front();
  Gradients out;
  if (forgets()) {
    RECORD_USER_SCOPE(winograd_      ? "convolution, to the weights"
                      : few_outputs_ ? "head, backward"
                                     : "transposed convolution, backward");
    out.weight = winograd_      ? FusedWeightGradient{*winograd_, maps_, all}(weight, gradient)
                 : few_outputs_ ? few_weights(weight, x, gradient)
                                : block_weights(weight, x, gradient);
    if (ask.bias) out.bias = channel_sums(gradient);
    return out;
  }
  RECORD_USER_SCOPE("convolution by oneDNN, backward");
  auto const rank = static_cast<std::size_t>(x.dim()) - 2;
  auto const transposed = node_.op == "conv_transpose";
  auto const [by_x, by_weight, by_bias] = at::convolution_backward(
      gradient, x, weight.to(type_of(how_.precision)),
      ask.bias ? at::OptionalIntArrayRef{weights[1].sizes()} : std::nullopt,
      axes_option(node_, "stride", rank), axes_option(node_, "padding", rank),
      axes_option(node_, "dilation", rank), transposed,
      transposed ? axes_option(node_, "output_padding", rank) : FusedSizes(rank, 0),
      whole_option(node_, "groups"), {ask.input, true, ask.bias});
  if (ask.input) out.x.push_back(by_x);
  out.weight = by_weight.to(at::kFloat);
  if (by_bias.defined()) out.bias = by_bias.to(at::kFloat);
  return out;
}

// The rows are cut by their number alone, so that threads do not change the sums.
at::Tensor FusedConvolution::few_weights(at::Tensor const& weight,
                                         at::Tensor const& x,
                                         at::Tensor const& gradient) const {
  FewOutputs const few{weight.size(1), weight.size(0)};
  auto const rows = x.numel() / few.in;
  constexpr std::int64_t most_cuts = 64, least_rows = 512;
  auto const cuts = std::clamp<std::int64_t>(rows / least_rows, 1, most_cuts);
  auto const sums = at::zeros({cuts, few.out, few.in}, at::kFloat);
  together_typed(x, [&]<class T>(T) {
    at::parallel_for(0, cuts, 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto cut = begin; cut < end; ++cut) {
        auto const first = cut * rows / cuts, last = (cut + 1) * rows / cuts;
        few.add_to_weights(
            together_read<T>(gradient) + first * few.out, together_read<T>(x) + first * few.in,
            sums.mutable_data_ptr<float>() + cut * few.out * few.in, last - first);
      }
    });
  });
  auto const out = at::empty_like(weight);
  out.copy_(sums.sum(0).view(weight.sizes()));
  return out;
}

at::Tensor FusedConvolution::block_weights(at::Tensor const& weight,
                                           at::Tensor const& x,
                                           at::Tensor const& gradient) const {
  auto const by_matrix = at::mm(fused_rows(x).t(), block_rows(weight, gradient)).to(at::kFloat);
  auto const out = at::empty_like(weight);
  out.movedim(1, -1).copy_(by_matrix.reshape(weight.movedim(1, -1).sizes()));
  return out;
}

// Of what a transposed convolution reads.
std::vector<std::int64_t> FusedConvolution::coarse_of(at::Tensor const& weight,
                                                      at::Tensor const& gradient) const {
  auto const rank = static_cast<std::size_t>(gradient.dim()) - 2;
  auto const block = axes_option(node_, "kernel", rank);
  FusedSizes coarse{gradient.size(0), weight.size(0)};
  for (std::size_t a = 0; a < rank; ++a)
    coarse.push_back(gradient.size(static_cast<std::int64_t>(a) + 2) / block[a]);
  return coarse;
}

// [voxels, places * out]
at::Tensor FusedConvolution::block_rows(at::Tensor const& weight,
                                        at::Tensor const& gradient) const {
  auto const coarse = coarse_of(weight, gradient);
  auto const block = axes_option(node_, "kernel", coarse.size() - 2);
  FusedBlocks const blocks{coarse, block, weight.size(1)};
  auto const voxels = values_of(coarse) / weight.size(0);
  auto const rows = at::empty({voxels, blocks.places() * weight.size(1)}, gradient.options());
  blocks.move<false>(rows, gradient);
  return rows;
}

std::vector<at::Tensor> FusedConvolution::input_gradients(
    std::span<at::Tensor const> weights,
    at::Tensor const& gradient,
    std::vector<std::int64_t> const& channels) const {
  auto const& weight = weights[0];
  std::vector<at::Tensor> out;
  if (winograd_) {
    RECORD_USER_SCOPE("convolution, to the input");
    auto back = *winograd_;
    std::swap(back.in, back.out);
    for (auto const count : channels) out.push_back(fused_map(gradient, count));
    auto const turned = winograd_->turned(winograd_steps(weight));
    winograd_convolve(back, maps_, winograd_prepared(back, turned), {}, {&gradient, 1}, out);
    return out;
  }
  if (few_outputs_) {
    RECORD_USER_SCOPE("head, backward");
    FewOutputs const few{weight.size(1), weight.size(0)};
    out.push_back(fused_map(gradient, few.in));
    auto const flat = weight.contiguous();
    together_typed(gradient, [&]<class T>(T) {
      at::parallel_for(0, gradient.numel() / few.out, together_values / few.in + 1,
                       [&](std::int64_t begin, std::int64_t end) {
                         few.to_input(together_read<T>(gradient) + begin * few.out,
                                      flat.const_data_ptr<float>(),
                                      together_write<T>(out.back()) + begin * few.in,
                                      end - begin);
                       });
    });
    return out;
  }
  RECORD_USER_SCOPE("transposed convolution, backward");
  auto const rows = block_rows(weight, gradient);
  auto const back = at::mm(rows, fused_block_matrix(weight).to(gradient.scalar_type()).t());
  // Rows of channels are how a map lies.
  auto sizes = coarse_of(weight, gradient);
  sizes.erase(sizes.begin() + 1);
  sizes.push_back(weight.size(0));
  out.push_back(back.view(sizes).movedim(-1, 1));
  return out;
}

}  // namespace fovea
