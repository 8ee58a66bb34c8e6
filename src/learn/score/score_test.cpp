#include "learn/score/score.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "learn/score/compare.hpp"
#include "learn/score/pixel_roc.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

std::vector<ScoreLabel> const score_labels{{"a", {1}}, {"b", {2}}};

// Labels of 8 x 6 x 4 voxels of 1 x 2 x 3 mm: value 1 in columns `from` … `to` - 1.
Volume score_map(std::int64_t from, std::int64_t to, Type type = Type::u8) {
  Volume out{upright({8, 6, 4}, {{1, 2, 3}}), type};
  with_type(type, [&]<class T>(T) {
    auto const voxels = out.write<T>();
    for (std::size_t n = 0; n < voxels.size(); ++n) {
      auto const i = static_cast<std::int64_t>(n % 8);
      voxels[n] = static_cast<T>(i >= from && i < to ? 1 : 0);
    }
  });
  return out;
}

double score_value(LabelScore const& score, std::string_view name) {
  return score_named(name).of(score).value();
}

// Two labels of a case by numbers: found, true, both.
CaseScore score_made(std::string id,
                     std::vector<std::array<std::int64_t, 3>> labels,
                     std::int64_t group = -1) {
  CaseScore out{std::move(id), group, {}};
  for (auto const& [found, truth, both] : labels) {
    LabelScore one{.found = found, .truth = truth, .both = both, .voxels = 1000};
    one.voxel_ml = 0.001;
    out.labels.push_back(one);
  }
  return out;
}

ScoreSet score_many(std::uint64_t seed, std::int64_t cases, std::int64_t better = 0) {
  Rng rng{{seed}};
  ScoreSet out{{"a", "b"}, {}};
  for (std::int64_t c = 0; c < cases; ++c) {
    std::vector<std::array<std::int64_t, 3>> labels;
    for (auto l = 0; l < 2; ++l)
      labels.push_back({100 + rng.below(20), 100, 70 + rng.below(10) + better});
    out.cases.push_back(score_made(text("case", c), labels, c / 2));
  }
  return out;
}

}  // namespace

TEST(ScoreOfACase, CountsVoxelsAndVolumes) {
  auto const out = score_case(score_map(1, 5), score_map(3, 7), score_labels);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].found, 96);
  EXPECT_EQ(out[0].truth, 96);
  EXPECT_EQ(out[0].both, 48);
  EXPECT_EQ(out[0].voxels, 192);
  EXPECT_DOUBLE_EQ(out[0].truth_ml(), 96 * 6.0 / 1000);
  EXPECT_DOUBLE_EQ(score_value(out[0], "dice"), 0.5);
  EXPECT_DOUBLE_EQ(score_value(out[0], "specificity"), 0.5);
  EXPECT_EQ(score_value(out[0], "volume_difference"), 0);
}

TEST(ScoreOfACase, IsPerfectForTheTruthItself) {
  auto const out = score_case(score_map(2, 6), score_map(2, 6), score_labels)[0];
  for (auto const& row : score_rows()) {
    auto const distance = !row.higher_is_better;
    EXPECT_EQ(row.of(out).value(), distance ? 0 : 1) << row.name;
  }
}

TEST(ScoreOfACase, HasNoAnswerWhereThereIsNoQuestion) {
  auto const full = score_map(2, 6), empty = score_map(0, 0);
  struct Said {
    Volume const &found, &truth;
    std::vector<std::string_view> zero, none;
  };
  Said const each[] = {
      {empty,
       empty,
       {},
       {"dice", "jaccard", "sensitivity", "precision", "volume_difference", "volume_error",
        "hd95", "hd95_pooled", "assd", "nsd", "nsd_voxels"}},
      {full,
       empty,
       {"dice", "jaccard", "precision", "nsd", "nsd_voxels"},
       {"sensitivity", "volume_difference", "volume_error", "hd95", "hd95_pooled", "assd"}},
      {empty,
       full,
       {"dice", "jaccard", "sensitivity", "nsd", "nsd_voxels"},
       {"precision", "hd95", "hd95_pooled", "assd"}},
  };
  for (auto const& [found, truth, zero, none] : each) {
    auto const out = score_case(found, truth, score_labels)[0];
    for (auto const name : zero) EXPECT_EQ(score_value(out, name), 0) << name;
    for (auto const name : none) EXPECT_FALSE(score_named(name).of(out)) << name;
  }
  EXPECT_EQ(score_value(score_case(empty, full, score_labels)[0], "volume_difference"), -1);
}

