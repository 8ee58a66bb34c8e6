#include "learn/kernel/norm.hpp"
#include "learn/kernel/sloped_norm.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// An image's rows in blocks, of a number that follows from the size alone, so that threads do
// not change the result. Few channels are taken several rows at once, as if they were more: the
// vectors are wider than they.
struct InstanceRows {
  explicit InstanceRows(at::Tensor const& x)
      : images{x.size(0)}, channels{x.size(1)}, rows{x.numel() / (images * channels)} {
    constexpr std::int64_t narrow = 32, enough = 64;
    if (channels < narrow) at_once = enough / channels;
    constexpr std::int64_t most = 64, least = 64;
    block = std::max(least, (rows + most - 1) / most);
    block = (block + at_once - 1) / at_once * at_once;
    blocks = (rows + block - 1) / block;
  }

  std::int64_t wide() const { return channels * at_once; }

  // work(image, block of all images, first value, rows of `wide` channels, rows of the rest)
  template <class Work>
  void each_block(Work const& work) const {
    at::parallel_for(0, images * blocks,
                     std::max<std::int64_t>(1, together_values / (block * channels)),
                     [&](std::int64_t from, std::int64_t to) {
                       for (auto b = from; b < to; ++b) {
                         auto const image = b / blocks, begin = (b % blocks) * block;
                         auto const count = std::min(rows, begin + block) - begin;
                         auto const first = (image * rows + begin) * channels;
                         work(image, b, first, count / at_once, count % at_once);
                       }
                     });
  }

  // [images, channels] of float32, each channel's number as often as rows are taken at once.
  std::vector<float> repeated(std::vector<float> const& numbers) const {
    if (at_once == 1) return numbers;
    std::vector<float> out;
    out.reserve(numbers.size() * static_cast<std::size_t>(at_once));
    for (std::int64_t image = 0; image < images; ++image) {
      auto const begin = numbers.begin() + image * channels;
      for (std::int64_t i = 0; i < at_once; ++i) out.insert(out.end(), begin, begin + channels);
    }
    return out;
  }

  std::int64_t images, channels, rows, at_once = 1, block = 0, blocks = 0;
};

// What each block summed, `kinds` numbers for each channel, joined by image: [images, kinds,
// channels].
class InstanceSums {
 public:
  InstanceSums(InstanceRows const& rows, std::int64_t kinds)
      : rows_{rows},
        kinds_{kinds},
        sums_(static_cast<std::size_t>(rows.images * rows.blocks * 2 * kinds * rows.wide())) {}

  // For the wide rows of a block, and for the rest.
  float* wide(std::int64_t block) { return sums_.data() + block * 2 * kinds_ * rows_.wide(); }
  float* rest(std::int64_t block) { return wide(block) + kinds_ * rows_.wide(); }

  std::vector<double> joined() {
    std::vector<double> all(static_cast<std::size_t>(rows_.images * kinds_ * rows_.channels));
    for (std::int64_t b = 0; b < rows_.images * rows_.blocks; ++b) {
      for (std::int64_t kind = 0; kind < kinds_; ++kind) {
        auto* const to = all.data() + (b / rows_.blocks * kinds_ + kind) * rows_.channels;
        add(wide(b) + kind * rows_.wide(), rows_.at_once, to);
        add(rest(b) + kind * rows_.channels, 1, to);
      }
    }
    return all;
  }

 private:
  void add(float const* from, std::int64_t times, double* to) const {
    for (std::int64_t i = 0; i < times; ++i)
      for (std::int64_t c = 0; c < rows_.channels; ++c)
        to[c] += static_cast<double>(from[i * rows_.channels + c]);
  }

  InstanceRows const& rows_;
  std::int64_t kinds_;
  std::vector<float> sums_;  // zeros where a block has no such rows
};

struct InstanceMoments {
  at::Tensor mean,
      inverse;  // float32 [images, channels]; inverse: 1 / sqrt(variance + epsilon)
};

InstanceMoments instance_moments(at::Tensor const& x, double epsilon) {
  InstanceRows const rows{x};
  InstanceSums sums{rows, 2};
  // About the first row of each image: a large mean does not eat the variance's digits.
  std::vector<float> about(static_cast<std::size_t>(rows.images * rows.channels));
  together_typed(x, [&]<class T>(T) {
    auto const* const values = together_read<T>(x);
    for (std::int64_t image = 0; image < rows.images; ++image)
      for (std::int64_t c = 0; c < rows.channels; ++c)
        about[static_cast<std::size_t>(image * rows.channels + c)] =
            widened(values[image * rows.rows * rows.channels + c]);
    auto const repeated = rows.repeated(about);
    ChannelNorm const wide{rows.wide()}, narrow{rows.channels};
    rows.each_block([&](std::int64_t image, std::int64_t b, std::int64_t first,
                        std::int64_t many, std::int64_t rest) {
      auto const* const centre = repeated.data() + image * rows.wide();
      wide.moments(values + first, centre, sums.wide(b), 0, many);
      narrow.moments(values + first + many * rows.wide(), centre, sums.rest(b), 0, rest);
    });
  });
  auto const all = sums.joined();
  auto const count = static_cast<double>(rows.rows);
  InstanceMoments out{at::empty({rows.images, rows.channels}, at::kFloat),
                      at::empty({rows.images, rows.channels}, at::kFloat)};
  auto* const mean = out.mean.mutable_data_ptr<float>();
  auto* const inverse = out.inverse.mutable_data_ptr<float>();
  for (std::int64_t image = 0; image < rows.images; ++image) {
    for (std::int64_t c = 0; c < rows.channels; ++c) {
      auto const at = image * rows.channels + c;
      auto const* const two = all.data() + 2 * image * rows.channels + c;
      auto const shift = two[0] / count;
      auto const variance = std::max(0.0, two[rows.channels] / count - shift * shift);
      mean[at] =
          static_cast<float>(static_cast<double>(about[static_cast<std::size_t>(at)]) + shift);
      inverse[at] = static_cast<float>(1 / std::sqrt(variance + epsilon));
    }
  }
  return out;
}

