#include "base/dicom/scan.hpp"

#include "base/core/words.hpp"
#include "base/dicom/input.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace fovea {
namespace {

constexpr auto scan_open = std::numeric_limits<std::uint64_t>::max();  // no end known
constexpr std::uint32_t scan_depth = 64;                               // and never more
constexpr std::uint32_t scan_undefined = 0xffffffff;                   // a length that is none

template <class T>
T scan_number(std::byte const* from, bool big) {
  std::array<std::byte, sizeof(T)> raw;
  std::memcpy(raw.data(), from, sizeof(T));
  if (big) std::ranges::reverse(raw);
  return std::bit_cast<T>(raw);
}

Tag scan_tag(std::byte const* from, bool big) {
  return Tag{std::uint32_t{scan_number<std::uint16_t>(from, big)} << 16 |
             scan_number<std::uint16_t>(from + 2, big)};
}

Vr scan_vr(std::byte const* from) {
  return static_cast<Vr>(scan_number<std::uint16_t>(from, true));
}

// Room for more, a quarter at a time once it is much: doubling would cost more than is left.
template <class T>
void scan_make_room(std::vector<T>& into, std::size_t more) {
  constexpr std::size_t much = 1 << 16;
  auto const size = into.size();
  if (size + more > into.capacity() && size > much)
    into.reserve(size + std::max(more, size / 4));
}

[[noreturn]] void scan_refuse(
    std::string_view code,
    std::string const& happened,
    std::uint64_t at,
    std::string const& remedy = "the file is damaged; fetch it again") {
  throw Refusal{code, happened + ", at byte " + std::to_string(at), remedy, at};
}

}  // namespace

// One walk over a file. The open sequences and items stand in an array, not on the stack.
class DicomScanner {
 public:
  /// `size` is that of the file.
  DicomScanner(DicomInput& in, DicomLimits const& limits, std::uint64_t size)
      : in_(in), limits_(limits), memory_left_(limits.memory + size) {}

  DicomScan run() {
    auto const& syntax = begin();
    out_.syntax_ = &syntax;
    out_.dataset_ = in_.at();
    if (syntax.deflated) in_.inflate(limits_.inflated);
    levels_[0].explicit_kinds = explicit_kinds_.value_or(syntax.explicit_kinds);
    levels_[0].big = syntax.big;
    while (step()) {
    }
    if (!rising_) look_for_twins();
    return std::move(out_);
  }

 private:
  struct Level {
    std::uint64_t end = scan_open;    // of this one, if it says so
    std::uint64_t limit = scan_open;  // of the nearest around it that does
    std::uint32_t element = 0;
    bool sequence = false;  // else a data set
    bool explicit_kinds = true;
    bool big = false;
  };

  // What stands before a value.
  struct Start {
    Tag tag{};
    Vr kind = Vr::none;
    std::uint32_t length = 0;
    std::uint32_t bytes = 8;  // of all this
    std::uint64_t at = 0;
  };

  // --- beginning -----------------------------------------------------------------------------

  Syntax const& begin() {
    auto const start = in_.view(132);
    constexpr std::string_view mark = "DICM";
    auto const marked =
        start.size() == 132 && std::memcmp(start.data() + 128, mark.data(), mark.size()) == 0;
    if (marked)
      in_.advance(132);
    else
      note("no-meta-header", "the file has no preamble; its encoding is guessed");
    auto const first = in_.view(8);
    if (first.size() < 8)
      scan_refuse("not-dicom", "expected a DICOM file, got too few bytes", in_.at(),
                  "check that it is the right file");
    if (group_of(scan_tag(first.data(), false)) == 2) return meta(marked);
    if (marked) note("no-meta-header", "the file has no meta header; its encoding is guessed");
    return guessed();
  }

