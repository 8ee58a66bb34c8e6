#include "base/core/rng.hpp"
#include "learn/kernel/few_inputs.hpp"
#include "learn/kernel/few_outputs.hpp"
#include "learn/kernel/few_transposed.hpp"
#include "learn/kernel/relu_max_pool.hpp"
#include "learn/kernel/sloped_norm.hpp"
#include "learn/kernel/tap_matrix.hpp"
#include "learn/kernel/winograd.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <sys/mman.h>
#include <vector>

namespace fovea {
namespace {

std::vector<float> kernel_noise(std::int64_t count, std::uint64_t key) {
  Rng rng{{key}};
  std::vector<float> out(static_cast<std::size_t>(count));
  // Some values are equal, as they are behind a ReLU or in bfloat16.
  for (auto& value : out) value = static_cast<float>(std::round(rng.normal(0, 1) * 8) / 8);
  return out;
}

template <class T>
std::vector<T> kernel_as(std::vector<float> const& values) {
  std::vector<T> out;
  for (auto const value : values) out.push_back(narrowed<T>(value));
  return out;
}

template <class T>
class Kernel : public testing::Test {
 public:
  // Of sums of about a hundred values near one.
  static constexpr float close = sizeof(T) == 4 ? 1e-4F : 4e-2F;
};
using KernelTypes = testing::Types<float, BFloat16>;
TYPED_TEST_SUITE(Kernel, KernelTypes);

ReluMaxPool const kernel_pools[] = {
    {6, 8, 5, 3, 4},
    {7, 5, 70, 3, 2},
    {7, 9, 33, 4, 5, {3, 3}, {2, 2}, {1, 1}},
    {5, 5, 3, 5, 5, {3, 3}, {1, 1}, {1, 1}},
    {6, 7, 2, 2, 1, {2, 5}, {3, 4}, {0, 1}},
    {1, 1, 4, 1, 1, {1, 1}, {1, 1}, {0, 0}},
};
constexpr std::int64_t kernel_images = 2;

TYPED_TEST(Kernel, PoolsWhatIsAboveZeroAndHandsTheGradientToTheLargest) {
  using T = TypeParam;
  for (auto const& p : kernel_pools) {
    SCOPED_TRACE(testing::Message() << p.height << " x " << p.width << " x " << p.channels);
    auto const x =
        kernel_as<T>(kernel_noise(kernel_images * p.height * p.width * p.channels, 1));
    auto const outs = kernel_images * p.out_height * p.out_width * p.channels;
    auto const g = kernel_as<T>(kernel_noise(outs, 2));
    std::vector<float> y(static_cast<std::size_t>(outs)), dx(x.size());
    for (std::int64_t n = 0; n < kernel_images; ++n)
      for (std::int64_t j = 0; j < p.out_height; ++j)
        for (std::int64_t i = 0; i < p.out_width; ++i)
          for (std::int64_t c = 0; c < p.channels; ++c) {
            float best = 0;
            std::int64_t at = -1;
            for (std::int64_t b = 0; b < p.kernel[0]; ++b)
              for (std::int64_t a = 0; a < p.kernel[1]; ++a) {
                auto const row = j * p.stride[0] - p.padding[0] + b;
                auto const column = i * p.stride[1] - p.padding[1] + a;
                if (row < 0 || row >= p.height || column < 0 || column >= p.width) continue;
                auto const here = ((n * p.height + row) * p.width + column) * p.channels + c;
                if (widened(x[static_cast<std::size_t>(here)]) > best) {
                  best = widened(x[static_cast<std::size_t>(here)]);
                  at = here;
                }
              }
            auto const to = static_cast<std::size_t>(
                ((n * p.out_height + j) * p.out_width + i) * p.channels + c);
            y[to] = best;
            if (at >= 0) dx[static_cast<std::size_t>(at)] += widened(g[to]);
          }

    std::vector<T> got(static_cast<std::size_t>(outs)), back(x.size());
    std::vector<std::uint8_t> where(static_cast<std::size_t>(outs));
    auto const rows = kernel_images * p.out_height, in_rows = kernel_images * p.height;
    p.forward(x.data(), got.data(), where.data(), 0, rows / 2);
    p.forward(x.data(), got.data(), where.data(), rows / 2, rows);
    p.backward(g.data(), where.data(), back.data(), in_rows / 2, in_rows);
    p.backward(g.data(), where.data(), back.data(), 0, in_rows / 2);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(widened(got[i]), y[i]) << i;
    for (std::size_t i = 0; i < dx.size(); ++i)
      ASSERT_NEAR(widened(back[i]), dx[i], this->close) << i;
  }
}

TYPED_TEST(Kernel, PoolingKeepsWhatIsNotANumber) {
  using T = TypeParam;
  ReluMaxPool const pool{2, 2, 1, 1, 1};
  auto const x = kernel_as<T>({1, std::numeric_limits<float>::quiet_NaN(), 3, 2});
  T y{};
  std::uint8_t where = 0;
  pool.forward(x.data(), &y, &where, 0, 1);
  EXPECT_TRUE(std::isnan(widened(y)));
}

TYPED_TEST(Kernel, SlopedNormSumsAndScalesAsWrittenOut) {
  using T = TypeParam;
  constexpr std::int64_t rows = 23, channels = 37;
  auto const x = kernel_as<T>(kernel_noise(rows * channels, 3)),
             g = kernel_as<T>(kernel_noise(rows * channels, 4)),
             other = kernel_as<T>(kernel_noise(rows * channels, 5));
  auto const mean = kernel_noise(channels, 6), scale = kernel_noise(channels, 7),
             offset = kernel_noise(channels, 8), by_value = kernel_noise(channels, 9),
             plus = kernel_noise(channels, 10);
  for (auto const slope : {0.0F, 0.01F, 1.0F, -0.5F}) {
    for (auto const adds : {false, true}) {
      SCOPED_TRACE(testing::Message() << "slope " << slope << " adds " << adds);
      SlopedNorm const norm{channels, slope};
      std::vector<T> y(x.size()), passed(x.size()), back(x.size());
      std::vector<float> sums(3 * channels), moments(2 * channels);
      norm.moments(x.data(), mean.data(), moments.data(), rows);
      auto const* const added = adds ? other.data() : nullptr;
      norm.forward(x.data(), added, scale.data(), offset.data(), y.data(), rows);
      norm.gradient_moments(g.data(), x.data(), added, scale.data(), offset.data(), mean.data(),
                            sums.data(), adds ? passed.data() : nullptr, rows);
      norm.backward(g.data(), x.data(), added, scale.data(), offset.data(), mean.data(),
                    by_value.data(), plus.data(), back.data(), rows);
      for (std::size_t c = 0; c < channels; ++c) {
        float one = 0, two = 0, three = 0, first = 0, second = 0;
        for (std::size_t row = 0; row < rows; ++row) {
          auto const at = row * channels + c;
          auto value = widened(x[at]) * scale[c] + offset[c];
          if (adds) value += widened(other[at]);
          auto const bent = value < 0 ? value * slope : value;
          ASSERT_NEAR(widened(y[at]), bent, this->close * std::max(1.0F, std::abs(bent)));
          auto const d = value > 0 ? widened(g[at]) : widened(g[at]) * slope;
          if (adds) {
            ASSERT_NEAR(widened(passed[at]), d, this->close * std::max(1.0F, std::abs(d)));
          }
          auto const centred = widened(x[at]) - mean[c];
          auto const gradient = d * scale[c] + centred * by_value[c] + plus[c];
          ASSERT_NEAR(widened(back[at]), gradient,
                      this->close * std::max(1.0F, std::abs(gradient)));
          first += centred;
          second += centred * centred;
          one += d;
          two += d * centred;
          three += value < 0 ? widened(g[at]) * value : 0;
        }
        ASSERT_NEAR(moments[c], first, 1e-3);
        ASSERT_NEAR(moments[channels + c], second, 1e-3);
        ASSERT_NEAR(sums[c], one, 1e-3);
        ASSERT_NEAR(sums[channels + c], two, 1e-3);
        ASSERT_NEAR(sums[2 * channels + c], three, 1e-3);
      }
    }
  }
}

TYPED_TEST(Kernel, SpreadsAKernelsTapsAndGathersTheirGradients) {
  using T = TypeParam;
  // A 3 x 1 kernel on a map of 2 x 1 with padding 1: two places see each other.
  constexpr std::int64_t out = 3, in = 5, taps = 3;
  for (auto const last : {false, true}) {
    TapMatrix m{.out = out, .in = in, .tap = {1, 2, 0, 1}, .in_places = 2, .out_places = 2};
    m.by_out = in * taps;
    m.by_in = last ? 1 : taps;
    m.by_tap = last ? in : 1;
    m.channels_last = last;
    auto const weight = kernel_as<T>(kernel_noise(out * in * taps, 9));
    std::vector<T> matrix(out * 2 * in * 2, narrowed<T>(7));
    m.spread(weight.data(), matrix.data(), 0, 1);
    m.spread(weight.data(), matrix.data(), 1, out);
    auto const g = kernel_as<T>(kernel_noise(out * 2 * in * 2, 10));
    std::vector<float> sums(weight.size());
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t c = 0; c < in; ++c)
        for (std::int64_t q = 0; q < 2; ++q)
          for (std::int64_t p = 0; p < 2; ++p) {
            auto const tap = m.tap[static_cast<std::size_t>(q * 2 + p)];
            auto const from =
                static_cast<std::size_t>(o * m.by_out + c * m.by_in + tap * m.by_tap);
            auto const at = static_cast<std::size_t>(last ? (q * out + o) * in * 2 + p * in + c
                                                          : (o * 2 + q) * in * 2 + c * 2 + p);
            EXPECT_EQ(widened(matrix[at]), widened(weight[from]));
            sums[from] += widened(g[at]);
          }
    std::vector<T> gathered(weight.size(), narrowed<T>(7));
    m.gather(g.data(), gathered.data(), 0, out);
    for (std::size_t i = 0; i < sums.size(); ++i)
      EXPECT_NEAR(widened(gathered[i]), sums[i], this->close);
  }
}

TEST(BFloat16, RoundsToTheNearestAndKeepsWhatIsNotANumber) {
  EXPECT_EQ(widened(narrowed<BFloat16>(1.0F)), 1.0F);
  EXPECT_EQ(widened(narrowed<BFloat16>(1.00390625F)), 1.0F);       // half way: to the even one
  EXPECT_EQ(widened(narrowed<BFloat16>(1.01171875F)), 1.015625F);  // half way: to the even one
  EXPECT_EQ(widened(narrowed<BFloat16>(-1.0040F)), -1.0078125F);
  EXPECT_TRUE(std::isinf(widened(narrowed<BFloat16>(3.4e38F))));
  EXPECT_TRUE(std::isnan(widened(narrowed<BFloat16>(std::numeric_limits<float>::quiet_NaN()))));
}

// Small convolutions, and what a plain sum makes of them.
struct WinogradCase {
  Winograd conv;
  Winograd::Maps maps;

