#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "base/core/words.hpp"
#include "learn/train/fit.hpp"
#include "learn/train/pace.hpp"
#include "learn/train/rehearsal.hpp"
#include "learn/train/test_learners.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

namespace fovea {
namespace {

/// A line whose steps and validations take as long as they are told, by a clock of its own.
struct BudgetLearner : LineLearner {
  std::atomic<double> now{0};
  double step_s = 0.1, validation_s = 1;
  double slow_from = 1e9, slow_factor = 1;
  double last_validation_s = 0;
  std::int64_t validations = 0;
  std::map<std::string, double> ways;
  std::string way;

  void wait(double seconds) { now = now + seconds * (now > slow_from ? slow_factor : 1); }
  Losses step(Batch const& batch, Update& update) override {
    wait(ways.empty() ? step_s : ways.at(way));
    return LineLearner::step(batch, update);
  }
  Scores validate(Stop const& stop) override {
    ++validations;
    wait(validation_s);
    return LineLearner::validate(stop);
  }
  std::vector<std::string> ways_to_run() override {
    std::vector<std::string> names;
    for (auto const& [name, seconds] : ways) names.push_back(name);
    return names;
  }
  void run_as(std::string_view name) override { way = name; }
};

struct BudgetRun {
  Fitted fitted;
  std::map<std::string, std::string> chosen;
  std::string bits;
};

BudgetRun budget_run(BudgetLearner& learner, double seconds, double reserve = 0) {
  BudgetRun run;
  Fit options{.seed = 5,
              .batch_size = 4,
              .steps_per_epoch = 50,
              .seconds = seconds,
              .reserve = reserve,
              .quiet = true};
  options.chose = [&](std::string_view key, std::string const& value,
                      std::string const& reason) {
    EXPECT_FALSE(reason.empty());
    run.chosen[std::string{key}] = value;
  };
  options.clock = [&] { return learner.now.load(); };
  run.fitted = fit(learner, options);
  run.bits = bits_of(learner);
  return run;
}

// What the plan says repeats the run without a clock.
void budget_repeat(BudgetRun const& run) {
  LineLearner again;
  Fit options{.seed = 5, .batch_size = 4, .steps_per_epoch = 50, .quiet = true};
  options.steps = whole(run.chosen.at("steps")).value();
  options.validate_every = whole(run.chosen.at("validate_every")).value();
  if (run.chosen.contains("shortenings"))
    options.shortenings = shortenings_of(run.chosen.at("shortenings"));
  EXPECT_EQ(fit(again, options).steps, run.fitted.steps);
  EXPECT_EQ(bits_of(again), run.bits);
}

}  // namespace

TEST(TimeBudget, IsUsedAndKept) {
  BudgetLearner learner;
  auto const run = budget_run(learner, 120, 20);
  EXPECT_LE(learner.now, 100);
  EXPECT_GE(learner.now, 90);
  EXPECT_LE(static_cast<double>(learner.validations), 11) << "a tenth of the time at most";
  EXPECT_FALSE(run.chosen.contains("shortenings"));
  budget_repeat(run);
}

TEST(TimeBudget, IsKeptWhenStepsBecomeSlowAndThePlanRepeatsTheRun) {
  for (auto const factor : {1.3, 3.0, 20.0}) {
    SCOPED_TRACE(factor);
    BudgetLearner learner;
    learner.slow_from = 40;
    learner.slow_factor = factor;
    auto const run = budget_run(learner, 100);
    EXPECT_LE(learner.now, factor < 10 ? 100 : 100 + factor)
        << "the last validation may itself be slow";
    EXPECT_TRUE(run.chosen.contains("shortenings"));
    budget_repeat(run);
  }
}

TEST(TimeBudget, IsKeptByARunThatGoesOnMoreSlowly) {
  ScratchFolder const scratch;
  Stop stop;
  std::map<std::string, std::string> chosen;
  auto const go = [&](BudgetLearner& learner, Fit options) {
    options.seed = 5;
    options.batch_size = 4;
    options.steps_per_epoch = 50;
    options.seconds = 100;
    options.folder = scratch.path();
    options.quiet = true;
    options.chose = [&](std::string_view key, std::string const& value, std::string const&) {
      chosen[std::string{key}] = value;
    };
    options.clock = [&] {
      if (learner.now > 40) stop.ask();
      return learner.now.load();
    };
    return fit(learner, options);
  };
  BudgetLearner first;
  Fit options;
  options.stop = &stop;
  EXPECT_TRUE(go(first, options).interrupted);
  EXPECT_LT(first.now, 45);

  BudgetLearner second;
  second.step_s = 1;
  Fit again;
  again.resume = true;
  again.steps = whole(chosen.at("steps")).value();  // as the plan has it by now
  auto const fitted = go(second, again);
  EXPECT_LE(first.now + second.now, 101);
  EXPECT_LT(fitted.steps, again.steps);
  EXPECT_TRUE(chosen.contains("shortenings"));
}

TEST(TimeBudget, ShortensStepsThatWereGivenWhereAskedToAndNeverAddsAny) {
  for (auto const step_s : {0.2, 0.02}) {
    SCOPED_TRACE(step_s);
    BudgetLearner learner;
    learner.step_s = step_s;
    learner.validation_s = 0.1;
    BudgetRun run;
    Fit options{.seed = 5,
                .batch_size = 4,
                .steps_per_epoch = 50,
                .steps = 800,
                .seconds = 100,
                .shorten = true,
                .quiet = true};
    options.chose = [&](std::string_view key, std::string const& value, std::string const&) {
      run.chosen[std::string{key}] = value;
    };
    options.clock = [&] { return learner.now.load(); };
    run.fitted = fit(learner, options);
    run.bits = bits_of(learner);
    EXPECT_LE(learner.now, 100);
    EXPECT_EQ(run.fitted.steps<800, step_s> 0.1);
    EXPECT_EQ(run.chosen.contains("shortenings"), step_s > 0.1);
    EXPECT_FALSE(run.chosen.contains("steps"));
    run.chosen["steps"] = "800";
    budget_repeat(run);
  }
}

TEST(TimeBudget, IsUsedWhenTheFirstStepsWereSlower) {
  BudgetLearner learner;
  learner.slow_from = 5;
  learner.slow_factor = 0.5;
  auto const run = budget_run(learner, 100);
  EXPECT_LE(learner.now, 100);
  EXPECT_GE(learner.now, 85);
  budget_repeat(run);
}

TEST(TimeBudget, LeavesRoomForASlowLastValidation) {
  BudgetLearner learner;
  learner.validation_s = 15;  // too long to be tried in full, were it asked to stop
  auto const run = budget_run(learner, 100);
  EXPECT_LE(learner.now, 100);
  EXPECT_GE(run.fitted.steps, 50);
  EXPECT_FALSE(run.fitted.best.empty());
  budget_repeat(run);
}

TEST(TimeBudget, TakesOneStepAndOneValidationWhereNothingFits) {
  BudgetLearner learner;
  learner.step_s = 3;
  auto const run = budget_run(learner, 1);
  EXPECT_EQ(run.fitted.steps, 1);
  EXPECT_EQ(run.fitted.best_step, 1);
  budget_repeat(run);
}

TEST(Probe, TakesTheFastestWayButBfloat16OnlyWhereItIsWorthIt) {
  for (auto const& [bfloat16, expected] :
       std::map<double, std::string>{{0.05, "bfloat16"}, {0.075, "float32 channels_last"}}) {
    BudgetLearner learner;
    learner.ways = {{"bfloat16", bfloat16}, {"float32", 0.1}, {"float32 channels_last", 0.08}};
    auto const run = budget_run(learner, 100);
    EXPECT_EQ(run.chosen.at("run_as"), expected);
    EXPECT_EQ(learner.way, expected);
    EXPECT_LE(learner.now, 100);
    budget_repeat(run);
  }
}

TEST(Probe, RefusesAWayThatThePlansOtherKeysExclude) {
  BudgetLearner learner;
  learner.ways = {{"float32", 0.1}};
  Fit options{.steps_per_epoch = 1, .steps = 1, .run_as = "bfloat16", .quiet = true};
  EXPECT_THROW(fit(learner, options), Error);
  options.run_as = "float32";
  EXPECT_NO_THROW(fit(learner, options));
}

TEST(Probe, LeavesNoTrace) {
  LineLearner plain;
  Fit options{.seed = 5,
              .batch_size = 4,
              .steps_per_epoch = 20,
              .steps = 60,
              .average = 0.9,
              .quiet = true};
  fit(plain, options);
  BudgetLearner probed;
  probed.ways = {{"a", 0.1}, {"b", 0.2}};
  options.clock = [&] { return probed.now.load(); };
  fit(probed, options);
  EXPECT_EQ(bits_of(probed), bits_of(plain));
  DuelLearner duel;
  auto const before = bits_of(duel);
  Rehearsal{duel, options, options.clock, 0}.pace();
  EXPECT_EQ(bits_of(duel), before);
  EXPECT_EQ(duel.updates, 0);
}

TEST(Pace, PlansValidationsWithinATenthOfTheTime) {
  for (auto const validation : {0.001, 0.1, 1.0, 30.0}) {
    for (auto const epoch : {1, 10, 1000, 100000}) {
      Pace const pace{.step = 0.05, .validation = validation};
      auto const every = steps_between_validations(pace, 600, epoch);
      auto const steps = steps_that_fit(pace, 600, every);
      EXPECT_LE(seconds_of_steps(pace, steps, every), 600 + 1e-6);
      EXPECT_LE(validation, 0.1001 * (validation + 0.05 * static_cast<double>(every)));
      EXPECT_TRUE(every <= epoch || every % epoch == 0);
    }
  }
}

}  // namespace fovea
