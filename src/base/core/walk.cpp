#include "base/core/walk.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <set>
#include <system_error>

namespace fovea {
namespace {

void walk_into(fs::path const& folder,
               std::set<fs::path>& entered,
               std::vector<fs::path>& files,
               Stop const& stop) {
  heed(stop);
  std::error_code fault;
  if (!entered.insert(fs::canonical(folder, fault)).second) return;  // a link that leads back
  std::vector<fs::path> below;
  for (auto const& entry : fs::directory_iterator{folder, fault}) below.push_back(entry.path());
  if (fault) refuse_look(folder, fault);
  std::ranges::sort(below);
  for (auto const& path : below) {
    if (path.filename().string().starts_with(".")) continue;
    auto const kind = fs::status(path, fault).type();
    if (kind == fs::file_type::none && fault == std::errc::permission_denied)
      refuse_look(path, fault);
    if (kind == fs::file_type::directory)
      walk_into(path, entered, files, stop);
    else if (kind == fs::file_type::regular || kind == fs::file_type::not_found)
      files.push_back(path);
  }
}

}  // namespace

std::vector<fs::path> files_below(fs::path const& folder, Stop const& stop) {
  std::set<fs::path> entered;
  std::vector<fs::path> files;
  walk_into(folder, entered, files, stop);
  return files;
}

void refuse_look(fs::path const& path, std::error_code const& fault) {
  throw Error{Fault::resource, text("cannot look into ", path, ": ", fault.message()),
              "check its permissions and those of the folders above it"};
}

}  // namespace fovea
