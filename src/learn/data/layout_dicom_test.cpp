#include "base/core/words.hpp"
#include "base/dicom/made/phantom.hpp"
#include "base/dicom/write.hpp"
#include "base/finding/structures.hpp"
#include "base/io/dicom_rtstruct_write.hpp"
#include "base/io/dicom_seg_write.hpp"
#include "base/io/made/source.hpp"
#include "learn/data/layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fovea {
namespace {

// A series of four slices of 6 x 4 voxels of one patient, all named by `number`.
DicomSeries dicom_series_of_patient(fs::path const& folder, int number) {
  make_folder(folder);
  return made_source(folder, 4, [&](MadeSlice& slice, int k) {
    slice.patient = text("P", number);
    slice.study = text("1.2.", number);
    slice.series = text("1.2.3.", number);
    slice.sop = text("1.2.3.", number, ".", k + 1);
    slice.frame_of_reference = text("1.2.9.", number);
  });
}

// Liver in a block of slices 1 and 2, a tumour in one voxel of it, in a layer of its own.
LabelMap dicom_organs(Grid const& grid) {
  LabelMap map{Volume{grid, Type::u8, Unit::arbitrary, 2}};
  auto const plane = static_cast<std::size_t>(grid.size[0] * grid.size[1]);
  auto const liver = map.voxels.write_channel<std::uint8_t>(0);
  for (std::size_t at = plane; at < 3 * plane; ++at) liver[at] = at % 6 < 3 ? 1 : 0;
  map.voxels.write_channel<std::uint8_t>(1)[plane + 1] = 1;
  map.segments = {segment_named("liver"), segment_named("liver tumour")};
  map.segments[0].layer = 0;
  map.segments[1].layer = 1;
  return map;
}

void expect_organs(Dataset const& set, Case const& one) {
  auto const image = set.image(one);
  auto const map = set.mask(one, image.grid());
  EXPECT_EQ(map.voxels.grid().size, image.grid().size);
  auto const voxels = map.voxels.as<std::uint8_t>();
  auto const plane = static_cast<std::size_t>(image.width() * image.height());
  EXPECT_EQ(std::ranges::count(voxels, 1), static_cast<std::ptrdiff_t>(plane) - 1);
  EXPECT_EQ(std::ranges::count(voxels, 2), 1);
  EXPECT_EQ(voxels[plane + 1], 2);  // the smaller lies on top
  EXPECT_EQ(voxels[plane], 1);
}

}  // namespace

TEST(DicomMasks, OfSegmentationsAndStructureSetsAreFoundByTheirSeries) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  auto const first = dicom_series_of_patient(root / "train/one", 1);
  auto const second = dicom_series_of_patient(root / "test/two", 2);
  dicom_series_of_patient(root / "train/three", 3);
  write_dicom(root / "train/one/seg.dcm",
              dicom_seg(dicom_organs(first.grid), result_source(first)));
  make_folder(root / "test/masks");
  write_dicom(root / "test/masks/rt.dcm",
              dicom_rtstruct(dicom_organs(second.grid), result_source(second)));
  auto const set = read_dataset(root);
  EXPECT_EQ(set.form, "dicom");
  EXPECT_EQ(set.channels, std::vector<std::string>{"CT"});
  ASSERT_EQ(set.cases.size(), 2U);
  ASSERT_EQ(set.labels.size(), 2U);
  EXPECT_EQ(lower(set.labels[0].name), "liver");
  ASSERT_EQ(set.described.size(), 2U);
  EXPECT_EQ(set.described[0].type, segment_named("liver").type);
  EXPECT_EQ(set.described[0].category, segment_named("liver").category);
  for (auto const& one : set.cases) expect_organs(set, one);
  ASSERT_EQ(set.in(Split::train).size(), 1U);
  EXPECT_EQ(set.cases[set.in(Split::train)[0]].patient, "P1");
  EXPECT_EQ(set.cases[set.in(Split::test)[0]].patient, "P2");
  ASSERT_EQ(set.problems.size(), 1U);
  EXPECT_NE(set.problems[0].message.find("train/three"), std::string::npos);
  EXPECT_EQ(set.hash(), read_dataset(root).hash());
}

TEST(DicomMasks, AreToldWhyTheyAreNone) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  auto const refused = [&] {
    try {
      read_dataset(root);
    } catch (Error const& error) {
      return std::string{error.what()};
    }
    return std::string{"was read"};
  };
  auto const series = dicom_series_of_patient(root / "one", 1);
  EXPECT_NE(refused().find("1 usable series and 0 segmentations"), std::string::npos)
      << refused();
  // A segmentation of a series that is not there.
  ScratchFolder elsewhere;
  auto const other = dicom_series_of_patient(elsewhere.path() / "two", 2);
  write_dicom(root / "seg.dcm", dicom_seg(dicom_organs(other.grid), result_source(other)));
  EXPECT_NE(refused().find("none that names one of them"), std::string::npos) << refused();
}

}  // namespace fovea
