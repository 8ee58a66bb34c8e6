#include "base/core/csv.hpp"
#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/train/checkpoint.hpp"
#include "learn/train/fit.hpp"
#include "learn/train/test_learners.hpp"
#include "learn/weights/safetensors.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

extern char** environ;

namespace fovea {
namespace {

struct ResumeRow {
  char const* name;
  std::unique_ptr<Learner> (*make)();
};
constexpr std::array resume_rows = {
    ResumeRow{"line", [] { return std::unique_ptr<Learner>{new LineLearner}; }},
    ResumeRow{"duel", [] { return std::unique_ptr<Learner>{new DuelLearner}; }},
    ResumeRow{"walk", [] { return std::unique_ptr<Learner>{new WalkLearner}; }},
};

Fit resume_options(fs::path const& folder, std::int64_t steps) {
  return {.seed = 7,
          .batch_size = 4,
          .steps_per_epoch = 20,
          .steps = steps,
          .validate_every = 15,
          .loader_threads = 2,
          .average = 0.98,
          .checkpoint_seconds = 0,
          .folder = folder,
          .quiet = true};
}

fs::path resume_checkpoint(fs::path const& folder) {
  return folder / "checkpoints" / "last.fovea-checkpoint";
}

// This program again, running one test only, so that nothing is forked out of running threads.
pid_t resume_start(std::string const& test, std::vector<std::string> const& more) {
  std::vector<std::string> words = {"self", "--gtest_filter=" + test,
                                    "--gtest_also_run_disabled_tests"};
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<std::string> kept = more;
  for (auto** e = environ; *e != nullptr; ++e) kept.emplace_back(*e);
  std::vector<char*> environment;
  for (auto& word : kept) environment.push_back(word.data());
  environment.push_back(nullptr);
  pid_t child = 0;
  auto const failed = ::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr,
                                    arguments.data(), environment.data());
  EXPECT_EQ(failed, 0);
  return child;
}

std::unique_ptr<Learner> resume_learner(std::string_view name) {
  for (auto const& row : resume_rows)
    if (row.name == name) return row.make();
  return nullptr;
}

// Fails at a step, as a program that is killed there would: nothing is saved afterwards.
struct ResumeFault {};
template <class Base>
struct ResumeFragile : Base {
  std::int64_t left = 0;
  Losses step(Batch const& batch, Update& update) override {
    if (left-- == 0) throw ResumeFault{};
    return Base::step(batch, update);
  }
};

constexpr std::int64_t resume_long = 3000;

}  // namespace

TEST(ResumeChild, DISABLED_TrainsUntilItIsKilled) {
  auto const* const folder = std::getenv("FOVEA_TEST_FOLDER");
  auto const* const name = std::getenv("FOVEA_TEST_LEARNER");
  if (folder == nullptr || name == nullptr) GTEST_SKIP() << "started by Resume";
  at::set_num_threads(1);
  auto const learner = resume_learner(name);
  auto options = resume_options(folder, resume_long);
  fit(*learner, options);
}

TEST(Resume, GoesOnBitForBitAfterBeingKilled) {
  at::set_num_threads(1);
  for (auto const& row : resume_rows) {
    SCOPED_TRACE(row.name);
    auto const whole = row.make();
    auto options = resume_options({}, resume_long);
    auto const expected = fit(*whole, options);

    ScratchFolder const scratch;
    auto const child =
        resume_start("ResumeChild.*", {"FOVEA_TEST_FOLDER=" + scratch.path().string(),
                                       std::string{"FOVEA_TEST_LEARNER="} + row.name});
    while (!fs::exists(scratch.path() / "history.csv"))
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    Rng rng{static_cast<std::uint64_t>(child)};
    std::this_thread::sleep_for(std::chrono::milliseconds{rng.below(300)});
    ::kill(child, SIGKILL);
    auto status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended before it was killed: make it longer";

    auto const resumed = row.make();
    options.folder = scratch.path();
    options.checkpoint_seconds = 45;
    options.resume = true;
    auto const fitted = fit(*resumed, options);
    EXPECT_EQ(bits_of(*resumed), bits_of(*whole));
    EXPECT_EQ(fitted.best_step, expected.best_step);
    EXPECT_EQ(read_csv(options.folder / "history.csv").rows.size(), 200U);
  }
}

