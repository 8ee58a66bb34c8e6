#include "base/core/csv.hpp"
#include "base/core/hash.hpp"
#include "base/core/zip.hpp"
#include "base/dicom/made/phantom.hpp"
#include "base/io/dicom_series.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

// What the numbers of a series mean.
namespace fovea {
namespace {

class ValuesFolder {
 public:
  void add(MadeSlice slice) {
    slice.sop = text("1.2.3.", files_.size() + 1);
    add_bytes(slice.bytes());
  }
  void add_bytes(std::string_view bytes) {
    files_.push_back(folder_.path() / text("IM", files_.size()));
    write_file(files_.back(), bytes);
  }
  DicomSeries only() const {
    auto all = find_series(files_, 1);
    EXPECT_TRUE(all.damaged.empty());
    EXPECT_EQ(all.series.size(), 1U);
    return all.series.at(0);
  }

 private:
  ScratchFolder folder_;
  std::vector<fs::path> files_;
};

std::string values_table(std::vector<std::int64_t> const& entries,
                         std::int64_t first,
                         std::string const& type) {
  auto const count = static_cast<std::int64_t>(entries.size());
  return made_sequence(
      Tag::modality_table,
      {made_value(Tag::table_descriptor, "US", made_numbers({count, first, 16})) +
       made_value(Tag::table_type, "LO", type) +
       made_value(Tag::table_data, "OW", made_numbers(entries))});
}

MadeSlice values_slice(double z) {
  MadeSlice slice;
  slice.pixels = {0, 1, 2, 3, 4, 4095};
  slice.pixels.resize(24);
  slice.at(-10, -20, z);
  return slice;
}

TEST(ModalityTable, IsAppliedToEachSliceByItsOwn) {
  ValuesFolder folder;
  for (int k = 0; k < 2; ++k) {
    auto slice = values_slice(2.0 * k);
    slice.slope = slice.intercept = "";
    slice.parts = {{Tag::modality_table, values_table({7 + k, 300 + k, 60000 + k}, 1, "HU")}};
    folder.add(slice);
  }
  auto const series = folder.only();
  EXPECT_EQ(name_of(series.verdict), "ok");
  auto const volume = load_series(series);
  EXPECT_EQ(volume.unit(), Unit::hounsfield);
  ASSERT_EQ(volume.type(), Type::u16);
  auto const values = volume.as<std::uint16_t>();
  EXPECT_EQ(std::vector<int>(values.begin(), values.begin() + 6),
            (std::vector<int>{7, 7, 300, 60000, 60000, 60000}));
  EXPECT_EQ(values[24 + 2], 301);
}

TEST(ModalityTable, ThatIsBrokenIsRefused) {
  struct Row {
    char const* what;
    std::string part;
    char const* slope;
    char const* code;
  };
  Row const rows[] = {
      {"no items' data",
       made_sequence(Tag::modality_table, {made_value(Tag::table_type, "LO", "HU")}), "",
       "bad-table"},
      {"a table and a slope", values_table({1, 2}, 0, "US"), "2", "bad-scaling"},
      {"slope 1 says nothing", values_table({1, 2}, 0, "US"), "1", ""}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    ValuesFolder folder;
    auto slice = values_slice(0);
    slice.slope = row.slope;
    slice.intercept = "";
    slice.parts = {{Tag::modality_table, row.part},
                   {Tag::slice_thickness, made_value(Tag::slice_thickness, "DS", "2")}};
    folder.add(slice);
    auto const series = folder.only();
    EXPECT_EQ(series.verdict == Verdict::refused ? series.reasons.at(0).code : "", row.code);
  }
}

TEST(Values, SayTheirUnitAndAreNotMixed) {
  struct Row {
    char const* modality;
    char const* type;  // of the last slice: type, too
    char const* last;
    char const* unit;
    std::vector<std::string> codes;
  };
  Row const rows[] = {{"CT", "HU", "HU", "HU", {}},
                      {"CT", "", "", "HU", {}},
                      {"CT", "HU", "", "HU", {}},
                      {"CT", "US", "US", "arbitrary", {}},
                      {"CT", "Z_EFF", "Z_EFF", "arbitrary", {"value-unit"}},
                      {"CT", "HU", "Z_EFF", "arbitrary", {"unit-differs", "value-unit"}},
                      {"MR", "normalized", "normalized", "arbitrary", {"value-unit"}}};
  for (auto const& row : rows) {
    SCOPED_TRACE(text(row.modality, ' ', row.type, ' ', row.last));
    ValuesFolder folder;
    for (int k = 0; k < 3; ++k) {
      auto slice = values_slice(2.0 * k);
      slice.modality = row.modality;
      slice.more = {{Tag::rescale_type, k < 2 ? row.type : row.last}};
      folder.add(slice);
    }
    auto const series = folder.only();
    std::vector<std::string> codes;
    for (auto const& note : series.reasons) codes.emplace_back(note.code);
    EXPECT_EQ(codes, row.codes);
    if (series.verdict != Verdict::refused) {
      EXPECT_EQ(name_of(load_series(series).unit()), row.unit);
    }
  }
}

TEST(Padding, IsCountedAndKeepsItsValue) {
  struct Row {
    char const* what;
    bool negative;
    std::vector<std::int64_t> value, limit;
    std::int64_t voxels;  // of 2 x 24: 0 1 2 3 4 4095 and 18 more 0
  };
  Row const rows[] = {{"none", false, {}, {}, 0},
                      {"a value", false, {4}, {}, 2},
                      {"another that does not occur", false, {7}, {}, 0},
                      {"a range", false, {1}, {3}, 6},
                      {"a range from above", false, {3}, {1}, 6},
                      {"a sign that its kind does not have", true, {65535}, {}, 2}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    ValuesFolder folder;
    for (int k = 0; k < 2; ++k) {
      auto slice = values_slice(2.0 * k);
      slice.negative = row.negative;
      slice.slope = k == 0 ? "1" : "-2";
      auto const put = [&](Tag tag, std::vector<std::int64_t> const& values) {
        if (!values.empty())
          slice.parts.emplace_back(tag, made_value(tag, "US", made_numbers(values)));
      };
      put(Tag::padding_value, row.value);
      put(Tag::padding_limit, row.limit);
      folder.add(slice);
    }
    auto const series = folder.only();
    auto const volume = load_series(series);
    EXPECT_EQ(padded_voxels(series, volume), row.voxels);
    EXPECT_EQ(volume.as<std::int16_t>()[24 + 4], 4 * -2 - 1024);
  }
}

TEST(ModalityTable, OfRealFilesGivesWhatPydicomGives) {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const folder =
      (data != nullptr ? fs::path{data} : fs::path{FOVEA_SOURCE_DIR} / "../shared/data") /
      "dicom-conformance";
  if (!fs::exists(folder)) GTEST_SKIP() << "no dicom-conformance here";
  ZipReader const zip{folder / "pydicom_data.zip"};
  auto const table =
      read_csv(fs::path{FOVEA_SOURCE_DIR} / "src/base/io/made/modality_tables.csv");
  ASSERT_FALSE(table.rows.empty());
  for (auto const& row : table.rows) {
    SCOPED_TRACE(row[0]);
    ValuesFolder into;
    for (auto const& entry : zip.entries()) {
      if (!entry.name.ends_with(row[0])) continue;
      auto const bytes = zip.read(entry.name, 64U << 20);
      into.add_bytes({reinterpret_cast<char const*>(bytes.data()), bytes.size()});
    }
    auto const volume = load_series(into.only());
    ASSERT_EQ(volume.type(), Type::u16);
    auto const values = volume.as<std::uint16_t>();
    EXPECT_EQ(text(values.front()), row[1]);
    EXPECT_EQ(text(values.back()), row[2]);
    EXPECT_EQ(sha256(std::as_bytes(values)), row[6]);
  }
}

}  // namespace
}  // namespace fovea
