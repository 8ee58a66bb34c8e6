#include "base/core/zip.hpp"
#include "base/dicom/made/frames.hpp"
#include "base/io/dicom_series.hpp"
#include "base/io/made/volumes.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace fovea {
namespace {

constexpr MadeGroups made{};

class FramesFolder {
 public:
  explicit FramesFolder(std::vector<std::string> const& objects) {
    for (auto const& bytes : objects) {
      files_.push_back(folder_.path() / text("IM", files_.size()));
      write_file(files_.back(), std::string_view{bytes});
    }
  }
  std::vector<DicomSeries> all() const {
    auto found = find_series(files_, 2);
    EXPECT_TRUE(found.damaged.empty());
    return found.series;
  }
  DicomSeries only() const {
    auto const series = all();
    EXPECT_EQ(series.size(), 1U);
    return series.front();
  }
  std::vector<fs::path> const& files() const { return files_; }

 private:
  ScratchFolder folder_;
  std::vector<fs::path> files_;
};

std::vector<std::string> frames_codes(DicomSeries const& series) {
  std::vector<std::string> out{std::string{name_of(series.verdict)}};
  for (auto const& note : series.reasons) out.emplace_back(note.code);
  return out;
}
using FrameCodes = std::vector<std::string>;

std::string frames_shared_groups() {
  return made.orientation() + made.measures() + made.rescale("1", "-1024");
}

// Frames at these heights, in this order.
MadeFrames frames_at(std::vector<double> const& heights) {
  MadeFrames out;
  out.shared = frames_shared_groups();
  for (auto const z : heights) out.frames.push_back(made.position(-10, -20, z));
  return out;
}

TEST(Frames, AreSlicesOrderedByTheirPlaces) {
  FramesFolder const folder{{frames_at({34, 30, 32}).bytes()}};
  auto const series = folder.only();
  EXPECT_EQ(frames_codes(series), (FrameCodes{"ok"}));
  EXPECT_EQ(series.files(), 1U);
  EXPECT_EQ(series.grid.size, (std::array<std::int64_t, 3>{6, 4, 3}));
  auto const point = series.grid.point_of({{4, 1, 2}});
  EXPECT_NEAR(point.mm[0], -10 + 4 * 0.75, 1e-12);
  EXPECT_NEAR(point.mm[1], -20 + 0.5, 1e-12);
  EXPECT_NEAR(point.mm[2], 34, 1e-12);
  auto const volume = load_series(series);
  EXPECT_EQ(volume.unit(), Unit::hounsfield);
  auto const values = volume.as<std::int16_t>();
  EXPECT_EQ(values[5], 105 - 1024);       // at z 30 lies the second frame
  EXPECT_EQ(values[24 + 5], 205 - 1024);  // then the third
  EXPECT_EQ(values[48 + 5], 5 - 1024);
}

TEST(Frames, ReadTheSameWithoutKinds) {
  auto plain = frames_at({34, 30, 32});
  MadeGroups const implicit{.explicit_kinds = false};
  auto other = plain;
  other.made = implicit;
  other.shared = implicit.orientation() + implicit.measures() + implicit.rescale("1", "-1024");
  other.frames.clear();
  for (auto const z : {34, 30, 32})
    other.frames.push_back(implicit.position(-10, -20, z) + implicit.content("1", 1, {1, 2}) +
                           implicit.echo(5) + implicit.diffusion(0, {1, 0, 0}));
  FramesFolder const one{{plain.bytes()}};
  FramesFolder const two{{other.bytes()}};
  EXPECT_EQ(volume_hash(load_series(one.only())), volume_hash(load_series(two.only())));
}

TEST(Frames, AreScaledEachByItsOwnNumbers) {
  auto object = frames_at({30, 32});
  object.shared = made.orientation() + made.measures();
  object.frames[0] += made.rescale("1", "0");
  object.frames[1] += made.rescale("0.5", "7");
  FramesFolder const folder{{object.bytes()}};
  auto const volume = load_series(folder.only());
  EXPECT_EQ(volume.type(), Type::f32);
  EXPECT_EQ(volume.as<float>()[5], 5);
  EXPECT_EQ(volume.as<float>()[24 + 5], 105 * 0.5F + 7);
}

TEST(Frames, OfOneGroupBeatThoseThatAreShared) {
  auto object = frames_at({30, 32});
  object.shared += made.position(0, 0, 99);
  FramesFolder const folder{{object.bytes()}};
  EXPECT_EQ(folder.only().grid.origin.mm[2], 30);
}

// Each is stored slice by slice, the two kinds in turns.
TEST(Frames, ArePartedByStackTimeEchoDiffusionOrientation) {
  struct Row {
    char const* what;
    std::string one, other;
  };
  Row const rows[] = {
      {"stack", made.content("1"), made.content("2")},
      {"time", made.content("1", 1), made.content("1", 2)},
      {"echo", made.echo(5), made.echo(10)},
      {"b-value", made.diffusion(0), made.diffusion(1000)},
      {"direction", made.diffusion(9, {1, 0, 0}), made.diffusion(9, {0, 1, 0})},
      {"frame type", made.frame_type("ORIGINAL\\PRIMARY\\M"),
       made.frame_type("ORIGINAL\\PRIMARY\\PHASE")},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    MadeFrames object;
    object.shared = frames_shared_groups();
    for (auto const z : {0, 2, 4}) {
      object.frames.push_back(made.position(0, 0, z) + row.one);
      object.frames.push_back(made.position(0, 0, z) + row.other);
    }
    FramesFolder const folder{{object.bytes()}};
    auto const all = folder.all();
    ASSERT_EQ(all.size(), 2U);
    std::vector<int> first;
    for (auto const& series : all) {
      EXPECT_EQ(frames_codes(series), (FrameCodes{"ok", "split"}));
      auto const volume = load_series(series);
      ASSERT_EQ(volume.depth(), 3);
      first.push_back(volume.as<std::int16_t>()[0] + 1024);
      for (std::size_t k = 0; k < 3; ++k)
        EXPECT_EQ(volume.as<std::int16_t>()[24 * k] + 1024,
                  first.back() + 200 * static_cast<int>(k));
    }
    std::ranges::sort(first);
    EXPECT_EQ(first, (std::vector<int>{0, 100}));
  }
}

// A dimension of the index parts images of one place even where nothing else does.
TEST(Frames, ArePartedByDimensionsOfTheIndex) {
  MadeFrames object;
  object.shared = frames_shared_groups();
  object.more[0x00209222] = made.sequence(
      Tag{0x00209222}, {made.text_of(Tag{0x00209165}, "AT", std::string{"\x20\0\x57\x90", 4}),
                        made.text_of(Tag{0x00209165}, "AT", std::string{"\x18\0\x10\x93", 4})});
  for (auto const z : {0U, 2U, 4U}) {
    for (auto const kind : {1U, 2U})
      object.frames.push_back(made.position(0, 0, z) +
                              made.content("1", {}, {z / 2 + 1, kind}));
  }
  FramesFolder const folder{{object.bytes()}};
  auto const all = folder.all();
  ASSERT_EQ(all.size(), 2U);
  for (auto const& series : all) EXPECT_EQ(load_series(series).depth(), 3);
}

TEST(Frames, ObeyEveryRuleOfTheGate) {
  struct Row {
    MadeFrames object;
    FrameCodes codes;
  };
  auto tilted = frames_at({});
  for (int k = 0; k < 3; ++k) tilted.frames.push_back(made.position(0, k, 2 * k));
  auto twice = frames_at({0, 2, 2, 4});
  auto no_place = frames_at({0, 2, 4});
  no_place.frames[1] = made.content("1");
  auto no_orientation = frames_at({0, 2});
  no_orientation.shared = made.measures();
  auto no_measures = frames_at({0, 2});
  no_measures.shared = made.orientation();
  auto zero = frames_at({0, 2});
  zero.shared = made.orientation() + made.measures("0\\1");
  auto other_spacing = frames_at({0, 2, 4});
  other_spacing.frames[2] += made.measures("0.6\\0.75");
  auto no_slope = frames_at({0, 2});
  no_slope.frames[1] += made.rescale("0", "1");
  auto skewed = frames_at({0, 2});
  skewed.shared = made.orientation("1\\0\\0\\0.1\\1\\0") + made.measures();
  auto few = frames_at({0, 2, 4});
  few.count = "2";
  auto many = frames_at({0, 2, 4});
  many.count = "4";
  auto promised = frames_at({0, 2});
  promised.pixels = std::string(2 * 24 * 2 - 2, '\1');
  auto part = frames_at({0, 2});
  part.more[number_of(Tag::concatenation)] = made.text_of(Tag::concatenation, "UI", "1.2.5");
  auto tiles = frames_at({0, 2});
  tiles.more[0x00480006] = made.longs(Tag{0x00480006}, {100});
  Row const rows[] = {
      {frames_at({0, 2, 4, 8, 10}), {"refused", "missing-slice"}},
      {frames_at({0, 2, 4, 9, 14}), {"refused", "variable-spacing"}},
      {tilted, {"adjusted", "gantry-tilt"}},
      {twice, {"refused", "duplicate-position"}},
      {no_place, {"refused", "no-position"}},
      {no_orientation, {"refused", "no-position"}},
      {no_measures, {"refused", "bad-spacing"}},
      {zero, {"refused", "bad-spacing"}},
      {other_spacing, {"refused", "pixel-spacing-differs"}},
      {no_slope, {"refused", "bad-scaling"}},
      {skewed, {"refused", "not-orthogonal"}},
      {few, {"refused", "bad-frames"}},
      {many, {"refused", "short-pixels"}},
      {promised, {"refused", "short-pixels"}},
      {part, {"refused", "concatenation"}},
      {tiles, {"refused", "tiles"}},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.codes.back());
    FramesFolder const folder{{row.object.bytes()}};
    EXPECT_EQ(frames_codes(folder.only()), row.codes);
  }
}

