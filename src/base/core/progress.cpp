#include "base/core/progress.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace fovea {

void say(std::string_view words) {
  auto const line = text(printable(words), "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void warn(std::string_view words) {
  say(text("fovea: warning: ", words));
}

Progress::Progress(std::string what, double quiet_s)
    : what_(std::move(what)), quiet_s_(quiet_s), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  clear();
}

void Progress::show(double done, double all, std::string_view beside) {
  auto const now = clock_.seconds();
  if (now - last_ < (terminal_ ? 0.1 : quiet_s_)) return;
  if (!terminal_ &&
      last_ < 0) {  // the first line comes after the first quiet time, not at once
    last_ = now;
    return;
  }
  last_ = now;
  auto const share = all > 0 ? std::clamp(done / all, 0.0, 1.0) : 0;
  auto line = text(what_, "  ", fixed(100 * share, 0), " %");
  if (share > 0) line += text("  ", duration(now * (1 - share) / share), " left");
  if (!beside.empty()) line += text("  ", beside);
  if (terminal_)
    line = text("\r\x1b[2K", line);
  else
    line += '\n';
  drawn_ = terminal_;
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

void Progress::clear() {
  if (!drawn_) return;
  wipe();
  drawn_ = false;
}

void Progress::wipe() {
  if (::isatty(STDERR_FILENO) != 1) return;
  std::fputs("\r\x1b[2K", stderr);
  std::fflush(stderr);
}

}  // namespace fovea