TEST(ScoreOfACase, LeavesOutIgnoredVoxelsAndThoseOutsideTheFieldOfView) {
  auto const found = score_map(1, 5);
  auto truth = score_map(3, 7);
  auto const plain = score_case(found, truth, score_labels)[0];
  auto within = score_map(0, 4);
  auto const seen = score_case(found, truth, score_labels, {}, &within)[0];
  EXPECT_EQ(seen.voxels, 96);
  EXPECT_EQ(seen.found, 72);
  EXPECT_EQ(seen.truth, 24);
  EXPECT_EQ(seen.both, 24);
  // The same by a label of the truth.
  auto const voxels = truth.write<std::uint8_t>();
  for (std::size_t n = 0; n < voxels.size(); ++n)
    if (n % 8 >= 4) voxels[n] = 9;
  auto const ignored = score_case(found, truth, score_labels, {.ignore = 9})[0];
  for (auto const& row : score_rows()) EXPECT_EQ(row.of(ignored), row.of(seen)) << row.name;
  EXPECT_NE(plain.assd, seen.assd);
  Volume unknown{truth.grid(), Type::i16};
  std::ranges::transform(voxels, unknown.write<std::int16_t>().begin(), [](auto label) {
    return static_cast<std::int16_t>(label == 9 ? -1 : label);
  });
  EXPECT_EQ(score_case(found, unknown, score_labels)[0].voxels, seen.voxels);
}

TEST(ScoreOfACase, TakesAnyWholeTypeAndNegativeLabelsAsOutside) {
  auto const expected = score_case(score_map(1, 5), score_map(3, 7), score_labels)[0];
  for (auto const type : all_types) {
    if (type == Type::f32 || type == Type::f64) continue;
    auto const out =
        score_case(score_map(1, 5, type), score_map(3, 7, Type::u8), score_labels)[0];
    EXPECT_EQ(out.both, expected.both) << name_of(type);
    EXPECT_EQ(out.hd95, expected.hd95);
  }
  auto negative = score_map(1, 5, Type::i16);
  negative.write<std::int16_t>()[0] = -3;
  EXPECT_EQ(score_case(negative, score_map(3, 7), score_labels)[0].found, expected.found);
}

TEST(ScoreOfACase, OfAShearedGridHasOverlapsButNoDistances) {
  auto grid = upright({8, 6, 4}, {{1, 2, 3}});
  grid.axes[2].mm[1] = 1;
  Volume mask{grid, Type::u8};
  std::ranges::fill(mask.write<std::uint8_t>(), std::uint8_t{1});
  auto const out = score_case(mask, mask, score_labels)[0];
  EXPECT_EQ(score_value(out, "dice"), 1);
  EXPECT_FALSE(out.hd95 || out.assd || out.nsd);
}

TEST(ScoreOfACase, RefusesWhatDoesNotFit) {
  auto const map = score_map(1, 5);
  Volume const other{upright({8, 6, 4}, {{1, 2, 3.5}}), Type::u8};
  Volume const real{map.grid(), Type::f32};
  Volume const two{map.grid(), Type::u8, Unit::arbitrary, 2};
  EXPECT_THROW(score_case(other, map, score_labels), Error);
  EXPECT_THROW(score_case(real, map, score_labels), Error);
  EXPECT_THROW(score_case(map, two, score_labels), Error);
  EXPECT_THROW(score_case(map, map, score_labels, {}, &other), Error);
  EXPECT_THROW(score_case(map, map, score_labels, {}, &real), Error);
  EXPECT_THROW(score_case(map, map, score_labels, {.tolerance_mm = NAN}), Error);
  for (auto const value : {-1, 65536}) {
    std::vector<ScoreLabel> const bad{{"a", {value}}};
    EXPECT_THROW(score_case(map, map, bad), Error);
  }
}

