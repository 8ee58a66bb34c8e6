#pragma once

#include "base/core/file.hpp"

#include <map>
#include <string>
#include <vector>

namespace fovea {

/// One file inside a zip, as its directory says.
struct ZipEntry {
  std::string name;
  std::uint64_t size = 0;  ///< bytes when unpacked
};

/// A zip for reading. Names that would escape a folder (absolute, "..", backslash, drive letters, NUL), names
/// that occur twice, encrypted members and links are refused when it is opened.
class ZipReader {
 public:
  /// Throws Error{input} if it is no zip, is cut short, or holds more than `entries` members.
  explicit ZipReader(fs::path const& file, std::size_t entries = 100'000);
  /// The same from bytes in memory, which must outlive it: for fuzzers and tests.
  ZipReader(std::span<std::byte const> bytes, std::string name, std::size_t entries = 100'000);
  ~ZipReader();
  ZipReader(ZipReader const&) = delete;
  ZipReader& operator=(ZipReader const&) = delete;

  std::vector<ZipEntry> const& entries() const { return entries_; }
  bool has(std::string_view name) const;

  /// The unpacked bytes of a member. Throws Error{input} if there is none of this name, it is larger than
  /// `limit`, unpacks to another size than the directory says (a bomb), or its checksum is wrong.
  Bytes read(std::string_view name, std::uint64_t limit) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::vector<ZipEntry> entries_;
};

/// Writes a zip without compression, so that it can be mapped; entries in the order given, no times,
/// so the same members give the same bytes. Atomic, as write_file.
struct ZipMember {
  std::string name;
  Bytes bytes;
};
void write_zip(fs::path const& file, std::vector<ZipMember> const& members);

}  // namespace fovea