TEST(Frames, OfSeveralObjectsMakeOneVolume) {
  auto lower = frames_at({0, 2});
  auto upper = frames_at({4, 6});
  upper.sop = "1.2.3.2";
  FramesFolder const folder{{upper.bytes(), lower.bytes(), upper.bytes()}};
  auto const series = folder.only();
  EXPECT_EQ(frames_codes(series), (FrameCodes{"adjusted", "duplicate-dropped"}));
  EXPECT_EQ(series.files(), 2U);
  EXPECT_EQ(load_series(series).depth(), 4);
  EXPECT_NE(series.reasons[0].words.find("1 file"), std::string::npos);
}

TEST(Frames, WithoutAPlaceByDesignLieAlongTheFourthAxis) {
  MadeFrames film;
  film.modality = "XA";
  film.without_groups = 3;
  FramesFolder const folder{{film.bytes()}};
  auto const series = folder.only();
  EXPECT_EQ(frames_codes(series), (FrameCodes{"ok", "no-position", "frames"}));
  EXPECT_FALSE(series.placed);
  auto const volume = load_series(series);
  EXPECT_EQ(volume.depth(), 1);
  EXPECT_EQ(volume.channels(), 3);
  EXPECT_EQ(volume.channel<std::int16_t>(2)[5], 205);

  film.modality = "US";
  film.samples = 3;
  film.photometric = "RGB";
  film.allocated = film.stored = 8;
  film.without_groups = 2;
  FramesFolder const coloured{{film.bytes()}};
  auto const colours = load_series(coloured.only());
  ASSERT_EQ(colours.channels(), 6);
  EXPECT_EQ(colours.channel<std::uint8_t>(4)[5], 100 + 3 * 5 + 1);  // frame 2, green

  // One place is none for many frames.
  film = {};
  film.modality = "NM";
  film.without_groups = 3;
  film.more[number_of(Tag::position)] = made.text_of(Tag::position, "DS", "1\\2\\3");
  film.more[number_of(Tag::orientation)] =
      made.text_of(Tag::orientation, "DS", "1\\0\\0\\0\\1\\0");
  FramesFolder const nuclear{{film.bytes()}};
  EXPECT_EQ(frames_codes(nuclear.only()), (FrameCodes{"refused", "no-position"}));
}

