#include "base/core/cgroup.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <fstream>

namespace fovea {
namespace {

namespace fs = std::filesystem;

// /proc/self/cgroup has lines "id:controllers:path"; the unified hierarchy's is "0::path".
fs::path cgroup_own(std::string_view controller) {
  std::ifstream in{"/proc/self/cgroup"};
  for (std::string line; std::getline(in, line);) {
    auto const parts = split(line, ':');
    if (parts.size() < 3) continue;
    if (std::ranges::count(split(parts[1], ','), controller) > 0)
      return fs::path{parts[2]}.relative_path();
  }
  return {};
}

}  // namespace

std::string first_line(fs::path const& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

std::vector<fs::path> cgroup_folders(std::string_view controller) {
  fs::path const top = "/sys/fs/cgroup";
  std::error_code ignored;
  auto const unified = fs::exists(top / "cgroup.controllers", ignored);
  auto const root = unified ? top : top / controller;
  std::vector<fs::path> folders;
  // Inside a container the path may be the host's, which is not there: then only the root
  // answers.
  for (auto group = cgroup_own(unified ? "" : controller);; group = group.parent_path()) {
    if (fs::is_directory(root / group, ignored)) folders.push_back(root / group);
    if (group.empty()) return folders;
  }
}

}  // namespace fovea
