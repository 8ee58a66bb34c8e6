#pragma once

#include "learn/task/job.hpp"

namespace fovea {

/// The pictures among what was named: files as they are, folders with all pictures below them
/// (sorted; links are followed once). Throws Error{input} if a path is not there or nothing was
/// found.
std::vector<fs::path> pictures_in(std::vector<std::string> const& inputs);

/// All pictures below a folder, sorted; none is no fault.
std::vector<fs::path> pictures_below(fs::path const& folder);

/// A folder to write into, made if need be. Throws Error{usage} if something is in it already.
fs::path fresh_folder(std::string const& name);

}  // namespace fovea
