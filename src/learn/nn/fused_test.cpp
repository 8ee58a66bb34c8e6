// The fused executor gives what LibTorch gives node by node: outputs, all gradients, running
// statistics. Every operation and every network is tried.
#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/nn/fused_steps.hpp"
#include "learn/nn/test_graphs.hpp"
#include "learn/nn/test_segmenters.hpp"
#include "learn/tensor/memory.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace fovea {
namespace {

using List = std::vector<std::int64_t>;

constexpr Execution fused_way(Precision precision, Executor executor) {
  return {precision, Layout::channels_last, executor};
}

struct FusedTrained {
  std::vector<Named> tensors;  // outputs, then gradients and running statistics
  double largest = 0;          // norm of a gradient
};

// `of_input`: as nobody asks in training, but explanations do.
FusedTrained fused_trained(Graph const& graph,
                           Execution how,
                           at::Tensor const& image,
                           bool of_input = true) {
  Network network{graph, 3};
  network.execution(how);
  auto const x = image.clone().requires_grad_(of_input);
  at::manual_seed(1);  // dropout leaves out the same
  auto const all = network.train_all(x);
  at::manual_seed(2);
  auto loss = (all[0] * at::randn(all[0].sizes())).sum();
  for (std::size_t i = 1; i < all.size(); ++i)
    loss = loss + (all[i] * at::randn(all[i].sizes())).sum();
  loss.backward();
  FusedTrained out;
  for (auto const& one : all) out.tensors.push_back({"an output", one.detach()});
  if (of_input) out.tensors.push_back({"the input's gradient", x.grad()});
  for (auto const& parameter : network.parameters()) {
    auto const& gradient = parameter.value.grad();
    if (!gradient.defined()) continue;  // of a head that only training runs
    out.largest = std::max(out.largest, gradient.norm().item<double>());
    out.tensors.push_back({parameter.name, gradient});
  }
  for (auto const& buffer : network.buffers()) out.tensors.push_back(buffer);
  return out;
}

// How far tensors are apart, in parts of their norm and of a hundredth of the largest
// gradient's: where all others cancel, as in that of a bias before a norm, rounding is left.
struct FusedApart {
  double most = 0, mean = 0;
  std::string where = {};
};
FusedApart fused_apart(FusedTrained const& got, FusedTrained const& wanted) {
  FusedApart out;
  for (std::size_t i = 0; i < wanted.tensors.size(); ++i) {
    auto const a = got.tensors.at(i).value.to(at::kDouble);
    auto const b = wanted.tensors[i].value.to(at::kDouble);
    EXPECT_EQ(a.sizes(), b.sizes());
    auto const apart = (a - b).norm().item<double>() /
                       (b.norm().item<double>() + 1e-2 * wanted.largest + 1e-9);
    out.mean += apart / static_cast<double>(wanted.tensors.size());
    if (apart <= out.most) continue;
    out.most = apart;
    out.where = wanted.tensors[i].name;
  }
  return out;
}

// Behind a ReLU rounding can be large: a value that falls on zero's other side has another
// gradient. So as close as LibTorch comes to itself, in another layout, but for a factor.
struct FusedAgreement {
  FusedTrained mine;
  FusedApart apart;
  double close;
};
FusedAgreement fused_agreement(Graph const& graph, at::Tensor const& image, double close) {
  constexpr double factor = 12;
  auto const plain = fused_trained(graph, {}, image);
  auto const other =
      fused_trained(graph, fused_way(Precision::float32, Executor::torch), image);
  auto mine = fused_trained(graph, fused_way(Precision::float32, Executor::fused), image);
  auto const apart = fused_apart(mine, plain);
  return {std::move(mine), apart, close + factor * fused_apart(other, plain).most};
}

void fused_expect(Graph const& graph, at::Tensor const& image, FusedAgreement got) {
  EXPECT_LT(got.apart.most, got.close) << got.apart.where;
  if (Network{graph, 3}.parameters().empty()) return;
  // Whether the input's gradient is asked for changes no other.
  std::erase_if(got.mine.tensors,
                [](Named const& one) { return one.name.starts_with("the "); });
  auto const how = fused_way(Precision::float32, Executor::fused);
  EXPECT_LT(fused_apart(fused_trained(graph, how, image, false), got.mine).most, 1e-6);
}

constexpr double fused_close = 2e-5;

void fused_agrees(Graph const& graph, at::Tensor const& image, double close = fused_close) {
  fused_expect(graph, image, fused_agreement(graph, image, close));
}

// Of a whole network some value may fall on zero's other side, and of one image in ten does: of
// three in a row only if something is wrong. One value is not much, either.
void fused_network_agrees(Graph const& graph, List const& shape) {
  for (std::uint64_t seed = 4;; ++seed) {
    at::manual_seed(seed);
    auto const image = at::randn(shape);
    auto got = fused_agreement(graph, image, fused_close);
    EXPECT_LT(got.apart.most, 0.1) << got.apart.where;
    if (got.apart.most < got.close || seed == 6)
      return fused_expect(graph, image, std::move(got));
  }
}

}  // namespace

