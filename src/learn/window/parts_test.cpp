#include "base/core/pool.hpp"
#include "learn/window/test_cases.hpp"

namespace fovea {
namespace {

class PartsOfACase : public testing::Test {
 protected:
  void SetUp() override { use_threads(1); }
  void TearDown() override { use_threads(usable_cores()); }
};

// A voxel in each of two far corners of the cut, and a box.
std::vector<WindowBox> window_corners(WayBack const& back) {
  auto const& cut = back.cut;
  return {{{0, 0, 0}, {1, 1, 2}},
          {{cut[0] - 1, cut[1] - 1, cut[2] - 1}, {1, 1, 1}},
          {{cut[0] - 1, cut[1] - 2, cut[2] - 3}, {1, 2, 3}}};
}

// And some in the middle.
std::vector<WindowBox> window_middle(WayBack const& back) {
  WindowBox box;
  for (int axis = 0; axis < 3; ++axis) {
    box.first[axis] = back.cut[axis] / 2;
    box.size[axis] = std::min<std::int64_t>(2, back.cut[axis] - box.first[axis]);
  }
  return {box};
}

TEST_F(PartsOfACase, AreAnsweredAsTheWholeAndTheRestIsLeft) {
  for (auto one : window_cases()) {
    if (one.name != "features, uneven sizes" && one.name != "slices apart, axes swapped" &&
        one.name != "two dimensions, slice by slice" && one.name != "coarser than prepared" &&
        one.name != "longest along j" && one.name != "regions")
      continue;
    SCOPED_TRACE(one.name);
    auto const image = window_image(one);
    auto const outputs = shapes_of(one.networks[0].graph()).back().channels;
    auto const whole = window_got(one, image, outputs);
    for (int round = 0; round < 4; ++round) {
      auto const tight = round % 2 == 1;
      one.windows.parts = round < 2 ? window_corners(one.back) : window_middle(one.back);
      one.windows.probabilities = [](ProbabilityBlock const&) {};
      one.windows.memory = 1ULL << 40;
      if (tight)
        one.windows.memory =
            plan_windows(one.networks, source_of(image), one.back, one.windows).minimum;
      auto const some = window_got(one, image, outputs);
      auto const& plan = some.made.plan;
      if (round == 0) {
        EXPECT_LT(plan.windows, whole.made.plan.windows);
      } else if (!tight) {  // short of memory, seams of stripes repeat some
        EXPECT_LE(plan.windows, whole.made.plan.windows);
      }
      auto inside = at::zeros(some.probabilities[0].sizes(), at::kBool);
      for (auto const& part : plan.parts) {
        WindowBox box;
        for (int axis = 0; axis < 3; ++axis) {
          box.first[one.back.axes[axis]] = one.back.first[axis] + part.first[axis];
          box.size[one.back.axes[axis]] = part.size[axis];
        }
        EXPECT_FALSE(naive_box(inside, box.first, box.size).any().item<bool>());
        naive_box(inside, box.first, box.size).fill_(true);
      }
      EXPECT_FALSE(inside.all().item<bool>());
      EXPECT_TRUE(inside.equal(some.probabilities[0] >= 0));
      auto const far = (some.probabilities - whole.probabilities).abs().mul(inside);
      EXPECT_LE(far.max().item<double>(), plan.half ? 2e-3 : 1e-5);
      auto const labels = tensor_of(some.made.labels)[0].to(at::kLong);
      EXPECT_EQ(labels.masked_select(inside.logical_not()).count_nonzero().item<int>(), 0);
      if (!plan.half) {
        EXPECT_TRUE(labels.masked_select(inside).equal(
            tensor_of(whole.made.labels)[0].to(at::kLong).masked_select(inside)));
      }
    }
  }
}

TEST_F(PartsOfACase, LeaveRoomForWhatTheCallerTakes) {
  auto const networks = test_networks({});
  auto const source = source_of(at::zeros({1, 8, 8, 8}));
  auto const least = [&](std::uint64_t beside) {
    return plan_windows(networks, source, window_stay({8, 8, 8}),
                        {.size = {8, 8, 8}, .memory = 1ULL << 40, .beside = beside})
        .minimum;
  };
  EXPECT_EQ(least(12345), least(0) + 12345);
}

TEST_F(PartsOfACase, AreDoneAsOneWhereTheyAreNear) {
  auto const networks = test_networks({});
  auto const back = window_stay({8, 8, 80});
  auto const source = source_of(at::zeros({1, 8, 8, 80}));
  auto const parts = [&](std::vector<WindowBox> const& asked) {
    return plan_windows(networks, source, back, {.size = {8, 8, 8}, .parts = asked}).parts;
  };
  WindowBox const left{{1, 1, 2}, {3, 3, 3}};
  WindowBox const beside{{5, 5, 3}, {1, 1, 1}};
  WindowBox const right{{1, 1, 70}, {3, 3, 3}};
  EXPECT_EQ(parts({}), (std::vector<WindowBox>{{{0, 0, 0}, {8, 8, 80}}}));
  EXPECT_EQ(parts({left, right}), (std::vector<WindowBox>{left, right}));
  EXPECT_EQ(parts({right, left, beside}),
            (std::vector<WindowBox>{right, {{1, 1, 2}, {5, 5, 3}}}));
  EXPECT_EQ(parts({left, {{0, 0, 0}, {8, 8, 80}}, right}),
            (std::vector<WindowBox>{{{0, 0, 0}, {8, 8, 80}}}));
}

}  // namespace
}  // namespace fovea
