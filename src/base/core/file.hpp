#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

/// The whole file. Throws Error{input} if it cannot be read or is larger than `limit` bytes,
/// Error{resource} if it may not be read.
Bytes read_file(fs::path const& file, std::uint64_t limit);
std::string read_text(fs::path const& file, std::uint64_t limit = 256U << 20);

/// Whole or not at all: written beside the target, flushed to the disk, then renamed over it; a
/// crash or a full disk leaves the old file as it was.
/// Throws Error{resource} if there is no room or permission.
void write_file(fs::path const& file, std::span<std::byte const> bytes);
void write_file(fs::path const& file, std::string_view words);

/// The same for a file too large to hold: `fill` writes it into the stream.
void write_file(fs::path const& file, std::function<void(std::ostream&)> const& fill);

/// A write beyond RLIMIT_FSIZE is a signal that ends the process, unless it is ignored: then it
/// is an error like that of a full disk. A handler that somebody else set stays. write_file
/// calls it; a program does at its start, as stdout and stderr may be files too.
void survive_file_limits();

/// With all folders above it. Throws Error{resource} with the reason.
void make_folder(fs::path const& folder);

/// A folder that nobody else has, removed with all in it at the end: for tests and drafts.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(ScratchFolder const&) = delete;
  ScratchFolder& operator=(ScratchFolder const&) = delete;
  fs::path const& path() const { return path_; }

 private:
  fs::path path_;
};

/// One process at a time: holds `file` until the end of the process, however it ends.
/// Throws Error{resource} if another process holds it.
class FileLock {
 public:
  explicit FileLock(fs::path const& file);
  ~FileLock();
  FileLock(FileLock const&) = delete;
  FileLock& operator=(FileLock const&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace fovea
