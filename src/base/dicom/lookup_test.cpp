#include "base/dicom/lookup.hpp"

#include "base/dicom/made/phantom.hpp"
#include "base/dicom/window.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fovea {
namespace {

struct LookupMade {
  std::vector<std::int64_t> descriptor{4, 0, 16};
  std::string kind = "US";
  std::string data = made_numbers({10, 20, 30, 40});
  std::string descriptor_kind = "US";

  std::string item() const {
    return made_value(Tag::table_descriptor, descriptor_kind, made_numbers(descriptor)) +
           made_value(Tag::table_type, "LO", "OD") + made_value(Tag::table_data, kind, data);
  }
};

LookupTable lookup_read(std::string const& item, bool negative = false) {
  auto const bytes = made_file(made_explicit, item);
  DicomFile const file{made_bytes(bytes), "made"};
  return lookup_table(file.scan().root(), negative);
}

TEST(LookupTable, TakesTheValuesAtItsEndsBeyondThem) {
  auto const table = lookup_read(LookupMade{.descriptor = {4, 100, 16}}.item());
  EXPECT_EQ(table.first, 100);
  EXPECT_EQ(table.type, "OD");
  EXPECT_EQ(table.at(0), 10);
  EXPECT_EQ(table.at(100), 10);
  EXPECT_EQ(table.at(102), 30);
  EXPECT_EQ(table.at(103), 40);
  EXPECT_EQ(table.at(60000), 40);
  EXPECT_EQ(table.at(std::numeric_limits<double>::quiet_NaN()), 10);
  EXPECT_EQ(table.at(std::numeric_limits<double>::infinity()), 40);
}

TEST(LookupTable, GivesItsFirstValueASignWhereTheStoredValuesHaveOne) {
  // Whatever kind the descriptor is said to be: writers differ.
  for (auto const* kind : {"US", "SS"}) {
    LookupMade const made{.descriptor = {4, -2, 16}, .descriptor_kind = kind};
    EXPECT_EQ(lookup_read(made.item(), true).first, -2);
    EXPECT_EQ(lookup_read(made.item(), false).first, 65534);
  }
}

TEST(LookupTable, ReadsBytesAndWordsOfEveryKind) {
  struct Row {
    char const* what;
    LookupMade made;
    std::vector<std::uint16_t> entries;
  };
  std::vector<std::int64_t> all;
  for (int i = 0; i < 65536; ++i) all.push_back(65535 - i);
  Row const rows[] = {
      {"words", {}, {10, 20, 30, 40}},
      {"OW", {.kind = "OW"}, {10, 20, 30, 40}},
      {"SS, whose bits have no sign",
       {.kind = "SS", .data = made_numbers({1, 2, 3, -1})},
       {1, 2, 3, 65535}},
      {"bytes in words of their own", {.descriptor = {4, 0, 8}}, {10, 20, 30, 40}},
      {"two bytes in a word",
       {.descriptor = {4, 0, 8}, .kind = "OW", .data = "\1\2\3\4"},
       {1, 2, 3, 4}},
      {"an odd number of them",
       {.descriptor = {3, 0, 8}, .kind = "OW", .data = std::string("\1\2\3\0", 4)},
       {1, 2, 3}},
      {"OB",
       {.descriptor = {3, 0, 8}, .kind = "OB", .data = std::string("\1\2\3\0", 4)},
       {1, 2, 3}},
      {"12 bits", {.descriptor = {2, 0, 12}, .data = made_numbers({0, 4095})}, {0, 4095}},
      {"one", {.descriptor = {1, 7, 8}, .data = made_numbers({9})}, {9}}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(lookup_read(row.made.item()).entries, row.entries);
  }
  auto const full = lookup_read(
      LookupMade{.descriptor = {0, 0, 16}, .kind = "OW", .data = made_numbers(all)}.item());
  EXPECT_EQ(full.entries.size(), 65536U);
  EXPECT_EQ(full.at(65535), 0);
  EXPECT_EQ(full.at(1), 65534);
}

TEST(LookupTable, ReadsBigEndianFiles) {
  MadeDicom out;
  out.big = true;
  out.start(Tag::table_descriptor, "US", 6);
  for (auto const value : {2U, 300U, 16U}) out.number(value, 2);
  out.start(Tag::table_data, "OW", 4);
  out.number(258, 2);
  out.number(5, 2);
  auto const bytes = made_file(made_big_endian_dicom, out.bytes());
  DicomFile const file{made_bytes(bytes), "made"};
  auto const table = lookup_table(file.scan().root(), false);
  EXPECT_EQ(table.first, 300);
  EXPECT_EQ(table.entries, (std::vector<std::uint16_t>{258, 5}));
}

TEST(LookupTable, RefusesOnesThatAreBroken) {
  struct Row {
    char const* what;
    std::string item;
  };
  LookupMade const good;
  Row const rows[] = {
      {"no descriptor", made_value(Tag::table_data, "US", good.data)},
      {"two numbers", LookupMade{.descriptor = {4, 0}}.item()},
      {"no data", made_value(Tag::table_descriptor, "US", made_numbers({4, 0, 16}))},
      {"empty data", LookupMade{.data = ""}.item()},
      {"too few", LookupMade{.descriptor = {5, 0, 16}}.item()},
      {"too many", LookupMade{.descriptor = {3, 0, 16}}.item()},
      {"65536 said", LookupMade{.descriptor = {0, 0, 16}}.item()},
      {"no bits", LookupMade{.descriptor = {4, 0, 0}}.item()},
      {"17 bits", LookupMade{.descriptor = {4, 0, 17}}.item()},
      {"beyond its bits",
       LookupMade{.descriptor = {4, 0, 8}, .data = made_numbers({0, 1, 2, 256})}.item()},
      {"16 bits in bytes", LookupMade{.kind = "OB", .data = "abcd"}.item()}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    try {
      lookup_read(row.item);
      ADD_FAILURE() << "was read";
    } catch (Refusal const& fault) {
      EXPECT_EQ(fault.code(), "bad-table");
    }
  }
}

// --- what is shown --------------------------------------------------------------------------

std::vector<Display> displays_made(std::string const& more,
                                   std::string const& photometric = "MONOCHROME2",
                                   std::string const& before = "") {
  auto const bytes =
      made_file(made_explicit, made_value(Tag::photometric, "CS", photometric) + before + more);
  DicomFile const file{made_bytes(bytes), "made"};
  return displays_of(file.scan().root());
}

std::string windows_made(std::string const& centres,
                         std::string const& widths,
                         std::string const& function = "") {
  auto out = made_value(Tag::window_centre, "DS", centres) +
             made_value(Tag::window_width, "DS", widths) +
             made_value(Tag::window_words, "LO", "BONE\\LUNG");
  if (!function.empty()) out += made_value(Tag::window_function, "CS", function);
  return out;
}

TEST(Display, FollowsTheThreeFunctionsOfTheStandard) {
  struct Row {
    char const* function;
    double centre, width, value, shade;
  };
  // The first six are those of the examples in PS3.3 C.11.2.1.2.1: 2048/4096, 2048/1, 0/100.
  Row const rows[] = {{"", 2048, 4096, 0, 0},
                      {"LINEAR", 2048, 4096, 4095, 1},
                      {"LINEAR", 2048, 1, 2047, 0},
                      {"LINEAR", 2048, 1, 2048, 1},
                      {"LINEAR", 0, 100, -50, 0},
                      {"LINEAR", 0, 100, 49, 1},
                      {"LINEAR", 0, 101, 0, 0.505},
                      {"LINEAR_EXACT", 2048, 4096, 0, 0},
                      {"LINEAR_EXACT", 2048, 4096, 4096, 1},
                      {"LINEAR_EXACT", 2048, 4096, 1024, 0.25},
                      {"LINEAR_EXACT", 0.5, 0.25, 0.5, 0.5},
                      {"SIGMOID", 40, 400, 40, 0.5},
                      {"SIGMOID", 40, 400, 140, 1 / (1 + std::exp(-1.0))},
                      {"SIGMOID", 40, 400, -1e9, 0}};
  for (auto const& row : rows) {
    SCOPED_TRACE(text(row.function, ' ', row.centre, '/', row.width, " of ", row.value));
    auto const all =
        displays_made(windows_made(spelled(row.centre), spelled(row.width), row.function));
    ASSERT_EQ(all.size(), 1U);
    EXPECT_NEAR(all[0](row.value), row.shade, 1e-12);
  }
}

TEST(Display, OffersEachWindowByItsNameAndThenTheTables) {
  auto const table =
      LookupMade{.descriptor = {4, 0, 8}, .data = made_numbers({0, 51, 102, 255})}.item();
  auto const all = displays_made(windows_made("300\\-600", "1500\\1600") +
                                 made_sequence(Tag::voi_table, {table}));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].words, "BONE");
  EXPECT_EQ(all[1].words, "LUNG");
  EXPECT_EQ(all[1].window->centre, -600);
  EXPECT_NEAR(all[2](1), 0.2, 1e-12);
  EXPECT_NEAR(all[2](9), 1, 1e-12);
}

