#pragma once

#include "base/core/file.hpp"
#include "learn/patch/chunk_cache.hpp"
#include "learn/patch/patch.hpp"
#include "learn/patch/places.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace fovea {

constexpr std::int64_t case_voxel_limit = (std::int64_t{1} << 32) - 1;  ///< of a channel
constexpr std::int64_t case_channel_limit = 4096;
constexpr std::int64_t case_class_limit = 4096;

/// A preprocessed case as training wants it, to be stored.
struct CaseToStore {
  std::int64_t channels = 1;     ///< 0: labels only, as a cascade's first stage leaves them
  Kji size{};                    ///< of each channel and of the labels
  std::span<float const> image;  ///< [channels, k, j, i]
  /// [k, j, i], -1 outside the body and nothing below; empty if none are known.
  std::span<std::int16_t const> labels;
  std::vector<LabelSet> classes;  ///< foreground labels, or regions, to centre patches on
  /// With an ignore label: all labels that are annotated (background and -1 too). Then patches
  /// that are not forced onto foreground are centred on one of these.
  LabelSet annotated;
  Kji patch{};        ///< size of the patches that will be read: chunks are cut to suit them
  std::string id;     ///< of the case
  std::string key;    ///< of what it was made from: see CaseStore
  std::string notes;  ///< the caller's own, given back unread; up to 1 MiB
};

/// Writes one file, whole or not at all. The same case gives the same bytes.
/// Throws Error{bug} if the arrays are not of the size said or a label is below -1;
/// Error{input} beyond the limits above; Error{resource} if the disk is full or may not be
/// written.
void store_case(fs::path const& file, CaseToStore const& given);

/// A stored case, mapped: opening it reads its table alone, reading a box unpacks only the
/// chunks that the box touches. Several threads may read at once.
///
/// Format  version 1, in case_table.hpp: chunks whose bytes are shuffled, each packed with
///         Zstandard and with a checksum; behind them a table with a SHA-256
/// Throws  Error{input} if the file is not whole, not of this version or damaged, when it is
///         opened or when a damaged chunk is read
class StoredCase {
 public:
  explicit StoredCase(fs::path const& file, std::shared_ptr<ChunkCache> cache = nullptr);
  /// Of bytes in memory; `name` is for messages.
  StoredCase(std::shared_ptr<Bytes const> bytes, std::string name);
  ~StoredCase();
  StoredCase(StoredCase const&) = delete;
  StoredCase& operator=(StoredCase const&) = delete;

  std::int64_t channels() const;
  Kji const& size() const;
  Kji const& chunk() const;
  bool has_labels() const;
  std::string const& id() const;
  std::string const& key() const;
  std::string const& notes() const;

  std::vector<LabelSet> const& classes() const;
  LabelSet const& annotated() const;
  /// How many places the class has; of classes().size() those of `annotated`.
  std::int64_t places(std::size_t of_class) const;
  Kji place(std::size_t of_class, std::int64_t at) const;

  /// Voxels of the box, [channels, k, j, i]; 0 beyond the case. Throws Error{bug} unless `out`
  /// has room for exactly these.
  void read_image(PatchBox const& box, std::span<float> out) const;
  /// The same of one channel, [k, j, i].
  void read_channel(std::int64_t channel, PatchBox const& box, std::span<float> out) const;
  /// [k, j, i]; -1 beyond the case, and everywhere if there are none.
  void read_labels(PatchBox const& box, std::span<std::int16_t> out) const;

 private:
  struct Parts;
  template <class T>
  void read(std::int64_t channel, PatchBox const& box, T outside, T* out) const;

  std::unique_ptr<Parts> parts_;
};

}  // namespace fovea
