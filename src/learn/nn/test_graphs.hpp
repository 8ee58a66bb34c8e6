#pragma once

#include "learn/nn/graph.hpp"

namespace fovea {

// For tests: a graph of each operation. A new operation needs a case here.

// A value of each kind that operations read.
struct GraphCase {
  std::string op;
  Options options;
  int dimensions = 2;
  std::string before = {};  // an operation between the input and this one
  std::size_t inputs = 1;
};

inline Graph graph_of(GraphCase const& c) {
  Graph graph;
  auto const input = graph.add("input", {}, {{"channels", 8}, {"dimensions", c.dimensions}});
  auto at = input;
  if (c.before == "pooled") at = graph.add("adaptive_avg_pool", {at}, {{"size", 2}});
  if (c.before == "vector") at = graph.add("global_avg_pool", {at});
  if (c.before == "pooled_last")
    at = graph.add("channels_last", {graph.add("adaptive_avg_pool", {at}, {{"size", 4}})});
  if (c.before == "tokens" || c.before == "channels_last") at = graph.add(c.before, {at});
  if (c.before == "max_pooled")
    at = graph.add("max_pool", {at}, {{"kernel", 2}, {"stride", 2}});
  std::vector<std::size_t> from(c.inputs, at);
  if (c.op == "position" || c.op == "resize_like" || c.op == "max_unpool") from = {at, input};
  graph.add(c.op, from, c.options, "it");
  return graph;
}

inline std::vector<GraphCase> graph_cases() {
  using List = std::vector<std::int64_t>;
  return {
      {"conv",
       {{"out", 4},
        {"kernel", 3},
        {"stride", 2},
        {"padding", 1},
        {"groups", 2},
        {"dilation", 2}}},
      {"conv", {{"out", 4}, {"kernel", 3}, {"bias", 0}, {"slope", 0.01}}, 1},
      {"conv",
       {{"out", 4},
        {"kernel", List{1, 2, 3}},
        {"padding", List{0, 1, 1}},
        {"begin", "uniform"}},
       3},
      {"conv_transpose",
       {{"out", 6},
        {"kernel", 3},
        {"stride", 2},
        {"padding", 1},
        {"output_padding", 1},
        {"groups", 2}}},
      {"conv_transpose", {{"out", 6}, {"kernel", 2}, {"stride", 2}}, 3},
      {"max_pool", {{"kernel", 3}, {"stride", 2}, {"padding", 1}, {"ceil", 1}}},
      {"max_pool", {{"kernel", 2}, {"stride", 2}}, 1},
      {"max_pool", {{"kernel", 2}, {"stride", 2}, {"ceil", 1}}, 3},
      {"avg_pool",
       {{"kernel", 3}, {"stride", 2}, {"padding", 1}, {"ceil", 1}, {"count_padding", 0}}},
      {"avg_pool", {{"kernel", 2}, {"stride", 2}}, 1},
      {"avg_pool", {{"kernel", 2}, {"stride", 2}}, 3},
      {"adaptive_avg_pool", {{"size", List{3, 5}}}},
      {"adaptive_avg_pool", {{"size", 3}}, 1},
      {"adaptive_avg_pool", {{"size", 3}}, 3},
      {"global_avg_pool", {}, 3},
      {"upsample", {{"factor", 2}}},
      {"upsample", {{"factor", 2}, {"mode", "linear"}}},
      {"upsample", {{"factor", 2}}, 1},
      {"upsample", {{"factor", List{1, 2, 2}}, {"mode", "linear"}}, 3},
      {"upsample", {{"factor", 3}, {"mode", "linear"}}, 1},
      {"upsample", {{"factor", 2}}, 3},
      {"resize_like", {}, 2, "pooled"},
      {"resize_like", {{"mode", "nearest"}}, 3, "pooled"},
      {"resize_like", {}, 3, "max_pooled"},
      {"resize_like", {}, 1, "pooled"},
      {"max_unpool", {{"kernel", 2}, {"stride", 2}}, 2, "max_pooled"},
      {"max_unpool", {{"kernel", 2}, {"stride", 2}}, 3, "max_pooled"},
      {"batch_norm", {}},
      {"batch_norm", {}, 2, "vector"},
      {"instance_norm", {}},
      {"instance_norm", {{"affine", 0}}, 3},
      {"instance_norm", {{"begin", 0.5}}, 3},
      {"group_norm", {{"groups", 4}}},
      {"layer_norm", {}},
      {"layer_norm", {}, 2, "tokens"},
      {"layer_norm", {}, 2, "vector"},
      {"relu", {}},
      {"leaky_relu", {{"slope", 0.1}}},
      {"prelu", {{"begin", 0.1}}},
      {"prelu", {}, 3},
      {"silu", {}},
      {"gelu", {}},
      {"hardswish", {}},
      {"sigmoid", {}},
      {"tanh", {}},
      {"add", {}, 2, "", 2},
      {"mul", {}, 2, "", 2},
      {"concat", {}, 2, "", 3},
      {"concat", {}, 2, "tokens", 2},
      {"layer_scale", {{"begin", 0.5}}},
      {"layer_scale", {}, 3, "tokens"},
      {"dropout", {{"rate", 0.5}}},
      {"stochastic_depth", {{"rate", 0.5}}},
      {"linear", {{"out", 5}, {"bias", 0}}, 2, "vector"},
      {"linear", {{"out", 5}}, 3, "channels_last"},
      {"flatten", {}, 2, "pooled"},
      {"channels_last", {}},
      {"channels_first", {}, 2, "channels_last"},
      {"tokens", {}, 3},
      {"class_token", {}, 2, "tokens"},
      {"position", {{"grid", List{4, 6}}}, 2, "tokens"},
      {"position", {{"grid", 3}}, 3, "tokens"},
      {"position", {{"grid", 3}}, 1, "tokens"},
      {"select_token", {{"index", 1}}, 2, "tokens"},
      {"attention", {{"heads", 2}}, 2, "tokens"},
      {"window_attention", {{"heads", 2}, {"window", 4}}, 2, "channels_last"},
      {"window_attention", {{"heads", 2}, {"window", 4}, {"shift", 1}}, 2, "channels_last"},
      {"window_attention",
       {{"heads", 4}, {"window", List{3, 12, 4}}, {"shift", 1}},
       3,
       "channels_last"},
      {"merge_patches", {}, 2, "pooled_last"},
      {"merge_patches", {}, 3, "pooled_last"},
      {"layer_norm", {{"affine", 0}}, 3, "channels_last"},
      {"lstm", {{"hidden", 3}, {"layers", 2}, {"both_ways", 1}}, 1, "tokens"},
      {"gru", {{"hidden", 3}}, 1, "tokens"},
  };
}

/// Transposed convolutions: into blocks, to few channels and others; with and without a bias.
struct TestTransposed {
  Graph graph;
  std::vector<std::int64_t> input;  // a batch of it
};
inline std::vector<TestTransposed> test_transposed() {
  struct Row {
    std::int64_t in, out;
    std::vector<std::int64_t> kernel, stride, padding, more;
  };
  std::vector<Row> const rows{
      {6, 5, {2, 2, 2}, {2, 2, 2}, {0, 0, 0}, {0, 0, 0}},
      {6, 5, {1, 2, 2}, {1, 2, 2}, {0, 0, 0}, {0, 0, 0}},
      {6, 5, {3, 1, 2}, {3, 1, 2}, {0, 0, 0}, {0, 0, 0}},
      {6, 5, {2, 3}, {2, 3}, {0, 0}, {0, 0}},
      {8, 2, {3, 3, 3}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}},
      {17, 8, {3, 3}, {2, 2}, {1, 1}, {0, 1}},
      {9, 3, {4, 5}, {2, 3}, {1, 0}, {0, 2}},
      {8, 1, {3, 3, 3}, {1, 2, 1}, {1, 1, 2}, {0, 0, 0}},
      {8, 9, {3, 3, 3}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}},
  };
  std::vector<TestTransposed> out;
  for (auto const& row : rows) {
    for (std::int64_t const bias : {0, 1}) {
      auto& one = out.emplace_back();
      auto const rank = std::ssize(row.kernel);
      auto const in = one.graph.add("input", {}, {{"channels", row.in}, {"dimensions", rank}});
      one.graph.add("conv_transpose", {in},
                    {{"out", row.out},
                     {"kernel", row.kernel},
                     {"stride", row.stride},
                     {"padding", row.padding},
                     {"output_padding", row.more},
                     {"bias", bias}},
                    "up");
      one.input = {2, row.in, 3, 4, 5};
      one.input.resize(static_cast<std::size_t>(rank) + 2);
    }
  }
  return out;
}

}  // namespace fovea
