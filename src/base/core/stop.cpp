#include "base/core/stop.hpp"

#include "base/core/error.hpp"

#include <csignal>
#include <unistd.h>

namespace fovea {
namespace {

Stop& stop_of_process() {
  static Stop stop;
  return stop;
}

extern "C" void stop_at_signal(int) {
  if (stop_of_process().asked()) ::_exit(130);
  stop_of_process().ask();
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

}  // namespace fovea
