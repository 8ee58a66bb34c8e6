#include "base/dicom/tags.hpp"

#include <array>

namespace fovea {
namespace {

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

}  // namespace fovea
