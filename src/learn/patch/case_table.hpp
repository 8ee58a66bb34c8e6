#pragma once

#include "learn/patch/stored_case.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

// A file of a stored case, version 1. Numbers are little-endian.
//
//   head     16 bytes "fovea case", 0 …     u32 version     12 bytes 0
//   chunks   Zstandard frames with checksums, one behind the other: all of channel 0 (along k,
//            j, i; i fastest), of channel 1 …, of the labels. A chunk is the bytes of its
//            voxels (i fastest; chunks at the far borders are smaller): first the first byte of
//            each, then the second …
//   facts    JSON: sizes, classes, how many places each has, names
//   offsets  u64 where each chunk begins, and one more where the last ends
//   places   u32 of each class, one class behind the other
//   foot     u64 where the facts begin, u64 bytes of the facts, 64 hex digits of the SHA-256 of
//            all from the facts to here, 16 bytes "fovea case end", 0 …

enum class StoredLabels { none, i8, i16 };

/// Where everything in such a file is.
struct CaseTable {
  std::int64_t channels = 0;
  Kji size{};
  Kji chunk{};
  StoredLabels labels = StoredLabels::none;
  std::vector<LabelSet> classes;
  LabelSet annotated;
  std::vector<std::int64_t> places;  ///< of each class, and of `annotated` if it is not empty
  std::string id;
  std::string key;
  std::string notes;
  std::uint64_t offsets_at = 0;  ///< in the file
  std::uint64_t places_at = 0;   ///< in the file

  Kji chunks() const;                  ///< along each axis
  std::int64_t chunks_of_all() const;  ///< of all channels and the labels
  PatchBox box_of(Kji const& chunk_at) const;
  /// Bytes of a voxel: of a channel, or of the labels (at == channels).
  std::size_t voxel_bytes(std::int64_t channel) const;
};

constexpr std::uint64_t case_head_bytes = 32;
constexpr std::int64_t case_chunk_voxels = 1 << 18;  ///< at most in a chunk that is read

/// Chunks of at most 256 KiB of floats that suit reading patches of this size.
Kji chunk_for(Kji const& size, Kji const& patch);

/// Checks all of it against the bytes that there are. Throws Error{input} naming `name`.
CaseTable read_case_table(std::span<std::byte const> file, std::string_view name);

std::string case_head();
/// Facts, offsets, places and foot, for a file whose chunks begin at these offsets; the last is
/// where the last chunk ends.
std::string case_tail(CaseTable const& table,
                      std::span<std::uint64_t const> offsets,
                      std::span<std::vector<std::uint32_t> const> places);
/// The SHA-256 that belongs in the foot of such a file. Throws Error{input} if there is no
/// foot.
std::string case_signature(std::span<std::byte const> file, std::string_view name);

}  // namespace fovea
