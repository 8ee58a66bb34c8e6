#pragma once

#include "base/core/zip.hpp"

namespace fovea {

/// The newest layout of packages that this program reads and the one it writes.
constexpr int package_version = 1;

/// A .fovea package as members by name. A zip whose member manifest.json names all others with
/// their lengths and SHA-256.
///
/// Opening checks all of it: a package that is cut short, damaged, changed in any member, has
/// members that the manifest does not name (or lacks some), was written by a newer version, or
/// holds names that leave the folder is refused with the reason.
class Container {
 public:
  /// Throws Error{input}.
  explicit Container(fs::path const& file);
  /// The same from bytes in memory, which must outlive it; `name` is for messages.
  Container(std::span<std::byte const> bytes, std::string name);

  std::vector<std::string> const& names() const { return names_; }
  bool has(std::string_view name) const { return zip_.has(name); }
  /// Throws Error{input} if the package has no such member or it is larger than `limit`.
  Bytes read(std::string_view name, std::uint64_t limit = 16ULL << 30) const;
  std::string read_words(std::string_view name, std::uint64_t limit = 64U << 20) const;

  /// SHA-256 of the manifest, so of everything in the package: what a finding states as the
  /// model it came from.
  std::string const& identity() const { return identity_; }
  /// The file, for messages.
  std::string const& name() const { return name_; }

 private:
  void check();

  std::string name_;
  ZipReader zip_;
  std::vector<std::string> names_;
  std::string identity_;
};

/// Writes the members behind their manifest, without compression and with no times: the same
/// members give the same bytes, and a reader can map them. Atomic. Throws Error{resource} as
/// write_zip does, Error{bug} if a member is called manifest.json or twice.
void write_container(fs::path const& file, std::vector<ZipMember> members);

ZipMember member_of(std::string name, std::string_view words);

}  // namespace fovea
