#pragma once

#include "learn/task/job.hpp"

namespace fovea {

/// The pictures among what was named: files as they are, folders with all pictures below them
/// (sorted; links are followed once). Throws Error{input} if a path is not there or nothing was
/// found, Error{resource} if a path may not be looked at.
std::vector<fs::path> pictures_in(std::vector<std::string> const& inputs);

/// All pictures below a folder, sorted; none is no fault.
std::vector<fs::path> pictures_below(fs::path const& folder);

/// Throws Error{resource} if permissions keep the run or package from being read; says nothing
/// of one that is not there.
void expect_access(fs::path const& model);

/// The same, and Error{usage} if it is somebody else's TorchScript: that says nothing of
/// labels, layers and data, so only `predict --trust` runs it.
void expect_own_model(fs::path const& model);

}  // namespace fovea
