// What training runs together gives what LibTorch gives node by node: values, gradients,
// running statistics.
#include "learn/nn/executor.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/instance_norm.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/where.h>
#include <gtest/gtest.h>

namespace fovea {
namespace {

using List = std::vector<std::int64_t>;

double together_difference(at::Tensor const& a, at::Tensor const& b) {
  auto const wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).norm() / wide.norm().clamp_min(1e-6)).item<double>();
}

Execution const together_ways[] = {{Precision::float32, Layout::channels_last},
                                   {Precision::float32, Layout::contiguous},
                                   {Precision::bfloat16, Layout::channels_last},
                                   {Precision::bfloat16, Layout::contiguous}};

// In bfloat16 a value near zero may come out on ReLU's other side.
double together_close(Execution how) {
  return how.precision == Precision::float32 ? 2e-5 : 0.1;
}

// `expected` is the same arithmetic in double, of the input and the network's own weights.
template <class Expected>
void together_expect(Graph const& graph,
                     List const& shape,
                     Expected const& expected,
                     std::span<Execution const> ways = together_ways,
                     double edge = 0,
                     double middle = 0) {
  for (auto const how : ways) {
    SCOPED_TRACE(testing::Message()
                 << "bfloat16 " << (how.precision == Precision::bfloat16) << " channels-last "
                 << (how.layout == Layout::channels_last));
    Network network{graph, 3};
    network.execution(how);
    auto const x = at::randn(shape).add(3).to(at::kBFloat16).to(at::kFloat).requires_grad_();
    std::vector<at::Tensor> weights;
    for (auto const& parameter : network.parameters()) {
      at::NoGradGuard const no_tape;
      parameter.value.add_(at::randn(parameter.value.sizes()), 0.1);
      parameter.value.copy_(parameter.value.to(at::kBFloat16));  // so that both read the same
      weights.push_back(parameter.value.detach().to(at::kDouble).requires_grad_());
    }
    auto const wide = x.detach().to(at::kDouble).requires_grad_();
    auto const out = network.train(x);
    auto const want = expected(wide, weights);
    // `middle`: not around zero, where sums that cancel show nothing but rounding.
    auto const pull = at::randn(want.sizes()).add(middle);
    (out * pull).sum().backward();
    (want * pull).sum().backward();
    auto const close = together_close(how);
    EXPECT_LT(together_difference(out, want), close);
    // `edge`: what one value that falls on zero's other side changes.
    EXPECT_LT(together_difference(x.grad(), wide.grad()), close + edge);
    for (std::size_t i = 0; i < weights.size(); ++i)
      EXPECT_LT(together_difference(network.parameters()[i].value.grad(), weights[i].grad()),
                close + edge)
          << network.parameters()[i].name;
  }
}

// --- batch norm, a sum, ReLU
// ------------------------------------------------------------------

at::Tensor together_norm(at::Tensor const& x,
                         at::Tensor const& weight,
                         at::Tensor const& bias) {
  return at::batch_norm(x, weight, bias, {}, {}, true, 0.1, 1e-5, false);
}

TEST(RunTogether, NormAloneWithReluAndWithASum) {
  for (auto const& shape : {List{3, 5, 7, 6}, List{2, 70, 3, 4, 5}, List{9, 33}}) {
    SCOPED_TRACE(shape.size());
    for (auto const relu : {false, true}) {
      for (auto const sum : {false, true}) {
        SCOPED_TRACE(testing::Message() << "relu " << relu << " sum " << sum);
        Graph graph;
        auto at = graph.add("input", {},
                            {{"channels", shape[1]},
                             {"dimensions", static_cast<std::int64_t>(shape.size()) - 2}});
        at = graph.add("batch_norm", {0}, {}, "norm");
        if (sum) at = graph.add("add", {at, 0});
        if (relu) graph.add("relu", {at});
        together_expect(graph, shape,
                        [&](at::Tensor const& x, std::vector<at::Tensor> const& w) {
                          auto y = together_norm(x, w[0], w[1]);
                          if (sum) y = y + x;
                          return relu ? at::relu(y) : y;
                        });
      }
    }
  }
}