  std::int64_t taps() const { return conv.deep ? 27 : 9; }
  std::int64_t voxels() const {
    return maps.batch * maps.size[0] * maps.size[1] * maps.size[2];
  }
  // The voxel under a tap of the kernel at a voxel, or -1.
  std::int64_t under(std::int64_t voxel, std::int64_t tap) const {
    auto const [k, j, i] = maps.size;
    std::array const at{voxel / (i * j) % k + (conv.deep ? tap / 9 - 1 : 0),
                        voxel / i % j + tap / 3 % 3 - 1, voxel % i + tap % 3 - 1};
    auto from = voxel / (i * j * k);
    for (std::size_t a = 0; a < 3; ++a) {
      if (at[a] < 0 || at[a] >= maps.size[a]) return -1;
      from = from * maps.size[a] + at[a];
    }
    return from;
  }
  // weight: [out, in, taps]
  double plain(std::vector<float> const& x,
               std::vector<float> const& weight,
               std::int64_t voxel,
               std::int64_t out) const {
    double sum = 0;
    for (std::int64_t tap = 0; tap < taps(); ++tap) {
      auto const from = under(voxel, tap);
      for (std::int64_t c = 0; from >= 0 && c < conv.in; ++c)
        sum += double{x[static_cast<std::size_t>(from * conv.in + c)]} *
               weight[static_cast<std::size_t>((out * conv.in + c) * taps() + tap)];
    }
    return sum;
  }
  double plain_gradient(std::vector<float> const& x,
                        std::vector<float> const& g,
                        std::int64_t out,
                        std::int64_t in,
                        std::int64_t tap) const {
    double sum = 0;
    for (std::int64_t v = 0; v < voxels(); ++v) {
      if (auto const from = under(v, tap); from >= 0)
        sum += double{x[static_cast<std::size_t>(from * conv.in + in)]} *
               g[static_cast<std::size_t>(v * conv.out + out)];
    }
    return sum;
  }
};

// work(a small convolution), of each width of vectors.
template <class Work>
void winograd_cases(Work const& work) {
  WinogradCase const rows[] = {{{.in = 1, .out = 1}, {1, {1, 1, 1}}},
                               {{.in = 16, .out = 32}, {2, {4, 6, 8}}},
                               {{.in = 5, .out = 37}, {1, {19, 7, 5}}},
                               {{.in = 33, .out = 16}, {2, {2, 1, 9}}},
                               {{.in = 3, .out = 8}, {3, {2, 13, 21}}},
                               {{.in = 24, .out = 48, .deep = false}, {1, {3, 5, 6}}},
                               // Several rows of tiles at once.
                               {{.in = 2, .out = 3, .deep = false}, {1, {1, 98, 94}}},
                               {{.in = 8, .out = 70, .deep = false}, {3, {1, 9, 11}}}};
  for (auto row : rows) {
    for (auto const width :
         {vectors::Width::any, vectors::Width::avx2, vectors::Width::avx512}) {
      if (width > vectors::width()) continue;
      row.conv.width = width;
      auto const& [conv, maps] = row;
      SCOPED_TRACE(testing::Message() << conv.in << " to " << conv.out << ", " << maps.size[0]
                                      << " x " << maps.size[1] << " x " << maps.size[2]
                                      << ", vectors " << static_cast<int>(width));
      work(row);
    }
  }
}

std::vector<float> winograd_prepared(Winograd const& conv, Winograd::Weights const& weights) {
  std::vector<float> prepared(static_cast<std::size_t>(conv.weight_values()));
  conv.prepare(weights, prepared.data(), 0, conv.in / 2);
  conv.prepare(weights, prepared.data(), conv.in / 2, conv.in);
  return prepared;
}

TYPED_TEST(Kernel, GivesTheGradientsOfFewOutputs) {
  using T = TypeParam;
  for (auto const& few : {FewOutputs{32, 3}, FewOutputs{5, 1}, FewOutputs{17, 8}}) {
    constexpr std::int64_t rows = 37;
    auto const x = kernel_noise(rows * few.in, 1), g = kernel_noise(rows * few.out, 2);
    auto const weight = kernel_noise(few.out * few.in, 3);
    auto const given = kernel_as<T>(x), gradient = kernel_as<T>(g);
    std::vector<T> by_x(given.size());
    few.to_input(gradient.data(), weight.data(), by_x.data(), rows);
    std::vector<float> sums(weight.size(), 1);
    few.add_to_weights(gradient.data(), given.data(), sums.data(), rows);
    for (std::int64_t c = 0; c < few.in; ++c) {
      for (std::int64_t row = 0; row < rows; ++row) {
        double sum = 0;
        for (std::int64_t o = 0; o < few.out; ++o)
          sum += double{g[static_cast<std::size_t>(row * few.out + o)]} *
                 weight[static_cast<std::size_t>(o * few.in + c)];
        ASSERT_NEAR(widened(by_x[static_cast<std::size_t>(row * few.in + c)]), sum,
                    1e-5 + std::abs(sum) / 256);
      }
      for (std::int64_t o = 0; o < few.out; ++o) {
        double sum = 1;
        for (std::int64_t row = 0; row < rows; ++row)
          sum += double{g[static_cast<std::size_t>(row * few.out + o)]} *
                 x[static_cast<std::size_t>(row * few.in + c)];
        ASSERT_NEAR(sums[static_cast<std::size_t>(o * few.in + c)], sum, 1e-4);
      }
    }
  }
}

// A convolution of few channels, in plain sums.
struct KernelFew {
  FewInputs conv;
  std::array<std::int64_t, 3> size;