// Numbers for each image and channel that the kernel reads.
struct InstanceFactors {
  std::vector<float> scale, offset, mean;

  InstanceFactors(InstanceRows const& rows,
                  InstanceMoments const& moments,
                  at::Tensor const& weight,
                  at::Tensor const& bias) {
    auto const* const m = moments.mean.const_data_ptr<float>();
    auto const* const inverse = moments.inverse.const_data_ptr<float>();
    auto const* const w = together_read<float>(weight);
    auto const* const b = together_read<float>(bias);
    for (std::int64_t at = 0; at < rows.images * rows.channels; ++at) {
      auto const c = at % rows.channels;
      mean.push_back(m[at]);
      scale.push_back(inverse[at] * (w == nullptr ? 1 : w[c]));
      offset.push_back((b == nullptr ? 0 : b[c]) - m[at] * scale.back());
    }
    scale = rows.repeated(scale);
    offset = rows.repeated(offset);
    mean = rows.repeated(mean);
  }
};

struct TogetherInstance : torch::autograd::Function<TogetherInstance> {
  static at::Tensor forward(AutogradContext* context,
                            at::Tensor const& x,
                            std::optional<at::Tensor> const& weight,
                            std::optional<at::Tensor> const& bias,
                            std::optional<at::Tensor> const& other,
                            std::optional<at::Tensor> const& learnt_slope,
                            double slope,
                            double epsilon) {
    auto const moments = instance_moments(x, epsilon);
    InstanceRows const rows{x};
    auto const of = [](std::optional<at::Tensor> const& t) { return t.value_or(at::Tensor{}); };
    InstanceFactors const by{rows, moments, of(weight), of(bias)};
    auto const below =
        learnt_slope ? *learnt_slope->const_data_ptr<float>() : static_cast<float>(slope);
    SlopedNorm const wide{rows.wide(), below}, narrow{rows.channels, below};
    auto const y = at::empty_like(x);
    together_typed(x, [&]<class T>(T) {
      auto const *const values = together_read<T>(x), *const added =
                                                          together_read<T>(of(other));
      auto* const out = together_write<T>(y);
      rows.each_block([&](std::int64_t image, std::int64_t, std::int64_t first,
                          std::int64_t many, std::int64_t rest) {
        auto const factors = image * rows.wide();
        auto const tail = first + many * rows.wide();
        auto const at_added = [&](std::int64_t at) {
          return added == nullptr ? nullptr : added + at;
        };
        wide.forward(values + first, at_added(first), by.scale.data() + factors,
                     by.offset.data() + factors, out + first, many);
        narrow.forward(values + tail, at_added(tail), by.scale.data() + factors,
                       by.offset.data() + factors, out + tail, rest);
      });
    });
    context->save_for_backward(
        {x, of(weight), of(bias), of(other), moments.mean, moments.inverse});
    context->saved_data["slope"] = static_cast<double>(below);
    context->saved_data["learnt_slope"] = learnt_slope.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto const saved = context->get_saved_variables();
    auto const &x = saved[0], &weight = saved[1], &bias = saved[2], &other = saved[3];
    InstanceMoments const moments{saved[4], saved[5]};
    auto const gradient =
        gradients[0].to(x.scalar_type()).contiguous(together_format(gradients[0]));
    InstanceRows const rows{x};
    InstanceFactors const by{rows, moments, weight, bias};
    auto const below = static_cast<float>(context->saved_data["slope"].toDouble());
    SlopedNorm const wide{rows.wide(), below}, narrow{rows.channels, below};
    InstanceSums sums{rows, 3};
    at::Tensor passed;  // the sum hands its gradient on
    if (other.defined()) passed = at::empty_like(x);
    auto const out = at::empty_like(x);
    at::Tensor by_weight, by_bias, by_slope;
    together_typed(x, [&]<class T>(T) {
      auto const *const g = together_read<T>(gradient), *const values = together_read<T>(x),
                        *const added = together_read<T>(other);
      auto* const on = together_write<T>(passed);
      auto* const to = together_write<T>(out);
      rows.each_block([&](std::int64_t image, std::int64_t b, std::int64_t first,
                          std::int64_t many, std::int64_t rest) {
        auto const *const scale = by.scale.data() + image * rows.wide(),
                          *const offset = by.offset.data() + image * rows.wide(),
                          *const mean = by.mean.data() + image * rows.wide();
        auto const tail = first + many * rows.wide();
        auto const* const no = static_cast<T const*>(nullptr);
        wide.gradient_moments(g + first, values + first, added == nullptr ? no : added + first,
                              scale, offset, mean, sums.wide(b),
                              on == nullptr ? nullptr : on + first, many);
        narrow.gradient_moments(g + tail, values + tail, added == nullptr ? no : added + tail,
                                scale, offset, mean, sums.rest(b),
                                on == nullptr ? nullptr : on + tail, rest);
      });
      auto const all = sums.joined();
      std::vector<float> by_value, plus;
      joined(all, rows, moments, weight, by_value, plus, by_weight, by_bias, by_slope);
      by_value = rows.repeated(by_value);
      plus = rows.repeated(plus);
      rows.each_block([&](std::int64_t image, std::int64_t, std::int64_t first,
                          std::int64_t many, std::int64_t rest) {
        auto const factors = image * rows.wide();
        auto const tail = first + many * rows.wide();
        auto const* const no = static_cast<T const*>(nullptr);
        auto const run = [&](SlopedNorm const& norm, std::int64_t at, std::int64_t count) {
          norm.backward(g + at, values + at, added == nullptr ? no : added + at,
                        by.scale.data() + factors, by.offset.data() + factors,
                        by.mean.data() + factors, by_value.data() + factors,
                        plus.data() + factors, to + at, count);
        };
        run(wide, first, many);
        run(narrow, tail, rest);
      });
    });
    auto const given = [](at::Tensor const& of, at::Tensor const& value) {
      return of.defined() ? value : at::Tensor{};
    };
    return {out,
            given(weight, by_weight),
            given(bias, by_bias),
            passed,
            context->saved_data["learnt_slope"].toBool() ? by_slope : at::Tensor{},
            {},
            {}};
  }

