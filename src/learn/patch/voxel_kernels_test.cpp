#include "learn/patch/voxel_kernels.hpp"

#include "base/core/rng.hpp"
#include "learn/patch/patch_mirror.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace fovea {
namespace {

std::vector<float> kernels_values(std::int64_t count, std::uint64_t key = 1) {
  Rng rng{{17, key}};
  std::vector<float> values;
  for (std::int64_t n = 0; n < count; ++n)
    values.push_back(static_cast<float>(rng.normal(3, 2)));
  return values;
}

std::vector<std::int16_t> kernels_labels(Kji const& size) {
  std::vector<std::int16_t> labels;
  for (std::int64_t k = 0; k < size[0]; ++k)
    for (std::int64_t j = 0; j < size[1]; ++j)
      for (std::int64_t i = 0; i < size[2]; ++i)
        labels.push_back(static_cast<std::int16_t>((k / 3 + j / 4 + i / 5) % 4 - 1));
  return labels;
}

// A row through the cube and somewhat beyond it.
CubeRow kernels_row(Rng& rng, Kji const& size) {
  CubeRow row{};
  for (std::size_t d = 0; d < 3; ++d) {
    row.at[d] = static_cast<float>(rng.uniform(-1.5, static_cast<double>(size[d]) + 0.5));
    row.step[d] = static_cast<float>(rng.uniform(-0.6, 0.6));
  }
  return row;
}

// The eight around a place and their weights, in double precision.
struct KernelsAround {
  std::array<std::size_t, 8> at{};
  std::array<double, 8> weight{};
};

KernelsAround kernels_around(Kji const& size, CubeRow const& row, int n) {
  std::array<std::int64_t, 3> low{};
  std::array<double, 3> rest{};
  for (std::size_t d = 0; d < 3; ++d) {
    auto const place = std::clamp(row.at[d] + static_cast<float>(n) * row.step[d], 0.0F,
                                  static_cast<float>(size[d] - 1));
    low[d] = std::min(static_cast<std::int64_t>(place), std::max<std::int64_t>(size[d] - 2, 0));
    rest[d] = static_cast<double>(place) - static_cast<double>(low[d]);
  }
  KernelsAround around;
  for (std::size_t corner = 0; corner < 8; ++corner) {
    std::array<std::int64_t, 3> at = low;
    around.weight[corner] = 1;
    for (std::size_t d = 0; d < 3; ++d) {
      auto const far = (corner >> d & 1U) != 0;
      if (far) at[d] = std::min(at[d] + 1, size[d] - 1);
      around.weight[corner] *= far ? rest[d] : 1 - rest[d];
    }
    around.at[corner] = static_cast<std::size_t>((at[0] * size[1] + at[1]) * size[2] + at[2]);
  }
  return around;
}

constexpr std::array<Kji, 4> kernels_sizes{{{9, 10, 11}, {2, 2, 2}, {1, 12, 13}, {3, 40, 7}}};

TEST(SampleCube, IsLinearBetweenTheEightAround) {
  Rng rng{{3, 5}};
  for (auto const& size : kernels_sizes) {
    auto const voxels = kernels_values(voxels_of(size));
    for (int turn = 0; turn < 20; ++turn) {
      auto const row = kernels_row(rng, size);
      std::vector<float> out(53);
      sample_cube({voxels.data(), size}, row, out.data(), 53);
      for (int n = 0; n < 53; ++n) {
        auto const around = kernels_around(size, row, n);
        double wanted = 0;
        for (std::size_t c = 0; c < 8; ++c)
          wanted += around.weight[c] * static_cast<double>(voxels[around.at[c]]);
        ASSERT_NEAR(out[static_cast<std::size_t>(n)], wanted, 1e-5) << n;
      }
    }
  }
}

// Whole blocks go through vectors, the few voxels behind the last one do not.
TEST(SampleCube, GivesTheSameBitsInVectorsAndAlone) {
  Rng rng{{3, 6}};
  for (auto const& size : kernels_sizes) {
    auto const voxels = kernels_values(voxels_of(size));
    auto const labels = kernels_labels(size);
    for (int turn = 0; turn < 20; ++turn) {
      auto const row = kernels_row(rng, size);
      std::vector<float> many(16);
      std::vector<float> few(15);
      sample_cube({voxels.data(), size}, row, many.data(), 16);
      sample_cube({voxels.data(), size}, row, few.data(), 15);
      for (std::size_t n = 0; n < few.size(); ++n)
        ASSERT_EQ(std::bit_cast<std::uint32_t>(many[n]), std::bit_cast<std::uint32_t>(few[n]));

      std::vector<std::int16_t> many_labels(16);
      std::vector<std::int16_t> few_labels(15);
      std::vector<std::int32_t> many_mixed;
      std::vector<std::int32_t> few_mixed;
      sample_labels({labels.data(), size}, row, many_labels.data(), 16, many_mixed);
      sample_labels({labels.data(), size}, row, few_labels.data(), 15, few_mixed);
      std::erase(many_mixed, 15);
      ASSERT_EQ(many_mixed, few_mixed);
      for (std::int32_t n = 0; n < 15; ++n)
        if (std::ranges::find(few_mixed, n) == few_mixed.end()) {
          ASSERT_EQ(many_labels[static_cast<std::size_t>(n)],
                    few_labels[static_cast<std::size_t>(n)]);
        }
    }
  }
}

TEST(SampleLabels, GivesTheLabelOfMostWeight) {
  Rng rng{{3, 7}};
  int voted = 0;
  for (auto const& size : kernels_sizes) {
    auto const labels = kernels_labels(size);
    for (int turn = 0; turn < 30; ++turn) {
      auto const row = kernels_row(rng, size);
      std::vector<std::int16_t> out(40);
      std::vector<std::int32_t> mixed;
      sample_labels({labels.data(), size}, row, out.data(), 40, mixed);
      for (auto const n : mixed)
        out[static_cast<std::size_t>(n)] = vote({labels.data(), size}, row, n);
      voted += static_cast<int>(mixed.size());
      for (int n = 0; n < 40; ++n) {
        auto const around = kernels_around(size, row, n);
        std::array<double, 4> weights{};
        for (std::size_t c = 0; c < 8; ++c)
          weights[static_cast<std::size_t>(labels[around.at[c]] + 1)] += around.weight[c];
        auto const most = *std::ranges::max_element(weights);
        ASSERT_NEAR(weights[static_cast<std::size_t>(out[static_cast<std::size_t>(n)] + 1)],
                    most, 2e-5);
      }
    }
  }
  EXPECT_GT(voted, 500);
}

TEST(Vote, SettlesATieByTheNearestVoxelElseByTheLowestLabel) {
  // Along i: 5 at 0, 3 at 1. In the middle both weigh the same; the lower voxel is as near.
  std::vector<std::int16_t> const pair{5, 3, 5, 3};
  EXPECT_EQ(vote({pair.data(), {1, 2, 2}}, {{0, 0, 0.5F}, {}}, 0), 5);
  EXPECT_EQ(vote({pair.data(), {1, 2, 2}}, {{0, 0, 0.51F}, {}}, 0), 3);
  // 9 is nearest and has .36 of the weight; 7 and 4 have .24 + .24, .16: 7 wins.
  std::vector<std::int16_t> const three{9, 7, 7, 4};
  EXPECT_EQ(vote({three.data(), {1, 2, 2}}, {{0, 0.4F, 0.4F}, {}}, 0), 7);
  // 9 is nearest with .3025; 7 and 4 with the two others' weights tie below it: 9.
  std::vector<std::int16_t> const four{9, 7, 4, 2};
  EXPECT_EQ(vote({four.data(), {1, 2, 2}}, {{0, 0.45F, 0.45F}, {}}, 0), 9);
}

TEST(Shuffle, IsUndoneByUnshuffle) {
  for (std::int64_t const count : {1, 7, 64, 1000}) {
    auto const values = kernels_values(count);
    std::vector<std::byte> shuffled(values.size() * 4);
    shuffle(std::as_bytes(std::span{values}), 4, shuffled);
    std::vector<float> back(values.size());
    unshuffle(shuffled, back);
    EXPECT_EQ(back, values);
    EXPECT_EQ(shuffled[0], std::as_bytes(std::span{values})[0]);
    EXPECT_EQ(shuffled.back(), std::as_bytes(std::span{values}).back());

    std::vector<std::int16_t> labels;
    for (std::int64_t n = 0; n < count; ++n)
      labels.push_back(static_cast<std::int16_t>(n * 37 % 501 - 1));
    shuffled.resize(labels.size() * 2);
    shuffle(std::as_bytes(std::span{labels}), 2, shuffled);
    std::vector<std::int16_t> labels_back(labels.size());
    unshuffle(shuffled, labels_back);
    EXPECT_EQ(labels_back, labels);
    std::vector<std::int8_t> const bytes(labels.size(), -1);
    unshuffle(std::as_bytes(std::span{bytes}), labels_back);
    EXPECT_EQ(labels_back, std::vector<std::int16_t>(labels.size(), -1));
  }
}

TEST(FactsOf, AreThoseOfTheValues) {
  for (std::int64_t const count : {1, 2, 15, 16, 17, 1001}) {
    auto const values = kernels_values(count);
    double mean = 0;
    for (auto const value : values) mean += static_cast<double>(value);
    mean /= static_cast<double>(count);
    double spread = 0;
    for (auto const value : values) spread += std::pow(static_cast<double>(value) - mean, 2);
    auto const facts = facts_of(values);
    EXPECT_NEAR(facts.mean, mean, 1e-12);
    EXPECT_NEAR(facts.deviation,
                count == 1 ? 0 : std::sqrt(spread / static_cast<double>(count - 1)), 1e-9);
    EXPECT_EQ(facts.least, *std::ranges::min_element(values));
    EXPECT_EQ(facts.most, *std::ranges::max_element(values));
  }
  EXPECT_EQ(facts_of({}).mean, 0);
}

TEST(PatchMirror, TurnsEachAxisFromItsOtherEndAndTwiceIsNothing) {
  for (auto const& size : {Kji{3, 4, 5}, Kji{2, 3, 34}, Kji{1, 1, 1}, Kji{1, 5, 2}}) {
    auto const voxels = kernels_values(voxels_of(size));
    auto const labels = kernels_labels(size);
    for (unsigned which = 0; which < 8; ++which) {
      std::array<bool, 3> const axes{(which & 1) != 0, (which & 2) != 0, (which & 4) != 0};
      auto turned = voxels;
      auto turned_labels = labels;
      patch_mirror(turned, size, axes);
      patch_mirror(turned_labels, size, axes);
      for (std::int64_t k = 0; k < size[0]; ++k)
        for (std::int64_t j = 0; j < size[1]; ++j)
          for (std::int64_t i = 0; i < size[2]; ++i) {
            auto const from = static_cast<std::size_t>(
                ((axes[0] ? size[0] - 1 - k : k) * size[1] + (axes[1] ? size[1] - 1 - j : j)) *
                    size[2] +
                (axes[2] ? size[2] - 1 - i : i));
            auto const at = static_cast<std::size_t>((k * size[1] + j) * size[2] + i);
            ASSERT_EQ(turned[at], voxels[from]) << which;
            ASSERT_EQ(turned_labels[at], labels[from]) << which;
          }
      patch_mirror(turned, size, axes);
      EXPECT_EQ(turned, voxels);
    }
  }
}

TEST(ClearOutside, LeavesWhatHasALabel) {
  std::vector<std::int16_t> labels(37, 1);
  labels[3] = labels[20] = labels[36] = -1;
  labels[5] = 0;
  std::vector<float> values(37, 2.5F);
  clear_outside(labels, values);
  clear_negative(labels);
  for (std::size_t n = 0; n < values.size(); ++n) {
    auto const outside = n == 3 || n == 20 || n == 36;
    EXPECT_EQ(values[n], outside ? 0.0F : 2.5F);
    EXPECT_EQ(labels[n], outside || n == 5 ? 0 : 1);
  }
}

}  // namespace
}  // namespace fovea
