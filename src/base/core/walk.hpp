#pragma once

#include "base/core/file.hpp"
#include "base/core/stop.hpp"

#include <vector>

namespace fovea {

/// All files below a folder, those of each folder sorted by name. Hidden ones are left out;
/// links are followed once, so loops end; one that leads nowhere counts as a file, for whoever
/// reads it to name. Throws Error{resource} where permissions forbid a look, Interrupted if
/// `stop` was asked.
std::vector<fs::path> files_below(fs::path const& folder, Stop const& stop);

/// The error of a path that may not be looked at.
[[noreturn]] void refuse_look(fs::path const& path, std::error_code const& fault);

}  // namespace fovea