TEST(RunTogether, OfTwoNormsThatAreAddedBothLearn) {
  Graph graph;
  graph.add("input", {}, {{"channels", 6}, {"dimensions", 2}});
  auto const one = graph.add("batch_norm", {0}, {}, "one");
  auto const two = graph.add("batch_norm", {graph.add("leaky_relu", {0})}, {}, "two");
  graph.add("relu", {graph.add("add", {one, two})});
  together_expect(
      graph, {4, 6, 5, 5}, [](at::Tensor const& x, std::vector<at::Tensor> const& w) {
        auto const bent = at::where(x > 0, x, 0.01 * x);
        return at::relu(together_norm(x, w[0], w[1]) + together_norm(bent, w[2], w[3]));
      });
}

TEST(RunTogether, NormThatSeveralReadStaysForAllOfThem) {
  Graph graph;
  graph.add("input", {}, {{"channels", 6}, {"dimensions", 2}});
  auto const norm = graph.add("batch_norm", {0}, {}, "norm");
  graph.add("add", {graph.add("relu", {norm}), norm});
  together_expect(graph, {4, 6, 5, 5},
                  [](at::Tensor const& x, std::vector<at::Tensor> const& w) {
                    auto const y = together_norm(x, w[0], w[1]);
                    return at::relu(y) + y;
                  });
}

TEST(RunTogether, NormKeepsRunningStatisticsAsLibTorchDoes) {
  Graph graph;
  graph.add("input", {}, {{"channels", 5}, {"dimensions", 2}});
  graph.add("batch_norm", {0}, {{"momentum", 0.3}}, "norm");
  // Far from zero and nearly constant: a variance taken naively would have no digit left.
  auto const x = at::randn({3, 5, 6, 7}).mul(0.01).add(1000);
  std::vector<at::Tensor> plain;
  for (auto const layout : {Layout::contiguous, Layout::channels_last}) {
    Network network{graph, 3};
    network.execution({Precision::float32, layout});
    network.train(x);
    auto const buffers = network.buffers();
    auto const mean = buffers[0].value, variance = buffers[1].value;
    auto const wide = x.to(at::kDouble);
    EXPECT_LT(together_difference(mean, 0.3 * wide.mean({0, 2, 3})), 1e-6);
    EXPECT_LT(together_difference(variance, 0.7 + 0.3 * wide.var({0, 2, 3}, true)), 1e-5);
  }
}

TEST(RunTogether, NormOfOneValueAChannelUsesWhatWasLearnt) {
  Graph graph;
  graph.add("input", {}, {{"channels", 5}, {"dimensions", 2}});
  graph.add("relu", {graph.add("batch_norm", {0}, {}, "norm")});
  Network network{graph, 3};
  network.execution({Precision::float32, Layout::channels_last});
  auto const x = at::randn({1, 5, 1, 1});
  EXPECT_LT(together_difference(network.train(x), at::relu(x)), 1e-4);
}

// --- instance or group norm, a sum, a slope below zero
// -----------------------------------------------------

at::Tensor together_instance(at::Tensor const& x,
                             std::optional<at::Tensor> const& weight = {},
                             std::optional<at::Tensor> const& bias = {}) {
  return at::instance_norm(x, weight, bias, {}, {}, true, 0, 1e-5, false);
}

// Instance norm, or with a number of groups group norm, which always has weights.
struct TogetherNormed {
  std::int64_t groups = 0;
  bool affine = true;
};

