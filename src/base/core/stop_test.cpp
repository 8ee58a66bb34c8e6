#include "base/core/stop.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace fovea {
namespace {

// In a child, so that this process keeps its own handlers.
int stop_after(int signals, int which) {
  auto const child = ::fork();
  if (child == 0) {
    auto& stop = stop_on_signals();
    if (stop.asked()) ::_exit(1);
    for (int i = 0; i < signals; ++i) ::raise(which);
    ::_exit(stop.asked() ? 42 : 2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
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

}  // namespace
}  // namespace fovea
