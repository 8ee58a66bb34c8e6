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

std::unique_ptr<DicomSource> source_of(std::span<std::byte const> bytes);
std::unique_ptr<DicomSource> source_of(FileReader const& file, std::uint64_t from);
/// What a source unpacks to (raw deflate). Throws Refusal{damaged, too-large}.
std::unique_ptr<DicomSource> inflated(std::unique_ptr<DicomSource> packed, std::uint64_t most);

/// A window that moves forward over a source.
class DicomInput {
 public:
  explicit DicomInput(std::unique_ptr<DicomSource> source) : source_(std::move(source)) {}

  std::uint64_t at() const { return at_; }
  /// The next `count` bytes, fewer only at the end; good until the next call.
  std::span<std::byte const> view(std::size_t count) {
    if (filled_ - next_ < count) refill(count);
    return std::span{buffer_}.subspan(next_, std::min(count, filled_ - next_));
  }
  /// False if the end came before.
  bool advance(std::uint64_t count) {
    if (count <= filled_ - next_) {
      next_ += static_cast<std::size_t>(count);
      at_ += count;
      return true;
    }
    return leap(count);
  }
  /// Hands on what is left, from `at` on, packed by deflate.
  void inflate(std::uint64_t most);

 private:
  void refill(std::size_t count);
  bool leap(std::uint64_t count);

  std::unique_ptr<DicomSource> source_;
  std::vector<std::byte> buffer_;
  std::size_t next_ = 0;    // place of at_ in the buffer
  std::size_t filled_ = 0;  // behind the last byte in the buffer
  std::uint64_t at_ = 0;
};

}  // namespace fovea
