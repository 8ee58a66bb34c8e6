#include "app/names.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/dicom/charset.hpp"

#include <algorithm>
#include <cstdint>

namespace fovea {
namespace {

struct NameRow {
  char letter;
  std::uint32_t tag;  // 0: not one attribute
};
constexpr NameRow name_rows[] = {
    {'a', 0x00181250}, {'b', 0},          {'c', 0x00204000}, {'d', 0x0008103e},
    {'e', 0x00180086}, {'f', 0},          {'g', 0x00080050}, {'i', 0x00100020},
    {'j', 0x0020000e}, {'k', 0x0020000d}, {'m', 0x00080070}, {'n', 0x00100010},
    {'p', 0x00181030}, {'r', 0x00200013}, {'s', 0x00200011}, {'t', 0},
    {'u', 0x00200012}, {'v', 0},          {'x', 0x00200010}, {'z', 0x00180024}};

// Where a character of UTF-8 ends; where it is none, behind its first byte.
std::size_t name_next(std::string_view words, std::size_t at) {
  auto end = at + 1;
  while (end < words.size() && (static_cast<unsigned char>(words[end]) & 0xc0) == 0x80) ++end;
  return end;
}

char32_t name_code(std::string_view one) {
  auto const first = static_cast<unsigned char>(one[0]);
  if (one.size() == 1) return first;
  char32_t code = first & (0xffU >> (one.size() + 1));
  for (auto const byte : one.substr(1))
    code = code << 6 | (static_cast<unsigned char>(byte) & 0x3fU);
  return code;
}

bool name_digit(char c) {
  return c >= '0' && c <= '9';
}

// Letters of any script, but nothing that cannot be seen or turns the direction of reading.
bool name_letter(char32_t code) {
  if (code < 0x80)
    return name_digit(static_cast<char>(code)) || (code >= 'a' && code <= 'z') ||
           (code >= 'A' && code <= 'Z') || code == '-' || code == '+';
  constexpr std::pair<char32_t, char32_t> never[] = {
      {0x80, 0xbf},     {0x2000, 0x206f}, {0x3000, 0x3000}, {0xd800, 0xf8ff},
      {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0x10ffff}};
  return std::ranges::none_of(
      never, [&](auto const& range) { return code >= range.first && code <= range.second; });
}

std::string name_shortened(std::string words, std::size_t most) {
  if (words.size() <= most) return words;
  while (most > 0 && (static_cast<unsigned char>(words[most]) & 0xc0) == 0x80) --most;
  words.resize(most);
  return words;
}

std::string name_maker(std::string const& maker) {
  constexpr std::pair<std::string_view, std::string_view> rows[] = {
      {"siemens", "SI"}, {"ge ", "GE"},    {"gems", "GE"},   {"philips", "PH"},
      {"toshiba", "TO"}, {"canon", "CA"},  {"bruker", "BR"}, {"hitachi", "HI"},
      {"uih", "UI"},     {"united", "UI"}, {"mediso", "ME"}};
  auto const words = lower(maker) + ' ';
  for (auto const& [begins, letters] : rows) {
    if (words.starts_with(begins)) return std::string{letters};
  }
  return "NA";
}

// What the letter stands for, as the header has it.
std::string name_value(char letter, FoundVolume const& volume, DicomItem const* item) {
  auto const file =
      volume.dicom != nullptr ? volume.dicom->slices.front().file() : volume.source;
  if (letter == 'b') return file.stem().string();
  if (letter == 'f') return file.parent_path().filename().string();
  if (item == nullptr) return {};
  if (letter == 't')
    return item->text(Tag{0x00080020}) + item->text(Tag{0x00080030}).substr(0, 6);
  if (letter == 'v') return name_maker(item->text(Tag{0x00080070}));
  auto const row = std::ranges::find(name_rows, letter, &NameRow::letter);
  return joined(text_of(*item, Tag{row->tag}, charset_of(*item)).values, "_");
}

std::string name_letters() {
  std::string out;
  for (auto const& row : name_rows) out += text(out.empty() ? "%" : " %", row.letter);
  return out;
}

}  // namespace

std::string safe_in_a_name(std::string_view value) {
  constexpr std::size_t most = 64;
  auto const whole = utf8(value);
  std::string_view const words{whole};
  std::string out;
  for (std::size_t at = 0; at < words.size();) {
    auto const end = name_next(words, at);
    auto const one = words.substr(at, end - at);
    auto const point = one == "." && at > 0 && end < words.size() &&
                       name_digit(words[at - 1]) && name_digit(words[end]);
    if (point || name_letter(name_code(one)))
      out += one;
    else if (!out.empty() && out.back() != '_')
      out += '_';
    at = end;
  }
  out = name_shortened(std::move(out), most);
  while (!out.empty() && (out.back() == '_' || out.back() == '.')) out.pop_back();
  return out;
}

NamePattern::NamePattern(std::string pattern) : pattern_(std::move(pattern)) {
  for (std::size_t at = 0; at < pattern_.size(); ++at) {
    auto const c = pattern_[at];
    if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20)
      throw Error{Fault::usage, "expected --names without folders and control characters",
                  "for example --names %s_%p"};
    if (c != '%') continue;
    ++at;
    auto const letter = at < pattern_.size() ? pattern_[at] : ' ';
    if (letter != '%' &&
        std::ranges::find(name_rows, letter, &NameRow::letter) == std::end(name_rows))
      throw Error{Fault::usage, text("--names knows no %", letter),
                  text("there are: ", name_letters())};
  }
}

std::string NamePattern::name_of(FoundVolume const& volume) {
  std::optional<DicomFile> file;
  std::optional<DicomItem> item;
  if (volume.dicom != nullptr) {
    file.emplace(volume.dicom->slices.front().file());
    item = file->scan().root();
  }
  std::string name;
  for (std::size_t at = 0; at < pattern_.size(); ++at) {
    if (pattern_[at] != '%' || pattern_[at + 1] == '%') {
      at += pattern_[at] == '%' ? 1 : 0;
      name += pattern_[at];
      continue;
    }
    name += safe_in_a_name(name_value(pattern_[++at], volume, item ? &*item : nullptr));
  }
  constexpr std::size_t most = 200;
  name = name_shortened(std::move(name), most);
  // A file that begins so is hidden, or taken for a flag.
  while (!name.empty() && (name.front() == '.' || name.front() == '-')) name.erase(0, 1);
  if (name.empty()) name = "volume";
  auto out = name;
  for (int more = 2; !taken_.insert(lower(out)).second; ++more) out = text(name, '-', more);
  return out;
}

}  // namespace fovea