  Syntax const& meta(bool marked) {
    levels_[0].explicit_kinds = true;
    if (!marked && !is_known(scan_vr(in_.view(8).data() + 4))) not_dicom();
    for (;;) {
      auto const next = in_.view(8);
      auto const more = next.size() == 8 && group_of(scan_tag(next.data(), false)) == 2;
      if ((top_ == 0 && !more) || !step()) break;
    }
    auto const uid = out_.root().text(Tag::transfer_syntax);
    auto const first = in_.view(8);
    if (first.empty()) cut();
    auto const& said = syntax_of(uid);
    if (said.deflated || said.big) return said;
    if (first.size() < 8) cut();
    if (uid.empty()) {
      note("no-transfer-syntax", "the file does not say how it is encoded; it is guessed");
      return guessed();
    }
    // Some writers say one and do the other; the first attribute tells.
    auto const explicit_kinds = is_known(scan_vr(first.data() + 4));
    if (explicit_kinds == said.explicit_kinds || (said.explicit_kinds && !plausible_implicit()))
      return said;
    note("other-syntax", text("the file is not encoded as it says, ", said.name));
    explicit_kinds_ = explicit_kinds;
    if (said.encapsulated) return said;
    return syntax_of(explicit_kinds ? "1.2.840.10008.1.2.1" : "1.2.840.10008.1.2");
  }

  bool plausible_implicit() {
    auto const next = in_.view(8);
    return scan_number<std::uint32_t>(next.data() + 4, false) <= 1024;
  }

  Syntax const& guessed() {
    auto const next = in_.view(8);
    auto const little = scan_number<std::uint16_t>(next.data(), false);
    auto const big = scan_number<std::uint16_t>(next.data(), true);
    constexpr std::uint16_t most = 0x0040;  // no image begins with a later group
    if (std::min(little, big) > most || std::min(little, big) == 0) not_dicom();
    auto const explicit_kinds = is_known(scan_vr(next.data() + 4));
    if (big < little) {
      if (!explicit_kinds) not_dicom();
      return syntax_of("1.2.840.10008.1.2.2");
    }
    if (!explicit_kinds && !plausible_implicit()) not_dicom();
    return syntax_of(explicit_kinds ? "1.2.840.10008.1.2.1" : "1.2.840.10008.1.2");
  }

  [[noreturn]] void not_dicom() {
    scan_refuse("not-dicom", "expected a DICOM file, got other bytes", in_.at(),
                "check that it is the right file");
  }

  // --- one attribute or delimiter
  // --------------------------------------------------------------

  // False at the end.
  bool step() {
    while (top_ > 0 && level().end == in_.at()) close();
    auto const next = in_.view(8);
    if (next.empty() && top_ == 0) return false;
    if (next.size() < 8) {
      if (top_ == 0 && all_zero(next)) return padding();
      cut();
    }
    if (in_.at() + 8 > level().limit)
      scan_refuse("bad-length", "an item or sequence ends inside an attribute", in_.at());
    auto const start = header();
    if (level().sequence)
      in_sequence(start);
    else if (group_of(start.tag) == group_of(Tag::item))
      delimiter(start);
    else if (top_ == 0 && number_of(start.tag) == 0 && start.length == 0)
      return padding();
    else
      attribute(start);
    return true;
  }

  static bool all_zero(std::span<std::byte const> bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
  }

  // Some writers fill up blocks with zeros; anything else behind the data set is no such thing.
  bool padding() {
    for (;;) {
      auto const next = in_.view(4096);
      if (next.empty()) break;
      if (!all_zero(next))
        scan_refuse("bad-structure", "expected an attribute, got group 0", in_.at());
      in_.advance(next.size());
    }
    note("padding", "zeros behind the data set are left");
    return false;
  }

