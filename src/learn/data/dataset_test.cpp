#include "learn/data/dataset.hpp"

#include <gtest/gtest.h>

namespace fovea {

TEST(Dataset, TellsWhichCasesCanBeLearntFrom) {
  Dataset set;
  set.classes = {"a", "b"};
  for (auto const& labels :
       {std::vector<std::int32_t>{unknown, unknown}, {unknown, 0}, {1, unknown}, {0, 0}})
    set.cases.push_back({.split = Split::train, .labels = labels});
  set.cases.push_back({.split = Split::test, .labels = {1, 1}});
  EXPECT_EQ(set.in(Split::train), (std::vector<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ(set.labelled(Split::train), (std::vector<std::size_t>{1, 2, 3}));
  EXPECT_EQ(set.labelled(Split::test), (std::vector<std::size_t>{4}));
  EXPECT_TRUE(set.labelled(Split::validation).empty());
}

}  // namespace fovea
