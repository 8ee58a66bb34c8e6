#pragma once

#include "base/core/file.hpp"

#include <cstddef>
#include <span>

namespace fovea {

/// A file's bytes as memory, read when they are looked at and dropped when the machine needs
/// room. For files that are written whole and renamed, never changed: shortening one that is
/// mapped ends whoever reads beyond its new end.
class MappedFile {
 public:
  /// Throws Error{input} if it cannot be opened or is no regular file, Error{resource} if there
  /// is no room to map it.
  explicit MappedFile(fs::path const& file);
  ~MappedFile();
  MappedFile(MappedFile const&) = delete;
  MappedFile& operator=(MappedFile const&) = delete;

  std::span<std::byte const> bytes() const { return bytes_; }

 private:
  std::span<std::byte const> bytes_;
};

}  // namespace fovea
