#pragma once

#include "base/core/reader.hpp"
#include "base/core/refusal.hpp"
#include "base/dicom/syntax.hpp"
#include "base/dicom/tags.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea {

/// What a scan will take before it refuses.
struct DicomLimits {
  std::uint32_t depth = 64;             ///< sequences inside each other
  std::uint32_t elements = 1U << 26;    ///< attributes and items together
  std::uint32_t fragments = 1'000'000;  ///< of pixel data
  std::uint32_t value = 256U << 10;     ///< bytes of a value that is kept
  /// Bytes for all of these above the file's own size: an object of 10,000 frames may have a
  /// million attributes, but then they are also there. Enough for 650,000 in any file.
  std::uint64_t memory = 48U << 20;
  std::uint64_t inflated = 16ULL << 30;  ///< bytes of a deflated data set
};

/// An attribute or an item, in the order of the file.
struct DicomElement {
  Tag tag{};
  Vr kind{};                 ///< Vr::none where the file does not say
  std::uint8_t depth = 0;    ///< sequences around it
  bool big = false;          ///< most significant byte first
  std::uint32_t end = 0;     ///< place in the list behind it and all inside it
  std::uint32_t kept = 0;    ///< where its value is kept, counted from 1; 0: it is not
  std::uint64_t at = 0;      ///< of its value: in the file, or in the data set once inflated
  std::uint64_t length = 0;  ///< bytes of its value
};

struct DicomFragment {
  std::uint64_t at = 0;
  std::uint32_t length = 0;
};

/// Where the pixels of a data set lie.
struct DicomPixels {
  Tag tag{};  ///< pixels, float_pixels, double_pixels; 0: there are none
  Vr kind{};
  std::uint64_t at = 0;
  std::uint64_t length = 0;
  bool encapsulated = false;
  std::vector<DicomFragment> fragments;  ///< without the offset table
  std::vector<std::uint64_t> offsets;    ///< of frames, by the offset table or the extended one
};

/// A view on the attributes of a data set or of one item of a sequence.
class DicomItem;

/// The attributes of a DICOM file, their places, and short values; no pixels.
class DicomScan {
 public:
  Syntax const& syntax() const { return *syntax_; }
  std::vector<DicomElement> const& elements() const { return elements_; }
  DicomPixels const& pixels() const { return pixels_; }
  std::vector<Note> const& notes() const { return notes_; }
  std::uint64_t dataset() const { return dataset_; }  ///< place behind the meta header

  DicomItem root() const;
  /// The bytes of a value. Throws Refusal{too-large} if it was too long to be kept; those of
  /// pixels and contours (3006,0050) never are: DicomFile::read has them.
  std::span<std::byte const> value(DicomElement const& element) const;

 private:
  friend class DicomScanner;
  Syntax const* syntax_ = nullptr;
  std::vector<DicomElement> elements_;
  std::vector<std::byte> values_;
  DicomPixels pixels_;
  std::vector<Note> notes_;
  std::uint64_t dataset_ = 0;
};

class DicomItem {
 public:
  DicomItem(DicomScan const& scan, std::uint32_t begin, std::uint32_t end)
      : scan_(&scan), begin_(begin), end_(end) {}

  /// Null if it is not there. Of one that stands twice, the first.
  DicomElement const* find(Tag tag) const;
  /// As DicomScan::value.
  std::span<std::byte const> value(DicomElement const& element) const {
    return scan_->value(element);
  }
  /// Without padding; empty if it is not there. In the file's own characters.
  std::string text(Tag tag) const;
  std::vector<std::string> texts(Tag tag) const;
  /// All values as numbers, written or binary; none if it is not there, empty, or one of them
  /// is no finite number.
  std::optional<std::vector<double>> numbers(Tag tag) const;
  /// The same; where the file does not say of which kind they are (implicit, UN), of this one.
  std::optional<std::vector<double>> numbers(Tag tag, Vr usual) const;
  std::optional<double> number(Tag tag) const;  ///< the first
  std::optional<std::int64_t> whole(Tag tag) const;
  DicomScan const& scan() const { return *scan_; }
  /// Where a maker's own attribute lies: in the block that its creator reserved (PS3.5 7.8.1).
  /// 7053, "Philips PET Private Group", 0x00 may be (7053,1000). None if nobody reserved one,
  /// or two did under one name.
  std::optional<Tag> owned(std::uint16_t group,
                           std::string_view creator,
                           std::uint8_t element) const;
  /// The items of a sequence; none if it is not there.
  std::vector<DicomItem> items(Tag tag) const;

 private:
  DicomScan const* scan_;
  std::uint32_t begin_;
  std::uint32_t end_;
};

/// Reads tags, kinds and lengths of a file and compares each length with the bytes that are
/// there; no recursion, no memory by declared lengths, nothing of the pixels. With or without
/// preamble and meta header; implicit, explicit, big endian, deflated; encapsulated pixels.
///
/// Notes    no-meta-header, no-transfer-syntax, other-syntax (written otherwise than it says),
///          odd-length, unordered, tag-twice, padding
/// Throws   Refusal: not-dicom, truncated, bad-vr, bad-length, bad-structure, too-deep,
///          too-many-elements, damaged (deflate), too-large
DicomScan scan_dicom(std::span<std::byte const> bytes, DicomLimits const& limits = {});
DicomScan scan_dicom(FileReader const& file, DicomLimits const& limits = {});

/// A file, or bytes that must outlive it, scanned; and its bytes.
class DicomFile {
 public:
  /// Throws as scan_dicom does, the name first.
  explicit DicomFile(fs::path const& file, DicomLimits const& limits = {});
  DicomFile(std::span<std::byte const> bytes, std::string name, DicomLimits const& limits = {});

  std::string const& name() const { return name_; }
  DicomScan const& scan() const { return scan_; }
  /// Bytes from `at`, as the scan counts them: of a deflated data set, inflated ones.
  void read(std::uint64_t at, std::span<std::byte> room) const;
  /// Which of the pixels' pieces are those of one of so many frames: the first, and the one
  /// behind the last. Known by there being as many, by the table of offsets, or by the marks
  /// that begin a JPEG, JPEG-LS or JPEG 2000 stream, if just so many pieces begin with one.
  /// Looked for once. Throws Refusal{short-pixels, damaged}.
  std::pair<std::size_t, std::size_t> frame_pieces(std::int64_t frames,
                                                   std::int64_t frame) const;

 private:
  std::string name_;
  std::optional<FileReader> file_;
  std::span<std::byte const> bytes_;
  DicomScan scan_;
  mutable std::mutex guard_;
  mutable std::vector<std::uint32_t> starts_;  // of the frames, once somebody asked
};

}  // namespace fovea
