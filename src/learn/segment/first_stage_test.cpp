#include "learn/segment/first_stage.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "learn/segment/explain.hpp"
#include "learn/segment/segment.hpp"
#include "learn/segment/test_models.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

// A second stage that marks where the first one marked, whatever the image shows, as value 7.
Model stage_second(Model const& first, std::vector<double> const& spacing) {
  auto out = test_segmenter({.labels = {"again"}, .values = {7}, .spacing = spacing});
  Graph graph;
  auto at =
      graph.add("input", {}, {{"channels", std::int64_t{2}}, {"dimensions", std::int64_t{3}}});
  at = graph.add("conv", {at}, {{"out", std::int64_t{1}}, {"kernel", std::int64_t{1}}}, "see");
  graph.marks["features"] = at;
  graph.add("conv", {at}, {{"out", std::int64_t{2}}, {"kernel", std::int64_t{1}}}, "head");
  Network network{graph, 1};
  c10::NoGradGuard const quiet;
  for (auto const& one : network.parameters()) {
    one.value.zero_();
    if (one.name == "see.weight") one.value[0][1].fill_(1);
    if (one.name == "see.bias") one.value.fill_(-0.5);
    if (one.name == "head.weight") one.value[1].fill_(1);
  }
  out.networks = {network};
  out.before = std::make_shared<Model const>(first);
  auto contract = segment_contract(out.about);
  contract.found = found_values(segment_contract(first.about));
  write_contract(contract, out.about);
  return out;
}

Volume stage_image() {
  return test_body(upright({20, 18, 16}, {{1, 1, 1}}), {{8, 9, 7, 4}, {14, 12, 10, 3}});
}

// A finished run of two folds: one and two were held back in turn, three never.
fs::path stage_run(fs::path const& folder, Model const& model, std::vector<int> const& folds) {
  auto const run = RunFolder::begin(folder);
  run.write_about(
      {{"state", "finished"}, {"cases", {{"train", 1}, {"validation", 1}, {"test", 1}}}});
  Dataset set;
  set.cases = {{.id = "one", .patient = "p1", .split = Split::train},
               {.id = "two", .patient = "p2", .split = Split::validation},
               {.id = "three", .patient = "p3", .split = Split::test}};
  run.write_splits(set, folds);
  write_package(run.model(), model);
  return run.path();
}

Plan stage_plan(fs::path const& run) {
  Plan plan{segment_keys()};
  plan.set("first_stage", std::string_view{run.string()});
  return plan;
}

// 1 where anything is marked.
Volume stage_marked(Volume const& labels) {
  Volume out{labels.grid(), Type::u8};
  auto const from = as_float(labels);
  std::ranges::transform(from.as<float>(), out.write<std::uint8_t>().begin(),
                         [](float value) { return static_cast<std::uint8_t>(value != 0); });
  return out;
}

Fault stage_fault(std::function<void()> const& work) {
  try {
    work();
  } catch (Error const& error) {
    return error.fault();
  }
  ADD_FAILURE() << "accepted";
  return Fault::bug;
}

}  // namespace

TEST(Cascade, TheSecondStageSeesTheMasksOfTheFirst) {
  ScratchFolder const scratch;
  auto const image = stage_image();
  for (auto const& values : {std::vector<std::uint16_t>{1}, {300}}) {
    auto const first = test_segmenter({.values = values, .spacing = {1, 1, 1}});
    auto const found = segmented(first, segment_contract(first.about), image).labels;
    write_package(scratch.path() / "two.fovea", stage_second(first, {1, 1, 1}));
    auto const second = read_package(scratch.path() / "two.fovea");
    auto const got = segmented(second, segment_contract(second.about), image).labels;
    EXPECT_EQ(*std::ranges::max_element(as_float(got).as<float>()), 7);
    EXPECT_EQ(least_dice(stage_marked(got), stage_marked(found)), 1);
  }
}

TEST(Cascade, MasksGoToTheVoxelsOfTheSecondStage) {
  auto const image = stage_image();
  auto const first = test_segmenter({.values = {7}, .spacing = {2, 2, 2}});
  auto const found = segmented(first, segment_contract(first.about), image).labels;
  auto second = stage_second(first, {1, 0.5, 1});
  auto contract = segment_contract(second.about);
  contract.recipe.forward = {2, 0, 1};
  contract.recipe.backward = {1, 2, 0};
  EXPECT_GT(least_dice(segmented(second, contract, image).labels, found), 0.97);
}

