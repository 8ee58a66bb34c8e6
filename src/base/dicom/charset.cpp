#include "base/dicom/charset.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <iconv.h>
#include <iterator>

namespace fovea {
namespace {

constexpr std::size_t charset_half = 96;  // bytes a0 to ff
constexpr char16_t charset_right_halves[][charset_half] = {
#include "base/dicom/charset_tables.inc"
};

// Those of libc that have several bytes a character, as they lie in EUC.
enum class CharsetConverter : std::uint8_t { japanese, korean, chinese, gb18030, gbk, count };

struct CharsetSet {
  std::string_view number;  // of ISO's register, as in "ISO_IR 100"
  std::string_view escape;  // behind ESC
  bool right = false;       // bytes above 7f
  bool pairs = false;
  int table = -1;  // of the right half of a single-byte set
  CharsetConverter converter{};
};
// The first is what holds where nothing is said; it has nothing above 7f.
constexpr CharsetSet charset_sets[] = {
    {.number = "6", .escape = "(B"},
    {.number = "14", .escape = "(J"},
    {.number = "13", .escape = ")I", .right = true},
    {.number = "100", .escape = "-A", .right = true, .table = 0},
    {.number = "101", .escape = "-B", .right = true, .table = 1},
    {.number = "109", .escape = "-C", .right = true, .table = 2},
    {.number = "110", .escape = "-D", .right = true, .table = 3},
    {.number = "144", .escape = "-L", .right = true, .table = 4},
    {.number = "127", .escape = "-G", .right = true, .table = 5},
    {.number = "126", .escape = "-F", .right = true, .table = 6},
    {.number = "138", .escape = "-H", .right = true, .table = 7},
    {.number = "148", .escape = "-M", .right = true, .table = 8},
    {.number = "203", .escape = "-b", .right = true, .table = 9},
    {.number = "166", .escape = "-T", .right = true, .table = 10},
    {.number = "87", .escape = "$B", .pairs = true},
    {.number = "159", .escape = "$(D", .pairs = true},
    {.number = "149",
     .escape = "$)C",
     .right = true,
     .pairs = true,
     .converter = CharsetConverter::korean},
    {.number = "58",
     .escape = "$)A",
     .right = true,
     .pairs = true,
     .converter = CharsetConverter::chinese}};
constexpr std::size_t charset_romaji = 1, charset_katakana = 2;

constexpr char charset_escape = '\x1b';
constexpr std::string_view charset_wrong = "\xef\xbf\xbd";  // U+FFFD

void charset_put(std::string& out, char32_t point) {
  auto const tail = [&](int shift) {
    out += static_cast<char>(0x80 | (point >> shift & 0x3f));
  };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    tail(0);
  } else {
    out += static_cast<char>(0xe0 | point >> 12);
    tail(6);
    tail(0);
  }
}

// One of libc's converters, one character at a time. Only encodings without states.
class CharsetIconv {
 public:
  explicit CharsetIconv(char const* name) : handle_(iconv_open("UTF-8", name)) {}
  CharsetIconv(CharsetIconv const&) = delete;
  CharsetIconv& operator=(CharsetIconv const&) = delete;
  ~CharsetIconv() {
    if (is_there()) iconv_close(handle_);
  }
  bool is_there() const { return reinterpret_cast<std::intptr_t>(handle_) != -1; }

  // Appends the character; false if it is none.
  bool convert(std::string_view bytes, std::string& out) {
    std::array<char, 8> in{};
    std::array<char, 16> room{};
    std::ranges::copy(bytes, in.begin());
    auto* from = in.data();
    auto* to = room.data();
    auto left = bytes.size();
    auto free = room.size();
    iconv(handle_, nullptr, nullptr, nullptr, nullptr);
    if (iconv(handle_, &from, &left, &to, &free) == static_cast<std::size_t>(-1) || left != 0 ||
        to == room.data())
      return false;
    out.append(room.data(), to);
    return true;
  }

 private:
  iconv_t handle_;
};

CharsetIconv& charset_iconv(CharsetConverter which) {
  thread_local std::array<CharsetIconv, static_cast<std::size_t>(CharsetConverter::count)> all{
      CharsetIconv{"EUC-JP"}, CharsetIconv{"EUC-KR"}, CharsetIconv{"EUC-CN"},
      CharsetIconv{"GB18030"}, CharsetIconv{"GBK"}};
  return all[static_cast<std::size_t>(which)];
}

// --- one value
// ---------------------------------------------------------------------------------

class CharsetDecoder {
 public:
  CharsetDecoder(std::string_view bytes, Vr kind, Charset const& charset)
      : in_(bytes),
        charset_(charset),
        one_value_(kind == vr("ST") || kind == vr("LT") || kind == vr("UT")),
        name_(kind == vr("PN")) {}

