#include "base/dicom/tags.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace fovea {
namespace {

constexpr std::uint32_t tags_sequences[] = {
#include "base/dicom/sequences.inc"
};
static_assert(std::ranges::is_sorted(tags_sequences));

constexpr Vr tags_short[] = {vr("AE"), vr("AS"), vr("AT"), vr("CS"), vr("DA"), vr("DS"),
                             vr("DT"), vr("FD"), vr("FL"), vr("IS"), vr("LO"), vr("LT"),
                             vr("PN"), vr("SH"), vr("SL"), vr("SS"), vr("ST"), vr("TM"),
                             vr("UI"), vr("UL"), vr("US")};
constexpr Vr tags_long[] = {vr("OB"), vr("OD"), vr("OF"), vr("OL"), vr("OV"),
                            vr("OW"), vr("SQ"), vr("SV"), vr("UC"), vr("UN"),
                            vr("UR"), vr("UT"), vr("UV")};

enum class TagsKind : std::uint8_t { unknown, with_short_length, with_long_length };

// Two letters as a place in a table; one behind its end if they are none.
constexpr std::size_t tags_letters = 26;
constexpr std::size_t tags_place(Vr kind) {
  auto const first = static_cast<std::size_t>(static_cast<std::uint16_t>(kind) >> 8) - 'A';
  auto const second = static_cast<std::size_t>(static_cast<std::uint16_t>(kind) & 255U) - 'A';
  return first < tags_letters && second < tags_letters ? first * tags_letters + second
                                                       : tags_letters * tags_letters;
}
constexpr auto tags_kinds = [] {
  std::array<TagsKind, tags_letters * tags_letters + 1> out{};
  for (auto const kind : tags_short) out[tags_place(kind)] = TagsKind::with_short_length;
  for (auto const kind : tags_long) out[tags_place(kind)] = TagsKind::with_long_length;
  return out;
}();

TagsKind tags_kind(Vr kind) {
  return tags_kinds[tags_place(kind)];
}

struct TagsRow {
  Tag tag;
  Vr kind;
};
// Those whose values are binary: all other named ones are text.
constexpr TagsRow tags_binary[] = {{Tag::b_value, vr("FD")},
                                   {Tag::samples, vr("US")},
                                   {Tag::planar, vr("US")},
                                   {Tag::rows, vr("US")},
                                   {Tag::columns, vr("US")},
                                   {Tag::bits_allocated, vr("US")},
                                   {Tag::bits_stored, vr("US")},
                                   {Tag::high_bit, vr("US")},
                                   {Tag::signedness, vr("US")},
                                   {Tag::padding_value, vr("US")},
                                   {Tag::padding_limit, vr("US")},
                                   {Tag::time_point, vr("IS")},
                                   {Tag::palette_red, vr("US")},
                                   {Tag::palette_green, vr("US")},
                                   {Tag::palette_blue, vr("US")},
                                   {Tag::palette_red_data, vr("OW")},
                                   {Tag::palette_green_data, vr("OW")},
                                   {Tag::palette_blue_data, vr("OW")},
                                   {Tag::palette_red_segments, vr("OW")},
                                   {Tag::palette_green_segments, vr("OW")},
                                   {Tag::palette_blue_segments, vr("OW")},
                                   {Tag::table_descriptor, vr("US")},
                                   {Tag::table_data, vr("OW")},
                                   {Tag::pixels, vr("OW")},
                                   {Tag::float_pixels, vr("OF")},
                                   {Tag::double_pixels, vr("OD")}};

}  // namespace

std::string words_of(Tag tag) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "(";
  for (int shift = 28; shift >= 0; shift -= 4) {
    out += digits[number_of(tag) >> shift & 15];
    if (shift == 16) out += ',';
  }
  return out + ')';
}

bool is_long(Vr kind) {
  return tags_kind(kind) == TagsKind::with_long_length;
}

bool is_known(Vr kind) {
  return tags_kind(kind) != TagsKind::unknown;
}

bool is_sequence(Tag tag) {
  return std::ranges::binary_search(tags_sequences, number_of(tag));
}

Vr usual_vr(Tag tag) {
  if (is_sequence(tag)) return vr("SQ");
  auto const row = std::ranges::find(tags_binary, tag, &TagsRow::tag);
  return row == std::end(tags_binary) ? Vr::none : row->kind;
}

}  // namespace fovea
