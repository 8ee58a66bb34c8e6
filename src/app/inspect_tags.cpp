#include "app/inspect_tags.hpp"

#include "base/core/words.hpp"
#include "base/dicom/charset.hpp"

#include <iostream>

namespace fovea {
namespace {

std::string tags_letters_of(Vr kind) {
  auto const letters = static_cast<std::uint16_t>(kind);
  if (kind == Vr::none) return "  ";
  return {static_cast<char>(letters >> 8), static_cast<char>(letters & 255)};
}

// No more than so many bytes, and no half of a character.
std::string tags_shortened(std::string words) {
  constexpr std::size_t most = 72;
  if (words.size() <= most) return words;
  auto at = most;
  while (at > 0 && (static_cast<unsigned char>(words[at]) & 0xc0) == 0x80) --at;
  return words.substr(0, at) + " ...";
}

// As the file says; where it does not, as the standard does.
Vr tags_kind_of(DicomElement const& one) {
  auto const unsaid = one.kind == Vr::none || one.kind == vr("UN");
  auto const usual = unsaid ? usual_vr(one.tag) : one.kind;
  return usual == Vr::none ? one.kind : usual;
}

std::string tags_value(DicomItem const& item, DicomElement const& one, Charset const& charset) {
  constexpr std::string_view binary = "   AT FL FD OB OD OF OL OV OW SL SS SV UL UN US UV";
  constexpr std::size_t most_numbers = 16;
  auto const kind = tags_kind_of(one);
  if (kind == vr("SQ") || one.tag == Tag::item || one.length == 0) return "";
  auto const bytes = text("(", one.length, " bytes)");
  if (one.kept == 0) return bytes;
  if (binary.find(tags_letters_of(kind)) != std::string_view::npos) {
    auto const numbers = item.numbers(one.tag);
    if (!numbers || numbers->size() > most_numbers) return bytes;
    std::vector<std::string> words;
    for (auto const number : *numbers) words.push_back(spelled(number));
    return joined(words, "\\");
  }
  auto const words = text_of(item, one.tag, charset);
  auto out = tags_shortened(printable(joined(words.values, "\\"), {}));
  for (auto const& note : words.notes) out += text("  [", note.code, "]");
  return out;
}

std::string tags_name(Tag tag) {
  auto const keyword = keyword_of(tag);
  if (tag == Tag::item) return "item";
  return keyword.empty() ? "unknown" : std::string{keyword};
}

struct TagsLevel {
  std::uint32_t end = 0;  // place in the list behind it
  Charset charset;
};

}  // namespace

void print_tags(fs::path const& path) {
  DicomFile const file{path};
  auto const& scan = file.scan();
  auto const& all = scan.elements();
  std::cout << printable(path.string(), {}) << ": " << scan.syntax().name << '\n';
  for (auto const& note : scan.notes())
    std::cout << "  note: " << note.code << ": " << printable(note.words) << '\n';
  auto const size = static_cast<std::uint32_t>(all.size());
  std::vector<TagsLevel> around{{size, charset_of(scan.root())}};
  for (auto const& note : around[0].charset.notes())
    std::cout << "  note: " << note.code << ": " << printable(note.words) << '\n';
  for (std::uint32_t i = 0; i < size; ++i) {
    while (around.size() > 1 && i >= around.back().end) around.pop_back();
    auto const& one = all[i];
    if (one.tag == Tag::item)
      around.push_back({one.end, charset_of({scan, i + 1, one.end}, around.back().charset)});
    auto const value = tags_value({scan, i, one.end}, one, around.back().charset);
    std::cout << std::string(2 + 2 * std::size_t{one.depth}, ' ') << words_of(one.tag) << ' '
              << tags_letters_of(tags_kind_of(one)) << ' ' << tags_name(one.tag)
              << (value.empty() ? "" : ": ") << value << '\n';
  }
}

}  // namespace fovea
