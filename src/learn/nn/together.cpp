#include "learn/nn/together.hpp"

#include "learn/kernel/norm.hpp"
#include "learn/kernel/relu_max_pool.hpp"
#include "learn/kernel/tap_matrix.hpp"
#include "learn/nn/ops_rows.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/movedim.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/reshape.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using TogetherSizes = std::vector<std::int64_t>;

// Rows that one thread takes at once, so that small work is not cut up.
constexpr std::int64_t together_values = 16384;

// Calls work(values of the kernels' type) with the tensor's own type.
template <class Work>
void together_typed(at::Tensor const& x, Work const& work) {
  if (x.scalar_type() == at::kFloat)
    work(float{});
  else
    work(BFloat16{});
}
template <class T>
T const* together_read(at::Tensor const& x) {
  return x.defined() ? static_cast<T const*>(x.const_data_ptr()) : nullptr;
}
template <class T>
T* together_write(at::Tensor const& x) {
  return x.defined() ? static_cast<T*>(x.mutable_data_ptr()) : nullptr;
}

at::MemoryFormat together_format(at::Tensor const& x) {
  return x.dim() == 4   ? at::MemoryFormat::ChannelsLast
         : x.dim() == 5 ? at::MemoryFormat::ChannelsLast3d
                        : at::MemoryFormat::Contiguous;
}

at::Tensor together_empty(at::Tensor const& like, TogetherSizes const& size) {
  return at::empty(size, like.options().memory_format(together_format(like)));
}

// --- batch norm and what follows it
// -----------------------------------------------------------

// Rows are summed in blocks of a number that follows from the size alone, so that threads do
// not change the result.
struct TogetherRows {
  explicit TogetherRows(at::Tensor const& x)
      : channels{x.size(1)}, count{x.numel() / x.size(1)} {
    constexpr std::int64_t most = 64, least = 64;
    block = std::max(least, (count + most - 1) / most);
    blocks = (count + block - 1) / block;
  }

  template <class Work>
  void each_block(Work const& work) const {
    at::parallel_for(0, blocks, std::max<std::int64_t>(1, together_values / (block * channels)),
                     [&](std::int64_t begin, std::int64_t end) {
                       for (auto b = begin; b < end; ++b)
                         work(b, b * block, std::min(count, (b + 1) * block));
                     });
  }

  std::int64_t channels, count, block = 0, blocks = 0;
};

// [blocks, 2, channels] of float32 -> two sums for each channel.
std::vector<double> together_joined(std::vector<float> const& sums, TogetherRows const& rows) {
  auto const width = static_cast<std::size_t>(2 * rows.channels);
  std::vector<double> all(width);
  for (std::size_t b = 0; b < static_cast<std::size_t>(rows.blocks); ++b)
    for (std::size_t c = 0; c < width; ++c) all[c] += static_cast<double>(sums[b * width + c]);
  return all;
}

struct TogetherMoments {
  at::Tensor mean, inverse;  // float32 by channel; inverse: 1 / sqrt(variance + epsilon)
};

