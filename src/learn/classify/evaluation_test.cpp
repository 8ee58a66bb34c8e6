#include "learn/classify/evaluation.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

ClassEvaluation evaluation_test_one() {
  ClassRows rows{.classes = {"no", "yes"},
                 .ids = {"a", "b", "c", "d"},
                 .groups = {},
                 .probabilities = {0.9, 0.1, 0.2, 0.8, 0.4, 0.6, 0.7, 0.3},
                 .truth = {0, 0, 0, 1}};
  return {rows,
          {10, 11, 12, 13},
          {{.of = "yes", .rule = "highest Youden", .threshold = 0.5, .why = {}}},
          1.5,
          1};
}

}  // namespace

TEST(ClassEvaluation, ShowsTheSurestMistakesFirst) {
  EXPECT_EQ(evaluation_test_one().worst(8), (std::vector<std::size_t>{11, 13, 12}));
  EXPECT_EQ(evaluation_test_one().worst(1), (std::vector<std::size_t>{11}));
}

TEST(ClassEvaluation, AnswersByTheCaseOfTheDataSet) {
  auto const answer = evaluation_test_one().answer(11);
  EXPECT_EQ(answer.id, "b");
  EXPECT_EQ(answer.label, "yes");
  EXPECT_EQ(answer.scores[1], (std::pair<std::string, double>{"yes", 0.8}));
  EXPECT_THROW(evaluation_test_one().answer(0), Error);
}

TEST(ClassEvaluation, HoldsWhatTheContractOfItsJsonNames) {
  auto const json = evaluation_test_one().json();
  for (auto const* const name : {"accuracy", "balanced_accuracy", "auc", "average_precision",
                                 "f1", "precision", "sensitivity", "specificity", "ece"}) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(json["metrics"].contains(name));
    for (auto const* const part : {"value", "low", "high"})
      EXPECT_TRUE(json["metrics"][name].contains(part));
  }
  EXPECT_EQ(json["classes"], (Json{"no", "yes"}));
  EXPECT_EQ(json["confusion"], (Json{{1, 2}, {1, 0}}));
  EXPECT_EQ(json["per_case"].size(), 4U);
  EXPECT_EQ(json["operating_points"][0]["threshold"], 0.5);
}

TEST(ClassEvaluation, WritesARowForEachCase) {
  EXPECT_EQ(evaluation_test_one().predictions_csv(),
            "id,truth,label,score no,score "
            "yes\na,no,no,0.9,0.1\nb,no,yes,0.2,0.8\nc,no,yes,0.4,0.6\nd,yes,no,0.7,0.3\n");
}

TEST(Answer, NamesEveryLabelThatIsMoreLikelyThanNot) {
  std::vector<double> const probabilities{0.6, 0.2, 0.5};
  EXPECT_EQ(answer_from({"a", "b", "c"}, true, probabilities).label, "a;c");
  EXPECT_EQ(answer_from({"a", "b", "c"}, false, probabilities).label, "a");
}

}  // namespace fovea
