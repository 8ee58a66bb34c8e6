#include "base/dicom/tags.hpp"

#include <algorithm>
#include <array>
#include <iterator>

// The standard's attributes: numbers, kinds and keywords apart, so that no pointer is kept.
namespace fovea {
namespace {

#define FOVEA_ROW(tag, kind, keyword) tag,
constexpr std::uint32_t dictionary_tags[] = {
#include "base/dicom/dictionary.inc"
};
#undef FOVEA_ROW
static_assert(std::ranges::is_sorted(dictionary_tags));
constexpr auto dictionary_size = std::size(dictionary_tags);

#define FOVEA_ROW(tag, kind, keyword) vr(#kind),
constexpr Vr dictionary_kinds[] = {
#include "base/dicom/dictionary.inc"
};
#undef FOVEA_ROW

#define FOVEA_ROW(tag, kind, keyword) #keyword
constexpr std::string_view dictionary_keywords =
#include "base/dicom/dictionary.inc"
    ;
#undef FOVEA_ROW

// Where each keyword begins; and the end.
#define FOVEA_ROW(tag, kind, keyword) sizeof(#keyword) - 1,
constexpr auto dictionary_places = [] {
  constexpr std::uint8_t lengths[] = {
#include "base/dicom/dictionary.inc"
  };
  std::array<std::uint32_t, dictionary_size + 1> out{};
  for (std::size_t i = 0; i < dictionary_size; ++i) out[i + 1] = out[i] + lengths[i];
  return out;
}();
#undef FOVEA_ROW
static_assert(dictionary_places.back() == dictionary_keywords.size());

// Overlays and curves have a group each, up to 16 of them.
std::uint32_t dictionary_number(Tag tag) {
  auto const group = group_of(tag) & 0xff00;
  auto const repeats = (group == 0x5000 || group == 0x6000) && (group_of(tag) & 0xe1) == 0;
  return repeats ? number_of(tag) & 0xff00ffff : number_of(tag);
}

std::size_t dictionary_row(Tag tag) {
  auto const number = dictionary_number(tag);
  auto const* const at = std::ranges::lower_bound(dictionary_tags, number);
  return at == std::end(dictionary_tags) || *at != number
             ? dictionary_size
             : static_cast<std::size_t>(at - dictionary_tags);
}

bool dictionary_is_private(Tag tag) {
  return group_of(tag) % 2 != 0 && group_of(tag) > 8;
}

}  // namespace

std::string_view keyword_of(Tag tag) {
  auto const element = number_of(tag) & 0xffff;
  if (dictionary_is_private(tag))
    return element >= 0x10 && element <= 0xff ? std::string_view{"PrivateCreator"} : "";
  auto const row = dictionary_row(tag);
  if (row == dictionary_size) return element == 0 ? "GroupLength" : "";
  return dictionary_keywords.substr(dictionary_places[row],
                                    dictionary_places[row + 1] - dictionary_places[row]);
}

Vr usual_vr(Tag tag) {
  auto const element = number_of(tag) & 0xffff;
  if (dictionary_is_private(tag))
    return element >= 0x10 && element <= 0xff ? vr("LO") : Vr::none;
  auto const row = dictionary_row(tag);
  if (row == dictionary_size) return element == 0 ? vr("UL") : Vr::none;
  return dictionary_kinds[row];
}

}  // namespace fovea
