#include "base/io/dicom_series.hpp"

#include "base/core/rng.hpp"
#include "base/core/zip.hpp"
#include "base/dicom/made/phantom.hpp"
#include "base/io/dicom_stack.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace fovea {
namespace {

// A folder of phantom slices.
class SeriesFolder {
 public:
  void add(MadeSlice slice, bool own_uid = true) {
    if (own_uid) slice.sop = text("1.2.3.", files_.size() + 1);
    add_bytes(slice.bytes());
  }
  void add_bytes(std::string const& bytes) {
    files_.push_back(folder_.path() / text("IM", files_.size()));
    write_file(files_.back(), std::string_view{bytes});
  }
  DicomFound found() const { return find_series(files_, 2); }
  DicomSeries only() const {
    auto all = found();
    EXPECT_TRUE(all.damaged.empty());
    EXPECT_EQ(all.series.size(), 1U);
    return all.series.front();
  }
  std::vector<fs::path>& files() { return files_; }

 private:
  ScratchFolder folder_;
  std::vector<fs::path> files_;
};

std::vector<std::string> series_codes(DicomSeries const& series) {
  std::vector<std::string> out;
  for (auto const& note : series.reasons) out.emplace_back(note.code);
  return out;
}

using Codes = std::vector<std::string>;

void series_expect(DicomSeries const& series, Verdict verdict, Codes const& codes) {
  EXPECT_EQ(name_of(series.verdict), name_of(verdict));
  EXPECT_EQ(series_codes(series), codes);
}

// A slice with one bright voxel: column 4, row 1.
MadeSlice series_marked(std::uint16_t bright = 2024) {
  MadeSlice slice;
  slice.pixels.assign(24, 24);
  slice.pixels[1 * 6 + 4] = bright;
  return slice;
}

void series_expect_point(Point got, double x, double y, double z) {
  EXPECT_NEAR(got.mm[0], x, 1e-9);
  EXPECT_NEAR(got.mm[1], y, 1e-9);
  EXPECT_NEAR(got.mm[2], z, 1e-9);
}

// In the order of a shuffled folder: the middle first.
SeriesFolder& series_stack(SeriesFolder& folder, std::vector<double> const& heights) {
  for (auto const z : heights) folder.add(series_marked().at(-10, -20, z));
  return folder;
}

TEST(Gate, PlacesASeriesByItsPositionsNotByItsNames) {
  SeriesFolder folder;
  for (auto const z : {36.0, 30.0, 34.0, 32.0}) {
    auto slice = series_marked(static_cast<std::uint16_t>(1024 + z));
    folder.add(slice.at(-10, -20, z));
  }
  auto const series = folder.only();
  series_expect(series, Verdict::ok, {});
  EXPECT_EQ(series.grid.size, (std::array<std::int64_t, 3>{6, 4, 4}));
  // 0.5 between rows, 0.75 between columns.
  series_expect_point(series.grid.point_of({{4, 1, 2}}), -10 + 4 * 0.75, -20 + 0.5, 34);
  auto const volume = load_series(series);
  EXPECT_EQ(volume.type(), Type::i16);
  EXPECT_EQ(volume.unit(), Unit::hounsfield);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(volume.as<std::int16_t>()[k * 24 + 10], 30 + 2 * static_cast<int>(k));
    EXPECT_EQ(volume.as<std::int16_t>()[k * 24 + 9], -1000);
  }
}

TEST(Gate, GivesTheSameAnswerForAnyOrderOfFiles) {
  SeriesFolder folder;
  for (int k = 0; k < 12; ++k) folder.add(series_marked().at(0, 0, 2.5 * k));
  auto const first = folder.only();
  Rng rng{7};
  for (int i = 0; i < 5; ++i) {
    rng.shuffle(std::span{folder.files()});
    auto const again = folder.only();
    EXPECT_EQ(again.grid.origin.mm, first.grid.origin.mm);
    EXPECT_EQ(again.grid.axes[2].mm, first.grid.axes[2].mm);
    for (std::size_t k = 0; k < 12; ++k)
      EXPECT_EQ(again.slices[k].sop(), first.slices[k].sop());
  }
}

