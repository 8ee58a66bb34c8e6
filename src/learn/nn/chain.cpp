#include "learn/nn/chain.hpp"

#include "learn/kernel/sloped_norm.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// Rows of an image, or of all images together, in blocks, of a number that follows from the
// size alone, so that threads do not change the result. Few channels are taken several rows at
// once, as if they were more: the vectors are wider than they.
struct ChainRows {
  ChainRows(at::Tensor const& x, bool batch)
      : images{batch ? 1 : x.size(0)},
        channels{x.size(1)},
        rows{x.numel() / (images * channels)} {
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
class ChainJoin {
 public:
  ChainJoin(ChainRows const& rows, std::int64_t kinds)
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

  ChainRows const& rows_;
  std::int64_t kinds_;
  std::vector<float> sums_;  // zeros where a block has no such rows
};

// Numbers for each image and channel that the kernel reads.
struct ChainFactors {
  std::vector<float> scale, offset, mean;

  ChainFactors(ChainRows const& rows,
               NormChain const& chain,
               NormChain::Moments const& moments) {
    auto const* const m = moments.mean.const_data_ptr<float>();
    auto const* const inverse = moments.inverse.const_data_ptr<float>();
    auto const* const w = together_read<float>(chain.weight);
    auto const* const b = together_read<float>(chain.bias);
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

float chain_slope(Slope const& slope) {
  return slope.learnt.defined() ? *slope.learnt.const_data_ptr<float>()
                                : static_cast<float>(slope.fixed);
}

template <class T>
T* chain_at(T* values, std::int64_t at) {
  return values == nullptr ? nullptr : values + at;
}

// The gradient of the values is d * scale + (x - mean) * by_value + plus.
struct ChainSums {
  std::vector<float> by_value, plus;
  at::Tensor weight, bias, slope;

  ChainSums(std::vector<double> const& all,
            ChainRows const& rows,
            NormChain const& chain,
            NormChain::Moments const& moments)
      : weight{at::empty({rows.channels}, at::kFloat)},
        bias{at::empty({rows.channels}, at::kFloat)},
        slope{at::empty({1}, at::kFloat)} {
    auto const channels = static_cast<std::size_t>(rows.channels);
    auto const group = static_cast<std::size_t>(chain.group);
    std::vector<double> of_weight(channels), of_bias(channels);
    double of_slope = 0;
    auto const* const inverse = moments.inverse.const_data_ptr<float>();
    auto const* const w = together_read<float>(chain.weight);
    for (std::size_t first = 0; first < static_cast<std::size_t>(rows.images) * channels;
         first += group) {
      auto const image = first / channels, begin = first % channels;
      auto const* const three = all.data() + 3 * image * channels;
      auto const deviation = static_cast<double>(inverse[first]);
      double one = 0, two = 0;
      for (auto c = begin; c < begin + group; ++c) {
        auto const weight_here = w == nullptr ? 1 : static_cast<double>(w[c]);
        one += weight_here * three[c];
        two += weight_here * three[channels + c];
        of_weight[c] += three[channels + c] * deviation;
        of_bias[c] += three[c];
        of_slope += three[2 * channels + c];
      }
      auto const share = deviation / static_cast<double>(rows.rows * chain.group);
      by_value.insert(by_value.end(), group,
                      static_cast<float>(-share * deviation * deviation * two));
      plus.insert(plus.end(), group, static_cast<float>(-share * one));
    }
    by_value = rows.repeated(by_value);
    plus = rows.repeated(plus);
    auto const narrowed_to = [](std::vector<double> const& from, at::Tensor const& to) {
      std::transform(from.begin(), from.end(), to.mutable_data_ptr<float>(),
                     [](double value) { return static_cast<float>(value); });
    };
    narrowed_to(of_weight, weight);
    narrowed_to(of_bias, bias);
    *slope.mutable_data_ptr<float>() = static_cast<float>(of_slope);
  }
};

}  // namespace

NormChain::Moments NormChain::moments(at::Tensor const& x) const {
  ChainRows const rows{x, batch};
  ChainJoin sums{rows, 2};
  // About the first row: a large mean does not eat the variance's digits.
  std::vector<float> about(static_cast<std::size_t>(rows.images * rows.channels));
  together_typed(x, [&]<class T>(T) {
    auto const* const values = together_read<T>(x);
    for (std::int64_t image = 0; image < rows.images; ++image)
      for (std::int64_t c = 0; c < rows.channels; ++c)
        about[static_cast<std::size_t>(image * rows.channels + c)] =
            widened(values[image * rows.rows * rows.channels + c]);
    auto const repeated = rows.repeated(about);
    SlopedNorm const wide{rows.wide()}, narrow{rows.channels};
    rows.each_block([&](std::int64_t image, std::int64_t b, std::int64_t first,
                        std::int64_t many, std::int64_t rest) {
      auto const* const centre = repeated.data() + image * rows.wide();
      wide.moments(values + first, centre, sums.wide(b), many);
      narrow.moments(values + first + many * rows.wide(), centre, sums.rest(b), rest);
    });
  });
  auto const all = sums.joined();
  auto const count = static_cast<double>(rows.rows);
  auto const empty = [&] { return at::empty({rows.images, rows.channels}, at::kFloat); };
  Moments out{empty(), empty(), empty(), rows.rows};
  auto* const mean = out.mean.mutable_data_ptr<float>();
  auto* const spread = out.variance.mutable_data_ptr<float>();
  auto* const inverse = out.inverse.mutable_data_ptr<float>();
  for (std::int64_t first = 0; first < rows.images * rows.channels; first += group) {
    auto const image = first / rows.channels, begin = first % rows.channels;
    auto const* const sum = all.data() + 2 * image * rows.channels;
    auto const mean_of = [&](std::int64_t c) {
      return static_cast<double>(about[static_cast<std::size_t>(image * rows.channels + c)]) +
             sum[c] / count;
    };
    double middle = 0, variance = 0;
    for (auto c = begin; c < begin + group; ++c)
      middle += mean_of(c) / static_cast<double>(group);
    for (auto c = begin; c < begin + group; ++c) {
      auto const shift = sum[c] / count, apart = mean_of(c) - middle;
      auto const mine = sum[rows.channels + c] / count - shift * shift;
      // What is not a number stays that.
      variance += ((mine < 0 ? 0 : mine) + apart * apart) / static_cast<double>(group);
    }
    for (auto at = first; at < first + group; ++at) {
      mean[at] = static_cast<float>(middle);
      spread[at] = static_cast<float>(variance);
      inverse[at] = static_cast<float>(1 / std::sqrt(variance + epsilon));
    }
  }
  return out;
}

at::Tensor NormChain::forward(at::Tensor const& x, Moments const& moments) const {
  ChainRows const rows{x, batch};
  ChainFactors const by{rows, *this, moments};
  auto const below = chain_slope(slope);
  SlopedNorm const wide{rows.wide(), below}, narrow{rows.channels, below};
  auto const y = at::empty_like(x);
  together_typed(x, [&]<class T>(T) {
    auto const *const values = together_read<T>(x), *const added = together_read<T>(other);
    auto* const out = together_write<T>(y);
    rows.each_block([&](std::int64_t image, std::int64_t, std::int64_t first, std::int64_t many,
                        std::int64_t rest) {
      auto const *const scale = by.scale.data() + image * rows.wide(), *const offset =
                                                                           by.offset.data() +
                                                                           image * rows.wide();
      auto const tail = first + many * rows.wide();
      wide.forward(values + first, chain_at(added, first), scale, offset, out + first, many);
      narrow.forward(values + tail, chain_at(added, tail), scale, offset, out + tail, rest);
    });
  });
  return y;
}

NormChain::Gradients NormChain::backward(at::Tensor const& gradient,
                                         at::Tensor const& x,
                                         Moments const& moments,
                                         bool in_place) const {
  ChainRows const rows{x, batch};
  ChainFactors const by{rows, *this, moments};
  auto const below = chain_slope(slope);
  SlopedNorm const wide{rows.wide(), below}, narrow{rows.channels, below};
  ChainJoin joined{rows, 3};
  Gradients out;
  // The sum hands its gradient on: by the slope, or as it came.
  auto const bends = below != 1;
  if (other.defined()) out.other = bends ? at::empty_like(x) : gradient;
  out.x = in_place && (bends || !other.defined()) ? gradient : at::empty_like(x);
  together_typed(x, [&]<class T>(T) {
    auto const *const g = together_read<T>(gradient), *const values = together_read<T>(x),
                      *const added = together_read<T>(other);
    auto* const passed = bends ? together_write<T>(out.other) : nullptr;
    auto* const to = together_write<T>(out.x);
    rows.each_block([&](std::int64_t image, std::int64_t b, std::int64_t first,
                        std::int64_t many, std::int64_t rest) {
      auto const run = [&](SlopedNorm const& norm, std::int64_t at, float* sums,
                           std::int64_t count) {
        norm.gradient_moments(
            g + at, values + at, chain_at(added, at), by.scale.data() + image * rows.wide(),
            by.offset.data() + image * rows.wide(), by.mean.data() + image * rows.wide(), sums,
            chain_at(passed, at), count);
      };
      run(wide, first, joined.wide(b), many);
      run(narrow, first + many * rows.wide(), joined.rest(b), rest);
    });
    ChainSums const sums{joined.joined(), rows, *this, moments};
    out.weight = sums.weight;
    out.bias = sums.bias;
    out.slope = sums.slope;
    rows.each_block([&](std::int64_t image, std::int64_t, std::int64_t first, std::int64_t many,
                        std::int64_t rest) {
      auto const factors = image * rows.wide();
      auto const run = [&](SlopedNorm const& norm, std::int64_t at, std::int64_t count) {
        norm.backward(g + at, values + at, chain_at(added, at), by.scale.data() + factors,
                      by.offset.data() + factors, by.mean.data() + factors,
                      sums.by_value.data() + factors, sums.plus.data() + factors, to + at,
                      count);
      };
      run(wide, first, many);
      run(narrow, first + many * rows.wide(), rest);
    });
  });
  return out;
}

at::Tensor channel_sums(at::Tensor const& x) {
  ChainRows const rows{x, true};
  ChainJoin sums{rows, 2};
  std::vector<float> const zeros(static_cast<std::size_t>(rows.wide()));
  SlopedNorm const wide{rows.wide()}, narrow{rows.channels};
  together_typed(x, [&]<class T>(T) {
    auto const* const values = together_read<T>(x);
    rows.each_block([&](std::int64_t, std::int64_t b, std::int64_t first, std::int64_t many,
                        std::int64_t rest) {
      wide.moments(values + first, zeros.data(), sums.wide(b), many);
      narrow.moments(values + first + many * rows.wide(), zeros.data(), sums.rest(b), rest);
    });
  });
  auto const all = sums.joined();
  auto const out = at::empty({rows.channels}, at::kFloat);
  std::transform(all.begin(), all.begin() + rows.channels, out.mutable_data_ptr<float>(),
                 [](double value) { return static_cast<float>(value); });
  return out;
}

NormChain chain_of(Node const& norm,
                   std::int64_t channels,
                   std::span<at::Tensor const> weights,
                   at::Tensor const& other,
                   Slope const& slope) {
  auto const affine = !weights.empty();
  return {.batch = norm.op == "batch_norm",
          .group = norm.op == "group_norm" ? channels / whole_option(norm, "groups") : 1,
          .epsilon = real_option(norm, "epsilon"),
          .weight = affine ? weights[0] : at::Tensor{},
          .bias = affine ? weights[1] : at::Tensor{},
          .other = other,
          .slope = slope};
}

void follow(NormChain::Moments const& moments,
            double momentum,
            at::Tensor const& running_mean,
            at::Tensor const& running_variance) {
  auto const count = static_cast<double>(moments.count);
  running_mean.lerp_(moments.mean.flatten(), momentum);
  // Running variances are unbiased ones.
  running_variance.lerp_(moments.variance.flatten().mul(count / (count - 1)), momentum);
}

bool lies_in_rows(at::Tensor const& x) {
  // A signal's channels are never its last axis.
  return x.device().is_cpu() && x.dim() != 3 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         x.is_contiguous(together_format(x));
}

}  // namespace fovea
