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

TEST(Dataset, LosesAClassWithItsLastCaseAndKeepsWhatIsUnknown) {
  Dataset set;
  set.classes = {"a", "b", "c"};
  for (auto const label : {0, 1, unknown, 2}) set.cases.push_back({.labels = {label}});
  auto const rest = without(set, {1});
  EXPECT_EQ(rest.classes, (std::vector<std::string>{"a", "c"}));
  ASSERT_EQ(rest.cases.size(), 3U);
  EXPECT_EQ(rest.cases[0].labels[0], 0);
  EXPECT_EQ(rest.cases[1].labels[0], unknown);
  EXPECT_EQ(rest.cases[2].labels[0], 1);
  EXPECT_EQ(rest.notes.size(), 1U);
}

}  // namespace fovea
