#include "base/io/nifti_blocks.hpp"

#include "base/core/error.hpp"
#include "base/io/nifti.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace fovea {
namespace {

Grid blocks_grid() {
  return upright({5, 4, 3}, {{0.5, 0.75, 2}}, {{-10, 20, 30}});
}

std::vector<float> blocks_ramp(std::size_t count) {
  std::vector<float> out(count);
  std::iota(out.begin(), out.end(), 0.25F);
  return out;
}

TEST(NiftiBlocks, IsTheFileThatTheWholeVolumeWouldBe) {
  ScratchFolder const folder;
  Volume whole{blocks_grid(), Type::f32, Unit::one, 2};
  std::ranges::copy(blocks_ramp(2 * 60), whole.write<float>().begin());
  write_nifti(folder.path() / "whole.nii", whole);
  // Whole slices, whole rows, and columns: in one piece, in some, in many.
  IndexBox const boxes[] = {{{0, 0, 0}, {5, 4, 1}},
                            {{0, 0, 1}, {5, 1, 2}},
                            {{0, 1, 1}, {5, 3, 2}},
                            {{1, 2, 1}, {3, 1, 1}}};
  {
    NiftiBlocks blocks{folder.path() / "blocks.nii", blocks_grid(), 2};
    for (auto const& box : boxes) {
      std::vector<float> values;
      for (std::int64_t c = 0; c < 2; ++c)
        for (std::int64_t k = 0; k < box.size[2]; ++k)
          for (std::int64_t j = 0; j < box.size[1]; ++j)
            for (std::int64_t i = 0; i < box.size[0]; ++i)
              values.push_back(whole.channel<float>(c)[static_cast<std::size_t>(
                  ((box.first[2] + k) * 4 + box.first[1] + j) * 5 + box.first[0] + i)]);
      blocks.write(box, values);
      std::vector<float> back(values.size());
      blocks.read(box, back);
      EXPECT_EQ(back, values);
    }
    EXPECT_FALSE(fs::exists(folder.path() / "blocks.nii"));
    blocks.keep();
  }
  EXPECT_EQ(read_file(folder.path() / "blocks.nii", 1 << 20),
            read_file(folder.path() / "whole.nii", 1 << 20));
}

TEST(NiftiBlocks, LeavesNothingUnlessItIsKeptAndZerosWhereNothingCame) {
  ScratchFolder const folder;
  { NiftiBlocks const blocks{folder.path() / "gone.nii", blocks_grid(), 3}; }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  NiftiBlocks blocks{folder.path() / "zeros.nii", blocks_grid(), 3};
  blocks.keep();
  auto const read = read_nifti(folder.path() / "zeros.nii").volume;
  EXPECT_EQ(read.channels(), 3);
  for (auto const value : read.as<float>()) ASSERT_EQ(value, 0);
}

TEST(NiftiBlocks, RefusesWhatCannotBe) {
  ScratchFolder const folder;
  auto const fault = [&](std::string const& name, Grid const& grid, std::int64_t channels) {
    try {
      NiftiBlocks{folder.path() / name, grid, channels};
    } catch (Error const& error) {
      return error.fault();
    }
    return Fault::bug;
  };
  EXPECT_EQ(fault("a.nii.gz", blocks_grid(), 1), Fault::usage);
  EXPECT_EQ(fault("a.nii", blocks_grid(), 0), Fault::input);
  EXPECT_EQ(fault("a.nii", upright({30000, 30000, 30000}, {}), 4000), Fault::resource);
  EXPECT_EQ(fault("a.nii", upright({1 << 30, 1 << 30, 1 << 30}, {}), 4), Fault::input);
  EXPECT_EQ(fault("no/a.nii", blocks_grid(), 1), Fault::resource);
  EXPECT_TRUE(fs::is_empty(folder.path()));
  NiftiBlocks blocks{folder.path() / "a.nii", blocks_grid(), 1};
  EXPECT_THROW(blocks.write({{3, 0, 0}, {3, 1, 1}}, blocks_ramp(3)), Error);
  EXPECT_THROW(blocks.write({{0, 0, 0}, {3, 1, 1}}, blocks_ramp(4)), Error);
}

}  // namespace
}  // namespace fovea
