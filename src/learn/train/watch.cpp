#include "learn/train/watch.hpp"

#include <chrono>

namespace fovea {

Watch::Watch(std::function<double()> clock, double until, Stop const* other)
    : thread_([this, clock = std::move(clock), until, other] {
        std::unique_lock lock{guard_};
        while (!wake_.wait_for(lock, std::chrono::milliseconds{10}, [this] { return over_; }))
          if (clock() >= until || (other != nullptr && other->asked())) return stop_.ask();
      }) {}

Watch::~Watch() {
  {
    std::scoped_lock const lock{guard_};
    over_ = true;
  }
  wake_.notify_all();
}

}  // namespace fovea