// `after` is an activation or nothing; its own weight comes last.
Graph together_normed_graph(std::int64_t channels,
                            std::int64_t rank,
                            TogetherNormed norm,
                            bool sum,
                            std::string const& after) {
  Graph graph;
  graph.add("input", {}, {{"channels", channels}, {"dimensions", rank}});
  auto at = norm.groups > 0
                ? graph.add("group_norm", {0}, {{"groups", norm.groups}}, "norm")
                : graph.add("instance_norm", {0}, {{"affine", norm.affine ? 1 : 0}}, "norm");
  if (sum) at = graph.add("add", {at, 0});
  if (!after.empty()) graph.add(after, {at}, {}, "after");
  return graph;
}

at::Tensor together_after(at::Tensor const& y, std::string const& after, at::Tensor const& w) {
  if (after == "relu") return at::relu(y);
  if (after == "leaky_relu") return at::where(y > 0, y, 0.01 * y);
  return after == "prelu" ? at::where(y > 0, y, w * y) : y;
}

TEST(RunTogether, InstanceAndGroupNormWithASumAndAnySlope) {
  constexpr double rounding = 5e-5;  // of one channel's sums, which cancel
  // The layout that our kernel reads; in the other one LibTorch itself is further off.
  static Execution const ways[] = {{Precision::float32, Layout::channels_last},
                                   {Precision::bfloat16, Layout::channels_last}};
  for (auto const& shape : {List{2, 3, 9, 7}, List{2, 8, 5, 6, 11}, List{3, 40, 4, 5, 3},
                            List{2, 1, 16, 17}, List{2, 4, 9}}) {
    std::vector<TogetherNormed> norms{{0, false}, {0, true}};
    for (std::int64_t const groups : {1, 4, 40})
      if (shape[1] % groups == 0) norms.push_back({groups});
    for (auto const* const after : {"", "relu", "leaky_relu", "prelu"}) {
      for (auto const norm : norms) {
        for (auto const sum : {false, true}) {
          SCOPED_TRACE(testing::Message() << shape.size() << " axes, " << shape[1]
                                          << " channels " << after << " affine " << norm.affine
                                          << " groups " << norm.groups << " sum " << sum);
          at::manual_seed(5);
          auto const graph = together_normed_graph(
              shape[1], static_cast<std::int64_t>(shape.size()) - 2, norm, sum, after);
          together_expect(
              graph, shape,
              [&](at::Tensor const& x, std::vector<at::Tensor> const& w) {
                auto y = norm.groups > 0 ? at::group_norm(x, norm.groups, w[0], w[1])
                         : norm.affine   ? together_instance(x, w[0], w[1])
                                         : together_instance(x);
                if (sum) y = y + x;
                return together_after(y, after, w.empty() ? at::Tensor{} : w.back());
              },
              ways, *after == 0 ? rounding : 0.1, 2);
        }
      }
    }
  }
}

TEST(RunTogether, NormsOfAnImageAreTheSameAtInferenceAndKeepTheirDigits) {
  // Far from zero and nearly constant: a variance taken naively would have no digit left.
  auto const x = at::randn({2, 5, 6, 7, 8}).mul(0.01).add(1000);
  for (std::int64_t const groups : {0, 1}) {
    auto const graph = together_normed_graph(5, 3, {groups}, true, "leaky_relu");
    for (auto const layout : {Layout::contiguous, Layout::channels_last}) {
      SCOPED_TRACE(testing::Message()
                   << groups << " groups, channels-last " << (layout == Layout::channels_last));
      Network network{graph, 3};
      network.execution({Precision::float32, layout});
      auto const wide = x.to(at::kDouble);
      auto const normed = groups > 0 ? at::group_norm(wide, groups) : together_instance(wide);
      auto const want = together_after(normed + wide, "leaky_relu", {});
      EXPECT_LT(together_difference(network(x) - 1000, want - 1000), 1e-2);
      EXPECT_LT(together_difference(network.outputs(x, {1})[0], normed), 1e-2);
      EXPECT_LT(together_difference(network.outputs(x, {}).back() - 1000, want - 1000), 1e-2);
    }
  }
}

// --- ReLU and pooling
// -------------------------------------------------------------------------