  Start header() {
    auto const next = in_.view(12);
    auto const& here = level();
    Start start{.tag = scan_tag(next.data(), here.big), .at = in_.at()};
    if (!here.explicit_kinds || group_of(start.tag) == group_of(Tag::item)) {
      start.length = scan_number<std::uint32_t>(next.data() + 4, here.big);
      return start;
    }
    start.kind = scan_vr(next.data() + 4);
    if (number_of(start.tag) == 0 && start.kind == Vr::none) return start;
    if (!is_known(start.kind))
      scan_refuse("bad-vr",
                  text("expected the kind of ", words_of(start.tag), ", got other bytes"),
                  in_.at());
    if (!is_long(start.kind)) {
      start.length = scan_number<std::uint16_t>(next.data() + 6, here.big);
      return start;
    }
    if (next.size() < 12) cut();
    start.length = scan_number<std::uint32_t>(next.data() + 8, here.big);
    start.bytes = 12;
    return start;
  }

  void in_sequence(Start const& start) {
    if (start.tag == Tag::sequence_end && level().end == scan_open) {
      in_.advance(start.bytes);
      return close();
    }
    if (start.tag != Tag::item)
      scan_refuse("bad-structure",
                  text("expected an item of a sequence, got ", words_of(start.tag)), start.at);
    in_.advance(start.bytes);
    record(start, start.length == scan_undefined ? 0 : start.length);
    open(start, false);
  }

  void delimiter(Start const& start) {
    if (start.tag != Tag::item_end || top_ == 0 || level().end != scan_open)
      scan_refuse("bad-structure",
                  text("expected an attribute, got the delimiter ", words_of(start.tag)),
                  start.at);
    in_.advance(start.bytes);
    close();
  }

  void attribute(Start const& start) {
    if (top_ == 0) check_order(start.tag);
    in_.advance(start.bytes);
    auto const kind = start.kind == Vr::none ? usual_vr(start.tag) : start.kind;
    if (start.length == scan_undefined) return undefined(start, kind);
    check_length(start);
    auto& element = record(start, start.length);
    if (kind == vr("SQ")) return open(start, true);
    if (top_ == 0) native_pixels(start);
    auto const table = top_ == 0 && start.tag == Tag::extended_offsets &&
                       start.length % 8 == 0 && start.length / 8 <= limits_.fragments &&
                       extended_.empty();
    if (table) return offsets<std::uint64_t>(extended_, start.length);
    keep(element);
    if (!in_.advance(start.length)) cut();
    if (start.length % 2 != 0) once("odd-length", "a value has an odd number of bytes");
  }

  void undefined(Start const& start, Vr kind) {
    auto const pixels = start.tag == Tag::pixels &&
                        (start.kind == Vr::none || kind == vr("OB") || kind == vr("OW"));
    if (pixels) return encapsulated(start);
    if (start.kind != Vr::none && kind != vr("SQ") && kind != vr("UN"))
      scan_refuse("bad-length",
                  text("expected the length of ", words_of(start.tag), ", got none"), start.at);
    record(start, 0);
    open(start, true);
    // PS3.5 6.2.2: what became unknown on its way is written without kinds.
    if (kind == vr("UN")) {
      level().explicit_kinds = false;
      level().big = false;
    }
  }

  void check_length(Start const& start) {
    auto const end = in_.at() + start.length;
    if (end > level().limit)
      scan_refuse("bad-length",
                  text(words_of(start.tag), " is longer than the item or sequence around it"),
                  start.at);
  }

  void check_order(Tag tag) {
    if (tag < last_) once("unordered", "attributes do not stand in the order of their numbers");
    rising_ = rising_ && tag > last_;
    last_ = tag;
  }

  void look_for_twins() {
    std::vector<Tag> tags;
    for (auto const& element : out_.elements_) {
      if (element.depth == 0) tags.push_back(element.tag);
    }
    std::ranges::sort(tags);
    auto const twin = std::ranges::adjacent_find(tags);
    if (twin != tags.end())
      note("tag-twice", text(words_of(*twin), " stands twice; the first is read"));
  }

  // --- levels
  // ----------------------------------------------------------------------------------

