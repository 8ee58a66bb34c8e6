#pragma once

#include "base/core/reader.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

// The bytes of a data set, from its beginning to its end. Inside base/dicom only.
namespace fovea {

/// Bytes that come one behind the other; what is skipped is not read where that can be helped.
class DicomSource {
 public:
  DicomSource() = default;
  virtual ~DicomSource() = default;
  DicomSource(DicomSource const&) = delete;
  DicomSource& operator=(DicomSource const&) = delete;
  /// Fills as much of `room` as there is; less only at the end.
  virtual std::size_t fetch(std::span<std::byte> room) = 0;
  /// How many of `count` were there.
  virtual std::uint64_t skip(std::uint64_t count) = 0;
};

std::unique_ptr<DicomSource> source_of(FileReader const& file, std::uint64_t from);
/// What a source unpacks to (raw deflate). Throws Refusal{damaged, too-large}.
std::unique_ptr<DicomSource> inflated(std::unique_ptr<DicomSource> packed, std::uint64_t most);

/// A window that moves forward over a source, or over all of what lies in memory.
class DicomInput {
 public:
  explicit DicomInput(std::span<std::byte const> bytes) : window_(bytes) {}
  explicit DicomInput(std::unique_ptr<DicomSource> source) : source_(std::move(source)) {}

  std::uint64_t at() const { return at_; }
  /// The next `count` bytes, fewer only at the end; good until the next call.
  std::span<std::byte const> view(std::size_t count) {
    if (window_.size() < count && source_ != nullptr) refill(count);
    return window_.first(std::min(count, window_.size()));
  }
  /// False if the end came before.
  bool advance(std::uint64_t count) {
    if (count > window_.size()) return leap(count);
    window_ = window_.subspan(static_cast<std::size_t>(count));
    at_ += count;
    return true;
  }
  /// Hands on what is left, from `at` on, packed by deflate.
  void inflate(std::uint64_t most);

 private:
  void refill(std::size_t count);
  bool leap(std::uint64_t count);

  std::unique_ptr<DicomSource> source_;
  std::vector<std::byte> buffer_;
  std::span<std::byte const> window_;  // what is there, from at_ on
  std::uint64_t at_ = 0;
};

}  // namespace fovea