TEST(Resume, GoesOnBitForBitFromAnyStep) {
  at::set_num_threads(1);
  auto const check = [](auto fragile, auto whole) {
    fit(whole, resume_options({}, 60));
    for (auto const stop_at : {0, 15, 16, 37}) {
      SCOPED_TRACE(stop_at);
      ScratchFolder const scratch;
      auto options = resume_options(scratch.path(), 60);
      auto broken = std::make_unique<decltype(fragile)>();
      broken->left = stop_at;
      EXPECT_THROW(fit(*broken, options), ResumeFault);
      decltype(whole) resumed;
      options.resume = true;
      fit(resumed, options);
      EXPECT_EQ(bits_of(resumed), bits_of(whole));
    }
  };
  check(ResumeFragile<LineLearner>{}, LineLearner{});
  check(ResumeFragile<DuelLearner>{}, DuelLearner{});
  check(ResumeFragile<WalkLearner>{}, WalkLearner{});
}

// The rate was cut, the best weights are those of step 20, and only some of the patience is
// left when it is killed.
TEST(Resume, KeepsPlateauPatienceAndTheBestWeights) {
  at::set_num_threads(1);
  struct Still : LineLearner {
    Json steps = 0;
    Losses step(Batch const& batch, Update& update) override {
      steps = steps.get<std::int64_t>() + 1;
      return LineLearner::step(batch, update);
    }
    Scores validate(Stop const&) override {
      return {{"accuracy", steps.get<std::int64_t>() <= 20 ? 0.01 * steps.get<double>() : 0.1,
               true}};
    }
    void state(Archive& archive) override { archive.json("steps", steps); }
  };
  auto const with_plateau = [](LineLearner& line) {
    line.how = {.learning_rate = 0.1,
                .schedule = "plateau",
                .warm_up = 0,
                .plateau_after = 2,
                .plateau_factor = 0.5};
  };
  auto const options_in = [](fs::path const& folder) {
    auto options = resume_options(folder, 200);
    options.validate_every = 10;
    options.patience = 5;
    return options;
  };
  Still whole;
  with_plateau(whole);
  auto const expected = fit(whole, options_in({}));
  ASSERT_TRUE(expected.stopped_early);
  ASSERT_EQ(expected.steps, 70);
  ASSERT_EQ(expected.best_step, 20);
  for (auto const stop_at : {25, 40, 47, 61}) {
    SCOPED_TRACE(stop_at);
    ScratchFolder const scratch;
    auto options = options_in(scratch.path());
    ResumeFragile<Still> broken;
    broken.left = stop_at;
    with_plateau(broken);
    EXPECT_THROW(fit(broken, options), ResumeFault);
    Still resumed;
    with_plateau(resumed);
    options.resume = true;
    auto const fitted = fit(resumed, options);
    EXPECT_TRUE(fitted.stopped_early);
    EXPECT_EQ(fitted.steps, 70);
    EXPECT_EQ(fitted.best_step, 20);
    EXPECT_EQ(bits_of(resumed), bits_of(whole));
    auto const history = read_csv(scratch.path() / "history.csv");
    auto const rate = static_cast<std::size_t>(history.find({"learning_rate"}));
    ASSERT_EQ(history.rows.size(), 7U);
    EXPECT_EQ(history.rows[3][rate], "0.1");
    EXPECT_EQ(history.rows[4][rate], "0.05");
    EXPECT_EQ(history.rows[6][rate], "0.025");
  }
}

TEST(Resume, FindsTheRunDoneWhenItIsDone) {
  ScratchFolder const scratch;
  LineLearner first;
  auto options = resume_options(scratch.path(), 40);
  auto const fitted = fit(first, options);
  ResumeFragile<LineLearner> again;  // would throw at its first step
  options.resume = true;
  auto const same = fit(again, options);
  EXPECT_EQ(bits_of(again), bits_of(first));
  EXPECT_EQ(same.steps, 40);
  EXPECT_EQ(same.best_step, fitted.best_step);
}

TEST(Resume, SavesAndSaysSoWhenTheUserStopsIt) {
  struct Stopping : LineLearner {
    Stop stop;
    int left = 22;
    Losses step(Batch const& batch, Update& update) override {
      if (--left == 0) stop.ask();
      return LineLearner::step(batch, update);
    }
  };
  ScratchFolder const scratch;
  auto options = resume_options(scratch.path(), 60);
  options.checkpoint_seconds = 1000;
  Stopping stopping;
  options.stop = &stopping.stop;
  auto const fitted = fit(stopping, options);
  EXPECT_TRUE(fitted.interrupted);
  EXPECT_EQ(fitted.steps, 22);
  LineLearner whole;
  fit(whole, resume_options({}, 60));
  LineLearner resumed;
  options.stop = nullptr;
  options.resume = true;
  EXPECT_FALSE(fit(resumed, options).interrupted);
  EXPECT_EQ(bits_of(resumed), bits_of(whole));
}

