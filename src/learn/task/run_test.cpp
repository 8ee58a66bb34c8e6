#include "learn/task/run.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

Fault run_test_fault(std::function<void()> const& work) {
  try {
    work();
  } catch (Error const& error) {
    return error.fault();
  }
  ADD_FAILURE() << "accepted";
  return Fault::bug;
}

Dataset run_test_set() {
  Dataset set;
  set.classes = {"a", "b"};
  set.cases = {
      {.id = "one, with a comma", .patient = "p\"1", .split = Split::train, .labels = {0}},
      {.id = "two", .patient = "", .split = Split::test, .labels = {1}}};
  return set;
}

}  // namespace

TEST(RunFolder, RefusesAFolderThatHoldsSomethingElse) {
  ScratchFolder const scratch;
  write_file(scratch.path() / "mine.txt", "precious");
  EXPECT_EQ(run_test_fault([&] { RunFolder::begin(scratch.path()); }), Fault::usage);
  EXPECT_EQ(read_text(scratch.path() / "mine.txt"), "precious");
}

TEST(RunFolder, RefusesToBeginWhereARunIs) {
  ScratchFolder const scratch;
  RunFolder::begin(scratch.path() / "run").write_about({{"state", "training"}});
  EXPECT_EQ(run_test_fault([&] { RunFolder::begin(scratch.path() / "run"); }), Fault::usage);
  EXPECT_NO_THROW(RunFolder::resume(scratch.path() / "run"));
}

TEST(RunFolder, RefusesARunOfANewerVersionAndWhatIsNone) {
  ScratchFolder const scratch;
  EXPECT_EQ(run_test_fault([&] { RunFolder::resume(scratch.path()); }), Fault::input);
  write_file(scratch.path() / "run.json", "{\"format\": 2}");
  EXPECT_EQ(run_test_fault([&] { RunFolder::resume(scratch.path()); }), Fault::input);
  write_file(scratch.path() / "run.json", "[]");
  EXPECT_EQ(run_test_fault([&] { RunFolder::resume(scratch.path()); }), Fault::input);
}

TEST(RunFolder, GivesTheSplitsBackToTheSameCases) {
  ScratchFolder const scratch;
  auto const run = RunFolder::begin(scratch.path() / "run");
  auto set = run_test_set();
  run.write_splits(set);
  for (auto& one : set.cases) one.split = Split::unassigned;
  run.apply_splits(set);
  EXPECT_EQ(set.cases[0].split, Split::train);
  EXPECT_EQ(set.cases[1].split, Split::test);
  set.cases[1].id = "three";
  EXPECT_EQ(run_test_fault([&] { run.apply_splits(set); }), Fault::input);
}

TEST(RunFolder, KnowsWhichFoldHeldACaseBack) {
  ScratchFolder const scratch;
  auto const run = RunFolder::begin(scratch.path() / "run");
  auto const set = run_test_set();
  run.write_splits(set, {2, 0});
  auto const cases = read_splits(run.path());
  EXPECT_EQ(cases.at(set.cases[0].id).fold, 2);
  EXPECT_EQ(cases.at(set.cases[0].id).split, Split::train);
  EXPECT_EQ(cases.at(set.cases[1].id).fold, 0);
  run.write_splits(set);
  EXPECT_EQ(read_splits(run.path()).at(set.cases[0].id).fold, 0);
}

}  // namespace fovea