TEST(Gate, KeepsObliqueAxesAsWritten) {
  SeriesFolder folder;
  auto const c = std::cos(0.3);
  auto const s = std::sin(0.3);
  for (int k = 0; k < 5; ++k) {
    auto slice = series_marked();
    slice.orientation = made_decimals({c, s, 0, 0, 0, -1});
    // The normal of these is (-s, c, 0).
    folder.add(slice.at(5 - 3.0 * k * s, 6 + 3.0 * k * c, 7));
  }
  auto const series = folder.only();
  series_expect(series, Verdict::ok, {});
  series_expect_point(series.grid.point_of({{4, 1, 2}}), 5 - 6 * s + 3 * c, 6 + 6 * c + 3 * s,
                      7 - 0.5);
  EXPECT_FALSE(series.grid.sheared());
}

TEST(Gate, KeepsTheShearOfATiltedGantry) {
  SeriesFolder folder;
  auto const angle = 18.5 * std::numbers::pi / 180;
  for (int k = 0; k < 6; ++k) {
    auto slice = series_marked();
    slice.orientation = made_decimals({1, 0, 0, 0, std::cos(angle), -std::sin(angle)});
    folder.add(slice.at(0, 0, 4.22 * k));
  }
  auto const series = folder.only();
  series_expect(series, Verdict::adjusted, {"gantry-tilt"});
  EXPECT_NE(series.reasons[0].words.find("18.50 degrees"), std::string::npos);
  EXPECT_TRUE(series.grid.sheared());
  series_expect_point(series.grid.point_of({{4, 2, 3}}), 3, std::cos(angle),
                      3 * 4.22 - std::sin(angle));
  EXPECT_EQ(load_series(series).grid().axes[2].mm, (std::array<double, 3>{0, 0, 4.22}));
}

TEST(Gate, RefusesMissingSlicesAndSaysWhere) {
  SeriesFolder folder;
  auto const series = series_stack(folder, {0, 2, 4, 8, 10, 12, 18}).only();
  series_expect(series, Verdict::refused, {"missing-slice"});
  EXPECT_NE(series.reasons[0].words.find("4.00 mm behind slice 3"), std::string::npos)
      << series.reasons[0].words;
  EXPECT_NE(series.reasons[0].words.find("6.00 mm behind slice 6"), std::string::npos);
  try {
    load_series(series);
    ADD_FAILURE() << "was loaded";
  } catch (Refusal const& fault) {
    EXPECT_EQ(fault.code(), "missing-slice");
  }
}

TEST(Gate, RefusesVariableSpacingAndSaysWhere) {
  SeriesFolder folder;
  auto const series = series_stack(folder, {0, 2.5, 5, 7.5, 12.5, 17.5, 22.5}).only();
  series_expect(series, Verdict::refused, {"variable-spacing"});
  EXPECT_NE(series.reasons[0].words.find("2.50 mm behind slice 1"), std::string::npos)
      << series.reasons[0].words;
  EXPECT_NE(series.reasons[0].words.find("5.00 mm behind slice 4"), std::string::npos);
}

TEST(Gate, TakesJitterBelowItsToleranceAndSaysSo) {
  SeriesFolder small;
  series_expect(series_stack(small, {0, 2.01, 4, 5.99, 8}).only(), Verdict::ok,
                {"position-jitter"});
  SeriesFolder large;
  series_expect(series_stack(large, {0, 2.05, 4, 6, 8}).only(), Verdict::refused,
                {"variable-spacing"});
  SeriesFolder aside;
  for (int k = 0; k < 4; ++k) aside.add(series_marked().at(k == 2 ? 0.5 : 0, 0, 2.0 * k));
  series_expect(aside.only(), Verdict::refused, {"irregular-positions"});
}

