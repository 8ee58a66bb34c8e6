#include "base/core/error.hpp"
#include "learn/nn/convolve.hpp"
#include "learn/nn/ops_rows.hpp"
#include "learn/nn/together.hpp"

#include <ATen/ops/adaptive_avg_pool1d.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/adaptive_avg_pool3d.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/avg_pool1d.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/avg_pool3d.h>
#include <ATen/ops/max_pool1d.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/max_pool3d.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

using Kind = OptionRow::Kind;
using Sizes = std::vector<std::int64_t>;

constexpr double spatial_most_channels = 1e6;
constexpr double spatial_most_steps = 4096;  // of kernels, strides, paddings

constexpr OptionRow spatial_conv_options[] = {
    {.name = "out", .low = 1, .high = spatial_most_channels, .required = true},
    {.name = "kernel",
     .kind = Kind::axes,
     .low = 1,
     .high = spatial_most_steps,
     .required = true},
    {.name = "stride", .kind = Kind::axes, .low = 1, .high = spatial_most_steps, .standard = 1},
    {.name = "padding", .kind = Kind::axes, .low = 0, .high = spatial_most_steps},
    {.name = "dilation",
     .kind = Kind::axes,
     .low = 1,
     .high = spatial_most_steps,
     .standard = 1},
    {.name = "groups", .low = 1, .high = spatial_most_channels, .standard = 1},
    {.name = "bias", .low = 0, .high = 1, .standard = 1},
    {.name = "slope", .kind = Kind::real, .low = 0, .high = 1},
    {.name = "begin", .kind = Kind::word, .words = "he|uniform"},
};
constexpr OptionRow spatial_transpose_options[] = {
    {.name = "out", .low = 1, .high = spatial_most_channels, .required = true},
    {.name = "kernel",
     .kind = Kind::axes,
     .low = 1,
     .high = spatial_most_steps,
     .required = true},
    {.name = "stride", .kind = Kind::axes, .low = 1, .high = spatial_most_steps, .standard = 1},
    {.name = "padding", .kind = Kind::axes, .low = 0, .high = spatial_most_steps},
    {.name = "output_padding", .kind = Kind::axes, .low = 0, .high = spatial_most_steps},
    {.name = "dilation",
     .kind = Kind::axes,
     .low = 1,
     .high = spatial_most_steps,
     .standard = 1},
    {.name = "groups", .low = 1, .high = spatial_most_channels, .standard = 1},
    {.name = "bias", .low = 0, .high = 1, .standard = 1},
    {.name = "slope", .kind = Kind::real, .low = 0, .high = 1},
    {.name = "begin", .kind = Kind::word, .words = "he|uniform"},
};
constexpr OptionRow spatial_max_options[] = {
    {.name = "kernel",
     .kind = Kind::axes,
     .low = 1,
     .high = spatial_most_steps,
     .required = true},
    {.name = "stride",
     .kind = Kind::axes,
     .low = 1,
     .high = spatial_most_steps,
     .required = true},
    {.name = "padding", .kind = Kind::axes, .low = 0, .high = spatial_most_steps},
    {.name = "ceil", .low = 0, .high = 1},
};
constexpr OptionRow spatial_avg_options[] = {
    {.name = "kernel",
     .kind = Kind::axes,
     .low = 1,
     .high = spatial_most_steps,
     .required = true},
    {.name = "stride",
     .kind = Kind::axes,
     .low = 1,
     .high = spatial_most_steps,
     .required = true},
    {.name = "padding", .kind = Kind::axes, .low = 0, .high = spatial_most_steps},
    {.name = "ceil", .low = 0, .high = 1},
    {.name = "count_padding", .low = 0, .high = 1, .standard = 1},
};
constexpr OptionRow spatial_adaptive_options[] = {
    {.name = "size", .kind = Kind::axes, .low = 1, .high = 1e6, .required = true},
};
void spatial_expect_image(Shape const& in) {
  if (in.last || in.size.empty())
    refuse_shape("an image of 1, 2 or 3 dimensions", in_words(in));
}

std::size_t spatial_rank(RunOp const& run) {
  return static_cast<std::size_t>(run.in[0].dim()) - 2;
}

std::optional<at::Tensor> spatial_bias(RunOp const& run) {
  return run.weights.size() > 1 ? std::optional{run.weights[1]} : std::nullopt;
}

// --- convolution ---