  Level& level() { return levels_[top_]; }

  void open(Start const& start, bool sequence) {
    if (sequence && sequences_++ >= limits_.depth)
      scan_refuse("too-deep",
                  text("expected at most ", limits_.depth, " sequences inside each other"),
                  start.at, "no reader needs as many; ask the program that wrote it");
    Level next = level();
    next.sequence = sequence;
    next.element = static_cast<std::uint32_t>(out_.elements_.size() - 1);
    next.end = start.length == scan_undefined ? scan_open : in_.at() + start.length;
    if (next.end != scan_open && next.end > next.limit)
      scan_refuse("bad-length",
                  text(words_of(start.tag), " is longer than the item or sequence around it"),
                  start.at);
    next.limit = std::min(next.limit, next.end);
    levels_[++top_] = next;
  }

  void close() {
    auto const& here = level();
    auto& element = out_.elements_[here.element];
    element.end = static_cast<std::uint32_t>(out_.elements_.size());
    element.length = in_.at() - element.at;
    if (here.sequence) --sequences_;
    --top_;
  }

  DicomElement& record(Start const& start, std::uint64_t length) {
    auto& all = out_.elements_;
    if (all.size() >= limits_.elements || !spend<DicomElement>(1))
      scan_refuse("too-many-elements",
                  text("expected fewer attributes and items, got ", all.size()), start.at,
                  "ask the program that wrote it for a smaller file");
    scan_make_room(all, 1);
    all.push_back({.tag = start.tag,
                   .kind = start.kind,
                   .depth = static_cast<std::uint8_t>(sequences_),
                   .big = level().big,
                   .end = static_cast<std::uint32_t>(all.size() + 1),
                   .at = in_.at(),
                   .length = length});
    return all.back();
  }

  // --- values
  // ----------------------------------------------------------------------------------

  void keep(DicomElement& element) {
    auto const odd = (group_of(element.tag) & 1) != 0;
    constexpr std::uint32_t of_private = 1024;
    auto const most = odd ? std::min(of_private, limits_.value) : limits_.value;
    // Contours would leave no room for what stands behind them.
    auto const on_demand = element.tag == Tag::pixels || element.tag == Tag::float_pixels ||
                           element.tag == Tag::double_pixels ||
                           element.tag == Tag::contour_data;
    constexpr auto places = std::numeric_limits<std::uint32_t>::max();
    if (element.length > most || on_demand || out_.values_.size() + element.length >= places)
      return;
    auto const bytes = in_.view(static_cast<std::size_t>(element.length));
    if (bytes.size() < element.length) cut();
    if (!spend<std::byte>(bytes.size())) return;
    scan_make_room(out_.values_, bytes.size());
    element.kept = static_cast<std::uint32_t>(out_.values_.size() + 1);
    out_.values_.insert(out_.values_.end(), bytes.begin(), bytes.end());
  }

  void native_pixels(Start const& start) {
    if (start.tag != Tag::pixels && start.tag != Tag::float_pixels &&
        start.tag != Tag::double_pixels)
      return;
    out_.pixels_ = {.tag = start.tag,
                    .kind = start.kind,
                    .at = in_.at(),
                    .length = start.length,
                    .fragments = {},
                    .offsets = {}};
  }

