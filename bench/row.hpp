#pragma once

#include "base/core/error.hpp"
#include "base/core/json.hpp"

#include <algorithm>
#include <ctime>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

namespace fovea {

/// Seconds of processor time that this thread used: what others do on the machine does not
/// count.
inline double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Largest resident size of this process so far, MiB.
inline double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// One figure of a row, as bench/run reads it: one line of JSON on stdout.
inline void report(std::string_view way, double value, std::string_view unit) {
  std::cout << Json{{"way", way}, {"value", value}, {"unit", unit}}.dump() << std::endl;
}

/// The same with the highest resident size at that moment.
inline void report_with_memory(std::string_view way, double value, std::string_view unit) {
  std::cout
      << Json{{"way", way}, {"value", value}, {"unit", unit}, {"peak_mib", peak_mib()}}.dump()
      << std::endl;
}

/// The main of a row: `work` gets the words behind the program's name and gives the exit code.
inline int run_row(int argc,
                   char** argv,
                   std::function<int(std::vector<std::string> const&)> const& work) {
  try {
    return work({argv + 1, argv + argc});
  } catch (Error const& error) {
    std::cerr << error.what() << "\n";
    return static_cast<int>(error.fault());
  }
}

/// Most calls per second of `clock` among rounds of at least a second each.
inline double best_rate(int rounds,
                        double calls_at_once,
                        std::function<double()> const& clock,
                        std::function<void()> const& work) {
  double best = 0;
  work();
  for (int round = 0; round < rounds; ++round) {
    double calls = 0;
    auto const start = clock();
    double passed = 0;
    while (passed < 1) {
      work();
      calls += calls_at_once;
      passed = clock() - start;
    }
    best = std::max(best, calls / passed);
  }
  return best;
}

}  // namespace fovea