Shape spatial_conv_shape(Node const& node, Shapes in) {
  spatial_expect_image(in[0]);
  auto const rank = in[0].size.size();
  auto const groups = whole_option(node, "groups"), out = whole_option(node, "out");
  if (in[0].channels % groups != 0 || out % groups != 0)
    refuse_shape(text("channels that ", groups, " groups divide"),
                 text(in[0].channels, " to ", out));
  auto const kernel = axes_option(node, "kernel", rank),
             stride = axes_option(node, "stride", rank);
  auto const padding = axes_option(node, "padding", rank),
             dilation = axes_option(node, "dilation", rank);
  Shape shape{out, in[0].size, false};
  for (std::size_t a = 0; a < rank; ++a) {
    if (shape.size[a] == Shape::unknown) continue;
    auto const room = shape.size[a] + 2 * padding[a] - dilation[a] * (kernel[a] - 1) - 1;
    shape.size[a] = room < 0 ? 0 : room / stride[a] + 1;
  }
  return shape;
}

Shape spatial_transpose_shape(Node const& node, Shapes in) {
  spatial_expect_image(in[0]);
  auto const rank = in[0].size.size();
  auto const groups = whole_option(node, "groups"), out = whole_option(node, "out");
  if (in[0].channels % groups != 0 || out % groups != 0)
    refuse_shape(text("channels that ", groups, " groups divide"),
                 text(in[0].channels, " to ", out));
  auto const kernel = axes_option(node, "kernel", rank),
             stride = axes_option(node, "stride", rank);
  auto const padding = axes_option(node, "padding", rank),
             dilation = axes_option(node, "dilation", rank);
  auto const more = axes_option(node, "output_padding", rank);
  Shape shape{out, in[0].size, false};
  for (std::size_t a = 0; a < rank; ++a) {
    if (more[a] >= stride[a] && more[a] >= dilation[a])
      refuse_shape("an output_padding below stride or dilation", text(more[a]));
    if (shape.size[a] == Shape::unknown) continue;
    shape.size[a] = (shape.size[a] - 1) * stride[a] - 2 * padding[a] +
                    dilation[a] * (kernel[a] - 1) + more[a] + 1;
  }
  return shape;
}

std::vector<WeightRow> spatial_kernel_weights(Node const& node, Shapes in, bool transposed) {
  auto const kernel = axes_option(node, "kernel", in[0].size.size());
  auto const out = whole_option(node, "out"), groups = whole_option(node, "groups");
  Sizes shape =
      transposed ? Sizes{in[0].channels, out / groups} : Sizes{out, in[0].channels / groups};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  // Of a transposed convolution PyTorch counts the second axis, and nnU-Net begins so.
  auto const fan_in = values_of(kernel) * shape[1];
  // PyTorch's own beginning, of MONAI's networks.
  auto const uniform = word_option(node, "begin") == "uniform";
  // A leaky ReLU behind it lets more through (He et al. 2015, equation 15).
  auto const slope = real_option(node, "slope");
  std::vector<WeightRow> rows{{.name = "weight",
                               .shape = shape,
                               .begin = uniform ? Begin::uniform : Begin::he,
                               .fan_in = fan_in,
                               .factor = 1 / std::sqrt(1 + slope * slope)}};
  if (whole_option(node, "bias") != 0)
    rows.push_back({.name = "bias",
                    .shape = {out},
                    .begin = uniform ? Begin::uniform : Begin::zeros,
                    .fan_in = fan_in,
                    .decays = false});
  return rows;
}

// Each voxel of a volume becomes a block of its own: one product with a matrix, where LibTorch,
// of channels-last float32, has a slow way only.
std::optional<at::Tensor> spatial_blocks(RunOp const& run) {
  auto const& x = run.in[0];
  auto const& weight = run.weights[0];
  if (run.training || spatial_rank(run) != 3 || x.scalar_type() != at::kFloat ||
      !x.device().is_cpu() || !lies_in_rows(x))
    return std::nullopt;
  auto const block = axes_option(run.node, "kernel", 3);
  Sizes const none(3, 0), one(3, 1);
  if (axes_option(run.node, "stride", 3) != block ||
      axes_option(run.node, "padding", 3) != none ||
      axes_option(run.node, "output_padding", 3) != none ||
      axes_option(run.node, "dilation", 3) != one || whole_option(run.node, "groups") != 1)
    return std::nullopt;
  auto const in = weight.size(0), out = weight.size(1), places = values_of(block);
  auto const matrix = weight.permute({0, 2, 3, 4, 1}).reshape({in, places * out});
  auto const rows = x.permute({0, 2, 3, 4, 1}).reshape({-1, in});
  auto const bias = spatial_bias(run);
  auto const y = bias ? at::addmm(bias->repeat({places}), rows, matrix) : at::mm(rows, matrix);
  return y
      .reshape({x.size(0), x.size(2), x.size(3), x.size(4), block[0], block[1], block[2], out})
      .permute({0, 1, 4, 2, 5, 3, 6, 7})
      .reshape(
          {x.size(0), x.size(2) * block[0], x.size(3) * block[1], x.size(4) * block[2], out})
      .permute({0, 4, 1, 2, 3});
}

