#include "learn/nn/graph.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "base/core/rng.hpp"
#include "learn/nn/network.hpp"
#include "learn/nn/ops.hpp"
#include "learn/nn/test_graphs.hpp"
#include "learn/nn/torchscript.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>

namespace fovea {
namespace {

Graph graph_small() {
  Graph graph;
  graph.add("input", {}, {{"channels", 2}, {"dimensions", 2}});
  graph.add("conv", {0},
            {{"out", 4}, {"kernel", std::vector<std::int64_t>{3, 1}}, {"padding", 1}},
            "a.conv");
  graph.add("batch_norm", {1}, {{"epsilon", 1e-3}}, "a.norm");
  graph.marks["features"] = 2;
  return graph;
}

void expect_refused(Json const& json, std::string_view word) {
  try {
    graph_from(json);
    FAIL() << "accepted: " << word;
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input);
    EXPECT_NE(std::string{error.what()}.find(word), std::string::npos) << error.what();
  }
}

Json changed(std::function<void(Json&)> const& change) {
  auto json = to_json(graph_small());
  change(json);
  return json;
}

}  // namespace

TEST(EveryOperation, HasACaseHere) {
  std::set<std::string> tried{"input"};
  for (auto const& c : graph_cases()) tried.insert(c.op);
  for (auto const& op : ops()) EXPECT_TRUE(tried.contains(std::string{op.name})) << op.name;
}

TEST(EveryOperation, GivesTheShapeThatItsRowSaysLearnsAndSaysItselfAsTorchscript) {
  ScratchFolder const scratch;
  for (auto const& c : graph_cases()) {
    SCOPED_TRACE(testing::Message() << c.op << " in " << c.dimensions << " dimensions behind '"
                                    << c.before << "'");
    auto const graph = graph_of(c);
    Network network{graph, 1};
    std::vector<std::int64_t> size{9, 10, 11};
    size.resize(static_cast<std::size_t>(c.dimensions));
    std::vector<std::int64_t> shape{2, 8};
    shape.insert(shape.end(), size.begin(), size.end());
    auto const input = at::randn(shape);
    auto const out = network(input);

    auto const said = shapes_of(graph, size).back();
    std::vector<std::int64_t> expected{2};
    if (!said.last) expected.push_back(said.channels);
    expected.insert(expected.end(), said.size.begin(), said.size.end());
    if (said.last) expected.push_back(said.channels);
    EXPECT_EQ(out.sizes(), at::IntArrayRef{expected});

    auto wanting = input.clone().requires_grad_();
    network.train(wanting).square().sum().backward();
    EXPECT_TRUE(wanting.grad().defined());
    for (auto const& parameter : network.parameters())
      EXPECT_TRUE(parameter.value.grad().defined()) << parameter.name;

    write_file(scratch.path() / "op.ts", torchscript_of(network));
    auto const plain = network.outputs(input, {}).back();
    EXPECT_LT((ForeignModule{scratch.path() / "op.ts"}(input)-plain).abs().max().item<double>(),
              1e-5);
    EXPECT_LT((network(input) - plain).abs().max().item<double>(), 1e-4);
  }
}

TEST(EveryOperation, RunsAndLearnsInBfloat16) {
  for (auto const& c : graph_cases()) {
    SCOPED_TRACE(testing::Message() << c.op << " in " << c.dimensions << " dimensions");
    for (auto const layout : {Layout::contiguous, Layout::channels_last}) {
      Network network{graph_of(c), 1};
      std::vector<std::int64_t> shape{2, 8, 9, 10, 11};
      shape.resize(static_cast<std::size_t>(c.dimensions) + 2);
      auto const input = at::randn(shape);
      auto const plain = network.outputs(input, {}).back();
      network.execution({Precision::bfloat16, layout});
      auto const difference = (network(input) - plain).norm() / plain.norm();
      // Of values that become equal another one may be the largest.
      EXPECT_LT(difference.item<double>(), c.op == "max_unpool" ? 0.3 : 0.03);
      auto wanting = input.clone().requires_grad_();
      network.train(wanting).square().sum().backward();
      EXPECT_TRUE(wanting.grad().isfinite().all().item<bool>());
    }
  }
}

TEST(Graph, RefusesANodeThatReadsWhatIsNotThereYet) {
  Graph graph;
  EXPECT_THROW(graph.add("relu", {0}), Error);
}

TEST(Graph, ComesBackFromItsJsonWithTheKindsOfItsOptions) {
  auto const graph = graph_small();
  auto const back = graph_from(parse_json(pretty(to_json(graph)), "graph"));
  ASSERT_EQ(back.nodes.size(), 3U);
  EXPECT_EQ(back.nodes[1].options, graph.nodes[1].options);
  EXPECT_EQ(back.nodes[2].options, graph.nodes[2].options);
  EXPECT_EQ(back.marks, graph.marks);
}

