#include "learn/kernel/winograd.hpp"

#include "learn/kernel/test_kernels.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <sys/mman.h>

namespace fovea {
namespace {

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
    for (auto const width : kernel_widths()) {
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
  for (auto const width : kernel_widths()) {
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
