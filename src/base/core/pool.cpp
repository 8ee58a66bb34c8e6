#include "base/core/pool.hpp"

#include "base/core/cgroup.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <filesystem>
#include <mutex>
#include <optional>
#include <sched.h>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace fovea {
namespace {

// Cores that one group's quota grants; none if it sets none. v2 holds "200000 100000" or "max
// 100000" in one file, v1 has two files and -1 for no quota.
std::optional<double> pool_quota(std::filesystem::path const& group) {
  auto const words = split(first_line(group / "cpu.max"), ' ');
  auto const v2 = words.size() == 2;
  auto const quota = number(v2 ? words[0] : first_line(group / "cpu.cfs_quota_us"));
  auto const period = number(v2 ? words[1] : first_line(group / "cpu.cfs_period_us"));
  return quota && period && *quota > 0 && *period > 0 ? std::optional{*quota / *period}
                                                      : std::nullopt;
}

// The least that any group on the way up grants.
double pool_granted() {
  auto least = 1e9;
  for (auto const& group : cgroup_folders("cpu"))
    least = std::min(least, pool_quota(group).value_or(least));
  return least;
}

}  // namespace

int usable_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  auto cores = static_cast<int>(std::thread::hardware_concurrency());
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
  return std::max(1, static_cast<int>(std::min<double>(cores, std::floor(pool_granted()))));
}

void in_parallel(std::int64_t count,
                 int threads,
                 std::function<void(std::int64_t)> const& work) {
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
    try {
      for (std::int64_t t = 1; t < wanted; ++t) others.emplace_back(run);
    } catch (std::system_error const&) {
      // The machine grants no more threads: those that there are do the work.
    }
    run();
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace fovea