// --- dose
// --------------------------------------------------------------------------------------

MadeFrames frames_dose(std::string const& offsets,
                       std::string const& unit = "GY",
                       std::string const& scaling = "0.001") {
  MadeFrames out;
  out.sop_class = "1.2.840.10008.5.1.4.1.1.481.2";
  out.modality = "RTDOSE";
  out.without_groups = 3;
  auto const put = [&](std::uint32_t tag, std::string const& value) {
    if (!value.empty()) out.more[tag] = made.text_of(Tag{tag}, "DS", value);
  };
  put(number_of(Tag::position), "-10\\-20\\30");
  put(number_of(Tag::orientation), "1\\0\\0\\0\\1\\0");
  put(number_of(Tag::pixel_spacing), "2\\3");
  put(0x30040002, unit);
  put(0x3004000c, offsets);
  put(0x3004000e, scaling);
  return out;
}

TEST(Dose, IsInGrayWhereItsOffsetsSay) {
  for (auto const* offsets : {"0\\2.5\\5", "30\\32.5\\35"}) {
    SCOPED_TRACE(offsets);
    FramesFolder const folder{{frames_dose(offsets).bytes()}};
    auto const series = folder.only();
    EXPECT_EQ(frames_codes(series), (FrameCodes{"ok"}));
    EXPECT_EQ(series.grid.spacing().mm, (std::array<double, 3>{3, 2, 2.5}));
    EXPECT_EQ(series.grid.origin.mm[2], 30);
    auto const volume = load_series(series);
    EXPECT_EQ(volume.unit(), Unit::gray);
    EXPECT_EQ(volume.as<float>()[48 + 5], static_cast<float>(205 * 0.001));
  }
}