TEST(Gate, DropsCopiesAndRefusesOtherImagesOfOnePlace) {
  SeriesFolder copies;
  series_stack(copies, {0, 2, 4});
  copies.add_bytes(read_text(copies.files()[1]));
  auto const series = copies.only();
  series_expect(series, Verdict::adjusted, {"duplicate-dropped"});
  EXPECT_EQ(series.grid.size[2], 3);

  SeriesFolder one_name;
  series_stack(one_name, {0, 2, 4});
  auto other = series_marked(7).at(-10, -20, 2);
  other.sop = "1.2.3.2";
  one_name.add(other, false);
  series_expect(one_name.only(), Verdict::refused, {"same-uid"});

  SeriesFolder one_place;
  series_stack(one_place, {0, 2, 2, 4});
  series_expect(one_place.only(), Verdict::refused, {"duplicate-position"});
}

TEST(Gate, PartsEchoesTimesAndAcquisitions) {
  for (auto const tag : {Tag::echo_time, Tag::time_point, Tag::acquisition_number,
                         Tag::trigger_time, Tag::kernel}) {
    SCOPED_TRACE(words_of(tag));
    SeriesFolder folder;
    for (int k = 0; k < 4; ++k) {
      for (auto const* value : {"5", "10"}) {
        auto slice = series_marked(value[0] == '5' ? 100 : 200).at(0, 0, 2.0 * k);
        slice.more = {{tag, value}};
        folder.add(slice);
      }
    }
    auto const found = folder.found();
    ASSERT_EQ(found.series.size(), 2U);
    for (auto const& series : found.series) {
      series_expect(series, Verdict::ok, {"split"});
      auto const volume = load_series(series);
      EXPECT_EQ(volume.depth(), 4);
      auto const values = volume.as<std::int16_t>();
      for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(values[k * 24 + 10], values[10]);
    }
  }
}

TEST(Gate, PartsALocalizerFromTheSlices) {
  SeriesFolder folder;
  auto scout = series_marked().at(0, 5, 9);
  scout.orientation = "1\\0\\0\\0\\0\\-1";
  folder.add(scout);
  series_stack(folder, {0, 2, 4});
  auto const found = folder.found();
  ASSERT_EQ(found.series.size(), 2U);
  auto const& one = found.series[0].slices.size() == 1 ? found.series[0] : found.series[1];
  auto const& other = found.series[0].slices.size() == 1 ? found.series[1] : found.series[0];
  series_expect(one, Verdict::adjusted, {"no-thickness", "split"});
  series_expect(other, Verdict::ok, {"split"});
  EXPECT_EQ(other.grid.size[2], 3);
}

TEST(Gate, TakesTheThicknessOfASingleSliceForItsSpacing) {
  SeriesFolder folder;
  auto slice = series_marked();
  slice.more = {{Tag::slice_thickness, "2.5"}};
  folder.add(slice);
  auto const series = folder.only();
  series_expect(series, Verdict::ok, {"single-slice"});
  EXPECT_EQ(series.grid.spacing().mm, (std::array<double, 3>{0.75, 0.5, 2.5}));
}

TEST(Gate, RefusesSeriesOfSeveralPatients) {
  SeriesFolder folder;
  series_stack(folder, {0, 2, 4});
  auto other = series_marked().at(-10, -20, 6);
  other.patient = "P2";
  folder.add(other);
  series_expect(folder.only(), Verdict::refused, {"mixed-patients"});
  SeriesFolder apart;  // with series of their own, two patients are no fault
  series_stack(apart, {0, 2});
  for (auto const z : {0.0, 2.0}) {
    auto slice = series_marked().at(0, 0, z);
    slice.patient = "P2";
    slice.series = "1.2.4";
    apart.add(slice);
  }
  auto const found = apart.found();
  ASSERT_EQ(found.series.size(), 2U);
  for (auto const& series : found.series) series_expect(series, Verdict::ok, {});
}

TEST(Gate, RefusesImagesThatDoNotSayWhereTheyLie) {
  for (auto const what : {0, 1}) {
    SeriesFolder folder;
    series_stack(folder, {0, 2});
    auto slice = series_marked().at(0, 0, 4);
    (what == 0 ? slice.position : slice.orientation) = "";
    folder.add(slice);
    series_expect(folder.only(), Verdict::refused, {"no-position"});
  }
  for (auto const* words : {"1\\2", "1\\2\\x", "1\\2\\nan", "1\\2\\inf"}) {
    SeriesFolder folder;
    auto slice = series_marked();
    slice.position = words;
    folder.add(slice);
    series_expect(folder.only(), Verdict::refused, {"no-position"});
  }
}

