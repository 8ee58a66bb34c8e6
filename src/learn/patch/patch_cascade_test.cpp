#include "learn/patch/patch_cascade.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "learn/patch/made/made_case.hpp"
#include "learn/patch/patch_augment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace fovea {
namespace {

using CascadeMask = std::vector<std::uint8_t>;

// The definition: a voxel is in if any of the mask is within the radius.
CascadeMask cascade_dilated(CascadeMask const& mask, Kji const& size, double radius) {
  CascadeMask out(mask.size());
  auto const each = [&](auto const& use) {
    std::size_t at = 0;
    for (std::int64_t k = 0; k < size[0]; ++k)
      for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[2]; ++i) use(k, j, i, at++);
  };
  each([&](auto k, auto j, auto i, auto at) {
    each([&](auto z, auto y, auto x, auto other) {
      auto const far = (k - z) * (k - z) + (j - y) * (j - y) + (i - x) * (i - x);
      if (mask[other] != 0 && static_cast<double>(far) <= radius * radius) out[at] = 1;
    });
  });
  return out;
}

CascadeMask cascade_inverted(CascadeMask mask) {
  for (auto& voxel : mask) voxel = voxel == 0 ? 1 : 0;
  return mask;
}

CascadeMask cascade_eroded(CascadeMask const& mask, Kji const& size, double radius) {
  return cascade_inverted(cascade_dilated(cascade_inverted(mask), size, radius));
}

TEST(PatchMorphology, IsThatOfABall) {
  Rng rng{{4, 4}};
  for (auto const& size : {Kji{9, 10, 11}, Kji{1, 13, 14}})
    for (auto const radius : {0.5, 1.0, 1.5, 2.3, 3.0, 8.0}) {
      CascadeMask mask(static_cast<std::size_t>(voxels_of(size)));
      for (auto& voxel : mask) voxel = rng.chance(radius < 2 ? 0.5 : 0.02) ? 1 : 0;
      auto const got = [&](Morphology which) {
        auto copy = mask;
        patch_morphology(copy, size, which, radius);
        return copy;
      };
      auto const large = cascade_dilated(mask, size, radius);
      auto const small = cascade_eroded(mask, size, radius);
      EXPECT_EQ(got(Morphology::dilate), large);
      EXPECT_EQ(got(Morphology::erode), small);
      EXPECT_EQ(got(Morphology::close), cascade_eroded(large, size, radius));
      EXPECT_EQ(got(Morphology::open), cascade_dilated(small, size, radius));
    }
  CascadeMask mask(8);
  EXPECT_THROW(patch_morphology(mask, {2, 2, 2}, Morphology::dilate, 9), Error);
  patch_morphology(mask, {2, 2, 2}, Morphology::dilate, 8);
  EXPECT_EQ(mask, CascadeMask(8));
}

TEST(PatchRemovePart, TakesOneOfThoseThatAreSmall) {
  // Parts of 3, 1 and 2 voxels; the 2 touch at a corner.
  CascadeMask const mask{1, 1, 1, 0, 0,  //
                         0, 0, 0, 0, 1,  //
                         0, 1, 0, 0, 0,  //
                         0, 0, 1, 0, 0};
  Kji const size{1, 4, 5};
  auto const left = [&](std::int64_t most, double chosen) {
    auto copy = mask;
    patch_remove_part(copy, size, most, chosen);
    return std::accumulate(copy.begin(), copy.end(), 0);
  };
  EXPECT_EQ(left(1, 0.5), 6);
  EXPECT_EQ(left(2, 0.0), 5);
  EXPECT_EQ(left(3, 0.99), 4);
  EXPECT_EQ(left(4, 0.1), 3);
}

TEST(PatchAugment, ShowsTheFirstStagesLabelsInTheirPlace) {
  MadeCase const made{{9, 14, 15}};
  auto const from = stored(made.to_store());
  auto given = made.to_store();
  given.image = {};
  given.channels = 0;
  auto const found = stored(given);
  auto augment = PatchAugment::like_nnunet({7, 9, 8});
  augment.cascade_labels = {1, 3};
  augment.morphology_chance = augment.removal_chance = 0;
  auto const count = static_cast<std::size_t>(voxels_of(augment.patch));
  std::vector<float> image(3 * count);
  std::vector<std::int16_t> labels(count);
  // What it found is the truth here: so it must lie where the labels do after every turn.
  for (std::uint64_t step = 0; step < 60; ++step) {
    augment(*from, {0, {1, 2, 3}}, {1, step, 0}, {augment.patch, 3, image, labels},
            found.get());
    for (std::size_t n = 0; n < count; ++n) {
      ASSERT_EQ(image[count + n], labels[n] == 1 ? 1.0F : 0.0F);
      ASSERT_EQ(image[2 * count + n], labels[n] == 3 ? 1.0F : 0.0F);
    }
  }
  // Changed, no voxel ever has two labels.
  augment.morphology_chance = augment.removal_chance = 1;
  int changed = 0;
  for (std::uint64_t step = 0; step < 60; ++step) {
    augment(*from, {0, {1, 2, 3}}, {1, step, 0}, {augment.patch, 3, image, labels},
            found.get());
    bool differs = false;
    for (std::size_t n = 0; n < count; ++n) {
      ASSERT_LE(image[count + n] + image[2 * count + n], 1);
      differs = differs || image[count + n] != (labels[n] == 1 ? 1.0F : 0.0F);
    }
    changed += differs ? 1 : 0;
  }
  EXPECT_GT(changed, 25);

  cut_patch(*from, *found, augment.cascade_labels, {0, {1, 2, 3}},
            {augment.patch, 3, image, labels});
  for (std::size_t n = 0; n < count; ++n)
    ASSERT_EQ(image[count + n], labels[n] == 1 ? 1.0F : 0.0F);
}

TEST(PatchAugment, RefusesAFirstStageOfAnotherSizeOrNone) {
  MadeCase const made;
  MadeCase const other{{7, 9, 11}};
  auto const from = stored(made.to_store());
  auto const found = stored(other.to_store());
  PatchAugment augment;
  augment.patch = {2, 2, 2};
  augment.cascade_labels = {1};
  std::vector<float> image(16);
  auto const fault = [&](StoredCase const* first) {
    try {
      augment(*from, {}, {}, {{2, 2, 2}, 2, image, {}}, first);
    } catch (Error const& error) {
      return error.fault();
    }
    return Fault::usage;
  };
  EXPECT_EQ(fault(found.get()), Fault::input);
  EXPECT_EQ(fault(nullptr), Fault::bug);
}

}  // namespace
}  // namespace fovea
