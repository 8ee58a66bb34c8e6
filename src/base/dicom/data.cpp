#include "base/dicom/data.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/dicom/uid.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <optional>

namespace fovea {
namespace {

constexpr std::size_t data_decimal = 16;  // characters of a DS

/// What PS3.5 table 6.2-1 asks of a kind of text.
struct DataText {
  Vr kind;
  std::size_t most = 0;        // characters of one value
  std::string_view only = {};  // of these; else all
  bool one = false;            // a backslash is a letter; and lines may end
};
constexpr std::string_view data_capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _";
constexpr std::string_view data_digits = "0123456789";
constexpr std::string_view data_times = "0123456789.+-";
constexpr DataText data_texts[] = {
    {vr("AE"), 16},
    {vr("AS"), 4, "0123456789DWMY"},
    {vr("CS"), 16, data_capitals},
    {vr("DA"), 8, data_digits},
    {vr("DS"), data_decimal, "0123456789.+-eE"},
    {vr("DT"), 26, data_times},
    {vr("IS"), 12, "0123456789+-"},
    {vr("LO"), 64},
    {vr("LT"), 10240, {}, true},
    {vr("PN"), 64},
    {vr("SH"), 16},
    {vr("ST"), 1024, {}, true},
    {vr("TM"), 14, data_times},
    {vr("UC"), std::numeric_limits<std::size_t>::max()},
    {vr("UI"), 64, "0123456789."},
    {vr("UR"), std::numeric_limits<std::size_t>::max(), {}, true},
    {vr("UT"), std::numeric_limits<std::size_t>::max(), {}, true}};

std::string data_kind(Vr kind) {
  auto const both = static_cast<std::uint16_t>(kind);
  return {static_cast<char>(both >> 8), static_cast<char>(both & 255)};
}

[[noreturn]] void data_no(Attribute which, std::string const& problem) {
  throw Error{Fault::input,
              text(words_of(which.tag), " ", data_kind(which.kind), ": ", problem),
              "shorten or correct the text"};
}

[[noreturn]] void data_other_kind(Attribute which) {
  throw Error{Fault::bug,
              text(words_of(which.tag), " of kind ", data_kind(which.kind),
                   " was given a value of another kind"),
              "report this"};
}

// The characters of UTF-8; none if it is none.
std::optional<std::size_t> data_characters(std::string_view words) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < words.size(); ++out) {
    auto const first = static_cast<unsigned char>(words[at]);
    auto const more = first < 0x80 ? 0U : first >= 0xf0 ? 3U : first >= 0xe0 ? 2U : 1U;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || at + more >= words.size())
      return std::nullopt;
    std::uint32_t point = more == 0 ? first : first & (0x3fU >> more);
    for (std::size_t i = 1; i <= more; ++i) {
      auto const next = static_cast<unsigned char>(words[at + i]);
      if ((next & 0xc0U) != 0x80) return std::nullopt;
      point = point << 6 | (next & 0x3fU);
    }
    constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
      return std::nullopt;
    at += more + 1;
  }
  return out;
}

void data_check_text(Attribute which, DataText const& rule, std::string_view words) {
  auto const count = data_characters(words);
  if (!count) data_no(which, "expected UTF-8");
  for (auto const letter : words) {
    auto const control = static_cast<unsigned char>(letter) < 32 || letter == 127;
    auto const line = letter == '\n' || letter == '\r' || letter == '\t' || letter == '\f';
    if (control && !(rule.one && line)) data_no(which, "control characters cannot be written");
    if (letter == '\\' && !rule.one)
      data_no(which, "a backslash would part it into two values");
    if (!rule.only.empty() && rule.only.find(letter) == std::string_view::npos)
      data_no(which, text("expected characters of '", rule.only, "', got '", words, "'"));
  }
  if (rule.kind == vr("PN")) {
    auto const groups = split(words, '=');
    if (groups.size() > 3) data_no(which, "expected at most three groups of a name");
    for (auto const& group : groups) {
      if (data_characters(group).value_or(0) > rule.most)
        data_no(which, "expected at most 64 characters of a name");
    }
  } else if (*count > rule.most) {
    data_no(which, text("expected at most ", rule.most, " characters, got ", *count));
  }
  if (rule.kind == vr("UI") && !words.empty() && !valid_uid(words))
    data_no(which, text("expected a UID, got '", words, "'"));
}

