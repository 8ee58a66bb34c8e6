#include "learn/window/predict.hpp"

#include "base/core/error.hpp"
#include "base/core/memory.hpp"
#include "base/core/pool.hpp"
#include "learn/tensor/tensor.hpp"
#include "learn/window/test_cases.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

namespace fovea {
namespace {

void expect_as_naive(WindowCase const& one,
                     at::Tensor const& image,
                     at::Tensor const& logits,
                     double tolerance) {
  auto const& rule = one.windows.labels;
  auto const outputs = logits.size(0);
  auto const got = window_got(one, image, outputs);
  auto const likely = rule.regions ? at::sigmoid(logits) : at::softmax(logits, 0);
  auto const& back = one.back;
  // On the input's axes, cut out of what came.
  std::array<std::int64_t, 3> first{}, size{};
  std::vector<std::int64_t> order{0, 0, 0, 0};
  for (int axis = 0; axis < 3; ++axis) {
    first[back.axes[axis]] = back.first[axis];
    size[back.axes[axis]] = back.cut[axis];
    order[back.axes[axis] + 1] = axis + 1;
  }
  auto const expected = likely.permute(order).contiguous();
  auto const came = naive_box(got.probabilities, first, size).to(at::kDouble);
  EXPECT_LE((came - expected).abs().max().item<double>(), tolerance);
  EXPECT_EQ((got.probabilities >= 0).sum().item<std::int64_t>(), expected.numel())
      << "voxels outside of the cut came";

  // Labels: where the decision is not within rounding.
  auto const labels = tensor_of(got.made.labels)[0].to(at::kLong);
  auto const here = naive_box(labels, first, size);
  EXPECT_EQ(labels.count_nonzero().item<std::int64_t>(),
            here.count_nonzero().item<std::int64_t>())
      << "labels outside of the cut";
  auto wanted = at::zeros(here.sizes(), at::kLong);
  auto sure = at::ones(here.sizes(), at::kBool);
  auto const value = [&](std::int64_t n) {
    return rule.values.empty() ? n : std::int64_t{rule.values[static_cast<std::size_t>(n)]};
  };
  if (rule.regions) {
    for (std::int64_t n = 0; n < outputs; ++n) {
      wanted = at::where(expected[n] > 0.5, at::full_like(wanted, value(n)), wanted);
      sure = sure.logical_and((expected[n] - 0.5).abs() > tolerance);
    }
  } else {
    auto const [best, which] = expected.topk(2, 0);
    for (std::int64_t n = 0; n < outputs; ++n)
      wanted = at::where(which[0] == n, at::full_like(wanted, value(n)), wanted);
    sure = best[0] - best[1] > 2 * tolerance;
  }
  EXPECT_GT(sure.to(at::kDouble).mean().item<double>(), tolerance < 0.01 ? 0.8 : 0.3);
  EXPECT_TRUE(at::all((here == wanted).logical_or(sure.logical_not())).item<bool>());
  EXPECT_GT(std::get<0>(at::_unique(wanted)).numel(), 1) << "the case decides nothing";
}

// Windows of these tests are so small that threads would mostly wait for each other.
class PredictByWindows : public testing::Test {
 protected:
  void SetUp() override { use_threads(1); }
  void TearDown() override { use_threads(usable_cores()); }
};

TEST_F(PredictByWindows, EqualsTheWholeVolumeDoneNaively) {
  for (auto const& one : window_cases()) {
    SCOPED_TRACE(one.name);
    auto const image = window_image(one);
    expect_as_naive(one, image, naive_logits(one, image), 1e-5);
  }
}

TEST_F(PredictByWindows, GivesTheSameOnManyThreads) {
  for (auto const& one : window_cases()) {
    if (one.name != "slices apart, axes swapped" &&
        one.name != "two dimensions, slice by slice")
      continue;
    SCOPED_TRACE(one.name);
    auto const image = window_image(one);
    auto const logits = naive_logits(one, image);
    use_threads(4);
    expect_as_naive(one, image, logits, 1e-5);
  }
}

TEST_F(PredictByWindows, GivesTheSameInLessMemory) {
  std::set<bool> halves;
  std::set<std::int64_t> stripes;
  for (auto one : window_cases()) {
    if (one.name != "features, uneven sizes" && one.name != "slices apart, axes swapped" &&
        one.name != "two dimensions, slice by slice" && one.name != "large batches")
      continue;
    SCOPED_TRACE(one.name);
    auto const image = window_image(one);
    auto const source = source_of(image);
    auto const logits = naive_logits(one, image);
    one.windows.probabilities = [](ProbabilityBlock const&) {};  // they take memory too
    one.windows.memory = 1ULL << 40;
    auto plan = plan_windows(one.networks, source, one.back, one.windows);
    EXPECT_FALSE(plan.half);
    for (;; plan = plan_windows(one.networks, source, one.back, one.windows)) {
      EXPECT_LE(plan.memory, one.windows.memory);
      EXPECT_GE(plan.memory, plan.minimum);
      halves.insert(plan.half);
      stripes.insert(plan.stripes[0] * plan.stripes[1] * plan.stripes[2]);
      one.windows.memory = plan.memory;
      expect_as_naive(one, image, logits, plan.half ? 2e-3 : 1e-5);
      if (plan.memory == plan.minimum) break;
      // Half of the way down, so that the test ends.
      one.windows.memory =
          plan.memory - std::max<std::uint64_t>(1, (plan.memory - plan.minimum) / 3);
    }
    one.windows.memory = plan.minimum - 1;
    try {
      plan_windows(one.networks, source, one.back, one.windows);
      ADD_FAILURE() << "less than the minimum is enough";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::resource);
      EXPECT_NE(std::string{error.what()}.find(text(((plan.minimum - 1) >> 20) + 1, " MiB")),
                std::string::npos)
          << error.what();
    }
  }
  EXPECT_TRUE(halves.contains(true));
  EXPECT_GT(stripes.size(), 2U);
}

TEST_F(PredictByWindows, BlendsFeaturesOnlyWhereTheyAreFewer) {
  auto const way = window_stay({8, 8, 8});
  auto const source = source_of(at::zeros({1, 8, 8, 8}));
  Windows const windows{.size = {8, 8, 8}};
  struct {
    TestNetwork draw;
    int networks;
    bool features;
    std::int64_t channels;
  } const rows[] = {{{.features = 3, .outputs = 7}, 1, true, 3},
                    {{.features = 7, .outputs = 3}, 1, false, 3},
                    {{.features = 3, .outputs = 7}, 2, true, 6},
                    {{.features = 4, .outputs = 7}, 2, false, 7},
                    {{.features = 3, .outputs = 7, .head = 3}, 1, false, 7}};
  for (auto const& row : rows) {
    auto const plan = plan_windows(test_networks(row.draw, row.networks), source, way, windows);
    EXPECT_EQ(plan.features, row.features);
    EXPECT_EQ(plan.channels, row.channels);
  }
}

// What a volume of many classes would take: the labels' bytes are allowed for, classes times
// voxels are not.
TEST_F(PredictByWindows, HoldsWhatItSaysItHolds) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep memory of their own";
#endif
  std::ofstream reset{"/proc/self/clear_refs"};
  reset << 5 << std::flush;
  if (!reset) GTEST_SKIP() << "the system does not let a process ask for its peak anew";
  auto const networks = test_networks({.features = 4, .outputs = 100});
  std::array<std::int64_t, 3> const size{200, 192, 192};
  WindowSource const source{1, size, [](WindowBox const& box, float* into) {
                              for (std::int64_t n = 0; n < box.voxels(); ++n)
                                into[n] = static_cast<float>(n * 2654435761 >> 20 & 0xff) / 255;
                            }};
  Windows const windows{.size = {64, 64, 64}, .step = 1, .memory = 160 << 20};
  auto const before = peak_memory();
  auto const made = predict_by_windows(networks, source, window_stay(size), windows);
  auto const taken = peak_memory() - before;
  EXPECT_TRUE(made.plan.features);
  EXPECT_LE(made.plan.memory, windows.memory);
  EXPECT_LE(taken, made.plan.memory);
  EXPECT_GE(taken, made.plan.memory / 4) << "the estimate is far off";
}

