#include "learn/plan/plan.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <clocale>

namespace fovea {
namespace {

constexpr KeyRow plan_test_rows[] = {
    {"image_size", KeyKind::whole, "28", "pixels along a side", 8, 2048},
    {"loss", KeyKind::word, "cross-entropy", "what is made small", 0, 0, "cross-entropy|focal"},
    {"channels", KeyKind::whole, "1", "of an image", 1, 3, "1|3"},
    {"class_names", KeyKind::list, "[]", "names"},
};

std::string plan_test_message(std::string_view key, std::string_view value) {
  Plan plan{plan_test_rows};
  try {
    plan.set(key, value);
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST(Plan, ReadsBackWhatItWrites) {
  Plan plan{plan_test_rows};
  plan.set("learning_rate", 3e-4, "as in the paper");
  plan.set("time", std::string_view{"2m"});
  plan.set("class_names", std::string_view{"['a, b', yes]"});
  plan.set("data", std::string_view{"/tmp/with # and: colon"});
  Plan again{plan_test_rows};
  again.read(plan.yaml(), "plan.yaml");
  EXPECT_EQ(again.json(), plan.json());
  EXPECT_EQ(again.fraction("time"), 120);
  EXPECT_EQ(again.list("class_names"), (std::vector<std::string>{"a, b", "yes"}));
}

TEST(Plan, KeepsTheReasonBesideTheValue) {
  Plan plan;
  plan.set("batch_size", 64, "small images\nfit many");
  EXPECT_NE(plan.yaml().find("batch_size: 64  # small images fit many\n"), std::string::npos);
}

TEST(Plan, RefusesWhatDoesNotFitAndSaysWhatWould) {
  struct {
    std::string_view key, value, part;
  } const table[] = {
      {"learning_rat", "0.1", "did you mean 'learning_rate'?"},
      {"learning_rate", "fast", "expected a number"},
      {"learning_rate", "0,001", "expected a number"},
      {"learning_rate", "nan", "expected a number"},
      {"image_size", "7", "from 8 to 2048"},
      {"image_size", "28.5", "a whole number"},
      {"channels", "2", "'channels' cannot be '2'"},
      {"channels", "4", "from 1 to 3"},
      {"loss", "focall", "did you mean 'focal'?"},
      {"time", "soon", "a time such as"},
      {"allow_test_duplicates", "perhaps", "true or false"},
  };
  for (auto const& row : table) {
    SCOPED_TRACE(row.value);
    EXPECT_NE(plan_test_message(row.key, row.value).find(row.part), std::string::npos)
        << plan_test_message(row.key, row.value);
  }
}

TEST(Plan, NamesFileAndLineOfAFault) {
  Plan plan;
  try {
    plan.read("seed: 3\nepochs: many\n", "mine.yaml");
    FAIL() << "accepted";
  } catch (Error const& error) {
    EXPECT_NE(std::string_view{error.what()}.find("mine.yaml, line 2"), std::string_view::npos)
        << error.what();
  }
}

TEST(Plan, EveryKeyExplainsItselfAndAcceptsItsNormalValue) {
  for (auto const& row : common_keys()) {
    SCOPED_TRACE(row.name);
    EXPECT_FALSE(row.does.empty());
    EXPECT_NO_THROW(Plan{}.set(row.name, row.normal));
  }
}

TEST(Plan, LeavesOutWhatLiesOnThisMachineForWhatTravels) {
  Plan plan;
  plan.set("data", "/home/somebody/scans", "asked for");
  plan.set("init", "/home/somebody/weights.safetensors");
  plan.set("seed", 7, "asked for");
  auto const out = plan.without_places();
  EXPECT_EQ(out.yaml().find("somebody"), std::string::npos);
  EXPECT_EQ(out.whole("seed"), 7);
  EXPECT_EQ(out.reason("seed"), "asked for");
  EXPECT_EQ(plan.word("data"), "/home/somebody/scans");
}

}  // namespace fovea