  FewInputs::Maps maps() const {
    FewInputs::Maps out{.batch = 2, .in = size};
    for (std::size_t a = 0; a < 3; ++a)
      out.out[a] = (size[a] + 2 * conv.padding[a] - conv.kernel[a]) / conv.stride[a] + 1;
    return out;
  }
  std::int64_t taps() const { return conv.kernel[0] * conv.kernel[1] * conv.kernel[2]; }
  std::int64_t places() const { return maps().rows() * maps().out[2]; }
  std::int64_t inputs() const { return maps().batch * size[0] * size[1] * size[2]; }

  // Calls see(output place, input place, tap) for all that a kernel lies over.
  template <class See>
  void each(See const& see) const {
    auto const all = maps();
    for (std::int64_t n = 0; n < places(); ++n) {
      auto const i = n % all.out[2] * conv.stride[2] - conv.padding[2];
      auto const j = n / all.out[2] % all.out[1] * conv.stride[1] - conv.padding[1];
      auto const k =
          n / (all.out[2] * all.out[1]) % all.out[0] * conv.stride[0] - conv.padding[0];
      auto const sample = n / (all.out[2] * all.out[1] * all.out[0]);
      for (std::int64_t tap = 0; tap < taps(); ++tap) {
        auto const q = i + tap % conv.kernel[2];
        auto const r = j + tap / conv.kernel[2] % conv.kernel[1];
        auto const s = k + tap / (conv.kernel[2] * conv.kernel[1]);
        if (q < 0 || r < 0 || s < 0 || q >= size[2] || r >= size[1] || s >= size[0]) continue;
        see(n, ((sample * size[0] + s) * size[1] + r) * size[2] + q, tap);
      }
    }
  }
};

KernelFew const kernel_few[] = {{{1, 32, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}}, {5, 6, 11}},
                                {{3, 37, {1, 7, 7}, {1, 2, 2}, {0, 3, 3}}, {1, 19, 22}},
                                {{4, 5, {1, 3, 3}, {1, 2, 1}, {0, 0, 2}}, {2, 9, 9}},
                                {{2, 17, {2, 1, 3}, {2, 1, 2}, {1, 0, 0}}, {4, 3, 8}},
                                {{1, 64, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}, {1, 1, 1}}};