TEST(FusedExecutor, IsLibTorchsOnEveryOperation) {
  for (auto const& c : graph_cases()) {
    SCOPED_TRACE(testing::Message() << c.op << " in " << c.dimensions << " dimensions behind '"
                                    << c.before << "'");
    List shape{2, 8, 9, 10, 11};
    shape.resize(static_cast<std::size_t>(c.dimensions) + 2);
    at::manual_seed(4);
    fused_agrees(graph_of(c), at::randn(shape));
  }
}

TEST(FusedExecutor, IsLibTorchsOnConvolutionsOfEveryKind) {
  struct Row {
    char const* name;
    std::int64_t in, out;
    List kernel, padding, shape;
    std::int64_t stride = 1, bias = 1;
    bool fewer = true;
  };
  Row const rows[] = {
      {"volume", 24, 32, {3, 3, 3}, {1, 1, 1}, {2, 24, 13, 12, 11}},
      {"channels that fill no vector", 37, 25, {3, 3, 3}, {1, 1, 1}, {4, 37, 7, 10, 9}, 1, 0},
      {"slices", 16, 32, {1, 3, 3}, {0, 1, 1}, {3, 16, 5, 14, 15}},
      {"picture", 32, 24, {3, 3}, {1, 1}, {4, 32, 31, 22}},
      {"wide map", 8, 16, {3, 3}, {1, 1}, {2, 8, 8, 200}},
      {"more channels than a block", 80, 72, {3, 3}, {1, 1}, {4, 80, 30, 31}},
      {"one voxel thick", 16, 16, {3, 3, 3}, {1, 1, 1}, {4, 16, 1, 31, 29}},
      {"first layer", 1, 32, {3, 3, 3}, {1, 1, 1}, {2, 1, 12, 12, 12}, 1, 1, false},
      {"stem", 3, 40, {7, 7}, {3, 3}, {2, 3, 21, 26}, 2, 1, false},
      {"first layer with a stride",
       2,
       16,
       {3, 3, 3},
       {1, 0, 1},
       {2, 2, 9, 10, 11},
       2,
       0,
       false},
      {"stride", 16, 32, {3, 3, 3}, {1, 1, 1}, {2, 16, 12, 11, 12}, 2, 1, false},
      {"one place", 16, 8, {1, 1, 1}, {0, 0, 0}, {2, 16, 6, 7, 8}, 1, 1, false},
      {"small map", 32, 32, {3, 3, 3}, {1, 1, 1}, {1, 32, 4, 4, 4}, 1, 1, false},
      {"another padding", 16, 16, {3, 3, 3}, {0, 1, 1}, {1, 16, 12, 12, 12}, 1, 1, false}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    auto const rank = std::ssize(row.kernel);
    Graph graph;
    auto const in = graph.add("input", {}, {{"channels", row.in}, {"dimensions", rank}});
    graph.add("conv", {in},
              {{"out", row.out},
               {"kernel", row.kernel},
               {"padding", row.padding},
               {"stride", row.stride},
               {"bias", row.bias}},
              "conv");
    auto const how = fused_way(Precision::float32, Executor::fused);
    Shape const shape{row.in, {row.shape.begin() + 2, row.shape.end()}};
    EXPECT_EQ(winograd_for(graph.nodes[1], shape, row.shape[0], how).has_value(),
              row.fewer && Winograd::pays());
    EXPECT_FALSE(winograd_for(graph.nodes[1], shape, row.shape[0],
                              fused_way(Precision::float32, Executor::torch)));
    at::manual_seed(4);
    fused_agrees(graph, at::randn(row.shape));
  }
}

