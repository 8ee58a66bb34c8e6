#include "base/io/dicom_seg_read.hpp"

#include "base/core/zip.hpp"
#include "base/dicom/made/frames.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_seg_write.hpp"
#include "base/io/dicom_series.hpp"
#include "base/io/made/source.hpp"
#include "base/io/made/volumes.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace fovea {
namespace {

constexpr MadeGroups seg_made{};

// A frame of a segmentation of 4 x 3 voxels.
struct SegFrame {
  std::uint32_t segment = 1;
  double z = 0;
  std::vector<int> voxels;  // 12
};

std::vector<int> seg_voxels(std::vector<std::size_t> const& where, int value = 1) {
  std::vector<int> out(12, 0);
  for (auto const at : where) out[at] = value;
  return out;
}

MadeFrames seg_object(std::vector<SegFrame> const& frames,
                      std::string const& type = "BINARY",
                      std::string const& between = "2",
                      std::vector<std::uint32_t> const& segments = {1, 2}) {
  MadeFrames out;
  out.sop_class =
      type == "LABELMAP" ? "1.2.840.10008.5.1.4.1.1.66.7" : "1.2.840.10008.5.1.4.1.1.66.4";
  out.modality = "SEG";
  out.rows = 3;
  out.columns = 4;
  out.allocated = out.stored = type == "BINARY" ? 1 : 8;
  out.shared = seg_made.orientation() + seg_made.measures("0.5\\0.75", "1", between);
  out.more[0x00620001] = seg_made.text_of(Tag{0x00620001}, "CS", type);
  out.more[0x0062000e] = seg_made.shorts(Tag{0x0062000e}, {200});
  std::vector<std::string> listed;
  for (auto const number : segments)
    listed.push_back(seg_made.described(number, text("part ", number)));
  out.more[0x00620002] = seg_made.sequence(Tag{0x00620002}, listed);
  std::vector<int> all;
  for (auto const& frame : frames) {
    auto groups = seg_made.position(-10, -20, frame.z);
    if (type != "LABELMAP") groups += seg_made.segment(frame.segment);
    out.frames.push_back(groups);
    all.insert(all.end(), frame.voxels.begin(), frame.voxels.end());
  }
  if (type != "BINARY") {
    for (auto const value : all) out.pixels += static_cast<char>(value);
  } else {
    out.pixels.assign((all.size() + 7) / 8, '\0');
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i] != 0) out.pixels[i / 8] = static_cast<char>(out.pixels[i / 8] | 1 << i % 8);
  }
  return out;
}

LabelMap seg_read(MadeFrames const& object) {
  auto const bytes = object.bytes();
  return read_dicom_seg(DicomFile{made_bytes(bytes), "made"}, 2);
}

std::string seg_refusal(MadeFrames const& object) {
  return refusal_of([&] { seg_read(object); });
}

// Where a segment is: k * 12 + place, of a layer.
std::vector<std::size_t> seg_where(LabelMap const& map, Segment const& segment) {
  auto const mask = mask_of(map, segment);
  std::vector<std::size_t> out;
  auto const values = mask.as<std::uint8_t>();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != 0) out.push_back(i);
  return out;
}
using SegWhere = std::vector<std::size_t>;

TEST(DicomSeg, PutsFramesWhereTheyLieAndZerosBetween) {
  // Slices 4 and 6 hold no frame; single bits follow each other inside bytes.
  auto const map = seg_read(seg_object({{1, 8, seg_voxels({0, 11})},
                                        {1, 0, seg_voxels({5})},
                                        {1, 2, seg_voxels({6})},
                                        {2, 8, seg_voxels({1})}}));
  EXPECT_EQ(map.voxels.grid().size, (std::array<std::int64_t, 3>{4, 3, 5}));
  EXPECT_EQ(map.voxels.grid().spacing().mm, (std::array<double, 3>{0.75, 0.5, 2}));
  EXPECT_EQ(map.voxels.grid().origin.mm, (std::array<double, 3>{-10, -20, 0}));
  EXPECT_EQ(map.voxels.channels(), 1);
  EXPECT_EQ(map.voxels.type(), Type::u8);
  ASSERT_EQ(map.segments.size(), 2U);
  EXPECT_EQ(seg_where(map, map.segments[0]), (SegWhere{5, 12 + 6, 48 + 0, 48 + 11}));
  EXPECT_EQ(seg_where(map, map.segments[1]), (SegWhere{48 + 1}));
}