TEST(Display, TurnsWhatIsToBeBrightWhereItIsLow) {
  auto const windows = windows_made("40", "400");
  EXPECT_EQ(displays_made(windows, "MONOCHROME1").at(0)(-1000), 1);
  EXPECT_EQ(displays_made(windows, "MONOCHROME2").at(0)(-1000), 0);
  auto const shape = made_value(Tag::presentation_shape, "CS", "INVERSE");
  EXPECT_EQ(displays_made(windows + shape).at(0)(-1000), 1);
  EXPECT_EQ(displays_made(windows + shape, "MONOCHROME1").at(0)(-1000), 1);
}

TEST(Display, LooksUpValuesBelowZeroOnlyWhereThereCanBeSome) {
  auto const table =
      made_sequence(Tag::voi_table, {LookupMade{.descriptor = {4, -2, 16}}.item()});
  auto const intercept = made_value(Tag::intercept, "DS", "-1024");
  EXPECT_EQ(displays_made(table, "MONOCHROME2", intercept).at(0).table->first, -2);
  EXPECT_EQ(displays_made(table).at(0).table->first, 65534);
  auto const modality = made_value(Tag::signedness, "US", made_numbers({1})) +
                        made_sequence(Tag::modality_table, {LookupMade{}.item()});
  EXPECT_EQ(displays_made(table, "MONOCHROME2", modality).at(0).table->first, 65534);
}

TEST(Display, LeavesOutWhatMakesNoSense) {
  EXPECT_TRUE(displays_made("").empty());
  EXPECT_TRUE(displays_made(windows_made("40", "400"), "RGB").empty());
  EXPECT_TRUE(displays_made(windows_made("40", "0")).empty());
  EXPECT_TRUE(displays_made(windows_made("40", "0.5")).empty());
  EXPECT_EQ(displays_made(windows_made("40", "0.5", "SIGMOID")).size(), 1U);
  EXPECT_TRUE(displays_made(windows_made("40", "-3", "LINEAR_EXACT")).empty());
  EXPECT_TRUE(displays_made(windows_made("40\\50", "400")).empty());
  EXPECT_TRUE(displays_made(windows_made("nan", "400")).empty());
  EXPECT_TRUE(displays_made(windows_made("40", "400", "CUBIC")).empty());
  EXPECT_EQ(displays_made(windows_made("40\\50", "0\\300")).at(0).words, "LUNG");
  EXPECT_TRUE(displays_made(
                  made_sequence(Tag::voi_table, {LookupMade{.descriptor = {9, 0, 16}}.item()}))
                  .empty());
}

}  // namespace
}  // namespace fovea
