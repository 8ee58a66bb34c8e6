#include "base/dicom/charset.hpp"

#include "base/core/file.hpp"
#include "base/core/words.hpp"
#include "base/dicom/made/phantom.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

std::string charset_bytes(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string{digits.substr(i, 2)}, nullptr, 16));
  return out;
}

Charset charset_named(std::string_view terms) {
  return Charset{split(terms, '\\')};
}

std::vector<std::string> charset_codes(DicomText const& words) {
  std::vector<std::string> out;
  for (auto const& note : words.notes) out.emplace_back(note.code);
  return out;
}

Vr charset_kind(std::string const& letters) {
  char const kind[3] = {letters[0], letters[1], 0};
  return vr(kind);
}

TEST(Charset, ReadsWhatPythonAndPydicomRead) {
  auto const lines =
      split(read_text(fs::path{FOVEA_SOURCE_DIR} / "src/base/dicom/made/charset.tsv"), '\n');
  int compared = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto const cells = split(lines[i], '\t');
    if (cells.size() != 4) continue;
    SCOPED_TRACE(lines[i]);
    auto const got =
        decoded(charset_bytes(cells[2]), charset_kind(cells[1]), charset_named(cells[0]));
    EXPECT_EQ(joined(got.values, "\\"), cells[3]);
    EXPECT_TRUE(got.notes.empty());
    ++compared;
  }
  EXPECT_GT(compared, 50);
}

struct CharsetRow {
  std::string name, terms, bytes;
  char const* kind;
  std::vector<std::string> values, codes;
};
void PrintTo(CharsetRow const& row, std::ostream* out) {
  *out << row.name;
}
class CharsetEdges : public testing::TestWithParam<CharsetRow> {};

TEST_P(CharsetEdges, AreReplacedAndSaidNeverLost) {
  auto const& row = GetParam();
  auto const got = decoded(row.bytes, charset_kind(row.kind), charset_named(row.terms));
  EXPECT_EQ(got.values, row.values);
  EXPECT_EQ(charset_codes(got), row.codes);
}

std::string const charset_kanji = "\x1b$B\x3b\x33";  // 山