Bytes data_padded(std::string_view words, Vr kind) {
  auto const all = std::as_bytes(std::span{words});
  Bytes out{all.begin(), all.end()};
  if (out.size() % 2 != 0) out.push_back(kind == vr("UI") ? std::byte{0} : std::byte{' '});
  return out;
}

template <class Number>
void data_little(Bytes& out, Number value) {
  std::array<std::byte, sizeof(Number)> raw{};
  std::memcpy(raw.data(), &value, sizeof(Number));  // this program runs on x86-64 only
  out.insert(out.end(), raw.begin(), raw.end());
}

struct DataWhole {
  Vr kind;
  int bytes;
  std::int64_t least, most;
};
constexpr DataWhole data_wholes[] = {{vr("US"), 2, 0, 0xffff},
                                     {vr("SS"), 2, -0x8000, 0x7fff},
                                     {vr("UL"), 4, 0, 0xffffffff},
                                     {vr("SL"), 4, -0x80000000LL, 0x7fffffff},
                                     {vr("IS"), 0, -0x80000000LL, 0x7fffffff},
                                     {vr("UV"), 8, 0, std::numeric_limits<std::int64_t>::max()},
                                     {vr("SV"), 8, std::numeric_limits<std::int64_t>::min(),
                                      std::numeric_limits<std::int64_t>::max()}};

bool data_is_bytes(Vr kind) {
  constexpr Vr some[] = {vr("OB"), vr("OW"), vr("OF"), vr("OD"), vr("OL"), vr("OV"), vr("UN")};
  return std::ranges::find(some, kind) != std::end(some);
}

bool data_is_binary(Vr kind) {
  auto const whole_row = std::ranges::find(data_wholes, kind, &DataWhole::kind);
  return data_is_bytes(kind) || kind == vr("FL") || kind == vr("FD") || kind == vr("AT") ||
         (whole_row != std::end(data_wholes) && whole_row->bytes > 0);
}

std::string data_spelled(double value, std::chars_format how, int digits) {
  std::array<char, 512> room{};
  auto const end = std::to_chars(room.data(), room.data() + room.size(), value, how, digits);
  std::string out{room.data(), end.ptr};
  // "1.5e-07" says no more than "1.5e-7".
  auto const e = out.find('e');
  if (e != std::string::npos) {
    auto from = e + 2;
    while (from + 1 < out.size() && out[from] == '0') out.erase(from, 1);
    if (out[e + 1] == '+') out.erase(e + 1, 1);
  }
  return out;
}

}  // namespace

std::string decimal_string(double value) {
  if (!std::isfinite(value))
    throw Error{Fault::input, "a number that is not finite cannot be written",
                "check what it was computed from"};
  if (value == 0) return "0";
  if (auto const shortest = spelled(value); shortest.size() <= data_decimal) return shortest;
  // Plain digits keep one more than an exponent does, where the point stands near.
  std::string best;
  auto off = std::numeric_limits<double>::infinity();
  for (auto const how : {std::chars_format::fixed, std::chars_format::scientific}) {
    for (int digits = 15; digits >= 0; --digits) {
      auto const words = data_spelled(value, how, digits);
      if (words.size() > data_decimal) continue;
      auto const away = std::abs(number(words).value_or(0) - value);
      if (away < off) {
        best = words;
        off = away;
      }
      break;
    }
  }
  return best;
}

DicomData& DicomData::put(Attribute which, Bytes bytes) {
  if (group_of(which.tag) <= 2 || group_of(which.tag) == 0xfffe || !is_known(which.kind))
    data_other_kind(which);
  elements_[which.tag] = Element{.kind = which.kind, .bytes = std::move(bytes)};
  return *this;
}

DicomData& DicomData::set(Attribute which) {
  return put(which, {});
}

DicomData& DicomData::set(Attribute which, std::string_view words) {
  auto const rule = std::ranges::find(data_texts, which.kind, &DataText::kind);
  if (rule == std::end(data_texts)) data_other_kind(which);
  data_check_text(which, *rule, words);
  return put(which, data_padded(words, which.kind));
}

