#pragma once

#include "base/dicom/scan.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// How the text of a data set is written: what SpecificCharacterSet (0008,0005) says, PS3.3
/// C.12.1.1.2 and PS3.5 6.1.2. ISO 646 unless it says more.
class Charset {
 public:
  /// Where no single set is active, the one whole-text encoding that is.
  enum class Whole : std::uint8_t { none, utf8, gb18030, gbk };

  Charset() = default;
  /// Its defined terms, in their order; odd spellings ("ISO-IR 100") are understood. Of a term
  /// that nobody knows, a note.
  explicit Charset(std::vector<std::string> const& terms);

  Whole whole() const { return whole_; }
  std::size_t left() const { return left_; }    ///< the set of bytes below 80, at first
  std::size_t right() const { return right_; }  ///< and above
  bool declares(std::size_t set) const { return declared_ >> set & 1U; }
  std::vector<Note> const& notes() const { return notes_; }  ///< unknown-charset

 private:
  Whole whole_ = Whole::none;
  std::size_t left_ = 0, right_ = 0;
  std::uint32_t declared_ = 1;
  std::vector<Note> notes_;
};

/// Of a data set or an item; one that does not say has that of what is around it.
Charset charset_of(DicomItem const& item, Charset const& around = {});

struct DicomText {
  std::vector<std::string> values;  ///< UTF-8, always valid, without padding
  std::vector<Note> notes;  ///< bad-text, undeclared-charset, no-converter: at most one of each
};

/// The bytes of a value of text as UTF-8. Values are parted at backslashes unless its kind has
/// one only (ST, LT, UT); escape sequences (ISO 2022) hold until the next one, a delimiter, or
/// a control character. A byte that is no character becomes U+FFFD and a note; nothing is left
/// out.
DicomText decoded(std::string_view bytes, Vr kind, Charset const& charset);

/// An attribute's text as UTF-8; no values if it is not there. Throws as DicomScan::value.
DicomText text_of(DicomItem const& item, Tag tag, Charset const& charset);

/// True if text of this kind is written in SpecificCharacterSet; all other is ISO 646.
bool has_charset(Vr kind);

}  // namespace fovea