TYPED_TEST(Kernel, ConvolvesAFewChannelsToThePlainSumWhateverTheRows) {
  using T = TypeParam;
  for (auto row : kernel_few) {
    auto const maps = row.maps();
    auto const x = kernel_noise(row.inputs() * row.conv.in, 1);
    auto const weight = kernel_noise(row.conv.out * row.conv.in * row.taps(), 2);
    auto const bias = kernel_noise(row.conv.out, 3);
    auto const outs = row.conv.out;
    std::vector<double> plain(static_cast<std::size_t>(row.places() * outs));
    for (std::size_t n = 0; n < plain.size(); ++n)
      plain[n] = bias[n % static_cast<std::size_t>(outs)];
    row.each([&](std::int64_t n, std::int64_t from, std::int64_t tap) {
      for (std::int64_t o = 0; o < outs; ++o)
        for (std::int64_t c = 0; c < row.conv.in; ++c)
          plain[static_cast<std::size_t>(n * outs + o)] +=
              double{x[static_cast<std::size_t>(from * row.conv.in + c)]} *
              weight[static_cast<std::size_t>((o * row.conv.in + c) * row.taps() + tap)];
    });
    for (auto const width :
         {vectors::Width::any, vectors::Width::avx2, vectors::Width::avx512}) {
      if (width > vectors::width()) continue;
      row.conv.width = width;
      auto const& conv = row.conv;
      std::vector<float> prepared(static_cast<std::size_t>(conv.weight_values()));
      conv.prepare(weight.data(), prepared.data());
      std::vector<float> weights(weight.size());
      conv.weights(prepared.data(), weights.data());
      EXPECT_EQ(weights, weight);
      auto const given = kernel_as<T>(x);
      std::vector<T> y(plain.size()), again(y);
      conv.convolve(maps, given.data(), prepared.data(), bias.data(), y.data(), 0, maps.rows());
      for (auto one = maps.rows(); one-- > 0;)
        conv.convolve(maps, given.data(), prepared.data(), bias.data(), again.data(), one,
                      one + 1);
      for (std::size_t n = 0; n < plain.size(); ++n) {
        ASSERT_NEAR(widened(y[n]), plain[n],
                    1e-4 + (sizeof(T) == 4 ? 0 : std::abs(plain[n]) / 256))
            << n << ", vectors " << static_cast<int>(width);
        ASSERT_EQ(widened(y[n]), widened(again[n]));
      }
    }
  }
}

