#include "learn/nn/convolve.hpp"

#include "learn/nn/ops.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>

#include <algorithm>
#include <utility>

namespace fovea {
namespace {

std::int64_t convolve_reach(Convolution const& how, std::size_t axis, at::IntArrayRef weight) {
  return how.dilation[axis] * (weight[axis + 2] - 1) + 1;
}

// Of the larger side: what a convolution reads, what a transposed one makes.
bool convolve_hangs_over(Convolution const& how,
                         std::size_t axis,
                         std::int64_t size,
                         at::IntArrayRef weight) {
  auto const reach = convolve_reach(how, axis, weight), padding = how.padding[axis];
  if (how.dilation[axis] > 1) return padding >= reach;  // oneDNN knows what it does there
  return padding > 0 && (padding >= reach || size < reach + how.stride[axis] - 1);
}

bool convolve_any_above_one(at::IntArrayRef numbers) {
  return std::ranges::any_of(numbers, [](std::int64_t n) { return n > 1; });
}

// oneDNN blocks channels by 16 at most.
bool convolve_fills_blocks(at::IntArrayRef weight) {
  return weight[1] % 16 == 0;
}

bool convolve_skips(Convolution const& how, at::IntArrayRef weight) {
  return !convolve_any_above_one(weight.slice(2)) && convolve_any_above_one(how.stride) &&
         !convolve_fills_blocks(weight);
}

bool convolve_spreads(Convolution const& how, at::IntArrayRef weight, at::ScalarType type) {
  return type == at::kBFloat16 && convolve_any_above_one(how.dilation) &&
         !convolve_fills_blocks(weight);
}

// The size that the kernel of a transposed convolution must have along an axis.
std::int64_t convolve_kernel(Convolution const& how, std::size_t axis, at::IntArrayRef weight) {
  auto const size = weight[axis + 2];
  if (convolve_skips(how, weight)) return 2;
  if (size == 1 || !convolve_any_above_one(how.stride)) return size;
  return std::ranges::max(weight.slice(2));
}

// Zeros between the voxels of a kernel, where dilation would have left them out.
at::Tensor convolve_spread(at::Tensor weight, at::IntArrayRef dilation) {
  for (std::size_t a = 0; a < dilation.size(); ++a) {
    auto const axis = static_cast<std::int64_t>(a) + 2, d = dilation[a];
    std::vector<std::int64_t> between(2 * static_cast<std::size_t>(weight.dim() - axis));
    between.back() = d - 1;
    auto const wide = at::constant_pad_nd(weight.unsqueeze(axis + 1), between);
    weight = wide.flatten(axis, axis + 1).narrow(axis, 0, d * (weight.size(axis) - 1) + 1);
  }
  return weight.contiguous();
}

// Along an axis, of so many voxels.
std::int64_t convolve_made(Convolution const& how,
                           std::size_t axis,
                           std::int64_t size,
                           at::IntArrayRef weight) {
  auto const reach = convolve_reach(how, axis, weight);
  return how.transposed ? (size - 1) * how.stride[axis] - 2 * how.padding[axis] + reach +
                              how.output_padding[axis]
                        : (size + 2 * how.padding[axis] - reach) / how.stride[axis] + 1;
}

at::Tensor convolve_plainly(at::Tensor const& x,
                            at::Tensor const& weight,
                            std::optional<at::Tensor> const& bias,
                            Convolution const& how) {
  return at::convolution(x, weight, bias, how.stride, how.padding, how.dilation, how.transposed,
                         how.output_padding, how.groups);
}

at::Tensor convolve_forth(at::Tensor const& x,
                          at::Tensor const& weight,
                          std::optional<at::Tensor> const& bias,
                          Convolution const& asked) {
  auto [in, how] = framed(x, weight.sizes(), asked);
  if (convolve_skips(how, weight.sizes())) {
    for (std::size_t a = 0; a < how.stride.size(); ++a)
      in = in.slice(static_cast<std::int64_t>(a) + 2, {}, {}, std::exchange(how.stride[a], 1));
  }
  return convolve_plainly(in, weight, bias, how);
}

// More than is asked for is made, and cut.
at::Tensor convolve_back(at::Tensor const& x,
                         at::Tensor const& weight,
                         std::optional<at::Tensor> const& bias,
                         Convolution const& asked) {
  auto how = asked;
  auto const rank = how.stride.size();
  std::vector<std::int64_t> cut(rank), size(rank);
  std::vector<std::int64_t> more_voxels, more_kernel;  // of zeros; the last axis first
  for (auto a = rank; a-- > 0;) {
    auto const voxels = x.size(static_cast<std::int64_t>(a) + 2);
    size[a] = convolve_made(how, a, voxels, weight.sizes());
    auto& more = how.output_padding[a];
    if (convolve_hangs_over(how, a, size[a], weight.sizes())) {
      cut[a] = std::exchange(how.padding[a], 0);
      more = std::max<std::int64_t>(0, more - cut[a]);
    }
    std::int64_t behind = 0;
    if (voxels == 1 && how.stride[a] > 1) {
      behind = (std::exchange(more, 0) + how.stride[a] - 1) / how.stride[a];
      if (behind == 0) how.stride[a] = 1;
    }
    more_voxels.insert(more_voxels.end(), {0, behind});
    auto const wider = convolve_kernel(asked, a, weight.sizes()) -
                       weight.size(static_cast<std::int64_t>(a) + 2);
    more = std::max<std::int64_t>(0, more - wider * how.dilation[a]);
    more_kernel.insert(more_kernel.end(), {0, wider});
  }
  auto y = convolve_plainly(at::constant_pad_nd(x, more_voxels),
                            at::constant_pad_nd(weight, more_kernel), bias, how);
  auto const format = y.suggest_memory_format();
  for (std::size_t a = 0; a < rank; ++a)
    y = y.narrow(static_cast<std::int64_t>(a) + 2, cut[a], size[a]);
  return y.contiguous(format);
}

}  // namespace

Convolution Convolution::of(Node const& node, std::size_t rank) {
  auto const transposed = node.op == "conv_transpose";
  auto const kernel = axes_option(node, "kernel", rank);
  auto dilation = axes_option(node, "dilation", rank);
  // It says nothing there, but oneDNN would heed it.
  for (std::size_t a = 0; a < rank; ++a)
    if (kernel[a] == 1) dilation[a] = 1;
  return {.stride = axes_option(node, "stride", rank),
          .padding = axes_option(node, "padding", rank),
          .dilation = dilation,
          .output_padding = transposed ? axes_option(node, "output_padding", rank)
                                       : std::vector<std::int64_t>(rank),
          .groups = whole_option(node, "groups"),
          .transposed = transposed};
}

bool needs_care(Convolution const& how,
                at::IntArrayRef image,
                at::IntArrayRef weight,
                at::ScalarType type) {
  for (std::size_t a = 0; a < image.size(); ++a) {
    auto const made = convolve_made(how, a, image[a], weight);
    auto const large = how.transposed ? made : image[a],
               small = how.transposed ? image[a] : made;
    if (convolve_hangs_over(how, a, large, weight) || (small == 1 && how.stride[a] > 1))
      return true;
    if (how.transposed && convolve_kernel(how, a, weight) != weight[a + 2]) return true;
  }
  return convolve_skips(how, weight) || convolve_spreads(how, weight, type);
}

Framed framed(at::Tensor const& x, at::IntArrayRef weight, Convolution const& how) {
  Framed out{x, how};
  if (!x.device().is_cpu()) return out;
  std::vector<std::int64_t> frame;  // of the last axis first: before, behind
  for (auto a = how.stride.size(); a-- > 0;) {
    auto const size = x.size(static_cast<std::int64_t>(a) + 2);
    auto const once = how.stride[a] > 1 && convolve_made(how, a, size, weight) == 1;
    auto const before = once || convolve_hangs_over(how, a, size, weight)
                            ? std::exchange(out.how.padding[a], 0)
                            : 0;
    if (once) out.how.stride[a] = 1;
    auto const behind = once ? convolve_reach(how, a, weight) - before - size : before;
    frame.insert(frame.end(), {before, behind});
  }
  if (std::ranges::any_of(frame, [](std::int64_t more) { return more != 0; }))
    out.x = at::constant_pad_nd(x, frame);
  return out;
}

at::Tensor convolve(at::Tensor const& x,
                    at::Tensor const& weight,
                    std::optional<at::Tensor> const& bias,
                    Convolution const& how) {
  if (!x.device().is_cpu() ||
      !needs_care(how, x.sizes().slice(2), weight.sizes(), x.scalar_type()))
    return convolve_plainly(x, weight, bias, how);
  auto kernel = weight;
  auto without = how;
  if (convolve_spreads(how, weight.sizes(), x.scalar_type())) {
    kernel = convolve_spread(weight, how.dilation);
    without.dilation.assign(how.dilation.size(), 1);
  }
  return how.transposed ? convolve_back(x, kernel, bias, without)
                        : convolve_forth(x, kernel, bias, without);
}

}  // namespace fovea