TEST(DicomSeg, SaysWhatASegmentIs) {
  auto const map = seg_read(seg_object({{2, 0, seg_voxels({0})}}));
  auto const& segment = map.segments[1];
  EXPECT_EQ(segment.value, 2);
  EXPECT_EQ(segment.name, "part 2");
  EXPECT_EQ(segment.type, (Code{"10200004", "SCT", "part 2"}));
  EXPECT_EQ(segment.category.value, "10200004");
  EXPECT_EQ(segment.provenance.made_by, MadeBy::both);
  EXPECT_EQ(segment.provenance.name, "grower");
  EXPECT_EQ(segment.tracking, "thing");
  EXPECT_EQ(segment.tracking_uid, "1.2.7");
  ASSERT_TRUE(segment.colour);
}

TEST(DicomSeg, KeepsOverlappingSegmentsInLayers) {
  auto const map = seg_read(seg_object({{1, 0, seg_voxels({0, 1})},
                                        {2, 0, seg_voxels({1, 2})},
                                        {3, 0, seg_voxels({2, 3})},
                                        {1, 2, seg_voxels({7})},
                                        {2, 2, seg_voxels({8})}},
                                       "BINARY", "2", {1, 2, 3}));
  ASSERT_EQ(map.voxels.channels(), 2);
  EXPECT_EQ(map.segments[0].layer, 0);
  EXPECT_EQ(map.segments[1].layer, 1);
  EXPECT_EQ(map.segments[2].layer, 0);
  EXPECT_EQ(seg_where(map, map.segments[0]), (SegWhere{0, 1, 12 + 7}));
  EXPECT_EQ(seg_where(map, map.segments[1]), (SegWhere{1, 2, 12 + 8}));
  EXPECT_EQ(seg_where(map, map.segments[2]), (SegWhere{2, 3}));
}

TEST(DicomSeg, ReadsFractionsOfTheirMaximum) {
  auto const map = seg_read(
      seg_object({{1, 0, seg_voxels({3}, 50)}, {2, 2, seg_voxels({4}, 200)}}, "FRACTIONAL"));
  EXPECT_TRUE(map.fractional);
  ASSERT_EQ(map.voxels.channels(), 2);
  EXPECT_EQ(map.voxels.channel<float>(0)[3], 0.25F);
  EXPECT_EQ(map.voxels.channel<float>(1)[12 + 4], 1.0F);
  EXPECT_EQ(map.voxels.channel<float>(1)[3], 0.0F);
  EXPECT_EQ(seg_refusal(seg_object({{1, 0, seg_voxels({3}, 201)}}, "FRACTIONAL")),
            "bad-scaling");
}

TEST(DicomSeg, ReadsLabelMaps) {
  auto voxels = seg_voxels({3, 4}, 2);
  voxels[5] = 7;
  auto const map = seg_read(
      seg_object({{0, 0, voxels}, {0, 4, seg_voxels({1}, 7)}}, "LABELMAP", "2", {0, 2, 7}));
  ASSERT_EQ(map.segments.size(), 2U);
  EXPECT_EQ(map.segments[0].value, 2);
  EXPECT_EQ(seg_where(map, map.segments[0]), (SegWhere{3, 4}));
  EXPECT_EQ(seg_where(map, map.segments[1]), (SegWhere{5, 24 + 1}));
  EXPECT_EQ(seg_refusal(seg_object({{0, 0, seg_voxels({1}, 9)}}, "LABELMAP")),
            "unknown-segment");
  // What the header calls padding is no segment.
  auto padded = seg_object({{0, 0, seg_voxels({1}, 9)}}, "LABELMAP");
  padded.more[number_of(Tag::padding_value)] = seg_made.shorts(Tag::padding_value, {9});
  EXPECT_TRUE(seg_where(seg_read(padded), seg_read(padded).segments[0]).empty());
}

