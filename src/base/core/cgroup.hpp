#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// The control groups that limit this process, as folders: its own first, then each one above
/// it. A limit holds if any of them sets it. `controller` ("memory", "cpu") matters only in the
/// old hierarchy (v1), where each has a tree of its own. Empty where there are no control
/// groups.
std::vector<std::filesystem::path> cgroup_folders(std::string_view controller);

/// The first line of a file, empty if there is none.
std::string first_line(std::filesystem::path const& file);

}  // namespace fovea