TEST(Gate, RefusesAxesThatAreNoUnitVectorsAtRightAngles) {
  for (auto const* words :
       {"1\\0\\0\\0.1\\1\\0", "1.1\\0\\0\\0\\1\\0", "1\\0\\0\\1\\0\\0", "0\\0\\0\\0\\0\\0"}) {
    SCOPED_TRACE(words);
    SeriesFolder folder;
    for (auto const z : {0.0, 2.0}) {
      auto slice = series_marked().at(0, 0, z);
      slice.orientation = words;
      folder.add(slice);
    }
    series_expect(folder.only(), Verdict::refused, {"not-orthogonal"});
  }
}

TEST(Gate, RefusesSpacingsThatAreNone) {
  for (auto const* words : {"0\\0.75", "0.5\\0", "-0.5\\0.75", "nan\\1", "0.5", "a\\b", ""}) {
    SCOPED_TRACE(words);
    SeriesFolder folder;
    for (auto const z : {0.0, 2.0}) {
      auto slice = series_marked().at(0, 0, z);
      slice.spacing = words;
      folder.add(slice);
    }
    series_expect(folder.only(), Verdict::refused, {"bad-spacing"});
  }
  SeriesFolder folder;
  series_stack(folder, {0, 2});
  auto slice = series_marked().at(-10, -20, 4);
  slice.spacing = "0.5\\0.8";
  folder.add(slice);
  series_expect(folder.only(), Verdict::refused, {"pixel-spacing-differs"});
}

TEST(Gate, ScalesEachSliceByItsOwnNumbers) {
  SeriesFolder folder;
  for (int k = 0; k < 3; ++k) {
    auto slice = series_marked(100).at(0, 0, 2.0 * k);
    slice.modality = "PT";
    slice.slope = spelled(0.5 + k);
    slice.intercept = "1";
    folder.add(slice);
  }
  auto const volume = load_series(folder.only());
  EXPECT_EQ(volume.type(), Type::f32);
  EXPECT_EQ(volume.unit(), Unit::arbitrary);
  EXPECT_EQ(volume.as<float>()[10], 51);
  EXPECT_EQ(volume.as<float>()[24 + 10], 151);
  EXPECT_EQ(volume.as<float>()[48 + 10], 251);
}

TEST(Gate, DecodesEachSliceWithItsOwnSign) {
  SeriesFolder folder;
  for (int k = 0; k < 2; ++k) {
    auto slice = series_marked(k == 0 ? 0x0fff : 0x0fff).at(0, 0, 2.0 * k);
    slice.negative = k == 1;
    slice.intercept = "0";
    folder.add(slice);
  }
  auto const volume = load_series(folder.only());
  EXPECT_EQ(volume.as<std::int16_t>()[10], 4095);
  EXPECT_EQ(volume.as<std::int16_t>()[24 + 10], -1);
}

TEST(Gate, LeavesMonochrome1AsItIsStored) {
  SeriesFolder folder;
  for (auto const z : {0.0, 2.0}) {
    auto slice = series_marked(2024).at(0, 0, z);
    slice.photometric = "MONOCHROME1";
    folder.add(slice);
  }
  EXPECT_EQ(load_series(folder.only()).as<std::int16_t>()[10], 1000);
}

TEST(Gate, HoldsWideValuesInWiderTypes) {
  auto const type_of = [](int stored, bool negative, char const* slope, char const* intercept,
                          std::uint16_t bright = 2024) {
    SeriesFolder folder;
    auto slice = series_marked(bright);
    slice.stored = stored;
    slice.negative = negative;
    slice.slope = slope;
    slice.intercept = intercept;
    folder.add(slice);
    return name_of(load_series(folder.only()).type());
  };
  EXPECT_EQ(type_of(8, false, "1", "0"), "u8");
  EXPECT_EQ(type_of(12, false, "1", "-1024"), "i16");
  EXPECT_EQ(type_of(16, true, "1", "0"), "i16");
  EXPECT_EQ(type_of(16, false, "1", "0"), "u16");
  EXPECT_EQ(type_of(16, false, "1", "-1024"), "i16");
  EXPECT_EQ(type_of(16, false, "1", "-1024", 32767 + 1024), "i16");
  EXPECT_EQ(type_of(16, false, "1", "-1024", 32768 + 1024), "i32");
  EXPECT_EQ(type_of(16, false, "0.1", "0"), "f32");
}

