#include "base/core/pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace fovea {
namespace {

TEST(Pool, DoesEachPieceOnceForAnyNumberOfThreads) {
  for (auto const threads : {-1, 0, 1, 2, 7, 100}) {
    for (auto const count : {0, 1, 5, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(count));
      in_parallel(count, threads,
                  [&](std::int64_t i) { ++done.at(static_cast<std::size_t>(i)); });
      for (auto const& one : done)
        ASSERT_EQ(one, 1) << threads << " threads, " << count << " pieces";
    }
  }
}

TEST(Pool, ThrowsWhatTheWorkThrewAfterAllEnded) {
  std::atomic<int> running{0};
  auto const work = [&](std::int64_t i) {
    ++running;
    std::this_thread::yield();
    --running;
    if (i == 3) throw std::runtime_error{"three"};
  };
  for (auto const threads : {1, 4}) {
    try {
      in_parallel(1000, threads, work);
      ADD_FAILURE() << "nothing was thrown";
    } catch (std::runtime_error const& fault) {
      EXPECT_STREQ(fault.what(), "three");
    }
    EXPECT_EQ(running, 0);
  }
}

TEST(Pool, KnowsAtLeastOneCoreAndNoMoreThanTheMachineHas) {
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace fovea
