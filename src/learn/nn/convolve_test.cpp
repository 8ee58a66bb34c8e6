#include "learn/nn/convolve.hpp"

#include "base/core/words.hpp"
#include "learn/nn/network.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace fovea {
namespace {

using List = std::vector<std::int64_t>;

struct ConvolveCase {
  List kernel, image;
  std::int64_t in = 1, out = 1;
  // Empty: one of each axis, no padding.
  List stride = {}, padding = {}, dilation = {}, output_padding = {};
  std::int64_t groups = 1;
  bool transposed = false;
  at::ScalarType type = at::kFloat;
  bool channels_last = true;

  Convolution how() const {
    auto const filled = [&](List const& list, std::int64_t usual) {
      return list.empty() ? List(kernel.size(), usual) : list;
    };
    return {filled(stride, 1),
            filled(padding, 0),
            filled(dilation, 1),
            filled(output_padding, 0),
            groups,
            transposed};
  }

  std::string words() const {
    return text(transposed ? "transposed, " : "", in, " to ", out, " in ", groups,
                " groups, kernel ", at::IntArrayRef{kernel}, " on ", at::IntArrayRef{image},
                ", stride ", at::IntArrayRef{stride}, ", padding ", at::IntArrayRef{padding},
                ", more ", at::IntArrayRef{output_padding}, ", dilation ",
                at::IntArrayRef{dilation}, ", ", type, channels_last ? ", channels last" : "");
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
  auto const y = convolve(own[0], own[1], own[2], c.how());
  // Whole numbers that are not all alike.
  auto const weights =
      at::arange(y.numel(), at::kLong).remainder(5).sub(2).to(type).view(y.sizes());
  (y * weights).sum().backward();
  return {y.detach(), own[0].grad(), own[1].grad(), own[2].grad()};
}

void convolve_check(ConvolveCase const& c) {
  SCOPED_TRACE(c.words());
  List x{2, c.in};
  x.insert(x.end(), c.image.begin(), c.image.end());
  List weight = c.transposed ? List{c.in, c.out / c.groups} : List{c.out, c.in / c.groups};
  weight.insert(weight.end(), c.kernel.begin(), c.kernel.end());
  // Small whole numbers: exact in either type, and float32 sums of them are, too.
  auto const drawn = [](List const& size) { return at::randint(-2, 3, size, at::kDouble); };
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
            convolve_check({.kernel{kernel, kernel, kernel},
                            .image{size, size, size},
                            .in = in,
                            .out = out,
                            .stride{stride, stride, stride},
                            .padding{kernel / 2, kernel / 2, kernel / 2},
                            .type = type});
        }
      }
    }
  }
}

// What oneDNN got wrong when it was asked.
TEST(Convolve, IsRightInOddCases) {
  for (std::int64_t const few : {1, 4, 8, 20}) {
    convolve_check({.kernel{1, 1}, .image{64, 64}, .in = few, .out = 8, .stride{2, 2}});
    convolve_check({.kernel{1, 1},
                    .image{64, 64},
                    .in = 8,
                    .out = few,
                    .stride{2, 2},
                    .output_padding{0, 1},
                    .transposed = true});
    convolve_check({.kernel{3, 3},
                    .image{46, 44},
                    .in = few,
                    .out = 24,
                    .dilation{2, 2},
                    .type = at::kBFloat16});
  }
  convolve_check({.kernel{1, 2},
                  .image{6, 2},
                  .in = 2,
                  .out = 10,
                  .stride{1, 3},
                  .padding{1, 0},
                  .groups = 2,
                  .type = at::kBFloat16});
  convolve_check({.kernel{5, 7},
                  .image{17, 8},
                  .in = 24,
                  .out = 17,
                  .stride{2, 2},
                  .padding{4, 3},
                  .transposed = true});
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
    c.transposed = random() % 3 == 0;
    c.groups = large ? one_of({1, 2}) : one_of({1, 1, 1, 2, 8});
    c.in = channels(c.groups);
    c.out = channels(c.groups);
    c.type = random() % 2 == 0 ? at::kFloat : at::kBFloat16;
    c.channels_last = random() % 2 == 0;
    for (std::size_t a = 0; a < rank; ++a) {
      auto const kernel = one_of({1, 2, 3, 3, 5, 7});
      c.kernel.push_back(kernel);
      c.stride.push_back(one_of({1, 1, 2, 3}));
      c.padding.push_back(one_of({0, kernel / 2, kernel / 2, kernel - 1, kernel}));
      c.dilation.push_back(kernel == 1 ? 1 : one_of({1, 1, 2, 3}));
      c.output_padding.push_back(c.transposed && c.stride.back() > 1 ? one_of({0, 1}) : 0);
      c.image.push_back(1 + static_cast<std::int64_t>(random() % (rank == 3 ? 9
                                                                  : large   ? 40
                                                                            : 20)));
    }
    auto fits = true;
    for (std::size_t a = 0; a < rank; ++a) {
      auto const reach = c.dilation[a] * (c.kernel[a] - 1) + 1;
      fits = fits && (c.transposed ? (c.image[a] - 1) * c.stride[a] - 2 * c.padding[a] + reach +
                                             c.output_padding[a] >
                                         0
                                   : c.image[a] + 2 * c.padding[a] >= reach);
    }
    if (fits) convolve_check(c);
  }
}

