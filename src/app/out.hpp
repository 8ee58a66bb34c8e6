#pragma once

#include "base/core/file.hpp"

namespace fovea {

/// Throws unless write_file could write a new file here now: Error{usage} if something lies
/// there already, or there is no folder to hold it, Error{resource} if that may not be written.
/// Asked before the work, so that no work is lost; nobody's file is overwritten.
void expect_fresh_file(fs::path const& file);

/// The same of fresh_folder, which it does not make yet.
void expect_fresh_folder(fs::path const& folder);

/// A folder to write into, made if need be. Throws Error{usage} if it is a file or something is
/// in it already, Error{resource} if it may not be written.
fs::path fresh_folder(fs::path const& folder);

}  // namespace fovea