TEST(ScoreReport, IsTheMeanOverLabelsOfMeansOverCasesWithAnAnswer) {
  ScoreSet const set{
      {"a", "b"},
      {score_made("1", {{10, 10, 5}, {0, 0, 0}}), score_made("2", {{10, 10, 10}, {4, 0, 0}}),
       score_made("3", {{0, 10, 0}, {10, 10, 10}})}};
  auto const report = evaluate(set, {.draws = 100});
  auto const of = [](ScoreOfLabel const& label, std::string_view name) {
    return std::ranges::find(label.metrics, name, &NamedIntervals::value_type::first)
        ->second.value;
  };
  EXPECT_DOUBLE_EQ(of(report.per_class[0], "dice"), 0.5);
  EXPECT_DOUBLE_EQ(of(report.per_class[1], "dice"), 0.5);
  EXPECT_DOUBLE_EQ(of(report.per_class[1], "sensitivity"), 1);
  EXPECT_DOUBLE_EQ(report["dice"].value, 0.5);
  EXPECT_DOUBLE_EQ(report["sensitivity"].value, 0.75);
  EXPECT_FALSE(report["hd95"].defined);
  EXPECT_EQ(report.per_class[0].missed, 1);
  EXPECT_EQ(report.per_class[1].present, 1);
  EXPECT_EQ(report.per_class[1].invented, 1);
  EXPECT_THROW(report["dices"], Error);
  EXPECT_DOUBLE_EQ(*score_of_case(set.cases[0], score_named("dice")), 0.5);
  EXPECT_EQ(report.per_class[1].volume.cases, 2);
}

TEST(ScoreReport, HoldsTheValueInItsIntervalWhateverTheThreads) {
  auto const set = score_many(4, 30);
  auto const one = evaluate(set, {.draws = 300, .seed = 3});
  auto const four = evaluate(set, {.draws = 300, .seed = 3, .threads = 4});
  EXPECT_EQ(to_json(one).dump(), to_json(four).dump());
  auto const& dice = one["dice"];
  EXPECT_LT(dice.low, dice.value);
  EXPECT_GT(dice.high, dice.value);
  EXPECT_LT(dice.high - dice.low, 0.05);
  EXPECT_NE(to_json(evaluate(set, {.draws = 300, .seed = 4})).dump(), to_json(one).dump());
}

TEST(ScoreReport, AgreesWithBlandAndAltmanByHand) {
  ScoreSet const set{{"a"},
                     {score_made("1", {{1100, 1000, 900}}), score_made("2", {{900, 1000, 900}}),
                      score_made("3", {{1300, 1000, 900}}), score_made("4", {{0, 0, 0}})}};
  auto const report = evaluate(set, {.draws = 100});
  auto const& volume = report.per_class[0].volume;
  EXPECT_EQ(volume.cases, 3);
  EXPECT_NEAR(volume.bias.value, 0.1, 1e-12);
  EXPECT_NEAR(volume.deviation, 0.2, 1e-12);
  EXPECT_NEAR(volume.low, 0.1 - 1.959963984540054 * 0.2, 1e-12);
  EXPECT_NEAR(volume.high, 0.1 + 1.959963984540054 * 0.2, 1e-12);
  EXPECT_NEAR(volume.mean[2], 1.15, 1e-12);
}