TEST(DicomSeg, TakesTheLeastCommonStepOfPlaces) {
  struct Row {
    std::vector<double> heights;
    char const* between;
    std::int64_t depth;
    double step;
  };
  for (auto const& row : std::vector<Row>{{{0, 3, 6}, "", 3, 3},
                                          {{0, 2, 5}, "", 6, 1},
                                          {{0, 10, 20}, "5", 5, 5},
                                          {{0, 10, 20}, "3", 3, 10},
                                          {{0, 1.2, 6.01, 7.2}, "1.2", 7, 1.2},
                                          {{4}, "2.5", 1, 2.5}}) {
    std::vector<SegFrame> frames;
    for (auto const z : row.heights) frames.push_back({1, z, seg_voxels({0})});
    auto const map = seg_read(seg_object(frames, "BINARY", row.between));
    EXPECT_EQ(map.voxels.depth(), row.depth);
    EXPECT_NEAR(map.voxels.grid().axes[2].mm[2], row.step, 1e-12);
    EXPECT_EQ(seg_where(map, map.segments[0]).size(), row.heights.size());
  }
}

TEST(DicomSeg, RefusesWhatHasNoGridOrNoSegment) {
  auto const at = [](std::vector<double> const& heights, char const* between = "") {
    std::vector<SegFrame> frames;
    for (auto const z : heights) frames.push_back({1, z, seg_voxels({0})});
    return seg_object(frames, "BINARY", between);
  };
  EXPECT_EQ(seg_refusal(at({0, 2, 4.07})), "variable-spacing");
  EXPECT_EQ(seg_refusal(at({0, 2, 2, 4})), "duplicate-position");
  EXPECT_EQ(seg_refusal(at({0, 0})), "duplicate-position");
  EXPECT_EQ(seg_refusal(at({0, 200000}, "1")), "too-large");
  auto aside = at({0, 2, 4});
  aside.frames[1] = seg_made.position(-9, -20, 2) + seg_made.segment(1);
  EXPECT_EQ(seg_refusal(aside), "irregular-positions");
  auto turned = at({0, 2});
  turned.frames[1] += seg_made.orientation("0\\1\\0\\-1\\0\\0");
  EXPECT_EQ(seg_refusal(turned), "irregular-positions");
  auto placeless = at({0, 2});
  placeless.frames[1] = seg_made.segment(1);
  EXPECT_EQ(seg_refusal(placeless), "no-position");
  EXPECT_EQ(seg_refusal(seg_object({{3, 0, seg_voxels({0})}})), "unknown-segment");
  EXPECT_EQ(seg_refusal(seg_object({{1, 0, seg_voxels({0})}}, "BINARY", "1", {1, 1})),
            "unknown-segment");
  auto other = at({0});
  other.more[0x00620001] = seg_made.text_of(Tag{0x00620001}, "CS", "CURVED");
  EXPECT_EQ(seg_refusal(other), "unsupported-type");
  MadeFrames ct;
  ct.shared = seg_made.orientation() + seg_made.measures();
  ct.frames = {seg_made.position(0, 0, 0)};
  EXPECT_EQ(seg_refusal(ct), "not-segmentation");
}

