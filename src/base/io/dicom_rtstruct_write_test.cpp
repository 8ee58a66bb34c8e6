#include "base/io/dicom_rtstruct_write.hpp"

#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "base/dicom/made/phantom.hpp"
#include "base/dicom/write.hpp"
#include "base/finding/structures.hpp"
#include "base/io/dicom_rtstruct.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// A series whose rows and columns are turned, with slices that may be shifted along the
// columns.
DicomSeries rtwrite_series(ScratchFolder const& folder,
                           double shift = 0,
                           bool with_frame = true) {
  auto const c = std::cos(0.3);
  auto const s = std::sin(0.3);
  std::vector<fs::path> files;
  for (int k = 0; k < 5; ++k) {
    MadeSlice slice;
    slice.rows = 14;
    slice.columns = 17;
    slice.spacing = "0.7\\0.3";
    slice.sop = text("1.2.3.", k + 1);
    slice.orientation = made_decimals({c, s, 0, 0, 0, -1});
    slice.at(5 - 3.1 * k * s, 6 + 3.1 * k * c, 7 + shift * k);
    if (!with_frame) slice.frame_of_reference = "";
    files.push_back(folder.path() / text("im", k));
    write_file(files.back(), std::string_view{slice.bytes()});
  }
  return find_series(files).series.front();
}

LabelMap rtwrite_noise(Grid const& grid, Rng& rng, std::int64_t layers, int values) {
  LabelMap out{Volume{grid, Type::u16, Unit::arbitrary, layers}};
  auto const density = rng.uniform();
  for (auto& voxel : out.voxels.write<std::uint16_t>())
    if (rng.chance(density)) voxel = static_cast<std::uint16_t>(1 + rng.below(values));
  for (std::int64_t layer = 0; layer < layers; ++layer)
    for (int value = 1; value <= values; ++value)
      out.segments.push_back(
          {.layer = layer, .value = value, .name = text("part ", layer, '-', value)});
  return out;
}

TEST(RtStructWriter, GivesTheSameMaskBack) {
  Rng rng{17};
  for (auto const shift : {0.0, 0.4}) {
    ScratchFolder const folder;
    auto const source = result_source(rtwrite_series(folder, shift));
    EXPECT_EQ(source.grid.sheared(), shift != 0);
    for (int round = 0; round < 30; ++round) {
      auto const layers = 1 + round % 2;
      auto const map = rtwrite_noise(source.grid, rng, layers, 1 + round % 3);
      auto const bytes = dicom_file(dicom_rtstruct(map, source));
      DicomFile const file{bytes, "written"};
      auto const set = read_rtstruct(file);
      EXPECT_TRUE(set.notes.empty());
      ASSERT_EQ(set.rois.size(), map.segments.size());
      std::vector<std::string> images;
      for (auto const& image : source.images) images.push_back(image.sop);
      auto const back = label_map_of(file, set, {source.grid, "1.2.9", images});
      for (auto const& note : back.notes)
        EXPECT_TRUE(note.code == "roi-empty" || note.code == "contour-gap") << note.words;
      for (auto const& segment : back.map.segments) {
        auto const same = std::ranges::find(map.segments, segment.name, &Segment::name);
        ASSERT_NE(same, map.segments.end());
        auto const a = mask_of(map, *same);
        auto const b = mask_of(back.map, segment);
        EXPECT_TRUE(std::ranges::equal(a.as<std::uint8_t>(), b.as<std::uint8_t>()));
        if (layers == 1) {
          EXPECT_EQ(segment.value, same->value);
        }
      }
    }
  }
}

