#include "base/io/dicom_rtstruct.hpp"

#include "base/core/rng.hpp"
#include "base/core/zip.hpp"
#include "base/io/made/rtstruct.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <libdeflate.h>

namespace fovea {
namespace {

using RtPoint = std::array<double, 3>;

std::string rt_words(std::vector<Point> const& points) {
  std::vector<double> numbers;
  for (auto const& point : points)
    numbers.insert(numbers.end(), point.mm.begin(), point.mm.end());
  return made_decimals(numbers);
}

// Voxels (i, j) of slice k of a grid, as a contour.
MadeContour rt_on(Grid const& grid,
                  double k,
                  std::vector<std::array<double, 2>> const& outline) {
  std::vector<Point> points;
  for (auto const& [i, j] : outline) points.push_back(grid.point_of({{i, j, k}}));
  return {.points = rt_words(points)};
}
MadeContour rt_box(Grid const& grid, double k, double first, double end) {
  return rt_on(grid, k,
               {{first - 0.5, first - 0.5},
                {end - 0.5, first - 0.5},
                {end - 0.5, end - 0.5},
                {first - 0.5, end - 0.5}});
}

Grid const rt_grid = upright({8, 6, 5}, {{0.75, 0.5, 2.5}}, {{-10, -20, 30}});

struct RtRead {
  std::string bytes;
  RtStructureSet set;
  RtMap map;
};
RtRead rt_read(MadeStructures const& drawn,
               RtTarget const& target,
               RtOptions const& options = {}) {
  RtRead out{drawn.bytes(), {}, {{Volume{upright({1, 1, 1}, {}), Type::u8}}, {}}};
  DicomFile const file{made_bytes(out.bytes), "made"};
  out.set = read_rtstruct(file);
  out.map = label_map_of(file, out.set, target, options);
  return out;
}
RtMap rt_map(MadeStructures const& drawn, Grid const& grid = rt_grid) {
  return rt_read(drawn, {grid, "1.2.9"}).map;
}

using RtCodes = std::vector<std::string>;
RtCodes rt_codes(std::vector<Note> const& notes) {
  RtCodes out;
  for (auto const& note : notes) out.emplace_back(note.code);
  return out;
}

std::string rt_refusal(MadeStructures const& drawn,
                       RtTarget const& target = {rt_grid, "1.2.9"},
                       RtOptions const& options = {}) {
  try {
    rt_read(drawn, target, options);
  } catch (Refusal const& fault) {
    return std::string{fault.code()};
  }
  return "read";
}

std::size_t rt_count(RtMap const& map, std::int64_t layer, int value) {
  return with_type(map.map.voxels.type(), [&](auto zero) {
    auto const voxels = map.map.voxels.channel<decltype(zero)>(layer);
    return static_cast<std::size_t>(
        std::ranges::count(voxels, static_cast<decltype(zero)>(value)));
  });
}

TEST(RtStruct, IsReadWithNamesColoursAndMakers) {
  MadeStructures drawn;
  drawn.character_set = "ISO_IR 192";
  drawn.rois = {{.number = "7", .name = "Hüfte", .contours = {rt_box(rt_grid, 1, 2, 5)}},
                {.number = "3",
                 .name = "spot",
                 .contours = {{.shape = "POINT", .points = "1\\2\\3"}},
                 .colour = "",
                 .made_by = "AUTOMATIC"}};
  for (auto const syntax : {made_explicit, made_implicit}) {
    drawn.syntax = syntax;
    auto const read = rt_read(drawn, {rt_grid, "1.2.9"});
    ASSERT_EQ(read.set.rois.size(), 2U);
    EXPECT_EQ(read.set.rois[0].name, "Hüfte");
    EXPECT_EQ(read.set.rois[0].kind, "ORGAN");
    EXPECT_EQ(read.set.rois[0].colour, (std::array<std::uint8_t, 3>{255, 0, 10}));
    EXPECT_EQ(read.set.rois[1].made_by, MadeBy::program);
    EXPECT_FALSE(read.set.rois[1].colour);
    EXPECT_EQ(rt_codes(read.set.notes), RtCodes{"contour-point"});
    EXPECT_EQ(rt_codes(read.map.notes), RtCodes{"roi-empty"});
    ASSERT_EQ(read.map.map.segments.size(), 1U);
    EXPECT_EQ(read.map.map.segments[0].value, 7);
    EXPECT_EQ(read.map.map.segments[0].name, "Hüfte");
    EXPECT_EQ(read.map.map.segments[0].provenance.made_by, MadeBy::person);
    EXPECT_EQ(rt_count(read.map, 0, 7), 9U);
    EXPECT_EQ(read.map.map.voxels.as<std::uint8_t>()[(6 + 2) * 8 + 2], 7);
  }
}

TEST(RtStruct, LiesWhereItWasDrawnOnObliqueAndShearedSlices) {
  auto const c = std::cos(0.4);
  auto const s = std::sin(0.4);
  Grid oblique{.size = {9, 7, 4}, .origin = {{5, -6, 7}}};
  oblique.axes = {{{{0.7 * c, 0.7 * s, 0}}, {{0, 0, -0.9}}, {{-3 * s, 3 * c, 0}}}};
  auto backwards = oblique;  // k against the normal
  for (auto& part : backwards.axes[2].mm) part = -part;
  auto tilted = upright({9, 7, 4}, {{0.7, 0.9, 3}}, {{1, 2, 3}});
  tilted.axes[2].mm[1] = 1.1;
  for (auto const& grid : {oblique, backwards, tilted}) {
    Rng rng{9};
    for (int round = 0; round < 20; ++round) {
      std::vector<std::array<double, 2>> outline;
      for (int n = 0; n < 6; ++n) outline.push_back({rng.uniform(-1, 9), rng.uniform(-1, 7)});
      auto const k = rng.below(4);
      MadeStructures drawn;
      drawn.rois = {{.contours = {rt_on(grid, static_cast<double>(k), outline)}}};
      MadeStructures flat;
      flat.rois = {
          {.contours = {rt_on(upright(grid.size, {}), static_cast<double>(k), outline)}}};
      if (rt_refusal(flat, {upright(grid.size, {}), ""}) != "read") continue;
      auto const got = rt_map(drawn, grid);
      auto const expected = rt_map(flat, upright(grid.size, {}));
      EXPECT_TRUE(std::ranges::equal(got.map.voxels.as<std::uint8_t>(),
                                     expected.map.voxels.as<std::uint8_t>()));
    }
  }
}

TEST(RtStruct, TakesContoursWithinTheTolerancePutsNoneBetweenSlices) {
  auto const at = [](double k) {
    MadeStructures drawn;
    drawn.rois = {{.contours = {rt_box(rt_grid, 1, 1, 3), rt_box(rt_grid, k, 2, 5)}}};
    return drawn;
  };
  EXPECT_EQ(rt_count(rt_map(at(3.0099)), 0, 1), 4U + 9U);
  EXPECT_EQ(rt_codes(rt_map(at(3)).notes), RtCodes{"contour-gap"});
  for (auto const k : {2.5, 3.011, -0.5, 4.5})
    EXPECT_EQ(rt_refusal(at(k)), "contour-off-plane");
  auto const left = rt_read(at(2.5), {rt_grid, "1.2.9"}, {.leave_off_plane = true});
  EXPECT_EQ(rt_codes(left.map.notes), RtCodes{"contour-off-plane"});
  EXPECT_NE(left.map.notes[0].words.find("1 contours of liver"), std::string::npos);
  EXPECT_NE(left.map.notes[0].words.find("1.250 mm off"), std::string::npos)
      << left.map.notes[0].words;
  EXPECT_EQ(rt_count(left.map, 0, 1), 4U);
  for (auto const k : {-1.0, 5.0}) {
    auto const outside = rt_map(at(k));
    EXPECT_EQ(rt_codes(outside.notes), RtCodes{"contour-outside"});
    EXPECT_EQ(rt_count(outside, 0, 1), 4U);
  }
  // Across the slices.
  MadeStructures across;
  across.rois = {{.contours = {{.points = rt_words({rt_grid.point_of({{1, 1, 1}}),
                                                    rt_grid.point_of({{5, 1, 1}}),
                                                    rt_grid.point_of({{5, 1, 3}})})}}}};
  EXPECT_EQ(rt_refusal(across), "contour-off-plane");
}

TEST(RtStruct, CutsHolesAndPutsOverlapsIntoLayers) {
  MadeStructures drawn;
  auto const xor_box = [](double first, double end) {
    auto out = rt_box(rt_grid, 0, first, end);
    out.shape = "CLOSEDPLANAR_XOR";
    return out;
  };
  drawn.rois = {{.number = "1", .name = "ring", .contours = {xor_box(0, 5), xor_box(1, 4)}},
                {.number = "2", .name = "core", .contours = {rt_box(rt_grid, 0, 1, 4)}},
                {.number = "300", .name = "all", .contours = {rt_box(rt_grid, 0, 0, 6)}}};
  auto const map = rt_map(drawn);
  EXPECT_EQ(map.map.voxels.type(), Type::u16);
  ASSERT_EQ(map.map.voxels.channels(), 2);
  EXPECT_EQ(rt_count(map, 0, 1), 16U);
  EXPECT_EQ(rt_count(map, 0, 2), 9U);
  EXPECT_EQ(rt_count(map, 1, 300), 36U);
  EXPECT_EQ(map.map.segments[2].layer, 1);
  EXPECT_EQ(rt_refusal(drawn, {rt_grid, "1.2.9"}, {.limits = {.bytes = 480}}), "too-large");
}

TEST(RtStruct, CountsFromOneWhereNumbersDoNotFit) {
  for (auto const* number : {"0", "-4", "70000"}) {
    MadeStructures drawn;
    drawn.rois = {{.number = "5", .contours = {rt_box(rt_grid, 0, 0, 2)}},
                  {.number = number, .contours = {rt_box(rt_grid, 0, 3, 5)}}};
    auto const map = rt_map(drawn);
    EXPECT_EQ(rt_codes(map.notes), RtCodes{"roi-renumbered"});
    EXPECT_EQ(map.map.segments[1].value, 2);
  }
}

TEST(RtStruct, BelongsToOneFrameOfReference) {
  MadeStructures drawn;
  drawn.rois = {{.number = "1", .contours = {rt_box(rt_grid, 0, 0, 2)}},
                {.number = "2",
                 .name = "else",
                 .contours = {rt_box(rt_grid, 0, 3, 5)},
                 .frame_of_reference = "1.2.8"}};
  auto const here = rt_map(drawn);
  EXPECT_EQ(rt_codes(here.notes), RtCodes{"other-frame-of-reference"});
  EXPECT_EQ(here.map.segments.size(), 1U);
  EXPECT_EQ(rt_refusal(drawn, {rt_grid, "1.2.7"}), "other-frame-of-reference");
  auto const unknown = rt_read(drawn, {rt_grid, ""});
  EXPECT_EQ(rt_codes(unknown.map.notes), RtCodes{"frame-of-reference-unknown"});
  EXPECT_EQ(unknown.map.map.segments.size(), 2U);
}

TEST(RtStruct, SaysWhereContoursNameAnotherImageThanTheirPlace) {
  MadeStructures drawn;
  auto right = rt_box(rt_grid, 1, 0, 2);
  right.image = "1.1";
  auto wrong = rt_box(rt_grid, 2, 0, 2);
  wrong.image = "1.3";
  drawn.rois = {{.contours = {right, wrong}}};
  std::vector<std::string> const images{"1.0", "1.1", "1.2", "1.3", "1.4"};
  auto const read = rt_read(drawn, {rt_grid, "1.2.9", images});
  ASSERT_EQ(rt_codes(read.map.notes), RtCodes{"contour-image-differs"});
  EXPECT_NE(read.map.notes[0].words.find("1 contours"), std::string::npos);
  EXPECT_TRUE(
      rt_read(drawn, {rt_grid, "1.2.9", std::vector<std::string>(5, "1.3")}).map.notes.empty());
}

TEST(RtStruct, RefusesWhatItCannotUnderstand) {
  struct Case {
    std::string code;
    std::string points = "0\\0\\0\\1\\0\\0\\0\\1\\0";
    std::string shape = "CLOSED_PLANAR";
    std::string number = "1", second = "2";
    std::string sop_class{rtstruct_class};
  };
  Case const cases[] = {{.code = "bad-contour", .points = "0\\0\\0\\1\\0\\0\\0\\1"},
                        {.code = "bad-contour", .points = "0\\0\\0\\1\\0\\0\\0\\1\\nan"},
                        {.code = "bad-contour", .points = "0\\0\\0\\1\\0\\0\\0\\1\\1e7"},
                        {.code = "bad-contour", .points = "0\\0\\0\\1\\0\\0\\0\\1\\1,5"},
                        {.code = "bad-contour", .points = "0\\\\0\\1\\0\\0\\0\\1\\1"},
                        {.code = "bad-contour", .points = ""},
                        {.code = "bad-contour", .shape = "CIRCLE"},
                        {.code = "roi-twice", .second = "1"},
                        {.code = "bad-roi", .number = "x"},
                        {.code = "no-contours", .shape = "OPEN_PLANAR"},
                        {.code = "no-contours", .points = "0\\0\\0\\1\\0\\0"}};
  for (auto const& one : cases) {
    SCOPED_TRACE(text(one.code, ' ', one.points, ' ', one.shape));
    MadeStructures drawn;
    drawn.rois = {
        {.number = one.number, .contours = {{.shape = one.shape, .points = one.points}}},
        {.number = one.second}};
    EXPECT_EQ(rt_refusal(drawn, {upright({4, 4, 4}, {}), ""}), one.code);
  }
  MadeStructures other;
  other.sop_class = "1.2.840.10008.5.1.4.1.1.481.2";
  auto bytes = other.bytes();
  bytes.replace(bytes.find("RTSTRUCT"), 8, "RTDOSE  ");
  EXPECT_THROW(read_rtstruct(DicomFile{made_bytes(bytes), "dose"}), Refusal);
}

TEST(RtStruct, LeavesContoursOfRegionsThatAreNotListed) {
  MadeStructures drawn;
  drawn.rois = {{.contours = {rt_box(rt_grid, 0, 0, 2)}}};
  drawn.more_contours =
      drawn.contours_of({.number = "9", .contours = {rt_box(rt_grid, 0, 0, 2)}});
  auto const read = rt_read(drawn, {rt_grid, "1.2.9"});
  EXPECT_EQ(rt_codes(read.set.notes), RtCodes{"roi-unknown"});
  EXPECT_EQ(read.map.map.segments.size(), 1U);
}

std::string rt_deflated(std::string const& words) {
  std::string out(words.size() + 1024, '\0');
  auto* const zip = libdeflate_alloc_compressor(6);
  out.resize(
      libdeflate_deflate_compress(zip, words.data(), words.size(), out.data(), out.size()));
  libdeflate_free_compressor(zip);
  return out;
}

// More than the scan keeps of values: contours must not push out what stands behind them.
TEST(RtStruct, ReadsManyLongContoursOnDemand) {
  auto const grid = upright({64, 64, 40}, {});
  std::vector<std::array<double, 2>> circle;
  constexpr int corners = 20'000;
  for (int n = 0; n < corners; ++n)
    circle.push_back({31.4 + 20 * std::cos(2 * M_PI * n / corners),
                      31.6 + 20 * std::sin(2 * M_PI * n / corners)});
  MadeStructures drawn;
  drawn.syntax = made_implicit;
  for (int number = 1; number <= 2; ++number) {
    MadeRoi roi{.number = text(number), .name = text("ball ", number)};
    for (int k = 0; k < 10; ++k) roi.contours.push_back(rt_on(grid, 10 * number + k, circle));
    drawn.rois.push_back(roi);
  }
  auto const plain = rt_read(drawn, {grid, "1.2.9"});
  EXPECT_GT(plain.bytes.size(), 15U << 20);
  EXPECT_EQ(plain.map.map.segments[1].name, "ball 2");
  EXPECT_NEAR(static_cast<double>(rt_count(plain.map, 0, 2)), 10 * M_PI * 400, 100);
  drawn.syntax = made_explicit;
  auto const packed = made_file(made_deflated, rt_deflated(drawn.data_set()));
  DicomFile const file{made_bytes(packed), "deflated"};
  auto const map = label_map_of(file, read_rtstruct(file), {grid, "1.2.9"});
  EXPECT_TRUE(std::ranges::equal(map.map.voxels.as<std::uint8_t>(),
                                 plain.map.map.voxels.as<std::uint8_t>()));
}

TEST(RtStruct, ReadsAFileOfAnotherProgram) {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const zip_file =
      (data != nullptr ? fs::path{data}
                       : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
      "dicom-conformance" / "pydicom_test_files.zip";
  if (!fs::exists(zip_file)) GTEST_SKIP() << "no dicom-conformance here";
  auto const bytes = ZipReader{zip_file}.read("test_files/rtstruct.dcm", 1U << 20);
  DicomFile const file{bytes, "rtstruct.dcm"};
  auto const set = read_rtstruct(file);
  ASSERT_EQ(set.rois.size(), 3U);
  EXPECT_EQ(set.rois[0].name, "patient");
  EXPECT_EQ(set.rois[0].kind, "EXTERNAL");
  EXPECT_EQ(set.rois[0].colour, (std::array<std::uint8_t, 3>{220, 160, 120}));
  EXPECT_EQ(set.rois[2].name, "Isocenter 2");
  EXPECT_EQ(rt_codes(set.notes), RtCodes{"contour-point"});
  // Boxes of 400 x 300 mm on three planes, 10 mm apart.
  auto const grid = upright({50, 40, 3}, {{10, 10, 10}}, {{-245, -195, -200}});
  auto const map = label_map_of(file, set, {grid, set.rois[0].frame_of_reference});
  EXPECT_EQ(rt_codes(map.notes), RtCodes{"roi-empty"});
  EXPECT_EQ(rt_count(map, 0, 1), 3U * 40 * 30);
  EXPECT_EQ(map.map.voxels.as<std::uint8_t>()[2000 + 5 * 50 + 5], 1);
}

}  // namespace
}  // namespace fovea