  DicomText run() {
    reset();
    while (at_ < in_.size()) step();
    finish();
    if (wrong_ > 0)
      out_.notes.push_back(
          {"bad-text", text(wrong_, wrong_ == 1 ? " byte that is" : " bytes that are",
                            " no character of its character set")});
    if (undeclared_)
      out_.notes.push_back(
          {"undeclared-charset",
           "an escape sequence leads to a character set that is not declared"});
    if (missing_)
      out_.notes.push_back({"no-converter",
                            "this system's C library has no table for its character set (on "
                            "Debian: libc-gconv-modules-extra)"});
    return std::move(out_);
  }

 private:
  unsigned char byte(std::size_t ahead) const {
    return at_ + ahead < in_.size() ? static_cast<unsigned char>(in_[at_ + ahead]) : 0;
  }
  void reset() {
    left_ = charset_.left();
    right_ = charset_.right();
  }
  void wrong(std::size_t bytes = 1) {
    value_ += charset_wrong;
    wrong_ += bytes;
    at_ += bytes;
  }
  void take(std::size_t bytes) {
    value_ += in_.substr(at_, bytes);
    at_ += bytes;
  }
  void finish() {
    constexpr std::string_view padding{" \0", 2};
    auto const to = value_.find_last_not_of(padding);
    value_.resize(to == std::string::npos ? 0 : to + 1);
    // Blanks in front are the text's own only where it may have lines.
    if (!one_value_)
      value_.erase(0, std::min(value_.find_first_not_of(padding), value_.size()));
    out_.values.push_back(std::move(value_));
    value_.clear();
  }

  void step() {
    auto const b = byte(0);
    if (charset_.whole() == Charset::Whole::none && b == charset_escape) return escape();
    if (b < 0x20) {
      reset();
      return take(1);
    }
    if (charset_.whole() != Charset::Whole::none && b >= 0x80) return whole();
    if (b >= 0x80) return above();
    if (b > 0x20 && charset_sets[left_].pairs) return pair(left_);
    below(b);
  }

  void below(unsigned char b) {
    if (b == '\\' && !one_value_) {
      reset();
      finish();
      ++at_;
      return;
    }
    if (name_ && (b == '^' || b == '=')) reset();
    if (left_ == charset_romaji && (b == '\\' || b == '~')) {
      charset_put(value_, b == '~' ? 0x203e : 0xa5);
      ++at_;
      return;
    }
    take(1);
  }

  void above() {
    auto const b = byte(0);
    auto const& set = charset_sets[right_];
    if (set.pairs) return pair(right_);
    char32_t point = 0;
    if (right_ == charset_katakana && b >= 0xa1 && b <= 0xdf) point = 0xff61U + b - 0xa1U;
    if (set.table >= 0 && b >= 0xa0) point = charset_right_halves[set.table][b - 0xa0];
    if (point == 0) return wrong();
    charset_put(value_, point);
    ++at_;
  }

  // Two bytes of one half are a character.
  void pair(std::size_t which) {
    auto const& set = charset_sets[which];
    auto const high = set.right ? 0x80 : 0;
    auto const good = [&](unsigned char b) { return b >= high + 0x21 && b <= high + 0x7e; };
    if (!good(byte(0)) || !good(byte(1))) return wrong();
    std::string packed;
    if (set.number == "159") packed += '\x8f';
    for (std::size_t i = 0; i < 2; ++i) packed += static_cast<char>(byte(i) | 0x80);
    convert(set.converter, packed, 2);
  }

  void convert(CharsetConverter which, std::string_view packed, std::size_t taken) {
    auto& converter = charset_iconv(which);
    if (!converter.is_there()) {
      missing_ = true;
      value_ += charset_wrong;
      at_ += taken;
    } else if (converter.convert(packed, value_)) {
      at_ += taken;
    } else {
      wrong(charset_.whole() == Charset::Whole::none ? taken : 1);
    }
  }

  void escape() {
    auto const rest = in_.substr(at_ + 1);
    auto const* const set = std::ranges::find_if(
        charset_sets, [&](CharsetSet const& row) { return rest.starts_with(row.escape); });
    if (set == std::end(charset_sets)) return wrong();
    auto const which = static_cast<std::size_t>(set - charset_sets);
    (set->right ? right_ : left_) = which;
    if (!charset_.declares(which)) undeclared_ = true;
    at_ += 1 + set->escape.size();
  }