at::Tensor spatial_convolve(RunOp const& run, bool transposed) {
  auto const rank = spatial_rank(run);
  if (transposed) {
    if (auto const y = spatial_blocks(run)) return *y;
  }
  if (run.training && !transposed) {
    if (auto const y = convolved_as_matrix(run.node, run.weights, run.in[0])) return *y;
  }
  return convolve(run.in[0], run.weights[0], spatial_bias(run),
                  Convolution::of(run.node, rank));
}

std::string spatial_convolve_script(ScriptOp const& s, bool transposed) {
  auto const rank = s.shapes[0].size.size();
  return text(
      "torch.convolution(", s.in[0], ", ", s.weights[0], ", ",
      s.weights.size() > 1 ? s.weights[1] : "None", ", ",
      as_list(axes_option(s.node, "stride", rank)), ", ",
      as_list(axes_option(s.node, "padding", rank)), ", ",
      as_list(axes_option(s.node, "dilation", rank)), ", ", transposed ? "True" : "False", ", ",
      as_list(transposed ? axes_option(s.node, "output_padding", rank) : Sizes(rank, 0)), ", ",
      whole_option(s.node, "groups"), ")");
}

double spatial_kernel_volume(Node const& node, Shape const& in) {
  return static_cast<double>(values_of(axes_option(node, "kernel", in.size.size())) *
                             in.channels / whole_option(node, "groups"));
}

// --- pooling ---

Shape spatial_pool_shape(Node const& node, Shapes in) {
  spatial_expect_image(in[0]);
  auto const rank = in[0].size.size();
  auto const kernel = axes_option(node, "kernel", rank),
             stride = axes_option(node, "stride", rank);
  auto const padding = axes_option(node, "padding", rank);
  auto const ceil = whole_option(node, "ceil") != 0;
  Shape shape = in[0];
  for (std::size_t a = 0; a < rank; ++a) {
    if (2 * padding[a] > kernel[a])
      refuse_shape("a padding of at most half the kernel", text(padding[a]));
    if (shape.size[a] == Shape::unknown) continue;
    auto const room = shape.size[a] + 2 * padding[a] - kernel[a];
    if (room < 0) {
      shape.size[a] = 0;
      continue;
    }
    auto side = (room + (ceil ? stride[a] - 1 : 0)) / stride[a] + 1;
    // No window may begin in the padding behind the image.
    if (ceil && (side - 1) * stride[a] >= shape.size[a] + padding[a]) --side;
    shape.size[a] = side;
  }
  return shape;
}

at::Tensor spatial_max_pool(RunOp const& run) {
  auto const rank = spatial_rank(run);
  auto const kernel = axes_option(run.node, "kernel", rank),
             stride = axes_option(run.node, "stride", rank);
  auto const padding = axes_option(run.node, "padding", rank);
  Sizes const dilation(rank, 1);
  auto const ceil = whole_option(run.node, "ceil") != 0;
  if (rank == 1) return at::max_pool1d(run.in[0], kernel, stride, padding, dilation, ceil);
  if (rank == 2) return at::max_pool2d(run.in[0], kernel, stride, padding, dilation, ceil);
  return at::max_pool3d(run.in[0], kernel, stride, padding, dilation, ceil);
}

// LibTorch pools no volume in bfloat16 on a CPU.
at::Tensor spatial_wide(at::Tensor const& x) {
  return x.dim() == 5 ? x.to(at::kFloat) : x;
}

at::Tensor spatial_avg_pool(RunOp const& run) {
  auto const rank = spatial_rank(run);
  auto const kernel = axes_option(run.node, "kernel", rank),
             stride = axes_option(run.node, "stride", rank);
  auto const padding = axes_option(run.node, "padding", rank);
  auto const ceil = whole_option(run.node, "ceil") != 0,
             count = whole_option(run.node, "count_padding") != 0;
  if (rank == 1) return at::avg_pool1d(run.in[0], kernel, stride, padding, ceil, count);
  if (rank == 2) return at::avg_pool2d(run.in[0], kernel, stride, padding, ceil, count);
  return at::avg_pool3d(spatial_wide(run.in[0]), kernel, stride, padding, ceil, count)
      .to(run.in[0].scalar_type());
}

