#include "learn/nn/convolve.hpp"

#include "base/core/words.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/randint.h>
#include <gtest/gtest.h>

#include <random>

namespace fovea {
namespace {

struct ConvolveCase {
  Convolution how;
  std::vector<std::int64_t> image, kernel;
  std::int64_t in = 1, out = 1;
  at::ScalarType type = at::kFloat;
  bool channels_last = false;

  std::string words() const {
    return text(how.transposed ? "transposed, " : "", in, " to ", out, " in ", how.groups,
                " groups, kernel ", at::IntArrayRef{kernel}, " on ", at::IntArrayRef{image},
                ", stride ", at::IntArrayRef{how.stride}, ", padding ",
                at::IntArrayRef{how.padding}, ", more ", at::IntArrayRef{how.output_padding},
                ", dilation ", at::IntArrayRef{how.dilation}, ", ", type,
                channels_last ? ", channels last" : "");
  }
};

std::vector<at::Tensor> convolve_all(ConvolveCase const& c,
                                     std::vector<at::Tensor> const& leaves,
                                     at::ScalarType type) {
  std::vector<at::Tensor> own;
  for (auto const& leaf : leaves) {
    auto t = leaf.to(type);
    auto const rank = t.dim() - 2;
    if (c.channels_last && rank > 1)
      t = t.contiguous(rank == 2 ? at::MemoryFormat::ChannelsLast
                                 : at::MemoryFormat::ChannelsLast3d);
    own.push_back(t.detach().requires_grad_());
  }
  auto const y = convolve(own[0], own[1], own[2], c.how);
  // Whole numbers that are not all alike.
  auto const weights =
      at::arange(y.numel(), at::kLong).remainder(5).sub(2).to(type).view(y.sizes());
  (y * weights).sum().backward();
  return {y.detach(), own[0].grad(), own[1].grad(), own[2].grad()};
}

void convolve_check(ConvolveCase const& c) {
  SCOPED_TRACE(c.words());
  std::vector<std::int64_t> x{2, c.in};
  x.insert(x.end(), c.image.begin(), c.image.end());
  std::vector<std::int64_t> weight = c.how.transposed ? std::vector{c.in, c.out / c.how.groups}
                                                      : std::vector{c.out, c.in / c.how.groups};
  weight.insert(weight.end(), c.kernel.begin(), c.kernel.end());
  // Small whole numbers: exact in either type, and float32 sums of them are, too.
  auto const drawn = [](std::vector<std::int64_t> const& size) {
    return at::randint(-2, 3, size, at::kDouble);
  };
  std::vector<at::Tensor> const leaves{drawn(x), drawn(weight), drawn({c.out})};
  auto const truth = convolve_all(c, leaves, at::kDouble),
             got = convolve_all(c, leaves, c.type);
  char const* const names[] = {"output", "input's gradient", "weights' gradient",
                               "bias's gradient"};
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ASSERT_EQ(got[i].sizes(), truth[i].sizes()) << names[i];
    auto const far = (got[i].to(at::kDouble) - truth[i]).abs().max().item<double>();
    auto const scale = truth[i].abs().max().item<double>();
    EXPECT_LE(far, (c.type == at::kFloat ? 0 : 0.01) * scale) << names[i];
  }
}

TEST(Convolve, IsRightWhereAKernelHangsOverBothEndsOfASmallImage) {
  for (auto const type : {at::kFloat, at::kBFloat16}) {
    for (std::int64_t const kernel : {3, 5, 7}) {
      for (std::int64_t size = 1; size < kernel + 2; ++size) {
        for (std::int64_t const stride : {1, 2, 3}) {
          for (auto const& [in, out] : {std::pair<std::int64_t, std::int64_t>{16, 16}, {1, 16}})
            convolve_check({.how = {.stride{stride, stride, stride},
                                    .padding{kernel / 2, kernel / 2, kernel / 2},
                                    .dilation{1, 1, 1},
                                    .output_padding{0, 0, 0}},
                            .image{size, size, size},
                            .kernel{kernel, kernel, kernel},
                            .in = in,
                            .out = out,
                            .type = type,
                            .channels_last = true});
        }
      }
    }
  }
}

// What oneDNN got wrong when it was asked.
TEST(Convolve, IsRightInOddCases) {
  auto const float32 = at::kFloat, bfloat16 = at::kBFloat16;
  for (std::int64_t const channels : {1, 4, 8, 20}) {
    convolve_check(
        {.how = {.stride{2, 2}, .padding{0, 0}, .dilation{1, 1}, .output_padding{0, 0}},
         .image{64, 64},
         .kernel{1, 1},
         .in = channels,
         .out = 8,
         .type = float32,
         .channels_last = true});
    convolve_check({.how = {.stride{2, 2},
                            .padding{0, 0},
                            .dilation{1, 1},
                            .output_padding{0, 1},
                            .transposed = true},
                    .image{64, 64},
                    .kernel{1, 1},
                    .in = 8,
                    .out = channels,
                    .type = float32,
                    .channels_last = true});
  }
  for (std::int64_t const channels : {1, 8, 17})
    convolve_check(
        {.how = {.stride{1, 1}, .padding{0, 0}, .dilation{2, 2}, .output_padding{0, 0}},
         .image{46, 44},
         .kernel{3, 3},
         .in = channels,
         .out = 24,
         .type = bfloat16,
         .channels_last = true});
  convolve_check(
      {.how =
           {.stride{1, 3}, .padding{1, 0}, .dilation{1, 1}, .output_padding{0, 0}, .groups = 2},
       .image{6, 2},
       .kernel{1, 2},
       .in = 2,
       .out = 10,
       .type = bfloat16,
       .channels_last = true});
  convolve_check({.how = {.stride{2, 2},
                          .padding{4, 3},
                          .dilation{1, 1},
                          .output_padding{0, 0},
                          .transposed = true},
                  .image{17, 8},
                  .kernel{5, 7},
                  .in = 24,
                  .out = 17,
                  .type = float32,
                  .channels_last = true});
}

// Whatever a graph may ask for: mostly images that are small beside their kernels, some larger
// ones of more channels.
TEST(Convolve, IsRightInAnyOtherCase) {
  std::minstd_rand random{7};
  auto const one_of = [&](std::initializer_list<std::int64_t> all) {
    return all.begin()[random() % all.size()];
  };
  for (int i = 0; i < 2000; ++i) {
    auto const rank = 1 + random() % 3;
    auto const large = i % 16 == 0;
    auto const channels = [&](std::int64_t groups) {
      if (large) return groups * one_of({3, 17, 24, 33, 48});
      return groups * (groups > 2 ? one_of({1, 2}) : one_of({1, 2, 5, 16}));
    };
    ConvolveCase c;
    c.how.transposed = random() % 3 == 0;
    c.how.groups = large ? one_of({1, 2}) : one_of({1, 1, 1, 2, 8});
    c.in = channels(c.how.groups);
    c.out = channels(c.how.groups);
    c.type = random() % 2 == 0 ? at::kFloat : at::kBFloat16;
    c.channels_last = random() % 2 == 0;
    for (std::size_t a = 0; a < rank; ++a) {
      auto const kernel = one_of({1, 2, 3, 3, 5, 7});
      c.kernel.push_back(kernel);
      c.how.stride.push_back(one_of({1, 1, 2, 3}));
      c.how.padding.push_back(one_of({0, kernel / 2, kernel / 2, kernel - 1, kernel}));
      c.how.dilation.push_back(kernel == 1 ? 1 : one_of({1, 1, 1, 2}));
      c.how.output_padding.push_back(
          c.how.transposed && c.how.stride.back() > 1 ? one_of({0, 1}) : 0);
      c.image.push_back(1 + static_cast<std::int64_t>(random() % (rank == 3 ? 9
                                                                  : large   ? 40
                                                                            : 20)));
    }
    auto fits = true;
    for (std::size_t a = 0; a < rank; ++a) {
      auto const reach = c.how.dilation[a] * (c.kernel[a] - 1) + 1;
      fits = fits &&
             (c.how.transposed ? (c.image[a] - 1) * c.how.stride[a] - 2 * c.how.padding[a] +
                                         reach + c.how.output_padding[a] >
                                     0
                               : c.image[a] + 2 * c.how.padding[a] >= reach);
    }
    if (fits) convolve_check(c);
  }
}

}  // namespace
}  // namespace fovea