INSTANTIATE_TEST_SUITE_P(
    All,
    CharsetEdges,
    testing::Values(
        CharsetRow{"nothing", "", "", "LO", {""}, {}},
        CharsetRow{"latin_without_saying_so", "", "J\xe9r", "LO", {"J\uFFFDr"}, {"bad-text"}},
        CharsetRow{"a_windows_quote", "ISO_IR 100", "\x93", "LO", {"\uFFFD"}, {"bad-text"}},
        CharsetRow{"padding", "", std::string{" a \\ b\0", 7}, "LO", {"a", "b"}, {}},
        CharsetRow{"one_value_only", "", " a\\b ", "LT", {" a\\b"}, {}},
        CharsetRow{"an_empty_value", "", "a\\\\b", "LO", {"a", "", "b"}, {}},
        CharsetRow{"lines_begin_anew",
                   "\\ISO 2022 IR 144",
                   "\x1b-L\xbb\r\n\xbb",
                   "LT",
                   {"Л\r\n\uFFFD"},
                   {"bad-text"}},
        CharsetRow{"a_tab_begins_anew",
                   "\\ISO 2022 IR 87",
                   charset_kanji + "\t!",
                   "LO",
                   {"山\t!"},
                   {}},
        CharsetRow{"values_begin_anew",
                   "\\ISO 2022 IR 144",
                   "\x1b-L\xbb\\\xbb",
                   "LO",
                   {"Л", "\uFFFD"},
                   {"bad-text"}},
        CharsetRow{"names_begin_anew",
                   "\\ISO 2022 IR 144",
                   "\x1b-L\xbb^\xbb",
                   "PN",
                   {"Л^\uFFFD"},
                   {"bad-text"}},
        CharsetRow{
            "a_hat_that_is_none", "\\ISO 2022 IR 144", "\x1b-L\xbb^\xbb", "LO", {"Л^Л"}, {}},
        CharsetRow{"a_pair_with_a_backslash",
                   "\\ISO 2022 IR 87",
                   "\x1b$B\x5c\x21\x1b(B\\a",
                   "LO",
                   {"棔", "a"},
                   {}},
        CharsetRow{"half_a_pair",
                   "\\ISO 2022 IR 87",
                   charset_kanji + ";",
                   "LO",
                   {"山\uFFFD"},
                   {"bad-text"}},
        CharsetRow{"a_pair_that_is_none",
                   "\\ISO 2022 IR 149",
                   "\x1b$)C\xc9\xa1",
                   "LO",
                   {"\uFFFD"},
                   {"bad-text"}},
        CharsetRow{"an_escape_to_nowhere", "", "\x1b%Ga", "LO", {"\uFFFD%Ga"}, {"bad-text"}},
        CharsetRow{"not_declared", "", charset_kanji, "LO", {"山"}, {"undeclared-charset"}},
        CharsetRow{"yen", "ISO_IR 13", "\\~", "LT", {"\u00A5\u203E"}, {}},
        CharsetRow{"utf8_overlong",
                   "ISO_IR 192",
                   "\xc0\xaf|\xe0\x80\xaf",
                   "LO",
                   {"\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD"},
                   {"bad-text"}},
        CharsetRow{"utf8_surrogate",
                   "ISO_IR 192",
                   "\xed\xa0\x80",
                   "LO",
                   {"\uFFFD\uFFFD\uFFFD"},
                   {"bad-text"}},
        CharsetRow{"utf8_cut", "ISO_IR 192", "a\xe5\xb1", "LO", {"a\uFFFD"}, {"bad-text"}},
        CharsetRow{"gb_cut", "GB18030", "\x81", "LO", {"\uFFFD"}, {"bad-text"}},
        CharsetRow{"four_bytes_are_no_gbk",
                   "GBK",
                   "\x81\x39\xee\x39",
                   "LO",
                   {"\uFFFD9\uFFFD9"},
                   {"bad-text"}},
        CharsetRow{"dash_for_a_line", "ISO-IR 100", "\xe9", "LO", {"é"}, {}},
        CharsetRow{"extended_alone", "ISO 2022 IR 149", "\xc8\xab", "LO", {"홍"}, {}},
        CharsetRow{"whole_comes_first", "ISO_IR 192\\ISO 2022 IR 87", "é", "LO", {"é"}, {}}),
    [](auto const& one) { return one.param.name; });

TEST(Charset, SaysWhichTermNobodyKnows) {
  auto const odd = charset_named("ISO_IR 100\\KLINGON\x01");
  ASSERT_EQ(odd.notes().size(), 1U);
  EXPECT_EQ(odd.notes()[0].code, "unknown-charset");
  EXPECT_NE(odd.notes()[0].words.find("KLINGON?"), std::string::npos);
  EXPECT_EQ(decoded("\xe9", vr("LO"), odd).values[0], "é");
}

TEST(Charset, OfAnItemIsThatAroundItUnlessItSaysItsOwn) {
  MadeDicom inner;
  inner.put(Tag::series_description, "LO", "\xbb");
  MadeDicom own;
  own.put(Tag::character_set, "CS", "ISO_IR 144");
  own.words(inner.bytes());
  MadeDicom out;
  out.put(Tag::character_set, "CS", "ISO_IR 100");
  out.start(Tag{0x00081140}, "SQ", 0xffffffff);
  for (auto const& item : {inner, own}) {
    out.start(Tag::item, "", static_cast<std::uint32_t>(item.bytes().size()));
    out.words(item.bytes());
  }
  out.start(Tag::sequence_end, "", 0);
  out.put(Tag::modality, "CS", "\xe9");
  auto const bytes = made_file(made_explicit, out.bytes());
  auto const scan = scan_dicom(made_bytes(bytes));
  auto const root = charset_of(scan.root());
  auto const items = scan.root().items(Tag{0x00081140});
  ASSERT_EQ(items.size(), 2U);
  std::vector<std::string> got;
  for (auto const& item : items)
    got.push_back(text_of(item, Tag::series_description, charset_of(item, root)).values[0]);
  EXPECT_EQ(got, (std::vector<std::string>{"»", "Л"}));
  EXPECT_EQ(text_of(scan.root(), Tag::modality, root).values[0], "\uFFFD")
      << "code strings are never in another set";
  EXPECT_TRUE(text_of(scan.root(), Tag::patient_id, root).values.empty());
}

}  // namespace
}  // namespace fovea
