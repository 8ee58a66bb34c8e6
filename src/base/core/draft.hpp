#pragma once

#include <filesystem>
#include <system_error>

namespace fovea {

namespace fs = std::filesystem;

/// The name of a file or folder while it is being made: beside its target, removed with all in
/// it unless it is kept. Nobody takes a half one for a whole one.
class Draft {
 public:
  explicit Draft(fs::path target);
  ~Draft();
  Draft(Draft const&) = delete;
  Draft& operator=(Draft const&) = delete;

  fs::path const& path() const { return path_; }
  /// Gives it the target's name, over a file that has it. Says what went wrong, if something
  /// did.
  [[nodiscard]] std::error_code keep();

 private:
  fs::path target_, path_;
};

/// Removes all drafts of this process. Nothing is kept after it: a thread that asks for a draft
/// or for keeping one waits for ever. For the end of a process in the middle of its work.
void end_drafts();

}  // namespace fovea