 private:
  // The gradient of the values: d * scale + (x - mean) * by_value + plus.
  static void joined(std::vector<double> const& all,
                     InstanceRows const& rows,
                     InstanceMoments const& moments,
                     at::Tensor const& weight,
                     std::vector<float>& by_value,
                     std::vector<float>& plus,
                     at::Tensor& by_weight,
                     at::Tensor& by_bias,
                     at::Tensor& by_slope) {
    auto const channels = static_cast<std::size_t>(rows.channels);
    std::vector<double> of_weight(channels), of_bias(channels);
    double of_slope = 0;
    auto const* const inverse = moments.inverse.const_data_ptr<float>();
    auto const* const w = together_read<float>(weight);
    for (std::size_t image = 0; image < static_cast<std::size_t>(rows.images); ++image) {
      for (std::size_t c = 0; c < channels; ++c) {
        auto const* const three = all.data() + 3 * image * channels + c;
        auto const one = three[0], two = three[channels];
        auto const deviation = static_cast<double>(inverse[image * channels + c]);
        auto const scale = (w == nullptr ? 1 : static_cast<double>(w[c])) * deviation;
        auto const share = scale / static_cast<double>(rows.rows);
        by_value.push_back(static_cast<float>(-share * deviation * deviation * two));
        plus.push_back(static_cast<float>(-share * one));
        of_weight[c] += two * deviation;
        of_bias[c] += one;
        of_slope += three[2 * channels];
      }
    }
    by_weight = at::empty({rows.channels}, at::kFloat);
    by_bias = at::empty({rows.channels}, at::kFloat);
    by_slope = at::empty({1}, at::kFloat);
    auto const narrowed_to = [](std::vector<double> const& from, at::Tensor const& to) {
      std::transform(from.begin(), from.end(), to.mutable_data_ptr<float>(),
                     [](double value) { return static_cast<float>(value); });
    };
    narrowed_to(of_weight, by_weight);
    narrowed_to(of_bias, by_bias);
    *by_slope.mutable_data_ptr<float>() = static_cast<float>(of_slope);
  }
};

}  // namespace

at::Tensor instance_norm_and_more(Node const& norm,
                                  std::span<at::Tensor const> weights,
                                  at::Tensor const& x,
                                  at::Tensor const& other,
                                  Slope const& slope) {
  auto const optional = [](at::Tensor const& t) {
    return t.defined() ? std::optional{t} : std::nullopt;
  };
  std::optional<at::Tensor> added;
  if (other.defined()) added = other.to(x.scalar_type()).contiguous(together_format(x));
  auto const affine = !weights.empty();
  return TogetherInstance::apply(x, affine ? optional(weights[0]) : std::nullopt,
                                 affine ? optional(weights[1]) : std::nullopt, added,
                                 optional(slope.learnt), slope.fixed,
                                 real_option(norm, "epsilon"));
}

}  // namespace fovea