TEST_F(PredictByWindows, SaysHowFarMembersDisagree) {
  auto one = window_cases()[0];
  auto const image = window_image(one);
  auto const ask = [&](std::vector<Network> const& networks, std::vector<int> flips) {
    auto windows = one.windows;
    windows.uncertainty = true;
    windows.flips = std::move(flips);
    return predict_by_windows(networks, source_of(image), one.back, windows)
        .uncertainty.value();
  };
  auto const twins = test_networks({.features = 3, .outputs = 7});
  auto const agreed = ask({twins[0], twins[0]}, {});
  for (auto const value : agreed.as<float>()) ASSERT_NEAR(value, 0, 1e-3);

  // One window, so that probabilities of members are those of whole predictions.
  for (auto const& draw :
       {TestNetwork{.features = 3, .outputs = 7}, TestNetwork{.features = 6, .outputs = 3}}) {
    auto const pair = test_networks(draw, 2);
    auto const a = at::softmax(pair[0](image.unsqueeze(0))[0], 0);
    auto const b = at::softmax(pair[1](image.unsqueeze(0))[0], 0);
    auto const expected = ((a - b) / 2).square().sum(0).div(2).sqrt();
    auto const got = tensor_of(ask(pair, {}))[0];
    EXPECT_LE((got - expected).abs().max().item<double>(), 2e-4);
    EXPECT_GT(expected.max().item<double>(), 0.01);

    auto const mirrored =
        at::softmax(at::flip(pair[0](at::flip(image.unsqueeze(0), {4}))[0], {3}), 0);
    auto const by_flips = tensor_of(ask({pair[0]}, {2}))[0];
    EXPECT_LE((by_flips - ((a - mirrored) / 2).square().sum(0).div(2).sqrt())
                  .abs()
                  .max()
                  .item<double>(),
              2e-4);
  }
  EXPECT_THROW(ask({twins[0]}, {}), Error);
}