TogetherMoments together_moments(at::Tensor const& x,
                                 ChannelNorm const& norm,
                                 at::Tensor const& running_mean,
                                 at::Tensor const& running_variance,
                                 double momentum,
                                 double epsilon) {
  TogetherRows const rows{x};
  auto const channels = static_cast<std::size_t>(rows.channels);
  // About the first row: a large mean does not eat the variance's digits.
  std::vector<float> about(channels);
  std::vector<float> sums(static_cast<std::size_t>(rows.blocks) * 2 * channels);
  together_typed(x, [&]<class T>(T) {
    auto const* const values = together_read<T>(x);
    std::transform(values, values + rows.channels, about.begin(),
                   [](T value) { return widened(value); });
    rows.each_block([&](std::int64_t b, std::int64_t begin, std::int64_t end) {
      norm.moments(values, about.data(), sums.data() + b * 2 * rows.channels, begin, end);
    });
  });
  auto const all = together_joined(sums, rows);
  auto const count = static_cast<double>(rows.count);
  TogetherMoments out{at::empty({rows.channels}, at::kFloat),
                      at::empty({rows.channels}, at::kFloat)};
  auto spread = at::empty({rows.channels}, at::kFloat);
  auto* const mean = out.mean.mutable_data_ptr<float>();
  auto* const inverse = out.inverse.mutable_data_ptr<float>();
  auto* const unbiased = spread.mutable_data_ptr<float>();
  for (std::size_t c = 0; c < channels; ++c) {
    auto const shift = all[c] / count;
    auto const variance = std::max(0.0, all[channels + c] / count - shift * shift);
    mean[c] = static_cast<float>(static_cast<double>(about[c]) + shift);
    inverse[c] = static_cast<float>(1 / std::sqrt(variance + epsilon));
    unbiased[c] = static_cast<float>(variance * count / (count - 1));
  }
  running_mean.lerp_(out.mean, momentum);
  running_variance.lerp_(spread, momentum);
  return out;
}

struct TogetherNorm : torch::autograd::Function<TogetherNorm> {
  static at::Tensor forward(AutogradContext* context,
                            at::Tensor const& x,
                            at::Tensor const& weight,
                            at::Tensor const& bias,
                            std::optional<at::Tensor> const& other,
                            at::Tensor const& running_mean,
                            at::Tensor const& running_variance,
                            double momentum,
                            double epsilon,
                            bool relu) {
    ChannelNorm const norm{x.size(1), relu};
    auto const [mean, inverse] =
        together_moments(x, norm, running_mean, running_variance, momentum, epsilon);
    auto const scale = weight * inverse;
    auto const offset = bias - mean * scale;
    auto const y = at::empty_like(x);
    TogetherRows const rows{x};
    together_typed(x, [&]<class T>(T) {
      auto const *const values = together_read<T>(x), *const added = together_read<T>(
                                                          other.value_or(at::Tensor{}));
      auto* const out = together_write<T>(y);
      auto const* const by = scale.const_data_ptr<float>();
      auto const* const plus = offset.const_data_ptr<float>();
      rows.each_block([&](std::int64_t, std::int64_t begin, std::int64_t end) {
        norm.forward(values, added, by, plus, out, begin, end);
      });
    });
    context->save_for_backward({x, relu ? y : at::Tensor{}, weight, mean, inverse});
    context->saved_data["relu"] = relu;
    context->saved_data["other"] = other.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto const saved = context->get_saved_variables();
    auto const &x = saved[0], &y = saved[1], &weight = saved[2], &mean = saved[3],
               &inverse = saved[4];
    auto const relu = context->saved_data["relu"].toBool();
    auto const gradient =
        gradients[0].to(x.scalar_type()).contiguous(together_format(gradients[0]));
    ChannelNorm const norm{x.size(1), relu};
    TogetherRows const rows{x};
    // The sum hands its gradient on: masked by ReLU, or as it came.
    at::Tensor passed;
    if (context->saved_data["other"].toBool()) passed = relu ? at::empty_like(x) : gradient;
    std::vector<float> sums(static_cast<std::size_t>(rows.blocks * 2 * rows.channels));
    auto const* const centre = mean.const_data_ptr<float>();
    together_typed(x, [&]<class T>(T) {
      auto const *const g = together_read<T>(gradient), *const values = together_read<T>(x),
                        *const made = together_read<T>(y);
      auto* const masked = relu ? together_write<T>(passed) : nullptr;
      rows.each_block([&](std::int64_t b, std::int64_t begin, std::int64_t end) {
        norm.gradient_moments(g, values, made, centre, sums.data() + b * 2 * rows.channels,
                              masked, begin, end);
      });
    });
    auto const all = together_joined(sums, rows);
    auto const channels = static_cast<std::size_t>(rows.channels);
    auto const by_weight = at::empty_like(weight), by_bias = at::empty_like(weight);
    std::vector<float> by_gradient(channels), by_value(channels), plus(channels);
    auto const* const w = weight.const_data_ptr<float>();
    auto const* const inverses = inverse.const_data_ptr<float>();
    for (std::size_t c = 0; c < channels; ++c) {
      auto const one = all[c], two = all[channels + c];
      auto const deviation = static_cast<double>(inverses[c]);
      auto const scale = static_cast<double>(w[c]) * deviation;
      auto const share = scale / static_cast<double>(rows.count);
      by_gradient[c] = static_cast<float>(scale);
      by_value[c] = static_cast<float>(-share * deviation * deviation * two);
      plus[c] = static_cast<float>(-share * one);
      by_weight.mutable_data_ptr<float>()[c] = static_cast<float>(two * deviation);
      by_bias.mutable_data_ptr<float>()[c] = static_cast<float>(one);
    }
    auto const out = at::empty_like(x);
    together_typed(x, [&]<class T>(T) {
      auto const *const g = together_read<T>(gradient), *const values = together_read<T>(x),
                        *const made = together_read<T>(y);
      auto* const to = together_write<T>(out);
      rows.each_block([&](std::int64_t, std::int64_t begin, std::int64_t end) {
        norm.backward(g, values, made, centre, by_gradient.data(), by_value.data(), plus.data(),
                      to, begin, end);
      });
    });
    return {out, by_weight, by_bias, passed, {}, {}, {}, {}, {}};
  }
};

