#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace fovea {

/// Wall time since it was made.
class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// One line on stderr: what people need to know and need not act on.
void say(std::string_view words);
/// The same for what they should look at: "fovea: warning: …".
void warn(std::string_view words);

/// How far a long work is. At a terminal one line that renews itself, at most ten times a
/// second; elsewhere a line now and then (every `quiet_s` seconds), so that logs stay short.
class Progress {
 public:
  explicit Progress(std::string what, double quiet_s = 10);
  ~Progress();
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  /// `done` of `all` (the end time follows from the pace), and a few words beside it.
  void show(double done, double all, std::string_view beside = {});
  void clear();        ///< wipes the line, so that something else can be printed
  static void wipe();  ///< the same of whichever there is

 private:
  std::string what_;
  double quiet_s_;
  Clock clock_;
  double last_ = -1e9;
  bool terminal_;
  bool drawn_ = false;
};

}  // namespace fovea
