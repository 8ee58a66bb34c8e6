#include "base/core/draft.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <mutex>
#include <unistd.h>
#include <vector>

namespace fovea {
namespace {

struct DraftList {
  std::mutex mutex;
  std::vector<fs::path> paths;
  int turn = 0;
};

// Never destroyed: the process may end while another thread is looking at it.
DraftList& draft_list() {
  static auto& list = *new DraftList;
  return list;
}

}  // namespace

Draft::Draft(fs::path target) : target_(std::move(target)), path_(target_) {
  auto& list = draft_list();
  std::lock_guard const lock{list.mutex};
  // Process and turn keep two writers of one target apart; renaming decides which one is last.
  path_ += text(".", ::getpid(), "-", list.turn++, ".part");
  list.paths.push_back(path_);
}

Draft::~Draft() {
  auto& list = draft_list();
  std::lock_guard const lock{list.mutex};
  if (std::erase(list.paths, path_) == 0) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::error_code Draft::keep() {
  auto& list = draft_list();
  std::lock_guard const lock{list.mutex};
  std::error_code fault;
  fs::rename(path_, target_, fault);
  if (!fault) std::erase(list.paths, path_);
  return fault;
}

void end_drafts() {
  auto& list = draft_list();
  list.mutex.lock();  // for ever
  std::error_code ignored;
  for (auto const& path : list.paths) fs::remove_all(path, ignored);
  // Another thread may have put a file into a folder that was being emptied.
  for (auto const& path : list.paths) fs::remove_all(path, ignored);
}

}  // namespace fovea