TEST(RtStructWriter, SaysWhatAndWhoAndOnWhichImages) {
  ScratchFolder const folder;
  auto const source = result_source(rtwrite_series(folder));
  Volume labels{source.grid, Type::u8};
  auto const plane = std::size_t{14} * 17;
  for (auto const at : {plane + 40, plane + 41, 2 * plane + 40})
    labels.write<std::uint8_t>()[at] = 7;
  auto map = label_map_of(labels);
  map.segments[0] = segment_named("liver");
  map.segments[0].value = 7;
  map.segments[0].colour = {1, 2, 3};
  map.segments[0].provenance = {MadeBy::program, "liver-net", "2.1", std::string(64, 'a')};
  auto const bytes = dicom_file(dicom_rtstruct(map, source));
  EXPECT_EQ(bytes, dicom_file(dicom_rtstruct(map, source)));
  DicomFile const file{bytes, "written"};
  auto const root = file.scan().root();
  EXPECT_EQ(root.text(Tag::study), "1.2");
  EXPECT_EQ(root.text(Tag::patient_id), "P1");
  EXPECT_NE(root.text(Tag::series), "1.2.3");
  auto const set = read_rtstruct(file);
  ASSERT_EQ(set.rois.size(), 1U);
  auto const& roi = set.rois[0];
  EXPECT_EQ(roi.number, 7);
  EXPECT_EQ(roi.kind, "ORGAN");
  EXPECT_EQ(roi.type, (Code{"10200004", "SCT", "Liver"}));
  EXPECT_EQ(roi.made_by, MadeBy::program);
  EXPECT_EQ(roi.frame_of_reference, "1.2.9");
  ASSERT_EQ(roi.contours.size(), 2U);
  EXPECT_EQ(roi.contours[0].image, source.images[1].sop);
  EXPECT_EQ(roi.contours[1].image, source.images[2].sop);
  auto const list = root.items(Tag{0x30060020});
  EXPECT_NEAR(list[0].number(Tag{0x3006002c}).value(), 3 * 0.7 * 0.3 * 3.1 / 1000, 1e-12);
  auto const algorithm = list[0].items(Tag{0x30060037});
  ASSERT_EQ(algorithm.size(), 1U);
  EXPECT_EQ(algorithm[0].text(Tag{0x00660036}), "liver-net");
  auto const study = root.items(Tag{0x30060010})[0].items(Tag{0x30060012})[0];
  EXPECT_EQ(study.items(Tag{0x30060014})[0].items(Tag{0x30060016}).size(), 5U);
}

TEST(RtStructWriter, CountsRegionsWhereLayersShareValues) {
  ScratchFolder const folder;
  auto const source = result_source(rtwrite_series(folder));
  Volume labels{source.grid, Type::u8, Unit::arbitrary, 2};
  labels.write_channel<std::uint8_t>(0)[3] = 4;
  labels.write_channel<std::uint8_t>(1)[3] = 4;
  auto const bytes = dicom_file(dicom_rtstruct(label_map_of(labels), source));
  auto const set = read_rtstruct(DicomFile{bytes, "written"});
  ASSERT_EQ(set.rois.size(), 2U);
  EXPECT_EQ(set.rois[0].number, 1);
  EXPECT_EQ(set.rois[1].number, 2);
  EXPECT_NE(set.rois[0].colour, set.rois[1].colour);
}

TEST(RtStructWriter, RefusesWhatWouldLieElsewhere) {
  ScratchFolder const folder;
  auto const source = result_source(rtwrite_series(folder));
  auto const code_of = [](LabelMap const& map, ResultSource const& of) {
    try {
      dicom_rtstruct(map, of);
    } catch (Refusal const& fault) {
      return std::string{fault.code()};
    }
    return std::string{"written"};
  };
  auto moved = source.grid;
  moved.origin.mm[1] += 0.1;
  Volume one{moved, Type::u8};
  one.write<std::uint8_t>()[3] = 1;
  EXPECT_EQ(code_of(label_map_of(one), source), "other-grid");
  EXPECT_EQ(code_of({Volume{source.grid, Type::u8}}, source), "empty");
  LabelMap fraction{Volume{source.grid, Type::f32}, {{.name = "a"}}, true};
  EXPECT_EQ(code_of(fraction, source), "fractional");
  ScratchFolder const nameless;
  auto const no_frame = result_source(rtwrite_series(nameless, 0, false));
  Volume two{no_frame.grid, Type::u8};
  two.write<std::uint8_t>()[3] = 1;
  EXPECT_EQ(code_of(label_map_of(two), no_frame), "no-frame-of-reference");
}

}  // namespace
}  // namespace fovea