TEST(ScoreReport, SaysAllInJson) {
  auto const set = score_many(4, 3);
  auto const json = to_json(evaluate(set, {.draws = 20}));
  for (auto const* name : {"dice", "jaccard", "hd95", "assd", "nsd", "sensitivity", "precision",
                           "volume_difference"}) {
    EXPECT_TRUE(json.at("metrics").at(name).contains("low")) << name;
    EXPECT_TRUE(json.at("per_class")[1].at(name).contains("high")) << name;
  }
  EXPECT_TRUE(json.at("metrics").at("hd95").at("value").is_null());
  EXPECT_EQ(json.at("per_class")[1].at("class"), "b");
  EXPECT_EQ(json.at("per_class")[1].at("positives"), 3);
  auto const cases = per_case(set);
  ASSERT_EQ(cases.size(), 3U);
  EXPECT_EQ(cases[2].at("id"), "case2");
  EXPECT_EQ(cases[2].at("per_class")[0].at("class"), "a");
  EXPECT_TRUE(cases[2].at("dice").is_number());
  EXPECT_TRUE(cases[2].at("per_class")[1].at("hd95").is_null());
}

TEST(ScoreReport, RefusesNothingAndCasesOfOtherLabels) {
  EXPECT_THROW(evaluate(ScoreSet{}), Error);
  EXPECT_THROW(evaluate(ScoreSet{{"a"}, {score_made("1", {{1, 1, 1}, {1, 1, 1}})}}), Error);
  EXPECT_THROW(per_case(ScoreSet{{"a"}, {score_made("1", {})}}), Error);
  EXPECT_THROW(score_named("dise"), Error);
}

TEST(ScoreCompare, TellsABetterRunFromOneThatIsTheSame) {
  auto const first = score_many(5, 30, 8), second = score_many(5, 30);
  auto const tests = compare(first, second, {.draws = 200});
  ASSERT_EQ(tests.size(), 3 * score_rows().size());
  EXPECT_EQ(tests[0].metric, "dice");
  EXPECT_EQ(tests[0].label, "all");
  EXPECT_EQ(tests[1].label, "a");
  EXPECT_EQ(tests[0].cases, 30);
  EXPECT_GT(tests[0].difference.low, 0);
  EXPECT_LT(tests[0].test.p, 1e-6);
  EXPECT_NEAR(tests[0].first - tests[0].second, tests[0].difference.value, 1e-12);
  for (auto const& test : compare(second, second, {.draws = 20})) {
    EXPECT_EQ(test.test.p, 1);
    EXPECT_EQ(test.test.pairs, 0);
  }
  auto const json = to_json(tests);
  EXPECT_EQ(json[0].at("wilcoxon").at("method"), "exact");
  EXPECT_TRUE(json[6].at("first").is_null());  // hd95: no answer
}

TEST(ScoreCompare, RefusesOtherCases) {
  auto const first = score_many(5, 4);
  auto second = first;
  second.cases[1].id = "x";
  EXPECT_THROW(compare(first, second), Error);
  second = first;
  second.cases[2].labels[0].truth += 1;
  EXPECT_THROW(compare(first, second), Error);
  second = first;
  second.labels[0] = "c";
  EXPECT_THROW(compare(first, second), Error);
  second = first;
  second.cases.pop_back();
  EXPECT_THROW(compare(first, second), Error);
  second = first;
  second.cases[0].group = 99;
  EXPECT_THROW(compare(first, second), Error);
}

TEST(SignedRank, SaysNothingWithoutPairsAndRefusesWhatIsNoNumber) {
  EXPECT_EQ(signed_rank({}).p, 1);
  std::vector<double> const zeros{0, 0, 0};
  EXPECT_EQ(signed_rank(zeros).zeros, 3);
  EXPECT_EQ(signed_rank(zeros).p, 1);
  std::vector<double> const bad{1, NAN};
  EXPECT_THROW(signed_rank(bad), Error);
}

TEST(SignedRank, OfAllDifferencesOfOneSignIsTwoOfAllSigns) {
  std::vector<double> const same(10, 0.1);
  EXPECT_NEAR(signed_rank(same).p, 2 / std::ldexp(1.0, 10), 1e-15);
}