TEST_F(PredictByWindows, RunsInBfloat16AndChannelsLast) {
  for (auto const& draw :
       {TestNetwork{.features = 3, .outputs = 7}, TestNetwork{.features = 6, .outputs = 3}}) {
    WindowCase one{"bfloat16",
                   {.size = {8, 8, 8}, .flips = {0, 2}},
                   test_networks(draw),
                   window_stay({9, 8, 11})};
    auto const image = window_image(one);
    auto const logits = naive_logits(one, image);
    for (auto const layout : {Layout::contiguous, Layout::channels_last}) {
      one.networks[0].execution({Precision::float32, layout});
      expect_as_naive(one, image, logits, 1e-5);
      one.networks[0].execution({Precision::bfloat16, layout});
      expect_as_naive(one, image, logits, 0.03);
    }
  }
}

TEST_F(PredictByWindows, StopsBetweenBatchesAndTellsHowFarItIs) {
  auto const networks = test_networks({});
  auto const source = source_of(at::zeros({1, 16, 16, 16}));
  Stop stop;
  Windows windows{.size = {8, 8, 8}, .batch = 1, .stop = &stop};
  std::vector<double> done;
  windows.progress = [&](double some, double all) {
    EXPECT_EQ(all, 27);
    done.push_back(some);
  };
  predict_by_windows(networks, source, window_stay({16, 16, 16}), windows);
  EXPECT_EQ(done.size(), 27U);
  EXPECT_EQ(done.back(), 27);
  done.clear();
  windows.progress = [&](double some, double) {
    done.push_back(some);
    if (some > 2) stop.ask();
  };
  EXPECT_THROW(predict_by_windows(networks, source, window_stay({16, 16, 16}), windows),
               Interrupted);
  EXPECT_EQ(done.size(), 3U);
}

TEST_F(PredictByWindows, RefusesWhatDoesNotFit) {
  auto const good = test_networks({});
  auto const source = source_of(at::zeros({1, 8, 8, 8}));
  struct Bad {
    std::string_view says;
    Windows windows = {.size = {8, 8, 8}};
    WayBack back = window_stay({8, 8, 8});
    std::vector<Network> networks = test_networks({});
  };
  std::vector<Bad> bad{{"no network"},
                       {"way back begins"},
                       {"does not lie in an axis"},
                       {"three axes"},
                       {"two channels"},
                       {"differ"},
                       {"step above 0"},
                       {"cannot flip"},
                       {"a value for each"},
                       {"chooses no label"},
                       {"sides above 0"},
                       {"window of 2 dimensions"},
                       {"batch"},
                       {"does not lie in a cut"},
                       {"does not lie in a cut"}};
  bad[0].networks.clear();
  bad[1].back = window_stay({8, 8, 9});
  bad[2].back.first = {0, 1, 0};
  bad[3].back.axes = {0, 1, 1};
  bad[4].networks = test_networks({.in = 2});
  bad[4].says = "reads 2 channels, the case has 1";
  bad[5].networks.push_back(test_networks({.outputs = 9})[0]);
  bad[6].windows.step = 0;
  bad[7].windows.flips = {1, 1};
  bad[8].windows.labels.values = {1, 2};
  bad[9].networks = test_networks({.outputs = 1});
  bad[10].windows.size = {0, 8, 8};
  bad[11].networks = test_networks({.dimensions = 2});
  bad[12].windows.batch = -1;
  bad[13].windows.parts = {{{0, 0, 5}, {8, 8, 4}}};
  bad[14].windows.parts = {{{0, 0, 5}, {8, 0, 1}}};
  for (auto const& row : bad) {
    SCOPED_TRACE(row.says);
    try {
      predict_by_windows(row.networks, source, row.back, row.windows);
      ADD_FAILURE() << "accepted";
    } catch (Error const& error) {
      EXPECT_NE(error.fault(), Fault::bug);
      EXPECT_NE(std::string_view{error.what()}.find(row.says), std::string_view::npos)
          << error.what();
    }
  }
  auto const strange = at::zeros({1, 8, 8, 8});
  strange[0][1][2][3] = std::nanf("");
  EXPECT_THROW(
      predict_by_windows(good, source_of(strange), window_stay({8, 8, 8}), {.size = {8, 8, 8}}),
      Error);
  EXPECT_THROW(source_of(at::zeros({8, 8})), Error);
}

}  // namespace
}  // namespace fovea