TEST(Resume, RefusesCheckpointsThatAreDamagedForeignOrNewer) {
  ScratchFolder const scratch;
  LineLearner line;
  auto options = resume_options(scratch.path(), 20);
  fit(line, options);
  options.resume = true;
  auto const file = resume_checkpoint(scratch.path());
  auto const good = read_file(file, 1U << 30);
  auto const refused = [&](Learner& learner, std::string_view word) {
    try {
      fit(learner, options);
      ADD_FAILURE() << "not refused: " << word;
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input) << error.what();
      EXPECT_NE(std::string{error.what()}.find(word), std::string::npos) << error.what();
    }
  };
  DuelLearner other;
  refused(other, "another run");

  Rng rng{4};
  for (int i = 0; i < 50; ++i) {
    auto bad = good;
    bad[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(bad.size())))] ^=
        std::byte{0x10};
    write_file(file, bad);
    LineLearner fresh;
    EXPECT_THROW(fit(fresh, options), Error);
  }
  for (auto const size : {0, 7, 8, 100, static_cast<int>(good.size()) - 1}) {
    write_file(file, std::span{good}.first(static_cast<std::size_t>(size)));
    LineLearner fresh;
    EXPECT_THROW(fit(fresh, options), Error) << size;
  }
  auto newer = decode_safetensors(good, "good");
  newer.notes["fovea-checkpoint"] = "2";
  write_file(file, encode_safetensors(newer.blobs, newer.notes));
  refused(line, "version 2");
  write_file(file, good);
  auto changed = options;
  changed.seed = 8;
  EXPECT_THROW(fit(line, changed), Error);
  changed = options;
  changed.steps = 30;
  EXPECT_THROW(fit(line, changed), Error);
}

TEST(ResumeChild, DISABLED_TrainsOntoAFullDisk) {
  auto const* const folder = std::getenv("FOVEA_TEST_FOLDER");
  if (folder == nullptr) GTEST_SKIP() << "started by Resume";
  ::signal(SIGXFSZ, SIG_IGN);
  struct Filling : LineLearner {
    std::int64_t steps = 0;
    Losses step(Batch const& batch, Update& update) override {
      if (++steps == 30) {
        rlimit const small{1000, 1000};
        ::setrlimit(RLIMIT_FSIZE, &small);
      }
      return LineLearner::step(batch, update);
    }
  };
  Filling filling;
  try {
    fit(filling, resume_options(folder, 60));
  } catch (Error const& error) {
    std::_Exit(error.fault() == Fault::resource ? 44 : 45);
  }
  std::_Exit(46);
}

TEST(Resume, KeepsTheLastCheckpointWhenTheDiskIsFull) {
  at::set_num_threads(1);
  ScratchFolder const scratch;
  auto const child = resume_start("ResumeChild.DISABLED_TrainsOntoAFullDisk",
                                  {"FOVEA_TEST_FOLDER=" + scratch.path().string()});
  auto status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 44);
  auto const checkpoint = read_checkpoint(resume_checkpoint(scratch.path()));
  EXPECT_EQ(checkpoint.head.at("step").get<int>(), 29);
  LineLearner whole;
  LineLearner resumed;
  auto options = resume_options({}, 60);
  fit(whole, options);
  options.folder = scratch.path();
  options.resume = true;
  fit(resumed, options);
  EXPECT_EQ(bits_of(resumed), bits_of(whole));
}

TEST(Checkpoint, KeepsTypesSizesAndMemoryFormats) {
  ScratchFolder const scratch;
  Checkpoint written;
  written.head = {{"step", 3}};
  written.tensors["f"] =
      at::full({2, 3, 4, 5}, 0.25).contiguous(at::MemoryFormat::ChannelsLast);
  written.tensors["i"] = at::full({3}, 7, at::kLong);
  written.tensors["b"] = at::full({}, true, at::kBool);
  written.tensors["h"] = at::full({0, 2}, 1, at::kBFloat16);
  written.tensors["none"] = at::Tensor{};
  write_checkpoint(scratch.path() / "c", written);
  auto const read = read_checkpoint(scratch.path() / "c");
  EXPECT_EQ(read.head, written.head);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (auto const& [name, value] : written.tensors) {
    auto const& same = read.tensors.at(name);
    ASSERT_EQ(same.defined(), value.defined()) << name;
    if (!value.defined()) continue;
    EXPECT_EQ(same.scalar_type(), value.scalar_type()) << name;
    EXPECT_EQ(same.strides(), value.strides()) << name;
    EXPECT_TRUE(same.equal(value)) << name;
  }
}

}  // namespace fovea