TYPED_TEST(Kernel, GivesTheWeightsGradientOfAFewChannels) {
  using T = TypeParam;
  for (auto row : kernel_few) {
    auto const maps = row.maps();
    auto const x = kernel_noise(row.inputs() * row.conv.in, 1);
    auto const gradient = kernel_noise(row.places() * row.conv.out, 2);
    std::vector<double> plain(
        static_cast<std::size_t>(row.conv.out * row.conv.in * row.taps()));
    row.each([&](std::int64_t n, std::int64_t from, std::int64_t tap) {
      for (std::int64_t o = 0; o < row.conv.out; ++o)
        for (std::int64_t c = 0; c < row.conv.in; ++c)
          plain[static_cast<std::size_t>((o * row.conv.in + c) * row.taps() + tap)] +=
              double{x[static_cast<std::size_t>(from * row.conv.in + c)]} *
              gradient[static_cast<std::size_t>(n * row.conv.out + o)];
    });
    for (auto const width :
         {vectors::Width::any, vectors::Width::avx2, vectors::Width::avx512}) {
      if (width > vectors::width()) continue;
      row.conv.width = width;
      std::vector<float> sums(static_cast<std::size_t>(row.conv.weight_values()));
      auto const given = kernel_as<T>(x), by_y = kernel_as<T>(gradient);
      for (std::int64_t one = 0; one < maps.rows(); ++one)
        row.conv.add_to_weights(maps, given.data(), by_y.data(), sums.data(), one, one + 1);
      std::vector<float> weights(plain.size());
      row.conv.weights(sums.data(), weights.data());
      for (std::size_t n = 0; n < plain.size(); ++n)
        ASSERT_NEAR(weights[n], plain[n], 1e-3) << n << ", vectors " << static_cast<int>(width);
    }
  }
}