std::string spatial_pool_script(ScriptOp const& s,
                                std::string_view op,
                                std::string const& dilation,
                                std::string const& tail) {
  auto const rank = s.shapes[0].size.size();
  return text("torch.", op, rank, "d(", s.in[0], ", ",
              as_list(axes_option(s.node, "kernel", rank)), ", ",
              as_list(axes_option(s.node, "stride", rank)), ", ",
              as_list(axes_option(s.node, "padding", rank)), ", ", dilation,
              whole_option(s.node, "ceil") != 0 ? "True" : "False", tail, ")");
}

Shape spatial_adaptive_shape(Node const& node, Shapes in) {
  spatial_expect_image(in[0]);
  return {in[0].channels, axes_option(node, "size", in[0].size.size()), false};
}

at::Tensor spatial_adaptive(RunOp const& run) {
  auto const rank = spatial_rank(run);
  auto const size = axes_option(run.node, "size", rank);
  if (run.in[0].sizes().slice(2) == at::IntArrayRef{size}) return run.in[0];
  if (rank == 1) return at::adaptive_avg_pool1d(run.in[0], size);
  if (rank == 2) return at::adaptive_avg_pool2d(run.in[0], size);
  return at::adaptive_avg_pool3d(run.in[0], size);
}

Shape spatial_global_shape(Node const&, Shapes in) {
  spatial_expect_image(in[0]);
  return {in[0].channels, {}, false};
}

Sizes spatial_axes(std::size_t rank) {
  Sizes axes(rank);
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

constexpr OpRow spatial_rows[] = {
    {.name = "conv",
     .does =
         "convolution of any rank; fresh weights by begin, and by the slope of the leaky ReLU "
         "behind it",
     .options = spatial_conv_options,
     .shape = spatial_conv_shape,
     .weights = [](Node const& node,
                   Shapes in) { return spatial_kernel_weights(node, in, false); },
     .run = [](RunOp const& run) { return spatial_convolve(run, false); },
     .script = [](ScriptOp const& s) { return spatial_convolve_script(s, false); },
     .multiply_adds =
         [](Node const& node, Shapes in, Shape const& out) {
           return spatial_kernel_volume(node, in[0]) *
                  static_cast<double>(values_of(out.size) * out.channels);
         },
     .lowers = true,
     .forgets = true},
    {.name = "conv_transpose",
     .does = "transposed convolution of any rank",
     .options = spatial_transpose_options,
     .shape = spatial_transpose_shape,
     .weights = [](Node const& node,
                   Shapes in) { return spatial_kernel_weights(node, in, true); },
     .run = [](RunOp const& run) { return spatial_convolve(run, true); },
     .script = [](ScriptOp const& s) { return spatial_convolve_script(s, true); },
     .multiply_adds =
         [](Node const& node, Shapes in, Shape const& out) {
           return spatial_kernel_volume(node, in[0]) *
                  static_cast<double>(values_of(in[0].size) * out.channels);
         },
     .lowers = true,
     .forgets = true},
    {.name = "max_pool",
     .does = "the largest value under a window",
     .options = spatial_max_options,
     .shape = spatial_pool_shape,
     .run = spatial_max_pool,
     .script =
         [](ScriptOp const& s) {
           return spatial_pool_script(s, "max_pool",
                                      as_list(Sizes(s.shapes[0].size.size(), 1)) + ", ", "");
         }},
    {.name = "avg_pool",
     .does = "the mean under a window",
     .options = spatial_avg_options,
     .shape = spatial_pool_shape,
     .run = spatial_avg_pool,
     .script =
         [](ScriptOp const& s) {
           return spatial_pool_script(
               s, "avg_pool", "",
               whole_option(s.node, "count_padding") != 0 ? ", True" : ", False");
         }},
    {.name = "adaptive_avg_pool",
     .does = "means over a fixed number of cells, whatever the size; an image of that size "
             "stays as it is",
     .options = spatial_adaptive_options,
     .shape = spatial_adaptive_shape,
     .run = spatial_adaptive,
     .script =
         [](ScriptOp const& s) {
           auto const rank = s.shapes[0].size.size();
           return text("torch.adaptive_avg_pool", rank, "d(", s.in[0], ", ",
                       as_list(axes_option(s.node, "size", rank)), ")");
         },
     .needs_sizes = true},  // where it is the mean of all, as in gates
    {.name = "global_avg_pool",
     .does = "the mean of each channel: an image becomes a vector",
     .shape = spatial_global_shape,
     .run =
         [](RunOp const& run) { return at::mean(run.in[0], spatial_axes(spatial_rank(run))); },
     .script =
         [](ScriptOp const& s) {
           return text("torch.mean(", s.in[0], ", ",
                       as_list(spatial_axes(s.shapes[0].size.size())), ")");
         },
     .needs_sizes = true},
};

}  // namespace

std::span<OpRow const> spatial_ops() {
  return spatial_rows;
}

}  // namespace fovea