// --- ReLU and pooling
// -------------------------------------------------------------------------

template <class Work>
void together_each_row(std::int64_t rows, std::int64_t values, Work const& work) {
  at::parallel_for(
      0, rows, std::max<std::int64_t>(1, together_values / std::max<std::int64_t>(1, values)),
      work);
}

struct TogetherPool : torch::autograd::Function<TogetherPool> {
  static at::Tensor forward(AutogradContext* context, at::Tensor const& x, ReluMaxPool pool) {
    auto const y = together_empty(x, {x.size(0), x.size(1), pool.out_height, pool.out_width});
    auto const where =
        at::empty(y.sizes(), y.options().dtype(at::kByte).memory_format(together_format(y)));
    auto* const places = where.mutable_data_ptr<std::uint8_t>();
    together_typed(x, [&]<class T>(T) {
      auto const* const in = together_read<T>(x);
      auto* const out = together_write<T>(y);
      together_each_row(x.size(0) * pool.out_height, pool.width * pool.channels,
                        [&](std::int64_t begin, std::int64_t end) {
                          pool.forward(in, out, places, begin, end);
                        });
    });
    context->save_for_backward({where});
    context->saved_data["shape"] =
        TogetherSizes{pool.height,    pool.width,      pool.channels,  pool.out_height,
                      pool.out_width, pool.kernel[0],  pool.kernel[1], pool.stride[0],
                      pool.stride[1], pool.padding[0], pool.padding[1]};
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto const where = context->get_saved_variables()[0];
    auto const s = context->saved_data["shape"].toIntVector();
    ReluMaxPool const pool{s[0], s[1],         s[2],         s[3],
                           s[4], {s[5], s[6]}, {s[7], s[8]}, {s[9], s[10]}};
    auto const gradient = gradients[0].contiguous(together_format(gradients[0]));
    auto const out =
        together_empty(gradient, {gradient.size(0), pool.channels, pool.height, pool.width});
    auto const* const places = where.const_data_ptr<std::uint8_t>();
    together_typed(gradient, [&]<class T>(T) {
      auto const* const g = together_read<T>(gradient);
      auto* const to = together_write<T>(out);
      together_each_row(gradient.size(0) * pool.height, pool.width * pool.channels,
                        [&](std::int64_t begin, std::int64_t end) {
                          pool.backward(g, places, to, begin, end);
                        });
    });
    return {out, {}};
  }
};

// --- convolution on a few places
// --------------------------------------------------------------

