#pragma once

#include "base/dicom/scan.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// A lookup table of a header (PS3.3 C.11.1.1.1): what stored values stand for. Values below
/// the first it knows and above the last take those at its ends.
struct LookupTable {
  std::int64_t first = 0;                ///< the value that the first entry is for
  std::vector<std::uint16_t> entries{};  ///< never empty
  int bits = 16;                         ///< of an entry: it is below 2^bits
  std::string type{};  ///< what the entries are, as written: "HU", "OD", "US"; often empty

  double at(double value) const {
    auto const place = value - static_cast<double>(first);
    auto const last = static_cast<double>(entries.size() - 1);
    return entries[place > 0 ? static_cast<std::size_t>(std::min(place, last)) : 0];
  }
};

/// The table in an item of a Modality or VOI LUT Sequence. `negative`: the values that are
/// looked up have a sign, and so has the descriptor's second number, whatever its kind says.
///
/// Descriptor  entries (0 stands for 65536), first value, bits of an entry (8 to 16)
/// Data        words (US, OW), or bytes: of kind OB, or two in each word, the lower one first
/// Throws      Refusal{bad-table}: descriptor or data missing, of impossible numbers, of
///             another length, or entries beyond their bits
LookupTable lookup_table(DicomItem const& item, bool negative);

/// The modality table of an image, if it has one. Throws Refusal{bad-table}; also of several.
std::optional<LookupTable> modality_table(DicomItem const& image);

}  // namespace fovea