TEST(Gate, RefusesScalingThatIsNone) {
  for (auto const& [slope, intercept] : {std::pair{"0", "0"}, {"x", "0"}, {"1", "nan"}}) {
    SeriesFolder folder;
    auto slice = series_marked();
    slice.slope = slope;
    slice.intercept = intercept;
    folder.add(slice);
    series_expect(folder.only(), Verdict::refused, {"bad-scaling"});
  }
}

TEST(Gate, RefusesWhatItDoesNotReadYet) {
  for (auto const& [tag, value, code] :
       {std::tuple{Tag::frames, "2", "short-pixels"},
        {Tag::image_type, "ORIGINAL\\PRIMARY\\M\\MOSAIC", "mosaic"},
        {Tag::concatenation, "1.2.3", "concatenation"}}) {
    SeriesFolder folder;
    auto slice = series_marked();
    slice.more = {{tag, value}};
    folder.add(slice);
    series_expect(folder.only(), Verdict::refused, {code});
  }
}

TEST(Gate, RefusesAttributesThatStandTwice) {
  MadeDicom other;
  other.put(Tag::position, "DS", "7\\7\\7");
  SeriesFolder folder;
  folder.add_bytes(series_marked().bytes() + other.bytes());
  series_expect(folder.only(), Verdict::refused, {"tag-twice"});
}

TEST(Gate, GivesPicturesWithoutAPlaceNone) {
  SeriesFolder folder;
  for (int i = 0; i < 2; ++i) {
    auto slice = series_marked();
    slice.modality = "DX";
    slice.position = slice.orientation = "";
    folder.add(slice);
  }
  auto const found = folder.found();
  ASSERT_EQ(found.series.size(), 2U);
  for (auto const& series : found.series) {
    series_expect(series, Verdict::ok, {"no-position"});
    EXPECT_FALSE(series.placed);
    EXPECT_EQ(load_series(series).depth(), 1);
    EXPECT_EQ(series.grid.spacing().mm, (std::array<double, 3>{0.75, 0.5, 1}));
  }
}

TEST(Gate, GoesOnWithoutDamagedFilesAndNamesThem) {
  SeriesFolder folder;
  series_stack(folder, {0, 2, 4});
  auto const whole = series_marked().at(0, 0, 6).bytes();
  folder.add_bytes(whole.substr(0, whole.size() - 5));
  folder.add_bytes("no DICOM");
  MadeDicom report;
  report.put(Tag::modality, "CS", "SR");
  folder.add_bytes(made_file(made_explicit, report.bytes()));
  folder.files().push_back(folder.files().front().parent_path() / "none");
  auto const found = folder.found();
  EXPECT_EQ(found.series.size(), 1U);
  EXPECT_EQ(found.others, 1U);
  ASSERT_EQ(found.damaged.size(), 3U);
  EXPECT_EQ(found.damaged[0].code, "truncated");
  EXPECT_EQ(found.damaged[0].at, whole.size() - 5);
  EXPECT_EQ(found.damaged[1].code, "not-dicom");
  EXPECT_EQ(found.damaged[2].code, "unreadable");
}

TEST(Gate, NoticesFilesThatChange) {
  SeriesFolder folder;
  auto const series = series_stack(folder, {0, 2, 4}).only();
  auto other = series_marked();
  other.sop = "9.9";
  write_file(folder.files()[1], std::string_view{other.bytes()});
  try {
    load_series(series);
    ADD_FAILURE() << "was loaded";
  } catch (Refusal const& fault) {
    EXPECT_EQ(fault.code(), "changed");
  }
}

// --- files that others made
// ----------------------------------------------------------------------