TYPED_TEST(Kernel, TransposesConvolutionsToAFewChannelsToThePlainSumWhateverTheRows) {
  using T = TypeParam;
  // The inputs of the convolution are the outputs of the transposed one, and more of them may
  // be asked for than the convolution reads.
  KernelFew const all[] = {{{2, 64, {3, 3, 3}, {2, 2, 2}, {1, 1, 1}}, {4, 6, 16}},
                           {{1, 9, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}}, {1, 10, 14}},
                           {{3, 16, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}}, {1, 6, 8}},
                           {{8, 5, {3, 2, 5}, {1, 3, 4}, {1, 0, 2}}, {3, 7, 19}},
                           {{5, 8, {2, 2, 2}, {2, 2, 2}, {0, 0, 0}}, {2, 4, 6}},
                           {{4, 12, {1, 7, 1}, {1, 1, 5}, {0, 3, 0}}, {1, 4, 12}}};
  for (auto row : all) {
    auto const to = row.maps();
    FewTransposed conv{.in = row.conv.out,
                       .out = row.conv.in,
                       .kernel = row.conv.kernel,
                       .stride = row.conv.stride,
                       .padding = row.conv.padding};
    FewTransposed::Maps const maps{.batch = to.batch, .in = to.out, .out = to.in};
    auto const x = kernel_noise(row.places() * conv.in, 1);
    auto const weight = kernel_noise(conv.in * conv.out * row.taps(), 2);
    auto const bias = kernel_noise(conv.out, 3);
    std::vector<double> plain(static_cast<std::size_t>(row.inputs() * conv.out));
    for (std::size_t n = 0; n < plain.size(); ++n)
      plain[n] = bias[n % static_cast<std::size_t>(conv.out)];
    row.each([&](std::int64_t from, std::int64_t n, std::int64_t tap) {
      for (std::int64_t o = 0; o < conv.out; ++o)
        for (std::int64_t c = 0; c < conv.in; ++c)
          plain[static_cast<std::size_t>(n * conv.out + o)] +=
              double{x[static_cast<std::size_t>(from * conv.in + c)]} *
              weight[static_cast<std::size_t>((c * conv.out + o) * row.taps() + tap)];
    });
    for (auto const width :
         {vectors::Width::any, vectors::Width::avx2, vectors::Width::avx512}) {
      if (width > vectors::width()) continue;
      conv.width = width;
      std::vector<float> prepared(static_cast<std::size_t>(conv.weight_values()));
      conv.prepare(weight.data(), prepared.data());
      auto const given = kernel_as<T>(x);
      std::vector<T> y(plain.size()), again(y);
      conv.convolve(maps, given.data(), prepared.data(), bias.data(), y.data(), 0, maps.rows());
      for (auto one = maps.rows(); one-- > 0;)
        conv.convolve(maps, given.data(), prepared.data(), bias.data(), again.data(), one,
                      one + 1);
      for (std::size_t n = 0; n < plain.size(); ++n) {
        ASSERT_NEAR(widened(y[n]), plain[n],
                    1e-4 + (sizeof(T) == 4 ? 0 : std::abs(plain[n]) / 256))
            << n << ", vectors " << static_cast<int>(width);
        ASSERT_EQ(widened(y[n]), widened(again[n]));
      }
    }
  }
}

// Parts [begin, end) of one map to another.
template <class T>
void winograd_convolve(Winograd const& conv,
                       Winograd::Maps const& maps,
                       std::vector<T> const& x,
                       std::vector<float> const& prepared,
                       float const* bias,
                       std::vector<T>& y,
                       std::int64_t begin,
                       std::int64_t end) {
  Winograd::Channels<T const> const from{x.data(), conv.in, conv.in};
  Winograd::Channels<T> const to{y.data(), conv.out, conv.out};
  conv.convolve<T>(maps, {&from, 1}, prepared.data(), bias, {&to, 1}, begin, end);
}

TYPED_TEST(Kernel, ConvolvesWithFewerProductsToThePlainSumWhateverTheParts) {
  using T = TypeParam;
  winograd_cases([](WinogradCase const& c) {
    auto const& [conv, maps] = c;
    auto const x = kernel_noise(c.voxels() * conv.in, 1);
    auto const weight = kernel_noise(conv.out * conv.in * c.taps(), 2);
    auto const bias = kernel_noise(conv.out, 3);
    auto const prepared =
        winograd_prepared(conv, {weight.data(), conv.in * c.taps(), c.taps()});
    auto const given = kernel_as<T>(x);
    auto y = kernel_as<T>(
        std::vector<float>(static_cast<std::size_t>(c.voxels() * conv.out), -1e9F));
    auto again = y;
    auto const parts = conv.parts(maps);
    winograd_convolve(conv, maps, given, prepared, bias.data(), y, 0, parts);
    for (auto part = parts; part-- > 0;)
      winograd_convolve(conv, maps, given, prepared, bias.data(), again, part, part + 1);
    for (std::int64_t v = 0; v < c.voxels(); ++v) {
      for (std::int64_t o = 0; o < conv.out; ++o) {
        auto const at = static_cast<std::size_t>(v * conv.out + o);
        auto const plain = c.plain(x, weight, v, o) + double{bias[static_cast<std::size_t>(o)]};
        auto const rounding = sizeof(T) == 4 ? 0 : std::abs(plain) / 256;
        ASSERT_NEAR(widened(y[at]), plain,
                    rounding + 2e-5 * std::sqrt(static_cast<double>(conv.in * c.taps())))
            << v << " " << o;
        ASSERT_EQ(widened(y[at]), widened(again[at]));
      }
    }
  });
}

