#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace fovea {

/// Whose move is next. The value is the exit code, and decides the HTTP status and the DIMSE
/// status.
enum class Fault { bug = 1, usage = 2, input = 3, resource = 4 };

/// What happened, and what the reader of the message can do about it.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, std::string const& happened, std::string const& remedy);

  Fault fault() const noexcept { return fault_; }

 private:
  Fault fault_;
};

/// The user asked to stop (Ctrl-C, SIGTERM) and what was under way is saved. Exit code 130.
/// `what()` says how to go on.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(std::string const& how_to_go_on) : std::runtime_error(how_to_go_on) {}
};

/// Joins anything printable: text("got ", 3, " slices"). Numbers are printed as in the C
/// locale.
template <class... Parts>
std::string text(Parts const&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << parts);
  return out.str();
}

}  // namespace fovea