bool fused_makes(FusedSteps const& all, std::size_t node) {
  return std::ranges::count(all.steps, node, &FusedStep::node) > 0;
}

// Maps of so many channels, joined for one convolution; 0: the input. Joined or not, nothing
// changes, and who else reads a map still gets it.
TEST(FusedExecutor, ReadsJoinedChannelsWhereTheyLie) {
  struct Row {
    char const* name;
    List channels;
    bool again = false;  // the last map is joined twice
    bool apart = true;   // whether they need not be joined
  };
  Row const rows[] = {{"two", {16, 32}},
                      {"an odd number at the end", {32, 16, 5}},
                      {"an odd number at the start", {5, 32}, false, false},
                      {"one of them twice", {16, 32}, true},
                      {"the input first", {0, 16}},
                      {"the input alone, twice", {0}, true}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    Graph graph;
    auto const in = graph.add(
        "input", {}, {{"channels", std::int64_t{16}}, {"dimensions", std::int64_t{2}}});
    auto const convolved = [&](std::size_t from, std::int64_t out, std::string const& name) {
      return graph.add(
          "conv", {from},
          {{"out", out}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}}, name);
    };
    std::vector<std::size_t> maps;
    for (auto const channels : row.channels) {
      auto const at = channels == 0 ? in : convolved(in, channels, text("n", maps.size()));
      maps.push_back(channels == 0 ? in : graph.add("leaky_relu", {at}));
    }
    if (row.again) maps.push_back(maps.back());
    auto const joined = graph.add("concat", maps);
    auto const last = convolved(joined, 24, "last");
    graph.add("concat", {last, maps.front()});
    Program const program{graph};
    auto const how = fused_way(Precision::float32, Executor::fused);
    EXPECT_EQ(fused_makes(FusedSteps{program, how, {3, 16, 31, 33}, {}}, joined),
              !row.apart || !Winograd::pays());
    // Nor if it is asked for.
    EXPECT_TRUE(fused_makes(FusedSteps{program, how, {3, 16, 31, 33}, {&joined, 1}}, joined));
    at::manual_seed(4);
    fused_agrees(graph, at::randn({3, 16, 31, 33}));
  }
}

TEST(FusedExecutor, IsLibTorchsOnTransposedConvolutions) {
  for (auto const& [graph, input] : test_transposed()) {
    at::manual_seed(4);
    fused_agrees(graph, at::randn(input));
  }
}

TEST(FusedExecutor, IsLibTorchsOnEveryNetworkForSegmentation) {
  each_segmenter([](SegmenterRow const& row, SegmentDraw const& draw) {
    auto const graph = row.draw(draw);
    auto shape = segmenter_shape(graph);
    // Batch norm over the two values that a pooled image leaves would be a sign.
    if (!row.volumes) shape[0] = 8;
    fused_network_agrees(graph, shape);
  });
}

TEST(FusedExecutor, IsLibTorchsOnEveryNetworkOfTheCatalogue) {
  for (auto const& row : networks()) {
    if (row.name == "resnet34") continue;  // resnet18 with more of its blocks
    for (int dimensions = 2; dimensions <= (row.volumes ? 3 : 2); ++dimensions) {
      SCOPED_TRACE(testing::Message() << row.name << " of " << dimensions << " dimensions");
      auto const graph = row.draw({.in = 1, .out = 3, .dimensions = dimensions, .size = 28});
      // The large ones have no operation in three dimensions that the small ones lack.
      if (dimensions == 3 && cost_of(graph, {16, 17, 18}).parameters > 10'000'000) continue;
      fused_network_agrees(graph,
                           dimensions == 2 ? List{3, 1, 28, 33} : List{4, 1, 16, 17, 18});
    }
  }
}