TYPED_TEST(Kernel, ConvolvesFromAndToChannelsThatLieInSeveralMaps) {
  using T = TypeParam;
  for (auto const width : {vectors::Width::any, vectors::Width::avx2, vectors::Width::avx512}) {
    if (width > vectors::width()) continue;
    Winograd const conv{.in = 52, .out = 41, .width = width};
    WinogradCase const whole{conv, {2, {3, 5, 6}}};
    auto const x = kernel_as<T>(kernel_noise(whole.voxels() * conv.in, 1));
    auto const weight = kernel_noise(conv.out * conv.in * 27, 2);
    auto const bias = kernel_noise(conv.out, 3);
    auto const prepared = winograd_prepared(conv, {weight.data(), conv.in * 27, 27});
    std::vector<T> y(static_cast<std::size_t>(whole.voxels() * conv.out));
    winograd_convolve(conv, whole.maps, x, prepared, bias.data(), y, 0, conv.parts(whole.maps));
    // Each part among other channels, which stay as they are.
    struct Part {
      std::int64_t first, count, step;
      std::vector<T> values;
    };
    Part from[] = {{0, 16, 19, {}}, {16, 32, 32, {}}, {48, 4, 5, {}}};
    Part to[] = {{0, 32, 33, {}}, {32, 9, 17, {}}};
    std::vector<Winograd::Channels<T const>> reads;
    for (auto& part : from) {
      part.values.resize(static_cast<std::size_t>(whole.voxels() * part.step));
      for (std::int64_t v = 0; v < whole.voxels(); ++v)
        std::copy_n(x.data() + v * conv.in + part.first, part.count,
                    part.values.data() + v * part.step);
      reads.push_back({part.values.data(), part.count, part.step});
    }
    std::vector<Winograd::Channels<T>> writes;
    for (auto& part : to) {
      part.values = kernel_as<T>(kernel_noise(whole.voxels() * part.step, 4));
      writes.push_back({part.values.data(), part.count, part.step});
    }
    auto const before = std::to_array({to[0].values, to[1].values});
    conv.convolve<T>(whole.maps, reads, prepared.data(), bias.data(), writes, 0,
                     conv.parts(whole.maps));
    for (std::size_t p = 0; p < std::size(to); ++p) {
      for (std::int64_t v = 0; v < whole.voxels(); ++v) {
        for (std::int64_t o = 0; o < to[p].step; ++o) {
          auto const at = static_cast<std::size_t>(v * to[p].step + o);
          auto const expected =
              o < to[p].count ? y[static_cast<std::size_t>(v * conv.out + to[p].first + o)]
                              : before[p][at];
          ASSERT_EQ(widened(to[p].values[at]), widened(expected)) << p << " " << v << " " << o;
        }
      }
    }
  }
}

// A voxel every 4 MB of a map that nothing else touches: beyond what 32 bits count.
TEST(WinogradConvolution, CountsBeyond32Bits) {
  Winograd const conv{.in = 8, .out = 8, .deep = false};
  WinogradCase const c{conv, {1, {1, 48, 48}}};
  auto const x = kernel_noise(c.voxels() * conv.in, 1);
  auto const weight = kernel_noise(conv.out * conv.in * 9, 2);
  auto const prepared = winograd_prepared(conv, {weight.data(), conv.in * 9, 9});
  constexpr std::int64_t step = std::int64_t{1} << 20;
  auto const bytes = static_cast<std::size_t>(c.voxels() * step) * sizeof(float);
  auto* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "the system has no room for sparse memory";
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  auto* const sparse = static_cast<float*>(memory);
  for (std::int64_t v = 0; v < c.voxels(); ++v)
    std::copy_n(x.data() + v * conv.in, conv.in, sparse + v * step);
  std::vector<float> y(static_cast<std::size_t>(c.voxels() * conv.out));
  Winograd::Channels<float const> const from{sparse, conv.in, step};
  Winograd::Channels<float> const to{y.data(), conv.out, conv.out};
  conv.convolve<float>(c.maps, {&from, 1}, prepared.data(), nullptr, {&to, 1}, 0,
                       conv.parts(c.maps));
  std::vector<float> dense(y.size());
  winograd_convolve(conv, c.maps, x, prepared, nullptr, dense, 0, conv.parts(c.maps));
  EXPECT_EQ(y, dense);
  ::munmap(memory, bytes);
}