TEST(StoredGraph, IsRefusedWithTheReasonWhenItIsDamaged) {
  expect_refused(Json::array(), "object");
  expect_refused(changed([](Json& j) { j["version"] = 2; }), "version 2");
  expect_refused(changed([](Json& j) { j["more"] = 1; }), "unknown field 'more'");
  expect_refused(changed([](Json& j) { j.erase("marks"); }), "missing");
  expect_refused(changed([](Json& j) { j["nodes"] = 3; }), "list");
  expect_refused(changed([](Json& j) {
                   j["nodes"] = Json::array();
                   j["marks"] = Json::object();
                 }),
                 "at least one operation");
  expect_refused(changed([](Json& j) { j["nodes"][1]["op"] = "convv"; }),
                 "no operation 'convv'");
  expect_refused(changed([](Json& j) { j["nodes"][0]["op"] = "relu"; }), "node 0");
  expect_refused(changed([](Json& j) { j["nodes"][1]["from"] = {1}; }), "node 1");
  expect_refused(changed([](Json& j) { j["nodes"][1]["from"] = {-1}; }), "node -1");
  expect_refused(changed([](Json& j) { j["nodes"][1]["from"] = {0, 0}; }), "1 … 1");
  expect_refused(changed([](Json& j) { j["nodes"][1]["options"]["kernl"] = 3; }), "kernel");
  expect_refused(changed([](Json& j) { j["nodes"][1]["options"]["out"] = 0; }), "'out'");
  expect_refused(changed([](Json& j) { j["nodes"][1]["options"]["out"] = 2.5; }),
                 "whole number");
  expect_refused(changed([](Json& j) { j["nodes"][1]["options"]["out"] = "4"; }), "'out'");
  expect_refused(changed([](Json& j) { j["nodes"][1]["options"].erase("out"); }), "'out'");
  expect_refused(changed([](Json& j) { j["nodes"][1]["options"]["groups"] = 3; }), "groups");
  expect_refused(changed([](Json& j) {
                   j["nodes"][1]["options"]["kernel"] = {3, 3, 3};
                 }),
                 "2 numbers");
  expect_refused(changed([](Json& j) {
                   j["nodes"][1]["options"]["kernel"] = {1e30, 3};
                 }),
                 "whole number");
  expect_refused(changed([](Json& j) { j["nodes"][2]["name"] = "a.conv"; }),
                 "two 'a.conv.weight'");
  expect_refused(changed([](Json& j) { j["marks"]["features"] = 9; }), "node 9");
}

// Every place of a JSON value that can be changed.
void graph_places(Json& json, std::vector<Json*>& out) {
  out.push_back(&json);
  if (!json.is_structured()) return;
  for (auto& item : json) graph_places(item, out);
}

TEST(StoredGraph, ChangedAnywhereIsReadOrRefusedAndNeverMore) {
  static Json const values[] = {
      nullptr, true,   0,     1,     -1,           2,         1e30,           0.5,
      "relu",  "conv", "",    "add", "batch_norm", INT64_MAX, INT64_MIN,      65536,
      {1, 2},  {0},    {-1},  {{}},  "max_pool",   "linear",  {{"out", 1e9}}, "attention",
      7,       4096,   {3, 3}};
  std::uint64_t const seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng{{seed}};
  std::size_t read = 0;
  for (auto const* const name : {"small-cnn", "vit-small", "resnet18", "inception-v3"}) {
    auto const whole = to_json(network_named(name).draw({.in = 1, .out = 2, .size = 28}));
    for (int i = 0; i < 300; ++i) {
      auto json = whole;
      for (auto changes = 1 + rng.below(3); changes > 0; --changes) {
        std::vector<Json*> places;
        graph_places(json, places);
        auto const at = rng.below(places.size());
        // Else the value of another place, so that it is of the right kind more often.
        *places[at] = rng.below(2) == 0 ? values[rng.below(std::size(values))]
                                        : Json(*places[rng.below(places.size())]);
      }
      try {
        cost_of(graph_from(json), {28, 28});
        ++read;
      } catch (Error const& error) {
        EXPECT_EQ(error.fault(), Fault::input) << error.what();
      }
    }
  }
  EXPECT_GT(read, 0U);  // else nothing but the first check was tried
}

TEST(StoredGraph, IsRefusedWhenItsWeightsWouldFillTheMachine) {
  expect_refused(changed([](Json& j) {
                   j["nodes"][0]["options"]["channels"] = 1000000;
                   j["nodes"][1]["options"]["out"] = 1000000;
                 }),
                 "weights");
}

TEST(Graph, RefusesToFlattenWhatFollowsTheInput) {
  Graph graph;
  graph.add("input", {}, {{"channels", 1}, {"dimensions", 2}});
  graph.add("flatten", {0});
  EXPECT_THROW(shapes_of(graph), Error);
}

TEST(Cost, CountsResNet18AsItsPaperDoes) {
  auto const cost = cost_of(
      network_named("resnet18").draw({.in = 3, .out = 1000, .torchvision = true}), {224, 224});
  EXPECT_NEAR(cost.multiply_adds, 1.814e9, 0.001e9);
  EXPECT_EQ(cost.parameters, 11'689'512);
}

TEST(Cost, CountsKerasNetworkFor256Pixels) {
  auto const cost =
      cost_of(network_named("small-cnn").draw({.in = 1, .out = 1, .size = 256}), {256, 256});
  EXPECT_NEAR(static_cast<double>(cost.parameters), 14.8e6, 0.1e6);
}

}  // namespace fovea
