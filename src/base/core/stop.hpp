#pragma once

#include <atomic>

namespace fovea {

/// A request to end early that work looks at between its steps. The first Ctrl-C (or SIGTERM)
/// asks; the second ends the process at once, which what is written atomically survives.
class Stop {
 public:
  bool asked() const { return asked_.load(std::memory_order_relaxed); }
  void ask() { asked_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> asked_{false};
};

/// Throws Interrupted if it was asked.
void heed(Stop const& stop);

/// The one that SIGINT and SIGTERM ask; the first call installs the handlers.
Stop& stop_on_signals();

/// The same for work that leaves nothing to go on with: what has not ended a second after it
/// was asked, or when it is asked again, is ended where it is, with exit code 130. Drafts
/// (draft.hpp) are removed: of what was being written nothing is left.
Stop& end_on_signals();

}  // namespace fovea
