#include "learn/train/fit.hpp"

#include "base/core/csv.hpp"
#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/train/test_learners.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

namespace fovea {
namespace {

Fit fit_short(std::int64_t steps) {
  at::set_num_threads(
      1);  // the operations are tiny: sharing them out takes longer than they do
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

TEST(Fit, StopsEarlyAndEndsWithTheBestWeights) {
  struct Worsening : LineLearner {
    int validations = 0;
    at::Tensor third;
    Scores validate(Stop const&) override {
      if (++validations == 3) third = slope.detach().clone();
      return {{"accuracy", validations <= 3 ? 0.1 * validations : 0.2, true}};
    }
  };
  Worsening line;
  auto options = fit_short(1000);
  options.patience = 4;
  auto const fitted = fit(line, options);
  EXPECT_TRUE(fitted.stopped_early);
  EXPECT_EQ(fitted.steps, 70);
  EXPECT_EQ(fitted.best_step, 30);
  EXPECT_TRUE(line.slope.equal(line.third));
  Worsening last;
  options.keep_best = false;
  fit(last, options);
  EXPECT_FALSE(last.slope.equal(last.third));
}

TEST(Fit, TakesAScoreThatIsNoNumberForTheWorst) {
  struct Undefined : LineLearner {
    int validations = 0;
    Scores validate(Stop const&) override {
      return {{"auc", ++validations == 2 ? 0.7 : std::nan(""), true}};
    }
  };
  Undefined line;
  EXPECT_EQ(fit(line, fit_short(50)).best_step, 20);
}

TEST(Fit, CutsTheRateOnAPlateau) {
  struct Still : LineLearner {
    Scores validate(Stop const&) override { return {{"error", 1, false}}; }
  };
  ScratchFolder const scratch;
  Still line;
  line.how = {.learning_rate = 0.1,
              .schedule = "plateau",
              .warm_up = 0,
              .plateau_after = 2,
              .plateau_factor = 0.5};
  auto options = fit_short(60);
  options.folder = scratch.path();
  fit(line, options);
  auto const history = read_csv(scratch.path() / "history.csv");
  auto const rate = static_cast<std::size_t>(history.find({"learning_rate"}));
  std::vector<std::string> rates;
  for (auto const& row : history.rows) rates.push_back(row[rate]);
  EXPECT_EQ(rates, (std::vector<std::string>{"0.1", "0.1", "0.1", "0.05", "0.05", "0.025"}));
}

TEST(Fit, ValidatesAndEndsWithAveragedWeights) {
  struct Watching : LineLearner {
    double validated = 0;
    Scores validate(Stop const&) override {
      validated = slope.item<double>();
      return {};
    }
  };
  Watching plain;
  auto options = fit_short(30);
  fit(plain, options);
  Watching averaged;
  options.average = 0.9;
  fit(averaged, options);
  EXPECT_EQ(averaged.validated, averaged.slope.item<double>());
  EXPECT_NE(averaged.slope.item<double>(), plain.slope.item<double>());
}

TEST(Fit, HandsOnWhatASampleThrewWhicheverThreadMadeIt) {
  struct Broken : LineLearner {
    Batch sample(Slot slot) override {
      if (slot.step == 4 && slot.index >= 2)
        throw Error{Fault::input, text("picture ", slot.index, " is broken"), "replace it"};
      return LineLearner::sample(slot);
    }
  };
  for (auto const threads : {0, 1, 4}) {
    Broken line;
    auto options = fit_short(50);
    options.loader_threads = threads;
    try {
      fit(line, options);
      FAIL();
    } catch (Error const& error) {
      EXPECT_EQ(std::string{error.what()}, "picture 2 is broken; replace it");
    }
  }
}

TEST(Fit, MakesSamplesWhileStepsRunAndMeasuresTheWait) {
  using namespace std::chrono_literals;
  struct Slow : LineLearner {
    Batch sample(Slot slot) override {
      std::this_thread::sleep_for(1ms);
      return LineLearner::sample(slot);
    }
    Losses step(Batch const& batch, Update& update) override {
      EXPECT_EQ(at::get_num_threads(), 1);
      std::this_thread::sleep_for(20ms);
      return LineLearner::step(batch, update);
    }
  };
  Slow line;
  auto options = fit_short(20);
  auto const ahead = fit(line, options);
  EXPECT_LT(ahead.loader_share, 0.15);
  options.loader_threads = 0;
  Slow alone;
  EXPECT_GT(fit(alone, options).loader_share, 0.25);
}

TEST(Fit, RunsLibTorchOnOneThreadInLoadersAndLeavesTheStepsTheirs) {
  struct Counting : LineLearner {
    std::atomic<int> most{0};
    Batch sample(Slot slot) override {
      most = std::max(most.load(), at::get_num_threads());
      return LineLearner::sample(slot);
    }
    Losses step(Batch const& batch, Update& update) override {
      EXPECT_EQ(at::get_num_threads(), 2);
      return LineLearner::step(batch, update);
    }
  };
  auto const options = fit_short(10);
  at::set_num_threads(2);
  Counting line;
  fit(line, options);
  EXPECT_EQ(line.most, 1);
  EXPECT_EQ(at::get_num_threads(), 2);
}

TEST(Fit, RefusesNumbersThatMakeNoSense) {
  LineLearner line;
  auto const refused = [&](auto change) {
    auto options = fit_short(10);
    change(options);
    try {
      fit(line, options);
      ADD_FAILURE() << "not refused";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
    }
  };
  refused([](Fit& o) { o.steps = 0; });
  refused([](Fit& o) { o.steps = -1; });
  refused([](Fit& o) { o.batch_size = 0; });
  refused([](Fit& o) { o.steps_per_epoch = 0; });
  refused([](Fit& o) { o.seconds = std::nan(""); });
  refused([](Fit& o) { o.average = 1.5; });
  refused([](Fit& o) { o.loader_threads = -1; });
  refused([](Fit& o) { o.shortenings = {{5, 2}}; });
  EXPECT_THROW(shortenings_of("5"), Error);
  EXPECT_THROW(shortenings_of("5:x"), Error);
  EXPECT_EQ(spelled(shortenings_of(" 5:8, 6:7 ")), "5:8, 6:7");
  EXPECT_TRUE(shortenings_of("").empty());
}

TEST(Fit, LearnsToWalkAGridByActing) {
  WalkLearner walk;
  auto options = fit_short(1500);
  options.validate_every = 100;
  EXPECT_EQ(fit(walk, options).best[0].value, 6);
}

TEST(Fit, TrainsTwoPlayersAgainstEachOther) {
  DuelLearner duel;
  auto options = fit_short(400);
  options.average = 0.99;
  EXPECT_LT(fit(duel, options).best[0].value, 0.5);
}

TEST(Fit, LetsOneProcessTrainInAFolder) {
  ScratchFolder const scratch;
  make_folder(scratch.path() / "checkpoints");
  FileLock const other{scratch.path() / "checkpoints" / "lock"};
  LineLearner line;
  auto options = fit_short(10);
  options.folder = scratch.path();
  EXPECT_THROW(fit(line, options), Error);
}

}  // namespace fovea
