#include "learn/patch/targets.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(RegionsOf, AreOneWhereALabelBelongsToThem) {
  std::vector<std::int16_t> const labels{0, 1, 2, 3, 2};
  std::vector<LabelSet> const regions{{1, 2, 3}, {3}, {}, {9}};
  std::vector<std::uint8_t> out(20, 7);
  regions_of(labels, regions, out);
  EXPECT_EQ(out, (std::vector<std::uint8_t>{0, 1, 1, 1, 1, 0, 0, 0, 1, 0,  //
                                            0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  out.resize(19);
  EXPECT_THROW(regions_of(labels, regions, out), Error);
}

TEST(NearestLabels, AreTheSameOnTheSameGridAndNeedRoom) {
  std::vector<std::int16_t> const labels{1, 2, 3, 4, 5, 6};
  std::vector<std::int16_t> out(6);
  nearest_labels(labels, {1, 2, 3}, {1, 2, 3}, out);
  EXPECT_EQ(out, labels);
  out.resize(2);
  nearest_labels(labels, {1, 2, 3}, {1, 2, 1}, out);
  EXPECT_EQ(out, (std::vector<std::int16_t>{2, 5}));
  EXPECT_THROW(nearest_labels(labels, {1, 2, 3}, {1, 1, 1}, out), Error);
}

}  // namespace
}  // namespace fovea