TEST(PixelRoc, PoolsImagesInAnyOrderAndLooksOnlyInsideTheFieldOfView) {
  auto const grid = upright({64, 32, 1}, {});
  std::vector<Volume> probability, truth, within;
  for (std::uint64_t n = 0; n < 4; ++n) {
    Rng rng{{n}};
    Volume p{grid, Type::f32}, y{grid, Type::u8}, m{grid, Type::u8};
    for (std::size_t at = 0; at < 2048; ++at) {
      auto const yes = rng.chance(0.2), in = rng.chance(0.7);
      p.write<float>()[at] = static_cast<float>(0.6 * rng.uniform() + (yes ? 0.4 : 0.0));
      y.write<std::uint8_t>()[at] = yes ? 255 : 0;
      m.write<std::uint8_t>()[at] = in ? 1 : 0;
      if (!in) p.write<float>()[at] = NAN;  // is not looked at
    }
    probability.push_back(p);
    truth.push_back(y);
    within.push_back(m);
  }
  PixelRoc all, first, second;
  for (std::size_t n = 0; n < 4; ++n) {
    all.add(probability[n], truth[n], &within[n]);
    (n < 2 ? first : second).add(probability[n], truth[n], &within[n]);
  }
  first.add(second);
  auto const area = all.auc({.draws = 200, .seed = 1});
  EXPECT_EQ(area.value, first.auc({.draws = 200, .seed = 1}).value);
  EXPECT_EQ(area.low, first.auc({.draws = 200, .seed = 1, .threads = 3}).low);
  EXPECT_LT(area.low, area.value);
  EXPECT_GT(area.high, area.value);
  EXPECT_LT(all.auc_error(), 1e-3);
  EXPECT_THROW(all.add(probability[0], truth[0]), Error);  // NaN outside counts now

  auto const points = all.curve(50);
  EXPECT_LE(points.size(), 51U);
  EXPECT_GE(points.size(), 25U);
  EXPECT_EQ(points.front().tp + points.front().fp, 0);
  EXPECT_EQ(points.back().fn + points.back().tn, 0);
  // What the curve encloses is near the area: its points lie close.
  double enclosed = 0;
  for (std::size_t n = 1; n < points.size(); ++n) {
    auto const right = static_cast<double>(points[n].fp - points[n - 1].fp);
    enclosed += right * static_cast<double>(points[n].tp + points[n - 1].tp) / 2;
    EXPECT_LT(points[n].threshold, points[n - 1].threshold);
  }
  enclosed /= static_cast<double>(all.positives()) * static_cast<double>(all.negatives());
  EXPECT_NEAR(enclosed, area.value, 2e-3);
}

TEST(PixelRoc, TellsProbabilitiesApartNearZeroAndNearOne) {
  auto const grid = upright({4, 1, 1}, {});
  Volume p{grid, Type::f32}, y{grid, Type::u8};
  for (auto const low : {1e-6F, 0.999998F}) {
    auto const high = low < 0.5F ? 2e-6F : 0.999999F;
    for (std::size_t at = 0; at < 4; ++at) {
      p.write<float>()[at] = at < 2 ? low : high;
      y.write<std::uint8_t>()[at] = at < 2 ? 0 : 1;
    }
    PixelRoc roc;
    roc.add(p, y);
    EXPECT_EQ(roc.auc({.draws = 10}).value, 1);
    EXPECT_EQ(roc.auc_error(), 0);
  }
}

TEST(PixelRoc, IsUndefinedWithoutPositivesOrNegatives) {
  PixelRoc roc;
  EXPECT_FALSE(roc.auc().defined);
  EXPECT_TRUE(roc.curve().empty());
  auto const grid = upright({4, 1, 1}, {});
  Volume const p{grid, Type::f32}, y{grid, Type::u8};
  roc.add(p, y);
  EXPECT_EQ(roc.negatives(), 4);
  EXPECT_EQ(roc.auc().why, "no pixel is positive");
  EXPECT_EQ(roc.at(0).fp, 4);
  EXPECT_EQ(roc.at(0.5).tn, 4);
  EXPECT_THROW(roc.at(1.5), Error);
  EXPECT_THROW(roc.add(y, y), Error);
  EXPECT_THROW(roc.add(p, p), Error);
}

}  // namespace fovea