TEST(RunTogether, ReluAndPooling) {
  struct {
    List kernel, stride, padding;
    std::int64_t ceil;
  } const cases[] = {{{2, 2}, {2, 2}, {0, 0}, 0},
                     {{3, 3}, {2, 2}, {1, 1}, 0},
                     {{3, 2}, {1, 3}, {1, 0}, 0},
                     {{2, 2}, {2, 2}, {0, 0}, 1},
                     {{16, 16}, {1, 1}, {7, 7}, 0}};  // too many places for our kernel
  for (auto const& [kernel, stride, padding, ceil] : cases) {
    SCOPED_TRACE(testing::Message() << kernel[0] << " x " << kernel[1] << " ceil " << ceil);
    Graph graph;
    graph.add("input", {}, {{"channels", 7}, {"dimensions", 2}});
    graph.add("relu", {0});
    graph.add("max_pool", {1},
              {{"kernel", kernel}, {"stride", stride}, {"padding", padding}, {"ceil", ceil}});
    auto const shape = List{2, 7, 9, 11};
    for (auto const how : together_ways) {
      // Equal values (many in bfloat16) may give their gradient to another of them, so all
      // differ here.
      Network network{graph, 3};
      network.execution(how);
      auto const count = 2 * 7 * 9 * 11;
      auto const x = (at::randperm(count, at::kFloat) - count / 2.0)
                         .div(how.precision == Precision::float32 ? 1 : 8)
                         .reshape(shape)
                         .to(type_of(how.precision))
                         .to(at::kFloat)
                         .requires_grad_();
      auto const wide = x.detach().to(at::kDouble).requires_grad_();
      auto const out = network.train(x);
      auto const want =
          at::max_pool2d(at::relu(wide), kernel, stride, padding, {1, 1}, ceil != 0);
      EXPECT_EQ(together_difference(out, want), 0);
      if (how.precision == Precision::bfloat16) continue;
      // Not around zero: sums that cancel would show nothing but rounding.
      auto const pull = at::randn(want.sizes()).add(2);
      (out * pull).sum().backward();
      (want * pull).sum().backward();
      EXPECT_LT(together_difference(x.grad(), wide.grad()), 1e-6);
    }
  }
}

// --- convolutions on a few places
// -------------------------------------------------------------

TEST(RunTogether, ConvolutionsOnAFewPlaces) {
  struct {
    List size, kernel, stride, padding, dilation;
  } const cases[] = {
      {{1, 1}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {{2, 2}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {{2, 2}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
      {{2, 1}, {3, 5}, {1, 1}, {1, 2}, {1, 1}},
      {{2, 2}, {3, 3}, {1, 1}, {2, 2}, {2, 2}},
      {{3}, {7}, {2}, {3}, {1}},
      {{2, 1, 2}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
      {{3, 3}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},  // too many places: the plain way
  };
  for (auto const& [size, kernel, stride, padding, dilation] : cases) {
    for (auto const bias : {0, 1}) {
      SCOPED_TRACE(testing::Message()
                   << at::IntArrayRef{size} << " under " << at::IntArrayRef{kernel}
                   << " stride " << at::IntArrayRef{stride} << " bias " << bias);
      Graph graph;
      auto const rank = static_cast<std::int64_t>(size.size());
      graph.add("input", {}, {{"channels", 5}, {"dimensions", rank}});
      graph.add("conv", {0},
                {{"out", 4},
                 {"kernel", kernel},
                 {"stride", stride},
                 {"padding", padding},
                 {"dilation", dilation},
                 {"bias", bias}},
                "conv");
      auto shape = List{3, 5};
      shape.insert(shape.end(), size.begin(), size.end());
      together_expect(graph, shape, [&](at::Tensor const& x, std::vector<at::Tensor> const& w) {
        return at::convolution(x, w[0], bias != 0 ? std::optional{w[1]} : std::nullopt, stride,
                               padding, dilation, false, List(size.size(), 0), 1);
      });
    }
  }
}

}  // namespace
}  // namespace fovea
