#include "learn/train/fit.hpp"

#include "base/core/csv.hpp"
#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/train/test_learners.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

Fit fit_short(std::int64_t steps) {
  return {.seed = 3,
          .batch_size = 8,
          .steps_per_epoch = 10,
          .steps = steps,
          .loader_threads = 2,
          .quiet = true};
}

}  // namespace

TEST(Fit, LearnsALineFromSamples) {
  LineLearner line;
  auto const fitted = fit(line, fit_short(300));
  EXPECT_EQ(fitted.steps, 300);
  EXPECT_FALSE(fitted.stopped_early);
  EXPECT_NEAR(line.slope.item<double>(), 2, 0.02);
  EXPECT_NEAR(line.offset.item<double>(), -1, 0.02);
  ASSERT_EQ(fitted.best.size(), 1U);
  EXPECT_LT(fitted.best[0].value, 1e-2);
  EXPECT_GT(fitted.samples_per_second, 0);
}

TEST(Fit, GivesTheSameWeightsForAnyNumberOfLoaderThreads) {
  std::string first;
  for (auto const threads : {0, 1, 2, 5}) {
    LineLearner line;
    auto options = fit_short(40);
    options.loader_threads = threads;
    fit(line, options);
    auto const bits = bits_of(line);
    if (first.empty()) first = bits;
    EXPECT_EQ(bits, first) << threads << " threads";
  }
}

TEST(Fit, WritesARowOfHistoryForEachValidation) {
  ScratchFolder const scratch;
  LineLearner line;
  auto options = fit_short(35);
  options.folder = scratch.path() / "run";
  fit(line, options);
  auto const history = read_csv(options.folder / "history.csv");
  ASSERT_EQ(history.rows.size(), 4U);
  auto const step = static_cast<std::size_t>(history.find({"step"}));
  EXPECT_EQ(history.rows[0][step], "10");
  EXPECT_EQ(history.rows[3][step], "35");
  for (auto const* column : {"epoch", "seconds", "learning_rate", "loss", "error"})
    EXPECT_GE(history.find({column}), 0) << column;
}

}  // namespace fovea