// Numbers that the backward pass needs, in the one form that LibTorch keeps for it.
TogetherSizes together_numbers(TapMatrix const& m) {
  TogetherSizes numbers{m.out,    m.in,    m.in_places, m.out_places,
                        m.by_out, m.by_in, m.by_tap,    m.channels_last ? 1 : 0};
  numbers.insert(numbers.end(), m.tap.begin(), m.tap.end());
  return numbers;
}
TapMatrix together_taps(TogetherSizes const& numbers) {
  TapMatrix m{.out = numbers[0],
              .in = numbers[1],
              .in_places = numbers[2],
              .out_places = numbers[3],
              .by_out = numbers[4],
              .by_in = numbers[5],
              .by_tap = numbers[6],
              .channels_last = numbers[7] != 0};
  for (auto at = numbers.begin() + 8; at != numbers.end(); ++at)
    m.tap.push_back(static_cast<std::int32_t>(*at));
  return m;
}

constexpr std::int64_t together_channels = 8;  // that one thread takes at once

struct TogetherTaps : torch::autograd::Function<TogetherTaps> {
  static at::Tensor forward(AutogradContext* context,
                            at::Tensor const& weight,
                            TogetherSizes const& numbers) {
    auto const taps = together_taps(numbers);
    auto const matrix =
        at::empty({taps.out * taps.out_places, taps.in * taps.in_places}, weight.options());
    together_typed(weight, [&]<class T>(T) {
      auto const* const from = together_read<T>(weight);
      auto* const to = together_write<T>(matrix);
      at::parallel_for(
          0, taps.out, together_channels,
          [&](std::int64_t begin, std::int64_t end) { taps.spread(from, to, begin, end); });
    });
    context->save_for_backward({weight});
    context->saved_data["taps"] = numbers;
    return matrix;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto const taps = together_taps(context->saved_data["taps"].toIntVector());
    auto const weight = context->get_saved_variables()[0];
    auto const gradient = gradients[0].contiguous();
    auto const out = at::empty_like(weight);
    together_typed(weight, [&]<class T>(T) {
      auto const* const from = together_read<T>(gradient);
      auto* const to = together_write<T>(out);
      at::parallel_for(
          0, taps.out, together_channels,
          [&](std::int64_t begin, std::int64_t end) { taps.gather(from, to, begin, end); });
    });
    return {out, {}};
  }
};

// Steps through the places of a map: [j][i] of a 2 x 3 map are 0 ... 5.
bool together_next(TogetherSizes& place, at::IntArrayRef size) {
  for (auto axis = place.size(); axis-- > 0;) {
    if (++place[axis] < size[axis]) return true;
    place[axis] = 0;
  }
  return false;
}

struct TogetherWindow {
  TogetherSizes kernel, stride, padding, dilation;
};

// The tap that joins place p of the input and place q of the output, or -1.
std::int32_t together_tap(TogetherWindow const& w,
                          TogetherSizes const& p,
                          TogetherSizes const& q) {
  std::int64_t tap = 0;
  for (std::size_t a = 0; a < p.size(); ++a) {
    auto const from = p[a] + w.padding[a] - q[a] * w.stride[a];
    if (from < 0 || from % w.dilation[a] != 0 || from / w.dilation[a] >= w.kernel[a]) return -1;
    tap = tap * w.kernel[a] + from / w.dilation[a];
  }
  return static_cast<std::int32_t>(tap);
}

TogetherSizes together_out(TogetherWindow const& w, at::IntArrayRef size) {
  TogetherSizes out;
  for (std::size_t a = 0; a < size.size(); ++a)
    out.push_back(
        (size[a] + 2 * w.padding[a] - w.dilation[a] * (w.kernel[a] - 1) - 1) / w.stride[a] + 1);
  return out;
}

}  // namespace

bool lies_in_rows(at::Tensor const& x) {
  return x.device().is_cpu() &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         x.is_contiguous(together_format(x));
}