std::vector<fs::path> series_tilted(fs::path const& into,
                                    std::vector<std::string> const& without) {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const zip_file =
      (data != nullptr ? fs::path{data}
                       : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
      "dicom-conformance" / "ct_tilt_ge.zip";
  if (!fs::exists(zip_file)) return {};
  ZipReader const zip{zip_file};
  std::vector<fs::path> files;
  for (auto const& entry : zip.entries()) {
    auto const name = fs::path{entry.name}.filename().string();
    if (!name.ends_with(".dcm") || std::ranges::find(without, name) != without.end()) continue;
    files.push_back(into / name);
    write_file(files.back(), zip.read(entry.name, 64U << 20));
  }
  return files;
}

TEST(Gate, FindsTheTwoSpacingsOfARealTiltedSeries) {
  ScratchFolder const folder;
  auto const files = series_tilted(folder.path(), {});
  if (files.empty()) GTEST_SKIP() << "no dicom-conformance here";
  auto const found = find_series(files);
  ASSERT_EQ(found.series.size(), 1U);
  auto const& series = found.series.front();
  series_expect(series, Verdict::refused, {"variable-spacing"});
  auto const& words = series.reasons[0].words;
  EXPECT_NE(words.find("4.22 mm along patient z"), std::string::npos) << words;
  EXPECT_NE(words.find("7.38 mm along patient z"), std::string::npos) << words;
  EXPECT_NE(words.find("18.50 degrees off their normal"), std::string::npos) << words;

  // Every slice says where it lies, so that it can be drawn on a grid of the smallest distance.
  ASSERT_TRUE(is_stack(series));
  EXPECT_THROW(load_series(series), Refusal);
  auto const stack = load_stack(series);
  EXPECT_EQ(stack.voxels.unit(), Unit::hounsfield);
  auto const grid = straightened(stack);
  EXPECT_NEAR(grid.spacing().mm[2], 1.081, 0.001);  // the two halves meet so closely
  EXPECT_FALSE(grid.sheared());
  auto const lowest = resample(stack, grid, {.outside = -5000});
  // The first slice lies on the grid: its voxels are kept.
  auto const at = index_of(grid, stack.firsts.front());
  auto const from =
      static_cast<std::size_t>(std::lround(at.ijk[1])) * static_cast<std::size_t>(grid.size[0]);
  for (std::size_t i = 0; i < static_cast<std::size_t>(grid.size[0]); ++i)
    EXPECT_EQ(lowest.as<std::int16_t>()[from + i], stack.voxels.as<std::int16_t>()[i]);

  // Each half by itself is regular, and tilted.
  std::vector<fs::path> half{files.begin(), files.begin() + 14};
  auto const lower = find_series(half).series.front();
  series_expect(lower, Verdict::adjusted, {"gantry-tilt"});
  EXPECT_NE(lower.reasons[0].words.find("18.5"), std::string::npos) << lower.reasons[0].words;
  EXPECT_EQ(load_series(lower).unit(), Unit::hounsfield);
}

TEST(Gate, MakesNoStackOfOtherSeries) {
  DicomSeries series;
  EXPECT_FALSE(is_stack(series));
  EXPECT_THROW(load_stack(series), Refusal);
  series.verdict = Verdict::refused;
  series.reasons.push_back({"missing-slice", "a gap"});
  EXPECT_FALSE(is_stack(series));
  EXPECT_THROW(load_stack(series), Refusal);
}

TEST(Gate, FindsTheGapsInARealTiltedSeries) {
  ScratchFolder const folder;
  auto const files = series_tilted(folder.path(), {"05.dcm", "20.dcm"});
  if (files.empty()) GTEST_SKIP() << "no dicom-conformance here";
  auto const series = find_series(files).series.front();
  series_expect(series, Verdict::refused, {"missing-slice"});
  auto const& words = series.reasons[0].words;
  for (auto const* part : {"8.00 mm behind", "8.44 mm along patient z", "14.00 mm behind",
                           "14.76 mm along patient z"})
    EXPECT_NE(words.find(part), std::string::npos) << words;
}

}  // namespace
}  // namespace fovea
