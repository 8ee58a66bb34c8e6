#pragma once

#include "base/core/file.hpp"

namespace fovea {

/// Throws unless write_file could write here now: Error{usage} if a folder lies there, or
/// nothing does where it should lie, Error{resource} if that may not be written. Asked before
/// the work, so that no work is lost.
void expect_writable_file(fs::path const& file);

/// The same of fresh_folder, which it does not make yet.
void expect_fresh_folder(fs::path const& folder);

/// A folder to write into, made if need be. Throws Error{usage} if it is a file or something is
/// in it already, Error{resource} if it may not be written.
fs::path fresh_folder(fs::path const& folder);

}  // namespace fovea