TYPED_TEST(Kernel, HandsTheGradientOfAConvolutionBackByTheWeightsTurned) {
  using T = TypeParam;
  winograd_cases([](WinogradCase const& c) {
    auto const& [conv, maps] = c;
    WinogradCase back{conv, maps};
    std::swap(back.conv.in, back.conv.out);
    auto const g = kernel_noise(c.voxels() * conv.out, 1);
    auto const weight = kernel_noise(conv.out * conv.in * c.taps(), 2);
    Winograd::Weights const weights{weight.data(), conv.in * c.taps(), c.taps()};
    auto const prepared = winograd_prepared(back.conv, conv.turned(weights));
    auto const given = kernel_as<T>(g);
    std::vector<T> dx(static_cast<std::size_t>(c.voxels() * conv.in));
    winograd_convolve(back.conv, maps, given, prepared, nullptr, dx, 0, back.conv.parts(maps));
    std::vector<float> turned(weight.size());  // [in, out, taps]
    for (std::int64_t o = 0; o < conv.out; ++o)
      for (std::int64_t n = 0; n < conv.in; ++n)
        for (std::int64_t tap = 0; tap < c.taps(); ++tap)
          turned[static_cast<std::size_t>((n * conv.out + o) * c.taps() + c.taps() - 1 - tap)] =
              weight[static_cast<std::size_t>((o * conv.in + n) * c.taps() + tap)];
    for (std::int64_t v = 0; v < c.voxels(); ++v) {
      for (std::int64_t n = 0; n < conv.in; ++n) {
        auto const plain = back.plain(g, turned, v, n);
        auto const rounding = sizeof(T) == 4 ? 0 : std::abs(plain) / 256;
        ASSERT_NEAR(widened(dx[static_cast<std::size_t>(v * conv.in + n)]), plain,
                    rounding + 2e-5 * std::sqrt(static_cast<double>(conv.out * c.taps())));
      }
    }
  });
}

TYPED_TEST(Kernel, SumsTheGradientOfAConvolutionsWeights) {
  using T = TypeParam;
  winograd_cases([](WinogradCase const& c) {
    auto const& [conv, maps] = c;
    auto const x = kernel_noise(c.voxels() * conv.in, 1);
    auto const g = kernel_noise(c.voxels() * conv.out, 2);
    std::vector<float> sums(static_cast<std::size_t>(conv.sum_values()));
    auto const given = kernel_as<T>(x), gradient = kernel_as<T>(g);
    auto const parts = conv.parts(maps);
    Winograd::Channels<T const> const from{given.data(), conv.in, conv.in};
    Winograd::Channels<T const> const by{gradient.data(), conv.out, conv.out};
    conv.add_gradient(maps, from, by, sums.data(), 0, parts / 2);
    conv.add_gradient(maps, from, by, sums.data(), parts / 2, parts);
    // [taps, in, out]: not the order in which weights usually lie.
    std::vector<float> dw(static_cast<std::size_t>(c.taps() * conv.in * conv.out));
    Winograd::Steps<float> const to{dw.data(), 1, conv.out, conv.in * conv.out};
    conv.gradient(sums.data(), to, 0, conv.in / 2);
    conv.gradient(sums.data(), to, conv.in / 2, conv.in);
    for (std::int64_t tap = 0; tap < c.taps(); ++tap)
      for (std::int64_t n = 0; n < conv.in; ++n)
        for (std::int64_t o = 0; o < conv.out; ++o)
          ASSERT_NEAR(dw[static_cast<std::size_t>((tap * conv.in + n) * conv.out + o)],
                      c.plain_gradient(x, g, o, n, tap),
                      2e-5 * std::sqrt(static_cast<double>(c.voxels())))
              << tap << " " << n << " " << o;
  });
}

TEST(WinogradConvolution, WorksWithoutABiasAndForgetsWhatItDidBefore) {
  Winograd const conv{.in = 8, .out = 8};
  WinogradCase const large{conv, {1, {6, 6, 6}}}, small{conv, {1, {2, 2, 2}}};
  auto const weight = kernel_noise(8 * 8 * 27, 1);
  auto const prepared = winograd_prepared(conv, {weight.data(), 8 * 27, 27});
  auto const x = kernel_noise(8 * 8, 2);
  std::vector<float> y(64), again(64);
  winograd_convolve(conv, small.maps, x, prepared, nullptr, y, 0, conv.parts(small.maps));
  std::vector<float> const none(216 * 8, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> lost(none.size());
  winograd_convolve(conv, large.maps, none, prepared, nullptr, lost, 0, conv.parts(large.maps));
  EXPECT_TRUE(std::isnan(lost.front()));
  winograd_convolve(conv, small.maps, x, prepared, nullptr, again, 0, conv.parts(small.maps));
  EXPECT_EQ(y, again);
  for (std::int64_t v = 0; v < 8; ++v)
    EXPECT_NEAR(y[static_cast<std::size_t>(v * 8)], small.plain(x, weight, v, 0), 1e-3);
}

}  // namespace
}  // namespace fovea