TEST(Cascade, AModelWithoutItsFirstStageIsRefused) {
  auto second = stage_second(test_segmenter({}), {1, 1, 1});
  auto const contract = segment_contract(second.about);
  second.before = nullptr;
  EXPECT_EQ(stage_fault([&] { segmented(second, contract, stage_image()); }), Fault::input);
  auto const first = test_segmenter({});
  second.before = std::make_shared<Model const>(first);
  EXPECT_EQ(
      stage_fault([&] { segmented(second, segment_contract(first.about), stage_image()); }),
      Fault::input);
}

TEST(Cascade, CanBeExplained) {
  auto const second = stage_second(test_segmenter({}), {1, 1, 1});
  auto const why = segment_explain(second, stage_image(),
                                   {.method = "occlusion", .label = "again", .layer = {}});
  EXPECT_EQ(why.label, "again");
}

TEST(FirstStage, AsksTheNetworkThatHasNotLearntFromACase) {
  ScratchFolder const scratch;
  auto model = test_segmenter({});
  model.networks.push_back(test_segmenter_network({.weight = {3}}));
  Dataset set;
  set.cases = {{.id = "one", .split = Split::train}, {.id = "two", .split = Split::validation}};
  FirstStage const first{stage_plan(stage_run(scratch.path() / "run", model, {1, 2, 0})), set};
  EXPECT_EQ(first.network_of(set.cases[0]), 1U);
  EXPECT_EQ(first.network_of(set.cases[1]), 2U);
  EXPECT_EQ(first.unseen_by(set.cases[1]).networks.size(), 1U);
  EXPECT_EQ(first.unseen_by({.id = "another"}).networks.size(), 2U);
  EXPECT_FALSE(first.seen_by_all(set));
}

TEST(FirstStage, RefusesCasesThatItLearntFromWhereTheyAreHeldBack) {
  ScratchFolder const scratch;
  auto const model = test_segmenter({});
  auto two = model;
  two.networks.push_back(test_segmenter_network({}));
  auto const plain = stage_run(scratch.path() / "plain", model, {});
  auto const folds = stage_run(scratch.path() / "folds", two, {1, 2, 0});
  struct Row {
    fs::path run;
    char const* one;
    char const* patient;
    Split split;
    bool refused;
  };
  Row const rows[] = {
      {plain, "one", "", Split::validation, true}, {plain, "one", "", Split::test, true},
      {plain, "two", "", Split::test, true},       {plain, "two", "", Split::validation, false},
      {plain, "two", "", Split::train, false},     {plain, "three", "", Split::test, false},
      {plain, "new", "", Split::test, false},      {plain, "new", "p1", Split::test, true},
      {plain, "new", "p3", Split::test, false},    {folds, "one", "", Split::validation, false},
      {folds, "two", "", Split::test, true},       {folds, "three", "", Split::test, false}};
  for (auto const& row : rows) {
    SCOPED_TRACE(text(row.run, " ", row.one, row.patient, " ", name_of(row.split)));
    Dataset set;
    set.cases = {{.id = row.one, .patient = row.patient, .split = row.split}};
    if (row.refused)
      EXPECT_EQ(stage_fault([&] { FirstStage{stage_plan(row.run), set}; }), Fault::usage);
    else
      EXPECT_NO_THROW((FirstStage{stage_plan(row.run), set}));
  }
}

TEST(FirstStage, RefusesRunsThatAreNone) {
  ScratchFolder const scratch;
  auto const model = test_segmenter({});
  auto two = model;
  two.networks.push_back(test_segmenter_network({}));
  // Of folds that nobody wrote down; a cascade; another model than was planned with; a record
  // of its cases that was cut short, and none.
  auto const mute = stage_run(scratch.path() / "mute", two, {});
  auto const cascade =
      stage_run(scratch.path() / "cascade", stage_second(model, {1, 1, 1}), {});
  auto changed = stage_plan(stage_run(scratch.path() / "changed", model, {}));
  changed.set("first_stage_model", "another");
  auto const cut = stage_run(scratch.path() / "cut", model, {});
  auto const rows = read_text(cut / "splits.csv");
  write_file(cut / "splits.csv", rows.substr(0, rows.find("two")));
  auto const bare = stage_run(scratch.path() / "bare", model, {});
  write_file(bare / "splits.csv", std::string_view{});
  for (auto const& plan : {stage_plan(scratch.path()), stage_plan(mute), stage_plan(cascade),
                           changed, stage_plan(cut), stage_plan(bare)})
    EXPECT_EQ(stage_fault([&] {
                FirstStage{plan, {}};
              }),
              Fault::input)
        << plan.word("first_stage");
}

}  // namespace fovea
