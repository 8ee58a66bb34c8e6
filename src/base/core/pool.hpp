#pragma once

#include <cstdint>
#include <functional>

namespace fovea {

/// CPU cores that this process may use: the affinity mask and the container's quota (cgroup v1
/// and v2), rounded down, at least 1.
int usable_cores();

/// Calls work(0) … work(count - 1) on up to `threads` threads and waits. Which thread does
/// which is open, so the work must not depend on it. The first exception is thrown here, after
/// the others ended.
void in_parallel(std::int64_t count,
                 int threads,
                 std::function<void(std::int64_t)> const& work);

}  // namespace fovea
