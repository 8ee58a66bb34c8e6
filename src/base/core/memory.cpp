#include "base/core/memory.hpp"

#include "base/core/cgroup.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <fstream>
#include <malloc.h>
#include <optional>
#include <string>
#include <sys/resource.h>

namespace fovea {
namespace {

namespace fs = std::filesystem;

// The number behind a key: "VmHWM:     1234 kB" of /proc/self/status, "inactive_file 4096" of
// memory.stat.
std::optional<std::uint64_t> memory_line(fs::path const& file, std::string_view key) {
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    auto const rest = trimmed(std::string_view{line}.substr(key.size()));
    auto const count = whole(rest.substr(0, rest.find(' ')));
    if (count && *count >= 0)
      return static_cast<std::uint64_t>(*count) * (rest.ends_with("kB") ? 1024 : 1);
  }
  return std::nullopt;
}

// What one group leaves: its limit less its use, where file pages that the kernel can drop do
// not count.
std::optional<std::uint64_t> memory_left_in(fs::path const& group) {
  auto const either = [&](char const* v2, char const* v1) {
    auto const line = first_line(group / v2);
    return whole(line.empty() ? first_line(group / v1) : line);
  };
  auto const limit = either("memory.max", "memory.limit_in_bytes");  // "max" is none
  auto const use = either("memory.current", "memory.usage_in_bytes");
  if (!limit || !use) return std::nullopt;
  auto const droppable = memory_line(group / "memory.stat", "inactive_file ").value_or(0);
  auto const held = *use - static_cast<std::int64_t>(droppable);
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, held)));
}

}  // namespace

std::uint64_t peak_memory() {
  // Not first getrusage: its number survives exec, so a small program started by a large one
  // looks large.
  if (auto const peak = memory_line("/proc/self/status", "VmHWM:")) return *peak;
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return static_cast<std::uint64_t>(use.ru_maxrss) * 1024;
}

std::uint64_t available_memory() {
  auto least = memory_line("/proc/meminfo", "MemAvailable:");
  for (auto const& group : cgroup_folders("memory")) {
    if (auto const left = memory_left_in(group)) least = std::min(least.value_or(*left), *left);
  }
  return least.value_or(0);
}

void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that glibc takes
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

}  // namespace fovea
