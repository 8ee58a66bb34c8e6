#include "base/core/pool.hpp"

#include "base/core/words.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fovea {
namespace {

std::string pool_first_line(char const* file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

// Cores that the container's quota grants, or a large number if there is none.
double pool_quota() {
  constexpr double none = 1e9;
  auto const v2 = split(pool_first_line("/sys/fs/cgroup/cpu.max"), ' ');
  if (v2.size() == 2) {
    auto const quota = number(v2[0]);
    auto const period = number(v2[1]);
    return quota && period && *period > 0 ? *quota / *period : none;
  }
  auto const quota = number(pool_first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
  auto const period = number(pool_first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
  return quota && period && *quota > 0 && *period > 0 ? *quota / *period : none;
}

}  // namespace

int usable_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  auto cores = static_cast<int>(std::thread::hardware_concurrency());
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
  return std::max(1, static_cast<int>(std::min<double>(cores, std::floor(pool_quota()))));
}

void in_parallel(std::int64_t count, int threads, std::function<void(std::int64_t)> const& work) {
  std::atomic<std::int64_t> next{0};
  std::exception_ptr first;
  std::mutex guard;
  auto const run = [&] {
    for (auto i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        std::scoped_lock const lock{guard};
        if (!first) first = std::current_exception();
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> others;
    auto const wanted = std::min<std::int64_t>(threads, count);
    for (std::int64_t t = 1; t < wanted; ++t) others.emplace_back(run);
    run();
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace fovea