  // Items with bytes instead of attributes; the first holds offsets.
  void encapsulated(Start const& start) {
    record(start, 0);
    DicomPixels pixels{.tag = start.tag,
                       .kind = start.kind,
                       .at = in_.at(),
                       .encapsulated = true,
                       .fragments = {},
                       .offsets = {}};
    for (bool first = true;; first = false) {
      auto const next = in_.view(8);
      if (next.size() < 8) cut();
      auto const tag = scan_tag(next.data(), level().big);
      auto const length = scan_number<std::uint32_t>(next.data() + 4, level().big);
      if (tag == Tag::sequence_end) break;
      if (tag != Tag::item || length == scan_undefined)
        scan_refuse("bad-structure", text("expected a fragment of pixels, got ", words_of(tag)),
                    in_.at());
      in_.advance(8);
      if (in_.at() + length > level().limit)
        scan_refuse("bad-length", "a fragment of pixels is longer than the item around it",
                    in_.at());
      fragment(pixels, length, first);
    }
    in_.advance(8);
    if (pixels.offsets.empty()) pixels.offsets = std::move(extended_);
    pixels.length = in_.at() - pixels.at;
    out_.elements_.back().length = pixels.length;
    if (top_ == 0) out_.pixels_ = std::move(pixels);
  }

  void fragment(DicomPixels& pixels, std::uint32_t length, bool first) {
    if (!first) {
      if (pixels.fragments.size() >= limits_.fragments || !spend<DicomFragment>(1))
        scan_refuse("too-many-elements",
                    text("expected fewer fragments of pixels, got ", pixels.fragments.size()),
                    in_.at(), "ask the program that wrote it for a smaller file");
      scan_make_room(pixels.fragments, 1);
      pixels.fragments.push_back({.at = in_.at(), .length = length});
    } else if (length / 4 <= limits_.fragments && length % 4 == 0) {
      return offsets<std::uint32_t>(pixels.offsets, length);
    } else {
      note("bad-offsets", "the table of offsets makes no sense; it is left");
    }
    if (!in_.advance(length)) cut();
  }

  // A table of so many bytes, a piece at a time: a long one that is not there must cost no
  // memory.
  template <class T>
  void offsets(std::vector<std::uint64_t>& into, std::uint64_t length) {
    while (length > 0) {
      auto const piece = static_cast<std::size_t>(std::min<std::uint64_t>(length, 4096));
      auto const bytes = in_.view(piece);
      if (bytes.size() < piece) cut();
      if (!spend<std::uint64_t>(piece / sizeof(T)))
        scan_refuse("too-many-elements", text("expected fewer offsets, got ", into.size()),
                    in_.at(), "ask the program that wrote it for a smaller file");
      scan_make_room(into, piece / sizeof(T));
      for (std::size_t i = 0; i < piece; i += sizeof(T))
        into.push_back(scan_number<T>(bytes.data() + i, level().big));
      in_.advance(piece);
      length -= piece;
    }
  }

  // False if that much more would be too much. As vectors grow by a quarter (scan_make_room),
  // both the old one and the new one are there for a moment.
  template <class T>
  bool spend(std::size_t count) {
    auto const cost = count * sizeof(T) * 9 / 4;
    if (cost > memory_left_) return false;
    memory_left_ -= cost;
    return true;
  }

  // --- words
  // -----------------------------------------------------------------------------------

  [[noreturn]] void cut() {
    auto const at = in_.at();
    scan_refuse("truncated", "the file breaks off", at, "it is cut short; fetch it again");
  }
  void note(std::string_view code, std::string words) {
    out_.notes_.push_back({code, std::move(words)});
  }
  void once(std::string_view code, std::string words) {
    if (std::ranges::find(out_.notes_, code, &Note::code) == out_.notes_.end())
      note(code, std::move(words));
  }

  DicomInput& in_;
  DicomLimits const limits_;
  DicomScan out_;
  std::uint64_t memory_left_;
  std::array<Level, 2 * scan_depth + 2> levels_;
  std::optional<bool> explicit_kinds_;  // where the data set is not what the meta header says
  std::size_t top_ = 0;
  std::uint32_t sequences_ = 0;
  Tag last_{};
  bool rising_ = true;                   // each tag above the one before
  std::vector<std::uint64_t> extended_;  // the extended table of offsets
};

// --- what was found
// ----------------------------------------------------------------------------

DicomItem DicomScan::root() const {
  return {*this, 0, static_cast<std::uint32_t>(elements_.size())};
}

