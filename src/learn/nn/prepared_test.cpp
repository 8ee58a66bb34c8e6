// Inference with convolutions of our own gives what LibTorch gives node by node.
#include "learn/nn/fused.hpp"
#include "learn/nn/test_graphs.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

namespace fovea {
namespace {

using List = std::vector<std::int64_t>;
constexpr Execution prepared_last{Precision::float32, Layout::channels_last, Executor::fused};

void prepared_expect(Graph const& graph, List const& shape) {
  Network network{graph, 3};
  c10::NoGradGuard const no_tape;
  for (auto const& parameter : network.parameters())
    parameter.value.add_(at::randn(parameter.value.sizes()), 0.1);
  for (auto const& buffer : network.buffers())
    buffer.value.copy_(at::randn(buffer.value.sizes()).abs().add(0.5));
  auto const x = at::randn(shape);
  auto const wanted = network.outputs(x, {}).back();
  network.execution(prepared_last);
  auto const got = network(x);
  ASSERT_EQ(got.sizes(), wanted.sizes());
  EXPECT_LT((got - wanted).abs().max().item<double>(),
            1e-4 * wanted.abs().max().item<double>());
}

std::size_t prepared_input(Graph& graph, std::int64_t channels, std::int64_t dimensions) {
  return graph.add("input", {}, {{"channels", channels}, {"dimensions", dimensions}});
}

}  // namespace

TEST(Prepared, ConvolvesWithFewerProductsToTheSameValues) {
  struct Row {
    char const* name;
    std::int64_t in, out;
    List kernel, padding, shape;
    bool bias, norm, fewer;
  };
  Row const rows[] = {
      {"volume", 24, 32, {3, 3, 3}, {1, 1, 1}, {1, 24, 13, 12, 11}, true, false, true},
      {"channels that fill no vector",
       37,
       25,
       {3, 3, 3},
       {1, 1, 1},
       {2, 37, 10, 10, 10},
       false,
       false,
       true},
      {"norm folded", 16, 32, {3, 3, 3}, {1, 1, 1}, {2, 16, 10, 11, 12}, true, true, true},
      {"slices", 16, 32, {1, 3, 3}, {0, 1, 1}, {1, 16, 5, 14, 15}, true, false, true},
      {"picture", 32, 24, {3, 3}, {1, 1}, {2, 32, 31, 22}, true, false, true},
      {"small map", 32, 32, {3, 3, 3}, {1, 1, 1}, {1, 32, 4, 4, 4}, true, false, false},
      {"another padding",
       16,
       16,
       {3, 3, 3},
       {0, 1, 1},
       {1, 16, 12, 12, 12},
       true,
       false,
       false},
      {"another kernel",
       16,
       16,
       {3, 3, 1},
       {1, 1, 0},
       {1, 16, 12, 12, 12},
       true,
       false,
       false}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    Graph graph;
    auto const rank = std::ssize(row.kernel);
    auto at = prepared_input(graph, row.in, rank);
    Options const options{{"out", row.out},
                          {"kernel", row.kernel},
                          {"padding", row.padding},
                          {"bias", std::int64_t{row.bias}}};
    at = graph.add("conv", {at}, options, "conv");
    if (row.norm) graph.add("batch_norm", {at}, {}, "norm");
    Shape const in{row.in, {row.shape.begin() + 2, row.shape.end()}};
    EXPECT_EQ(winograd_for(graph.nodes[1], in, {}, prepared_last).has_value(),
              row.fewer && Winograd::pays());
    prepared_expect(graph, row.shape);
    Network network{graph, 1};
    EXPECT_EQ(network.held_bytes(in.size), 0);
    network.execution(prepared_last);
    EXPECT_EQ(network.held_bytes(in.size) > 0, row.fewer && Winograd::pays());
  }
}

TEST(Prepared, ConvolvesAFewChannels) {
  for (std::int64_t const norm : {0, 1}) {
    Graph graph;
    auto const at = graph.add("conv", {prepared_input(graph, 3, 2)},
                              {{"out", std::int64_t{20}},
                               {"kernel", std::int64_t{7}},
                               {"stride", std::int64_t{2}},
                               {"padding", std::int64_t{3}},
                               {"bias", std::int64_t{1 - norm}}},
                              "conv");
    if (norm == 1) graph.add("batch_norm", {at}, {}, "norm");
    prepared_expect(graph, {2, 3, 21, 30});
  }
}

TEST(Prepared, TransposesConvolutions) {
  for (auto const& [graph, input] : test_transposed()) prepared_expect(graph, input);
}

}  // namespace fovea
