#include "learn/train/schedule.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

namespace fovea {

TEST(EverySchedule, StaysBetweenZeroAndOneAndRisesInTheWarmUp) {
  for (auto const& row : schedules()) {
    SCOPED_TRACE(row.name);
    auto before = -1.0;
    for (int i = 0; i <= 100; ++i) {
      auto const factor = row.factor(i / 100.0, 0.1);
      EXPECT_GE(factor, 0);
      EXPECT_LE(factor, 1 + 1e-12);
      EXPECT_TRUE(i > 10 || factor > before);
      before = factor;
    }
    EXPECT_GT(row.factor(0.005, 0), 0) << "without warm-up the first step counts";
    EXPECT_EQ(&schedule_named(row.name), &row);
  }
  EXPECT_THROW(schedule_named("cosinus"), Error);
}

TEST(Schedules, HaveTheShapesOfTheirPapers) {
  EXPECT_NEAR(schedule_named("cosine").factor(0.5, 0), 0.5, 1e-12);
  EXPECT_NEAR(schedule_named("cosine").factor(0.55, 0.1), 0.5, 1e-12);
  EXPECT_NEAR(schedule_named("cosine").factor(1, 0.1), 0, 1e-12);
  EXPECT_NEAR(schedule_named("poly").factor(0.75, 0), 0.2871745887, 1e-9);  // 0.25 ^ 0.9
  EXPECT_EQ(schedule_named("constant").factor(0.9, 0), 1);
  // PyTorch's OneCycleLR with max_lr 1: 0.04 at 0, 1 at 30 %, 4e-6 at the end.
  EXPECT_NEAR(schedule_named("one-cycle").factor(0, 0), 0.04, 1e-12);
  EXPECT_NEAR(schedule_named("one-cycle").factor(0.15, 0), 0.52, 1e-12);
  EXPECT_NEAR(schedule_named("one-cycle").factor(0.3, 0), 1, 1e-12);
  EXPECT_NEAR(schedule_named("one-cycle").factor(1, 0), 4e-6, 1e-12);
}

TEST(Timeline, KeepsTheProgressMadeWhenItIsShortened) {
  Timeline const plain{100, {}};
  Timeline const shortened{100, {{40, 60}, {50, 55}}};
  EXPECT_DOUBLE_EQ(plain.progress(39), 0.395);
  EXPECT_DOUBLE_EQ(shortened.progress(39), 0.395);
  EXPECT_EQ(shortened.total(39), 100);
  EXPECT_EQ(shortened.total(40), 60);
  EXPECT_EQ(shortened.total(50), 55);
  EXPECT_DOUBLE_EQ(shortened.progress(40), 0.4 + 0.6 * 0.5 / 20);
  EXPECT_NEAR(shortened.progress(54), 0.7 + 0.3 * 4.5 / 5, 1e-12);
  auto before = 0.0;
  for (std::int64_t step = 0; step < 55; ++step) {
    EXPECT_GT(shortened.progress(step), before);
    before = shortened.progress(step);
  }
  EXPECT_LT(before, 1);
}

TEST(Timeline, RefusesShorteningsOutOfOrder) {
  EXPECT_THROW((Timeline{0, {}}), Error);
  EXPECT_THROW((Timeline{100, {{40, 30}}}), Error);
  EXPECT_THROW((Timeline{100, {{101, 120}}}), Error);
  EXPECT_THROW((Timeline{100, {{40, 60}, {30, 50}}}), Error);
}

TEST(Plateau, CutsAfterEnoughValidationsWithoutANewBest) {
  Plateau plateau{.after = 2, .factor = 0.5};
  for (auto const best : {true, false, true, false, false}) plateau.heard(best);
  EXPECT_EQ(plateau.scale, 0.5);
  plateau.heard(false);
  EXPECT_EQ(plateau.scale, 0.5);
  plateau.heard(false);
  EXPECT_EQ(plateau.scale, 0.25);
}

}  // namespace fovea
