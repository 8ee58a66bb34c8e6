#include "learn/kernel/relu_max_pool.hpp"
#include "learn/kernel/sloped_norm.hpp"
#include "learn/kernel/tap_matrix.hpp"
#include "learn/kernel/test_kernels.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

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

}  // namespace
}  // namespace fovea
