#include "base/core/stop.hpp"

#include "base/core/draft.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <semaphore.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace fovea {
namespace {

Stop& stop_of_process() {
  static Stop stop;
  return stop;
}

constexpr int stop_code = 130;

// How many signals end the process at once. With a watcher it is the third: the second hastens
// the watcher, which first removes what is half written.
std::atomic<int> stop_last{2};
std::atomic<int> stop_count{0};
::sem_t stop_bell;

extern "C" void stop_at_signal(int) {
  if (++stop_count >= stop_last) ::_exit(stop_code);
  stop_of_process().ask();
  if (stop_last > 2) ::sem_post(&stop_bell);
}

// A thread and not the handler: a handler may do next to nothing.
void stop_watch() {
  while (::sem_wait(&stop_bell) != 0) {
  }
  std::timespec until{};
  ::clock_gettime(CLOCK_REALTIME, &until);
  ++until.tv_sec;
  while (::sem_timedwait(&stop_bell, &until) != 0 && errno == EINTR) {
  }
  end_drafts();
  Progress::wipe();
  say("fovea: stopped");
  ::_exit(stop_code);
}

}  // namespace

void heed(Stop const& stop) {
  if (stop.asked()) throw Interrupted{"stopped"};
}

Stop& stop_on_signals() {
  static auto& installed = []() -> Stop& {
    auto& stop = stop_of_process();
    struct sigaction action {};
    action.sa_handler = stop_at_signal;
    action.sa_flags = SA_RESTART;  // a read or write under way goes on: libraries take EINTR
                                   // for a damaged file
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    return stop;
  }();
  return installed;
}

Stop& end_on_signals() {
  static auto const watched = [] {
    ::sem_init(&stop_bell, 0, 0);
    try {
      std::thread{stop_watch}.detach();
      stop_last = 3;
    } catch (std::system_error const&) {
      // Without a thread left it ends where it looks itself.
    }
    return true;
  }();
  static_cast<void>(watched);
  return stop_on_signals();
}

}  // namespace fovea