// Wider than those above, so that its convolutions are ours; in bfloat16, too, no further from
// float32 than LibTorch's.
TEST(FusedExecutor, IsNoCoarserThanLibTorchInBfloat16) {
  SegmentDraw draw{.in = 1, .out = 3, .dimensions = 3, .deep_supervision = true};
  draw.levels = {{.features = 16, .kernel = {3, 3, 3}, .stride = {1, 1, 1}, .blocks = 2},
                 {.features = 32, .kernel = {3, 3, 3}, .stride = {2, 2, 2}, .blocks = 2},
                 {.features = 64, .kernel = {3, 3, 3}, .stride = {2, 2, 2}, .blocks = 2}};
  auto const graph = segmenter_named("nnunet").draw(draw);
  at::manual_seed(4);
  auto const image = at::randn({3, 1, 20, 24, 28});
  auto const plain = fused_trained(graph, {}, image);
  auto const apart = [&](Precision precision, Executor executor) {
    return fused_apart(fused_trained(graph, fused_way(precision, executor), image), plain);
  };
  auto const fine = apart(Precision::float32, Executor::fused);
  EXPECT_LT(fine.most, 2e-2) << fine.where;
  EXPECT_LT(apart(Precision::bfloat16, Executor::fused).mean,
            1.05 * apart(Precision::bfloat16, Executor::torch).mean);
}

// Bytes of tensors in a step at most.
double fused_peak(Graph const& graph,
                  Precision precision,
                  Executor executor,
                  at::Tensor const& image) {
  release_kept_memory();  // blocks of others may be larger than what is asked for
  most_tensor_memory();
  auto const before = most_tensor_memory();  // what is in use now
  fused_trained(graph, fused_way(precision, executor), image, false);
  return static_cast<double>(most_tensor_memory() - before);
}

// Where norms or what is joined are made again, a part of what LibTorch holds.
TEST(FusedExecutor, HoldsAPartOfLibTorchsMemory) {
  if (!Winograd::pays()) GTEST_SKIP() << "oneDNN's convolutions read what is joined";
  struct Row {
    char const* network;
    double of_torchs;
  };
  constexpr Row rows[] = {
      {"nnunet", 0.6}, {"segresnet", 0.65}, {"nnunet-resenc", 0.75}, {"unet-2015", 0.95}};
  reuse_large_memory();
  auto const threads = at::get_num_threads();
  at::set_num_threads(2);  // each has room of its own
  auto const image = at::randn({2, 1, 40, 40, 40});
  for (auto const& [network, of_torchs] : rows) {
    SegmentDraw draw{.in = 1, .out = 3, .dimensions = 3};
    auto const& row = segmenter_named(network);
    draw.deep_supervision = row.deep_supervision;
    draw.levels = {{.features = 32, .kernel = {3, 3, 3}, .stride = {1, 1, 1}, .blocks = 2},
                   {.features = 64, .kernel = {3, 3, 3}, .stride = {2, 2, 2}, .blocks = 2}};
    auto const graph = row.draw(draw);
    for (auto const precision : {Precision::float32, Precision::bfloat16}) {
      if (precision == Precision::bfloat16 && vectors::matrices()) continue;
      SCOPED_TRACE(testing::Message()
                   << network << ", bfloat16 " << (precision == Precision::bfloat16));
      auto const fused = fused_peak(graph, precision, Executor::fused, image);
      EXPECT_LT(fused, of_torchs * fused_peak(graph, precision, Executor::torch, image));
      auto const held =
          static_cast<double>(image.size(0) * (precision == Precision::float32 ? 4 : 2)) *
          cost_of(graph, image.sizes().slice(2).vec()).convolved_values;
      EXPECT_LT(held, fused);
      EXPECT_GT(2 * held, fused);
    }
  }
  at::set_num_threads(threads);
}