TEST(DicomSeg, IsAVolumeOfItsOwnInTheGate) {
  ScratchFolder const folder;
  std::vector<fs::path> files;
  for (auto const* sop : {"1.2.3.1", "1.2.3.2"}) {
    auto object = seg_object({{1, 0, seg_voxels({0})}, {2, 4, seg_voxels({1})}});
    object.sop = sop;
    files.push_back(folder.path() / sop);
    write_file(files.back(), std::string_view{object.bytes()});
  }
  auto const found = find_series(files);
  ASSERT_EQ(found.series.size(), 2U);
  for (auto const& series : found.series) {
    EXPECT_TRUE(series.labels);
    EXPECT_EQ(series.modality, "SEG");
    EXPECT_EQ(series.files(), 1U);
    EXPECT_EQ(series.grid.size[2], 3);
    std::vector<std::string> codes;
    for (auto const& note : series.reasons) codes.emplace_back(note.code);
    EXPECT_EQ(codes, (std::vector<std::string>{"empty-slices", "segments"}));
    EXPECT_NE(series.reasons[1].words.find("1 part 1, 2 part 2"), std::string::npos);
    EXPECT_EQ(load_series(series).depth(), 3);
  }
}

// What this program writes.
TEST(DicomSeg, ReadsBackWhatIsWritten) {
  for (auto const labels : {false, true}) {
    ScratchFolder const folder;
    auto const source = result_source(made_source(folder.path(), 4));
    LabelMap map{Volume{source.grid, Type::u8}};
    auto const plane = static_cast<std::size_t>(source.grid.size[0] * source.grid.size[1]);
    auto const room = map.voxels.write<std::uint8_t>();
    room[3] = room[2 * plane + 7] = 1;
    room[4] = room[3 * plane + 1] = 2;
    map.segments.push_back({.value = 1, .name = "Liver"});
    map.segments.push_back({.value = 2, .name = "left kidney"});
    auto const bytes = dicom_file(dicom_seg(map, source, {.labels = labels}));
    auto const read = read_dicom_seg(DicomFile{bytes, "written"});
    EXPECT_EQ(volume_hash(read.voxels), volume_hash(map.voxels));
    EXPECT_EQ(read.voxels.grid().origin.mm, source.grid.origin.mm);
    EXPECT_EQ(read.voxels.grid().axes[2].mm, source.grid.axes[2].mm);
    ASSERT_EQ(read.segments.size(), 2U);
    EXPECT_EQ(read.segments[1].name, "left kidney");
  }
}

// The ends of grey, and what highdicom makes of the liver's colour.
TEST(DicomSeg, TurnsColoursIntoThoseOfScreens) {
  using Rgb = std::array<std::uint8_t, 3>;
  EXPECT_EQ(colour_of_cielab({65535, 32896, 32896}), (Rgb{255, 255, 255}));
  EXPECT_EQ(colour_of_cielab({0, 32896, 32896}), (Rgb{0, 0, 0}));
  EXPECT_EQ(colour_of_cielab({41661, 41167, 40792}), (Rgb{221, 130, 101}));
}

// --- files that others made
// ----------------------------------------------------------------------

TEST(DicomSeg, ReadsTheSameLiverInEveryWrapping) {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const zip_file =
      (data != nullptr ? fs::path{data}
                       : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
      "dicom-conformance" / "pydicom_data.zip";
  if (!fs::exists(zip_file)) GTEST_SKIP() << "no dicom-conformance here";
  ZipReader const zip{zip_file};
  std::map<std::string, std::size_t> hashes;
  std::size_t read = 0;
  for (auto const& entry : zip.entries()) {
    auto const name = fs::path{entry.name}.filename().string();
    if (!name.starts_with("liver") || !name.ends_with(".dcm")) continue;
    SCOPED_TRACE(name);
    auto const bytes = zip.read(entry.name, 64U << 20);
    auto const map = read_dicom_seg(DicomFile{std::as_bytes(std::span{bytes}), name});
    ASSERT_EQ(map.segments.size(), 1U);
    EXPECT_EQ(map.segments[0].name, "Liver");
    EXPECT_EQ(map.segments[0].type.value, "T-62000");
    EXPECT_EQ(map.voxels.depth(), 3);
    EXPECT_NEAR(map.voxels.grid().origin.mm[2], -128.69, 1e-9);
    ++hashes[volume_hash(map.voxels)];
    ++read;
  }
  EXPECT_GE(read, 9U);
  EXPECT_EQ(hashes.size(), 2U);  // 512 x 512, and 510 x 510 of it
}

}  // namespace
}  // namespace fovea