std::span<std::byte const> DicomScan::value(DicomElement const& element) const {
  if (element.length == 0) return {};
  if (element.kept == 0)
    throw Refusal{"too-large",
                  text("expected a short value of ", words_of(element.tag), ", got one of ",
                       element.length, " bytes"),
                  "check that it is the right file", element.at};
  return std::span{values_}.subspan(element.kept - 1, static_cast<std::size_t>(element.length));
}

DicomElement const* DicomItem::find(Tag tag) const {
  auto const& all = scan_->elements();
  for (auto i = begin_; i < end_; i = all[i].end) {
    if (all[i].tag == tag) return &all[i];
  }
  return nullptr;
}

std::string DicomItem::text(Tag tag) const {
  auto const* const element = find(tag);
  if (element == nullptr) return {};
  auto const bytes = scan_->value(*element);
  std::string_view words{reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  auto const from = words.find_first_not_of(std::string_view{" \0", 2});
  auto const to = words.find_last_not_of(std::string_view{" \0", 2});
  return from == std::string_view::npos ? std::string{}
                                        : std::string{words.substr(from, to - from + 1)};
}

std::vector<std::string> DicomItem::texts(Tag tag) const {
  auto const words = text(tag);
  if (words.empty()) return {};
  auto parts = split(words, '\\');
  for (auto& part : parts) part = std::string{trimmed(part)};
  return parts;
}

namespace {

template <class T>
std::vector<double> scan_binary(std::span<std::byte const> bytes, bool big) {
  std::vector<double> out;
  for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T))
    out.push_back(static_cast<double>(scan_number<T>(bytes.data() + i, big)));
  return out;
}

std::optional<std::vector<double>> scan_binaries(Vr kind,
                                                 std::span<std::byte const> bytes,
                                                 bool big) {
  // A tag is a group and an element.
  if (kind == vr("US") || kind == vr("OW") || kind == vr("AT"))
    return scan_binary<std::uint16_t>(bytes, big);
  if (kind == vr("SS")) return scan_binary<std::int16_t>(bytes, big);
  if (kind == vr("UL") || kind == vr("OL")) return scan_binary<std::uint32_t>(bytes, big);
  if (kind == vr("SL")) return scan_binary<std::int32_t>(bytes, big);
  if (kind == vr("UV") || kind == vr("OV")) return scan_binary<std::uint64_t>(bytes, big);
  if (kind == vr("SV")) return scan_binary<std::int64_t>(bytes, big);
  if (kind == vr("FL") || kind == vr("OF")) return scan_binary<float>(bytes, big);
  if (kind == vr("FD") || kind == vr("OD")) return scan_binary<double>(bytes, big);
  return std::nullopt;
}

// "+1.5" is a decimal string, too.
std::optional<double> scan_decimal(std::string_view words) {
  words = trimmed(words);
  if (words.starts_with('+') && words.size() > 1 && words[1] != '-') words.remove_prefix(1);
  return number(words);
}

}  // namespace

std::optional<std::vector<double>> DicomItem::numbers(Tag tag) const {
  return numbers(tag, usual_vr(tag));
}

std::optional<std::vector<double>> DicomItem::numbers(Tag tag, Vr usual) const {
  auto const* const element = find(tag);
  if (element == nullptr) return std::nullopt;
  auto const plain = element->kind == Vr::none || element->kind == vr("UN");
  auto const kind = plain ? usual : element->kind;
  auto out = scan_binaries(kind, scan_->value(*element), element->big);
  if (!out) {
    out.emplace();
    for (auto const& words : texts(tag)) {
      auto const value = scan_decimal(words);
      if (!value) return std::nullopt;
      out->push_back(*value);
    }
  }
  auto const good = !out->empty() && std::ranges::all_of(*out, [](double value) {
    return std::isfinite(value);
  });
  return good ? out : std::nullopt;
}

