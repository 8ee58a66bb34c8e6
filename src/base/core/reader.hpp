#pragma once

#include "base/core/file.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace fovea {

/// A file open for reading at any place, so that a large one is never held whole. Several
/// threads may read at once.
class FileReader {
 public:
  /// Throws Error{input} if it cannot be opened or is no regular file.
  explicit FileReader(fs::path const& file);
  ~FileReader();
  FileReader(FileReader const&) = delete;
  FileReader& operator=(FileReader const&) = delete;

  fs::path const& path() const { return path_; }
  std::uint64_t size() const { return size_; }  ///< when it was opened

  /// Fills `room` with the bytes from `at` on. Throws Error{input} if the file ends before, as
  /// one does that is being written.
  void read(std::uint64_t at, std::span<std::byte> room) const;

 private:
  fs::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace fovea