// Activations: as much as LibTorch, or a part where they are made again.
TEST(FusedExecutor, HoldsHardlyMoreThanLibTorchOfWhatStandsAlone) {
  reuse_large_memory();
  struct Row {
    char const* network;
    double of_torchs;
  };
  for (auto const& [network, of_torchs] :
       {Row{"small-cnn", 1.05}, Row{"efficientnet-b0", 0.6}}) {
    SCOPED_TRACE(network);
    auto const graph =
        network_named(network).draw({.in = 1, .out = 3, .dimensions = 2, .size = 128});
    auto const image = at::randn({8, 1, 128, 128});
    auto const fused = fused_peak(graph, Precision::float32, Executor::fused, image);
    EXPECT_LE(fused, of_torchs * fused_peak(graph, Precision::float32, Executor::torch, image));
  }
}

// A norm takes away what is the same everywhere in a channel: there is nothing to learn for a
// bias before it, unless it norms several channels as one, the convolution has another reader,
// or is asked for.
TEST(FusedExecutor, LeavesABiasBeforeANormAsItIs) {
  for (std::string const norm : {"instance_norm", "batch_norm", "group_norm"}) {
    for (int const others : {0, 1, 2}) {
      SCOPED_TRACE(testing::Message() << norm << ", " << others);
      Graph graph;
      auto const in = graph.add(
          "input", {}, {{"channels", std::int64_t{2}}, {"dimensions", std::int64_t{2}}});
      auto const conv = graph.add(
          "conv", {in},
          {{"out", std::int64_t{8}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
          "first");
      if (others == 1) graph.marks["deep1"] = conv;
      auto const groups =
          norm == "group_norm" ? Options{{"groups", std::int64_t{4}}} : Options{};
      auto at = graph.add("leaky_relu", {graph.add(norm, {conv}, groups, "norm")});
      if (others == 2) at = graph.add("add", {at, conv});
      at::manual_seed(4);
      auto const image = at::randn({3, 2, 9, 8});
      fused_agrees(graph, image);
      auto const how = fused_way(Precision::float32, Executor::fused);
      for (auto const& [name, value, decays] : fused_trained(graph, how, image).tensors) {
        if (name != "first.bias") continue;
        EXPECT_EQ(value.abs().max().item<double>() == 0, others == 0 && norm != "group_norm");
      }
    }
  }
}

Graph fused_heads() {
  Graph graph;
  auto at =
      graph.add("input", {}, {{"channels", std::int64_t{1}}, {"dimensions", std::int64_t{2}}});
  Options const options{
      {"out", std::int64_t{8}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}};
  at = graph.add("conv", {at}, options, "first");
  graph.marks["deep1"] = graph.add("conv", {at}, options, "head");
  graph.add("conv", {at}, options, "last");
  return graph;
}

TEST(FusedExecutor, LeavesAloneWhatNoLossReaches) {
  for (auto const executor : {Executor::torch, Executor::fused}) {
    Network network{fused_heads(), 1};
    network.execution(fused_way(Precision::float32, executor));
    network.train_all(at::randn({2, 1, 9, 9}))[0].sum().backward();
    for (auto const& parameter : network.parameters())
      EXPECT_EQ(parameter.value.grad().defined(), !parameter.name.starts_with("head"))
          << parameter.name;
  }
}

TEST(FusedExecutor, RefusesGradientsOfWhatHasPassed) {
  Network network{fused_heads(), 1};
  network.execution(fused_way(Precision::float32, Executor::fused));
  auto const image = at::randn({2, 1, 9, 9});
  auto const all = network.train_all(image);
  all[0].sum().backward();
  EXPECT_THROW(all[1].sum().backward(), Error);
  auto const late = network.train_all(image);
  {
    at::NoGradGuard const no_tape;
    network.parameters().front().value.add_(1);
  }
  EXPECT_THROW(late[0].sum().backward(), Error);
  auto const seen = network.train_all(image);
  image.add_(1);
  EXPECT_THROW(seen[0].sum().backward(), Error);
}

Graph fused_small() {
  SegmentDraw draw{.in = 1, .out = 2, .dimensions = 3};
  draw.levels = {{.features = 16, .kernel = {3, 3, 3}, .stride = {1, 1, 1}, .blocks = 2},
                 {.features = 32, .kernel = {3, 3, 3}, .stride = {2, 2, 2}, .blocks = 2}};
  return segmenter_named("nnunet").draw(draw);
}

TEST(FusedExecutor, SaysWhatItRunsHow) {
  auto const how = fused_way(Precision::float32, Executor::fused);
  auto const fewer = Winograd::pays() ? "3" : "0";
  EXPECT_EQ(fused_share(fused_small(), 2, {16, 20, 24}, how),
            text(fewer,
                 " of 7 convolutions with fewer products; 1 transposed; 6 norms by "
                 "our kernels"));
}

TEST(FusedExecutor, GivesTheSameBitsAgain) {
  auto const graph = fused_small();
  auto const image = at::randn({2, 1, 16, 20, 24});
  auto const how = fused_way(Precision::float32, Executor::fused);
  auto const one = fused_trained(graph, how, image), two = fused_trained(graph, how, image);
  for (std::size_t i = 0; i < one.tensors.size(); ++i)
    EXPECT_TRUE(at::equal(one.tensors[i].value, two.tensors[i].value)) << one.tensors[i].name;
}

// Where LibTorch's is no number ours is none; another image, and what lies further off than a
// convolution and its tiles reach, are as they were.
TEST(FusedExecutor, LetsWhatIsNoNumberTravelAsLibTorchDoes) {
  Graph plain;
  auto at =
      plain.add("input", {}, {{"channels", std::int64_t{16}}, {"dimensions", std::int64_t{3}}});
  at = plain.add(
      "conv", {at},
      {{"out", std::int64_t{16}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "one");
  at = plain.add("leaky_relu", {at});
  plain.add("conv", {at}, {{"out", std::int64_t{2}}, {"kernel", std::int64_t{1}}}, "head");
  for (auto const bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (auto const normed : {false, true}) {
      SCOPED_TRACE(testing::Message() << bad << ", with norms " << normed);
      auto const graph = normed ? fused_small() : plain;
      at::manual_seed(4);
      auto image = at::randn({2, normed ? 1 : 16, 16, 20, 24});
      image[0][0][2][2][2] = bad;
      auto const torch =
          fused_trained(graph, fused_way(Precision::float32, Executor::torch), image);
      auto const fused =
          fused_trained(graph, fused_way(Precision::float32, Executor::fused), image);
      for (std::size_t i = 0; i < torch.tensors.size(); ++i) {
        auto const& [name, wanted, decays] = torch.tensors[i];
        if (name.ends_with("conv.bias")) continue;  // norms take them out: nothing to learn
        auto const lost = wanted.isfinite().logical_not();
        EXPECT_TRUE(lost.logical_and(fused.tensors[i].value.isfinite()).sum().item<int>() == 0)
            << name;
      }
      auto const& wanted = torch.tensors[0].value;
      auto const& got = fused.tensors[0].value;
      EXPECT_TRUE(wanted[0].isfinite().logical_not().any().item<bool>());
      EXPECT_TRUE(at::allclose(got[1], wanted[1], 1e-3, 1e-4));
      if (!normed) {
        auto const far = [](at::Tensor const& y) { return y[0].slice(1, 10).slice(2, 10); };
        EXPECT_TRUE(at::allclose(far(got), far(wanted), 1e-3, 1e-4));
      }
    }
  }
}

TEST(FusedExecutor, IsLibTorchsWithAnyNumberOfThreads) {
  auto const before = at::get_num_threads();
  at::manual_seed(4);
  auto const image = at::randn({2, 1, 16, 20, 24});
  for (int const threads : {1, 3, 64}) {
    SCOPED_TRACE(threads);
    at::set_num_threads(threads);
    fused_agrees(fused_small(), image);
  }
  at::set_num_threads(before);
}

TEST(FusedExecutor, TakesOneVoxelAndRefusesNoImage) {
  Graph graph;
  auto at =
      graph.add("input", {}, {{"channels", std::int64_t{16}}, {"dimensions", std::int64_t{3}}});
  at = graph.add(
      "conv", {at},
      {{"out", std::int64_t{16}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "one");
  at = graph.add("batch_norm", {at}, {}, "norm");
  graph.add("relu", {at});
  at::manual_seed(4);
  fused_agrees(graph, at::randn({5, 16, 1, 1, 1}));
  Network network{graph, 1};
  network.execution(fused_way(Precision::float32, Executor::fused));
  EXPECT_THROW(network.train(at::randn({0, 16, 8, 8, 8})), Error);
}

// Graphs of blocks as networks have them, joined at random.
TEST(FusedExecutor, IsLibTorchsOnGraphsMadeAtRandom) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng{{seed}};
    auto const pick = [&](std::int64_t count) { return rng.below(count); };
    Graph graph;
    auto const dimensions = 2 + pick(2);
    std::int64_t const channels = 1 + 8 * pick(3);
    // What may be read, with its channels: all of one size.
    std::vector<std::pair<std::size_t, std::int64_t>> values{
        {graph.add("input", {}, {{"channels", channels}, {"dimensions", dimensions}}),
         channels}};
    // Often the last one, so that chains and joins with one reader come about.
    std::vector<bool> read(1);
    auto const any = [&] {
      auto const count = std::ssize(values);
      auto const at = static_cast<std::size_t>(pick(2) == 0 ? count - 1 : pick(count));
      read.resize(values.size());
      read[at] = true;
      return values[at];
    };
    for (std::int64_t n = 0; n < 12; ++n) {
      auto const [from, width] = any();
      auto const name = "n" + std::to_string(n);
      switch (pick(8)) {
        case 0:
        case 1: {
          auto const out = pick(2) == 0 ? 16 * (1 + pick(2)) : 8 * (1 + pick(4));
          values.emplace_back(graph.add("conv", {from},
                                        {{"out", out},
                                         {"kernel", std::int64_t{3}},
                                         {"padding", std::int64_t{1}},
                                         {"bias", pick(2)}},
                                        name),
                              out);
          break;
        }
        case 2:
          values.emplace_back(graph.add("batch_norm", {from}, {}, name), width);
          break;
        case 3: {
          auto const group = pick(2) == 0;
          auto const options = group ? Options{{"groups", pick(2) == 0 ? 1 : width}}
                                     : Options{{"affine", pick(2)}};
          values.emplace_back(
              graph.add(group ? "group_norm" : "instance_norm", {from}, options, name), width);
          break;
        }
        case 4: {
          constexpr std::array activations{"relu", "leaky_relu", "prelu", "silu"};
          values.emplace_back(
              graph.add(activations.at(static_cast<std::size_t>(pick(4))), {from}, {}, name),
              width);
          break;
        }
        case 5: {
          for (auto const& [other, same] : values)
            if (same == width && other != from) {
              values.emplace_back(graph.add("add", {from, other}), width);
              break;
            }
          break;
        }
        case 6: {
          auto const [other, more] = any();
          values.emplace_back(graph.add("concat", {from, other}), width + more);
          break;
        }
        case 7:
          values.emplace_back(
              graph.add("conv", {from}, {{"out", std::int64_t{8}}, {"kernel", std::int64_t{1}}},
                        name),
              8);
          break;
      }
    }
    // So that everything takes part; what has readers is seldom read by one more.
    read.resize(values.size());
    auto sum = graph.add("global_avg_pool", {values.front().first});
    sum = graph.add("linear", {sum}, {{"out", std::int64_t{3}}}, "head0");
    for (std::size_t i = 1; i < values.size(); ++i) {
      if (read[i] && pick(4) != 0) continue;
      auto const pooled = graph.add("global_avg_pool", {values[i].first});
      sum = graph.add("add", {sum, graph.add("linear", {pooled}, {{"out", std::int64_t{3}}},
                                             "head" + std::to_string(i))});
    }
    at::manual_seed(static_cast<std::int64_t>(seed));
    // Of so many values before ReLUs one falls on the other side now and then.
    constexpr double close = 1e-3;
    fused_agrees(graph,
                 dimensions == 2 ? at::randn({3, channels, 31, 33})
                                 : at::randn({2, channels, 11, 11, 9}),
                 close);
  }
}

}  // namespace fovea