TEST(Dose, RunsAlongTheNormalOfAnyPlane) {
  auto sagittal = frames_dose("0\\2\\4");
  sagittal.more[number_of(Tag::orientation)] =
      made.text_of(Tag::orientation, "DS", "0\\1\\0\\0\\0\\1");
  FramesFolder const folder{{sagittal.bytes()}};
  EXPECT_EQ(folder.only().grid.axes[2].mm, (std::array<double, 3>{2, 0, 0}));
  // Downwards from the first frame: k still follows the normal.
  FramesFolder const down{{frames_dose("0\\-2\\-4").bytes()}};
  auto const series = down.only();
  EXPECT_EQ(series.grid.origin.mm[2], 26);
  EXPECT_EQ(load_series(series).as<float>()[5], static_cast<float>(205 * 0.001));
}

TEST(Dose, IsRefusedWhereItsPlaceOrUnitIsUnclear) {
  auto turned = frames_dose("30\\32\\34");
  turned.more[number_of(Tag::orientation)] =
      made.text_of(Tag::orientation, "DS", "0\\1\\0\\0\\0\\1");
  struct Row {
    MadeFrames object;
    FrameCodes codes;
  };
  Row const rows[] = {
      {frames_dose("0\\2\\5"), {"refused", "variable-spacing"}},
      {frames_dose("0\\2"), {"refused", "bad-frames"}},
      {frames_dose(""), {"refused", "bad-frames"}},
      {frames_dose("31\\33\\35"), {"refused", "bad-frames"}},
      {turned, {"refused", "bad-frames"}},
      {frames_dose("0\\2\\4", "GY", "0"), {"refused", "bad-scaling"}},
      {frames_dose("0\\2\\4", "GY", ""), {"refused", "bad-scaling"}},
      {frames_dose("0\\2\\4", "CGY"), {"refused", "dose-unit"}},
      {frames_dose("0\\2\\4", ""), {"refused", "dose-unit"}},
      {frames_dose("0\\2\\4", "RELATIVE"), {"ok", "relative-dose"}},
  };
  for (auto const& row : rows) {
    FramesFolder const folder{{row.object.bytes()}};
    auto const series = folder.only();
    EXPECT_EQ(frames_codes(series), row.codes);
    if (series.verdict != Verdict::refused) {
      EXPECT_EQ(load_series(series).unit(), Unit::arbitrary);
    }
  }
}

