#include "base/dicom/lookup.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <array>

namespace fovea {
namespace {

[[noreturn]] void lookup_refuse(std::string const& words) {
  throw Refusal{"bad-table", words, "ask for the series from the program that made it"};
}

std::vector<std::uint16_t> lookup_words(std::span<std::byte const> bytes, bool big) {
  std::vector<std::uint16_t> out;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    auto const low = static_cast<unsigned>(bytes[big ? i + 1 : i]);
    auto const high = static_cast<unsigned>(bytes[big ? i : i + 1]);
    out.push_back(static_cast<std::uint16_t>(low | high << 8));
  }
  return out;
}

// Two entries in each word, the first one in its lower half.
std::vector<std::uint16_t> lookup_halves(std::vector<std::uint16_t> const& words) {
  std::vector<std::uint16_t> out;
  for (auto const word : words) {
    out.push_back(word & 255U);
    out.push_back(static_cast<std::uint16_t>(word >> 8));
  }
  return out;
}

std::array<std::uint16_t, 3> lookup_descriptor(DicomScan const& scan, DicomItem const& item) {
  auto const* const element = item.find(Tag::table_descriptor);
  if (element == nullptr || element->length != 6)
    lookup_refuse("expected three numbers that describe a table, got none");
  auto const words = lookup_words(scan.value(*element), element->big);
  return {words[0], words[1], words[2]};
}

std::vector<std::uint16_t> lookup_entries(DicomScan const& scan,
                                          DicomItem const& item,
                                          std::size_t count,
                                          int bits) {
  auto const* const element = item.find(Tag::table_data);
  if (element == nullptr || element->length == 0) lookup_refuse("expected a table, got none");
  auto const bytes = scan.value(*element);
  if (element->kind == vr("OB")) {
    std::vector<std::uint16_t> out;
    for (auto const byte : bytes) out.push_back(static_cast<std::uint16_t>(byte));
    if (bits > 8) lookup_refuse(text("expected entries of ", bits, " bits, got bytes"));
    return out;
  }
  auto words = lookup_words(bytes, element->big);
  return bits == 8 && words.size() < count ? lookup_halves(words) : words;
}

}  // namespace

LookupTable lookup_table(DicomItem const& item, bool negative) {
  auto const& scan = item.scan();
  auto const said = lookup_descriptor(scan, item);
  auto const count = said[0] == 0 ? std::size_t{65536} : said[0];
  if (said[2] < 8 || said[2] > 16)
    lookup_refuse(text("expected a table with entries of 8 to 16 bits, got ", said[2]));
  LookupTable out{.first = said[1], .bits = said[2], .type = item.text(Tag::table_type)};
  if (negative) out.first = static_cast<std::int16_t>(said[1]);
  out.entries = lookup_entries(scan, item, count, out.bits);
  // An odd number of bytes is filled up to an even one.
  if (out.bits == 8 && out.entries.size() == count + 1 && count % 2 != 0)
    out.entries.pop_back();
  if (out.entries.size() != count)
    lookup_refuse(text("expected a table of ", count, " entries, got ", out.entries.size()));
  auto const most = *std::ranges::max_element(out.entries);
  if (most >> out.bits != 0)
    lookup_refuse(text("expected a table with entries of ", out.bits, " bits, got ", most));
  return out;
}

std::optional<LookupTable> modality_table(DicomItem const& image) {
  auto const tables = image.items(Tag::modality_table);
  if (tables.empty()) return std::nullopt;
  if (tables.size() > 1)
    lookup_refuse(text("expected one modality table, got ", tables.size()));
  return lookup_table(tables.front(), image.whole(Tag::signedness) == 1);
}

}  // namespace fovea