at::Tensor norm_and_more(Node const& norm,
                         std::span<at::Tensor const> weights,
                         at::Tensor const& x,
                         at::Tensor const& other,
                         bool relu) {
  std::optional<at::Tensor> added;
  if (other.defined()) added = other.to(x.scalar_type()).contiguous(together_format(x));
  return TogetherNorm::apply(x, weights[0], weights[1], added, weights[2], weights[3],
                             real_option(norm, "momentum"), real_option(norm, "epsilon"), relu);
}

std::optional<at::Tensor> relu_and_max_pool(Node const& node, at::Tensor const& x) {
  auto const kernel = axes_option(node, "kernel", 2), stride = axes_option(node, "stride", 2),
             padding = axes_option(node, "padding", 2);
  auto const out =
      op_named("max_pool")
          .shape(node, std::vector<Shape>{{x.size(1), {x.size(2), x.size(3)}, false}});
  ReluMaxPool const pool{x.size(2),
                         x.size(3),
                         x.size(1),
                         out.size[0],
                         out.size[1],
                         {kernel[0], kernel[1]},
                         {stride[0], stride[1]},
                         {padding[0], padding[1]}};
  if (!pool.fits()) return std::nullopt;
  return TogetherPool::apply(x, pool);
}

std::optional<at::Tensor> convolved_as_matrix(Node const& conv,
                                              std::span<at::Tensor const> weights,
                                              at::Tensor const& x) {
  auto const rank = static_cast<std::size_t>(x.dim()) - 2;
  auto const& weight = weights[0];
  auto const size = x.sizes().slice(2);
  auto const kernel = weight.sizes().slice(2).vec();
  auto const taps = values_of(kernel), places = values_of(size.vec());
  // Half the kernel at least would lie in the padding.
  constexpr std::int64_t most_places = 8;
  if (!x.device().is_cpu() || 2 * places > taps || places > most_places ||
      x.scalar_type() != weight.scalar_type() || whole_option(conv, "groups") != 1 ||
      (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16))
    return std::nullopt;
  auto const plain = weight.is_contiguous();
  if (!plain && !weight.is_contiguous(together_format(weight))) return std::nullopt;

  TogetherWindow const window{kernel, axes_option(conv, "stride", rank),
                              axes_option(conv, "padding", rank),
                              axes_option(conv, "dilation", rank)};
  auto const out = together_out(window, size);
  if (values_of(out) < 1 || values_of(out) > most_places) return std::nullopt;
  TapMatrix matrix{.out = weight.size(0),
                   .in = weight.size(1),
                   .in_places = places,
                   .out_places = values_of(out),
                   .by_out = weight.size(1) * taps,
                   .by_in = plain ? taps : 1,
                   .by_tap = plain ? 1 : weight.size(1),
                   .channels_last = lies_in_rows(x)};
  TogetherSizes q(rank);
  do {
    TogetherSizes p(rank);
    do matrix.tap.push_back(together_tap(window, p, q));
    while (together_next(p, size));
  } while (together_next(q, out));

  auto const spread = TogetherTaps::apply(weight, together_numbers(matrix));
  auto const batch = x.size(0);
  std::optional<at::Tensor> bias;
  if (weights.size() > 1)
    bias = matrix.channels_last ? weights[1].repeat({matrix.out_places})
                                : weights[1].repeat_interleave(matrix.out_places);
  TogetherSizes shape{batch};
  if (!matrix.channels_last) {
    auto const y = at::linear(x.reshape({batch, -1}), spread, bias);
    shape.push_back(matrix.out);
    shape.insert(shape.end(), out.begin(), out.end());
    return y.reshape(shape);
  }
  auto const y = at::linear(x.movedim(1, -1).reshape({batch, -1}), spread, bias);
  shape.insert(shape.end(), out.begin(), out.end());
  shape.push_back(matrix.out);
  return y.reshape(shape).movedim(-1, 1);
}

}  // namespace fovea