// --- parametric maps
// ---------------------------------------------------------------------------

TEST(ParametricMap, IsWhatItsMappingMakesOfTheStoredValues) {
  auto object = frames_at({0, 2});
  object.sop_class = "1.2.840.10008.5.1.4.1.1.30";
  object.modality = "MR";
  object.shared = made.orientation() + made.measures() + made.rescale("7", "7", "US");
  object.frames[0] += made.real_world(0.25, 3, "um2/s");
  object.frames[1] += made.real_world(0.5, 0, "um2/s");
  FramesFolder const folder{{object.bytes()}};
  auto const series = folder.only();
  EXPECT_EQ(frames_codes(series), (FrameCodes{"ok", "real-world"}));
  EXPECT_NE(series.reasons[0].words.find("um2/s"), std::string::npos);
  auto const volume = load_series(series);
  EXPECT_EQ(volume.as<float>()[8], 8 * 0.25F + 3);
  EXPECT_EQ(volume.as<float>()[24 + 8], 108 * 0.5F);

  object.frames[1] = made.position(0, 0, 2);
  FramesFolder const none{{object.bytes()}};
  EXPECT_EQ(frames_codes(none.only())[1], "bad-scaling");
}

TEST(ParametricMap, KeepsFractionsExactly) {
  for (auto const wide : {false, true}) {
    auto object = frames_at({0});
    object.sop_class = "1.2.840.10008.5.1.4.1.1.30";
    object.shared += made.real_world(1, 0, "1");
    object.allocated = wide ? 64 : 32;
    object.pixels_as = wide ? Tag::double_pixels : Tag::float_pixels;
    for (int i = 0; i < 24; ++i) {
      auto const narrow_value = 0.1F * static_cast<float>(i);
      auto const wide_value = 0.1 * i;
      object.pixels += wide ? std::string(reinterpret_cast<char const*>(&wide_value), 8)
                            : std::string(reinterpret_cast<char const*>(&narrow_value), 4);
    }
    FramesFolder const folder{{object.bytes()}};
    auto const volume = load_series(folder.only());
    if (wide)
      EXPECT_EQ(volume.as<double>()[7], 0.1 * 7);
    else
      EXPECT_EQ(volume.as<float>()[7], 0.1F * 7);
  }
}

// --- files that others made
// ----------------------------------------------------------------------

TEST(Frames, AreWhatPydicomReads) {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const folder =
      (data != nullptr ? fs::path{data}
                       : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
      "dicom-conformance";
  if (!fs::exists(folder)) GTEST_SKIP() << "no dicom-conformance here";
  ScratchFolder const scratch;
  auto const table =
      read_text(fs::path{FOVEA_SOURCE_DIR} / "src/base/io/made/dicom_frames.csv");
  std::size_t rows = 0;
  for (auto const& line : split(table, '\n')) {
    auto const cells = split(line, ',');
    if (cells.size() != 3 || cells[0] == "file") continue;
    SCOPED_TRACE(cells[0]);
    ZipReader const zip{folder / (cells[0].starts_with("test_files/") ? "pydicom_test_files.zip"
                                                                      : "pydicom_data.zip")};
    auto const file = scratch.path() / text(++rows);
    write_file(file, zip.read(cells[0], 64U << 20));
    auto const found = find_series({file});
    ASSERT_EQ(found.series.size(), 1U);
    auto const& series = found.series.front();
    auto const volume = load_series(series);
    EXPECT_EQ(volume_hash(volume), cells[2]);
    EXPECT_EQ(series.placed, !cells[1].empty());
    if (!series.placed) continue;
    auto const got = volume_place(series.grid);
    auto const wanted = split(cells[1], ' ');
    ASSERT_EQ(wanted.size(), 12U);
    for (std::size_t i = 0; i < 12; ++i)
      EXPECT_NEAR(got[i], number(wanted[i]).value_or(1e9), 1e-9) << i;
  }
  EXPECT_EQ(rows, 11U);
}

}  // namespace
}  // namespace fovea
