#pragma once

#include "base/core/file.hpp"

#include <memory>
#include <string>
#include <vector>

namespace fovea {

/// One file inside a zip, as its directory says.
struct ZipEntry {
  std::string name;
  std::uint64_t size = 0;  ///< bytes when unpacked
};

/// A zip for reading, by libzip. Names that would escape a folder (absolute, "..", backslash,
/// drive letters; a name ends at its first NUL), names that occur twice, encrypted members,
/// links, and members packed by anything else than deflate are refused when it is opened.
/// Several threads may read; they take turns.
class ZipReader {
 public:
  /// Throws Error{input} if it is no zip, is cut short, or holds more than `entries` members,
  /// Error{resource} if it may not be read.
  explicit ZipReader(fs::path const& file, std::size_t entries = 100'000);
  /// The same from bytes in memory, which must outlive it: for fuzzers and tests.
  ZipReader(std::span<std::byte const> bytes, std::string name, std::size_t entries = 100'000);
  ~ZipReader();
  ZipReader(ZipReader const&) = delete;
  ZipReader& operator=(ZipReader const&) = delete;

  std::vector<ZipEntry> const& entries() const { return entries_; }
  bool has(std::string_view name) const;

  /// The unpacked bytes of a member. Throws Error{input} if there is none of this name, it is
  /// larger than `limit`, unpacks to another size than the directory says (a bomb), or its
  /// checksum is wrong.
  Bytes read(std::string_view name, std::uint64_t limit) const;
  /// The first `most` bytes of a member, or all if it is shorter; no checksum is compared.
  Bytes read_start(std::string_view name, std::uint64_t most) const;

 private:
  struct State;
  ZipEntry const* find(std::string_view name) const;
  Bytes start(std::string_view name, std::uint64_t count, bool whole) const;

  std::unique_ptr<State> state_;
  std::vector<ZipEntry> entries_;
};

struct ZipMember {
  std::string name;
  Bytes bytes;
};

/// Writes a zip without compression whose members' bytes begin at multiples of 64 in the file,
/// so that they can be mapped; members in the order given, no times, so the same members give
/// the same bytes. Beyond 4 GiB as zip64. Atomic, as write_file. Throws Error{bug} on a name
/// that ZipReader would refuse.
void write_zip(fs::path const& file, std::vector<ZipMember> const& members);

}  // namespace fovea
