#include "learn/kernel/few_inputs.hpp"
#include "learn/kernel/few_outputs.hpp"
#include "learn/kernel/few_transposed.hpp"
#include "learn/kernel/test_kernels.hpp"

#include <array>
#include <cmath>

namespace fovea {
namespace {

// All rows at once, and one by one from the last, give the plain sum.
template <class T, class Convolution>
void few_gives(Convolution const& conv,
               FewMaps const& maps,
               std::vector<float> const& x,
               std::vector<float> const& prepared,
               std::vector<float> const& bias,
               std::vector<double> const& plain) {
  auto const given = kernel_as<T>(x);
  std::vector<T> y(plain.size()), again(y);
  conv.convolve(maps, given.data(), prepared.data(), bias.data(), y.data(), 0, maps.rows());
  for (auto one = maps.rows(); one-- > 0;)
    conv.convolve(maps, given.data(), prepared.data(), bias.data(), again.data(), one, one + 1);
  for (std::size_t n = 0; n < plain.size(); ++n) {
    ASSERT_NEAR(widened(y[n]), plain[n], 1e-4 + (sizeof(T) == 4 ? 0 : std::abs(plain[n]) / 256))
        << n << ", vectors " << static_cast<int>(conv.width);
    ASSERT_EQ(widened(y[n]), widened(again[n]));
  }
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

  FewMaps maps() const {
    FewMaps out{.batch = 2, .in = size};
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
    for (auto const width : kernel_widths()) {
      row.conv.width = width;
      auto const& conv = row.conv;
      std::vector<float> prepared(static_cast<std::size_t>(conv.weight_values()));
      conv.prepare(weight.data(), prepared.data());
      std::vector<float> weights(weight.size());
      conv.weights(prepared.data(), weights.data());
      EXPECT_EQ(weights, weight);
      few_gives<T>(conv, maps, x, prepared, bias, plain);
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
    for (auto const width : kernel_widths()) {
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
    FewMaps const maps{.batch = to.batch, .in = to.out, .out = to.in};
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
    for (auto const width : kernel_widths()) {
      conv.width = width;
      std::vector<float> prepared(static_cast<std::size_t>(conv.weight_values()));
      conv.prepare(weight.data(), prepared.data());
      few_gives<T>(conv, maps, x, prepared, bias, plain);
    }
  }
}

}  // namespace
}  // namespace fovea