  // A character that begins above 7f in UTF-8, GB18030 or GBK.
  void whole() {
    if (charset_.whole() == Charset::Whole::utf8) return utf8();
    auto const b = byte(1);
    auto const four = charset_.whole() == Charset::Whole::gb18030 && b >= 0x30 && b <= 0x39;
    std::size_t const length = four ? 4 : 2;
    if (in_.size() - at_ < length) return wrong();
    convert(charset_.whole() == Charset::Whole::gbk ? CharsetConverter::gbk
                                                    : CharsetConverter::gb18030,
            in_.substr(at_, length), length);
  }

  // Shortest forms only, no halves of surrogates, nothing above 10ffff: Unicode's table 3-7.
  void utf8() {
    struct Row {
      unsigned char from, to, low, high;
      std::size_t length;
    };
    static constexpr Row rows[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                                   {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                                   {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                                   {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    auto const b = byte(0);
    auto const* const row = std::ranges::find_if(
        rows, [&](Row const& one) { return b >= one.from && b <= one.to; });
    if (row == std::end(rows) || byte(1) < row->low || byte(1) > row->high) return wrong();
    for (std::size_t i = 2; i < row->length; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xbf) return wrong(i);
    }
    take(row->length);
  }

  std::string_view in_;
  Charset const& charset_;
  bool one_value_, name_;
  std::size_t at_ = 0, left_ = 0, right_ = 0, wrong_ = 0;
  bool undeclared_ = false, missing_ = false;
  std::string value_;
  DicomText out_;
};

// "ISO 2022 IR 100" and "ISO_IR 100" are the set "100"; so are "ISO-IR 100" and "ISO2022IR100".
std::string_view charset_number(std::string_view letters) {
  for (auto const start : {std::string_view{"ISO2022IR"}, std::string_view{"ISOIR"}}) {
    if (letters.starts_with(start)) return letters.substr(start.size());
  }
  return "";
}

Charset::Whole charset_whole(std::string_view letters) {
  if (letters == "GB18030") return Charset::Whole::gb18030;
  if (letters == "GBK" || letters == "ISO2022GBK") return Charset::Whole::gbk;
  return charset_number(letters) == "192" || letters == "UTF8" ? Charset::Whole::utf8
                                                               : Charset::Whole::none;
}

}  // namespace

Charset::Charset(std::vector<std::string> const& terms) {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    std::string letters;
    for (auto const c : terms[i]) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0)
        letters += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    if (letters.empty()) continue;
    auto const whole = charset_whole(letters);
    auto const number = charset_number(letters);
    auto const* const set = std::ranges::find(charset_sets, number, &CharsetSet::number);
    if (whole != Whole::none) {
      if (i == 0) whole_ = whole;
    } else if (number.empty() || set == std::end(charset_sets)) {
      notes_.push_back({"unknown-charset",
                        text("there is no character set '", printable(terms[i], {}), "'")});
    } else {
      auto const which = static_cast<std::size_t>(set - charset_sets);
      declared_ |= 1U << which;
      if (which == charset_katakana) declared_ |= 1U << charset_romaji;
      if (i > 0) continue;
      if (set->right) right_ = which;
      if (which == charset_katakana) left_ = charset_romaji;
    }
  }
}

Charset charset_of(DicomItem const& item, Charset const& around) {
  return item.find(Tag::character_set) == nullptr ? around
                                                  : Charset{item.texts(Tag::character_set)};
}

DicomText decoded(std::string_view bytes, Vr kind, Charset const& charset) {
  return CharsetDecoder{bytes, kind, charset}.run();
}

bool has_charset(Vr kind) {
  constexpr Vr kinds[] = {vr("LO"), vr("LT"), vr("PN"), vr("SH"),
                          vr("ST"), vr("UC"), vr("UT"), vr("UN")};
  return kind == Vr::none || std::ranges::find(kinds, kind) != std::end(kinds);
}

DicomText text_of(DicomItem const& item, Tag tag, Charset const& charset) {
  auto const* const element = item.find(tag);
  if (element == nullptr) return {};
  auto const bytes = item.value(*element);
  auto const unsaid = element->kind == Vr::none || element->kind == vr("UN");
  auto const kind = unsaid ? usual_vr(tag) : element->kind;
  return decoded({reinterpret_cast<char const*>(bytes.data()), bytes.size()}, kind,
                 has_charset(kind) ? charset : Charset{});
}

}  // namespace fovea
