#include "base/core/stop.hpp"

#include "base/core/draft.hpp"
#include "base/core/error.hpp"
#include "base/core/file.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <ostream>
#include <sys/wait.h>
#include <unistd.h>

namespace fovea {
namespace {

int stop_code_of(::pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// In a child, so that this process keeps its own handlers.
int stop_after(int signals, int which) {
  auto const child = ::fork();
  if (child == 0) {
    auto& stop = stop_on_signals();
    if (stop.asked()) ::_exit(1);
    for (int i = 0; i < signals; ++i) ::raise(which);
    ::_exit(stop.asked() ? 42 : 2);
  }
  return stop_code_of(child);
}

// How a child ends that is asked `signals` times while it writes a file and a folder that it
// never comes to the end of, and what it leaves.
int stop_in_the_middle(fs::path const& folder, int signals) {
  auto const child = ::fork();
  if (child == 0) {
    end_on_signals();
    Draft const draft{folder / "many"};
    make_folder(draft.path());
    write_file(draft.path() / "one", "whole");
    write_file(folder / "file", [&](std::ostream& out) {
      out << "half" << std::flush;
      for (int i = 0; i < signals; ++i) ::raise(SIGINT);
      for (;;) ::pause();
    });
  }
  return stop_code_of(child);
}

TEST(Stop, IsAskedOnceAndStays) {
  Stop stop;
  EXPECT_FALSE(stop.asked());
  EXPECT_NO_THROW(heed(stop));
  stop.ask();
  EXPECT_TRUE(stop.asked());
  EXPECT_THROW(heed(stop), Interrupted);
}

TEST(Stop, IsAskedByTheFirstSignalAndEndsTheProcessAtTheSecond) {
  for (auto const which : {SIGINT, SIGTERM}) {
    EXPECT_EQ(stop_after(0, which), 2);
    EXPECT_EQ(stop_after(1, which), 42);
    EXPECT_EQ(stop_after(2, which), 130);
  }
}

TEST(Stop, EndsWorkThatDoesNotLookAndLeavesNothingHalf) {
  for (auto const signals : {1, 2}) {
    ScratchFolder const folder;
    EXPECT_EQ(stop_in_the_middle(folder.path(), signals), 130);
    EXPECT_TRUE(fs::is_empty(folder.path()));
  }
}

TEST(Draft, GetsItsNameOrIsGone) {
  ScratchFolder const folder;
  auto const target = folder.path() / "many";
  {
    Draft draft{target};
    make_folder(draft.path());
    write_file(draft.path() / "one", "1");
    EXPECT_FALSE(draft.keep());
    Draft other{target};
    make_folder(other.path());
    write_file(other.path() / "two", "2");
    EXPECT_TRUE(other.keep()) << "a folder that holds something is not replaced";
  }
  EXPECT_EQ(read_text(target / "one"), "1");
  EXPECT_EQ(std::distance(fs::directory_iterator{folder.path()}, fs::directory_iterator{}), 1);
}

}  // namespace
}  // namespace fovea