std::optional<double> DicomItem::number(Tag tag) const {
  auto const all = numbers(tag);
  return all ? std::optional{all->front()} : std::nullopt;
}

std::optional<std::int64_t> DicomItem::whole(Tag tag) const {
  auto const value = number(tag);
  if (!value || *value != std::floor(*value) || std::abs(*value) > 0x1p53) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<Tag> DicomItem::owned(std::uint16_t group,
                                    std::string_view creator,
                                    std::uint8_t element) const {
  constexpr std::uint32_t first = 0x10;
  constexpr std::uint32_t last = 0xff;
  std::optional<Tag> out;
  auto const& all = scan_->elements();
  for (auto i = begin_; i < end_; i = all[i].end) {
    auto const place = number_of(all[i].tag) & 0xffffU;
    if (group_of(all[i].tag) != group || place < first || place > last) continue;
    if (text(all[i].tag) != creator) continue;
    if (out) return std::nullopt;
    out = Tag{std::uint32_t{group} << 16 | place << 8 | element};
  }
  return out;
}

std::vector<DicomItem> DicomItem::items(Tag tag) const {
  auto const* const element = find(tag);
  if (element == nullptr) return {};
  auto const& all = scan_->elements();
  std::vector<DicomItem> out;
  for (auto i = static_cast<std::uint32_t>(element - all.data()) + 1; i < element->end;
       i = all[i].end) {
    if (all[i].tag == Tag::item) out.emplace_back(*scan_, i + 1, all[i].end);
  }
  return out;
}

// --- the whole
// ---------------------------------------------------------------------------------

namespace {

DicomLimits scan_checked(DicomLimits limits) {
  limits.depth = std::min(limits.depth, scan_depth);  // as deep as the array is
  return limits;
}

DicomScan scan_named(std::string const& name,
                     FileReader const& file,
                     DicomLimits const& limits) {
  try {
    return scan_dicom(file, limits);
  } catch (Refusal const& fault) {
    throw Refusal{fault.code(), text(name, ": ", fault.what()), "", fault.at()};
  }
}

}  // namespace

DicomScan scan_dicom(std::span<std::byte const> bytes, DicomLimits const& limits) {
  DicomInput in{bytes};
  return DicomScanner{in, scan_checked(limits), bytes.size()}.run();
}

DicomScan scan_dicom(FileReader const& file, DicomLimits const& limits) {
  DicomInput in{source_of(file, 0)};
  return DicomScanner{in, scan_checked(limits), file.size()}.run();
}

DicomFile::DicomFile(fs::path const& file, DicomLimits const& limits)
    : name_(fovea::text(file)),
      file_(std::in_place, file),
      scan_(scan_named(name_, *file_, limits)) {}

DicomFile::DicomFile(std::span<std::byte const> bytes,
                     std::string name,
                     DicomLimits const& limits)
    : name_(std::move(name)), bytes_(bytes), scan_(scan_dicom(bytes, limits)) {}

void DicomFile::read(std::uint64_t at, std::span<std::byte> room) const {
  auto const from = scan_.dataset();
  if (scan_.syntax().deflated && at >= from) {
    auto in = file_ ? DicomInput{source_of(*file_, from)}
                    : DicomInput{bytes_.subspan(static_cast<std::size_t>(from))};
    in.inflate(scan_open);
    auto const there = in.advance(at - from);
    auto const bytes = in.view(room.size());
    if (!there || bytes.size() < room.size())
      throw Refusal{"truncated", text(name_, ": the deflated data set ends early"),
                    "fetch it again", at};
    std::ranges::copy(bytes, room.begin());
  } else if (file_) {
    file_->read(at, room);
  } else {
    if (at > bytes_.size() || room.size() > bytes_.size() - at)
      throw Refusal{"truncated", text(name_, ": the bytes end early"), "fetch it again", at};
    std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(at), room.size()), room.begin());
  }
}

}  // namespace fovea
