#pragma once

#include "base/core/stop.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace fovea {

/// A Stop that is asked when the clock reaches a time, or when another Stop is asked; looked at
/// a hundred times a second.
class Watch {
 public:
  Watch(std::function<double()> clock, double until, Stop const* other);
  ~Watch();
  Watch(Watch const&) = delete;
  Watch& operator=(Watch const&) = delete;
  Stop const& stop() const { return stop_; }

 private:
  Stop stop_;
  std::mutex guard_;
  std::condition_variable wake_;
  bool over_ = false;
  std::jthread thread_;
};

}  // namespace fovea