DicomData& DicomData::set(Attribute which, std::span<std::string const> words) {
  auto const rule = std::ranges::find(data_texts, which.kind, &DataText::kind);
  if (rule == std::end(data_texts) || (rule->one && words.size() > 1)) data_other_kind(which);
  for (auto const& one : words) data_check_text(which, *rule, one);
  return put(which, data_padded(joined(words, "\\"), which.kind));
}

DicomData& DicomData::set(Attribute which, std::span<double const> values) {
  Bytes out;
  std::vector<std::string> words;
  for (auto const value : values) {
    if (!std::isfinite(value)) data_no(which, "expected a finite number");
    if (which.kind == vr("DS")) {
      words.push_back(decimal_string(value));
    } else if (which.kind == vr("FD")) {
      data_little(out, value);
    } else if (which.kind == vr("FL")) {
      if (std::abs(value) > static_cast<double>(std::numeric_limits<float>::max()))
        data_no(which, fovea::text("expected a number that a float holds, got ", value));
      data_little(out, static_cast<float>(value));
    } else {
      data_other_kind(which);
    }
  }
  if (which.kind == vr("DS")) out = data_padded(joined(words, "\\"), which.kind);
  return put(which, std::move(out));
}

DicomData& DicomData::set(Attribute which, std::span<std::int64_t const> values) {
  if (which.kind == vr("DS") || which.kind == vr("FL") || which.kind == vr("FD")) {
    std::vector<double> const doubles{values.begin(), values.end()};
    return set(which, std::span<double const>{doubles});
  }
  auto const row = std::ranges::find(data_wholes, which.kind, &DataWhole::kind);
  if (row == std::end(data_wholes)) data_other_kind(which);
  Bytes out;
  std::vector<std::string> words;
  for (auto const value : values) {
    if (value < row->least || value > row->most)
      data_no(which, fovea::text("expected a number from ", row->least, " to ", row->most,
                                 ", got ", value));
    words.push_back(fovea::text(value));
    for (int i = 0; i < row->bytes; ++i) out.push_back(static_cast<std::byte>(value >> 8 * i));
  }
  if (row->bytes == 0) out = data_padded(joined(words, "\\"), which.kind);
  return put(which, std::move(out));
}

DicomData& DicomData::set(Attribute which, Tag pointed_at) {
  if (which.kind != vr("AT")) data_other_kind(which);
  Bytes out;
  data_little(out, group_of(pointed_at));
  data_little(out, static_cast<std::uint16_t>(number_of(pointed_at) & 0xffff));
  return put(which, std::move(out));
}

DicomData& DicomData::set(Attribute which, Bytes bytes) {
  if (!data_is_bytes(which.kind)) data_other_kind(which);
  if (bytes.size() % 2 != 0) bytes.push_back(std::byte{0});
  return put(which, std::move(bytes));
}

DicomData& DicomData::set(Attribute which, std::vector<DicomData> items) {
  if (which.kind != vr("SQ")) data_other_kind(which);
  put(which, {});
  elements_[which.tag].items = std::move(items);
  return *this;
}

DicomData& DicomData::set(Attribute which, DicomData item) {
  std::vector<DicomData> one;
  one.push_back(std::move(item));
  return set(which, std::move(one));
}

DicomData& DicomData::copy(Attribute which, std::string_view words) {
  if (data_is_binary(which.kind) || which.kind == vr("SQ")) data_other_kind(which);
  if (!data_characters(words)) data_no(which, "expected UTF-8");
  return put(which, data_padded(words, which.kind));
}

DicomData& DicomData::merge(DicomData const& other) {
  for (auto const& [tag, element] : other.elements_) elements_[tag] = element;
  return *this;
}

DicomData::Element const* DicomData::find(Attribute which) const {
  auto const at = elements_.find(which.tag);
  return at == elements_.end() ? nullptr : &at->second;
}

std::string DicomData::text(Attribute which) const {
  auto const* const element = find(which);
  if (element == nullptr) return {};
  std::string_view const all{reinterpret_cast<char const*>(element->bytes.data()),
                             element->bytes.size()};
  auto const end = all.find_last_not_of(std::string_view{" \0", 2});
  return end == std::string_view::npos ? std::string{} : std::string{all.substr(0, end + 1)};
}

}  // namespace fovea