// Both executors and inference go by it: networks of one layer.
TEST(Convolve, IsWhatNetworksRun) {
  ConvolveCase const cases[] = {
      {.kernel{3, 3, 3}, .image{2, 4, 5}, .in = 16, .out = 16, .padding{1, 1, 1}},
      {.kernel{7, 7, 7}, .image{4, 4, 4}, .in = 8, .out = 8, .padding{3, 3, 3}, .groups = 8},
      {.kernel{1, 2},
       .image{6, 2},
       .in = 2,
       .out = 10,
       .stride{1, 3},
       .padding{1, 0},
       .groups = 2},
      {.kernel{3, 3}, .image{46, 44}, .in = 17, .out = 24, .dilation{2, 2}},
      {.kernel{5, 7}, .image{17, 8}, .in = 24, .out = 17, .stride{2, 2}, .transposed = true}};
  for (auto const& c : cases) {
    SCOPED_TRACE(c.words());
    auto const how = c.how();
    Graph graph;
    auto const in =
        graph.add("input", {}, {{"channels", c.in}, {"dimensions", std::ssize(c.kernel)}});
    graph.add(c.transposed ? "conv_transpose" : "conv", {in},
              {{"out", c.out},
               {"kernel", c.kernel},
               {"stride", how.stride},
               {"padding", how.padding},
               {"dilation", how.dilation},
               {"groups", c.groups}},
              "conv");
    List shape{2, c.in};
    shape.insert(shape.end(), c.image.begin(), c.image.end());
    auto const x = at::randn(shape);
    // Outputs in training, gradients, outputs of inference.
    auto const all = [&](Execution way) {
      Network network{graph, 3};
      network.execution(way);
      auto const y = network.train(x);
      y.square().sum().backward();
      std::vector<at::Tensor> out{y.detach(), network(x)};
      for (auto const& parameter : network.parameters()) out.push_back(parameter.value.grad());
      return out;
    };
    auto const context = at::globalContext().userEnabledMkldnn();
    at::globalContext().setUserEnabledMkldnn(false);
    auto const truth = all({});
    at::globalContext().setUserEnabledMkldnn(context);
    for (auto const executor : {Executor::torch, Executor::fused}) {
      for (auto const precision : {Precision::float32, Precision::bfloat16}) {
        auto const got = all({precision, Layout::channels_last, executor});
        for (std::size_t i = 0; i < truth.size(); ++i)
          EXPECT_LT(
              (got[i] - truth[i]).norm().item<double>(),
              (precision == Precision::float32 ? 1e-5 : 0.02) * truth[i].norm().item<double>())
              << i << ", fused " << (executor == Executor::fused) << ", bfloat16 "
              << (precision == Precision::bfloat16);
      }
    }
  }
}

// Whether tests/fenced_memory.cpp is there where it is said to be.
TEST(FencedMemory, StopsWhoWritesTooFar) {
  if (std::getenv("FOVEA_FENCED") == nullptr) GTEST_SKIP() << "memory is not fenced";
  auto const x = at::zeros({16});
  EXPECT_DEATH(x.mutable_data_ptr<float>()[16] = 1, "");
}

}  // namespace
}  // namespace fovea
