#include "learn/kernel/norm.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

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

}  // namespace

bool lies_in_rows(at::Tensor const& x) {
  // A signal's channels are never its last axis.
  return x.device().is_cpu() && x.dim() != 3 &&
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

}  // namespace fovea
