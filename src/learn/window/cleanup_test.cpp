#include "learn/window/cleanup.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

namespace fovea {
namespace {

// Labels in a row of voxels, one digit each.
Volume cleanup_row(std::string_view digits, Type type = Type::u8) {
  Volume row{upright({static_cast<std::int64_t>(digits.size()), 1, 1}, {}), type};
  with_type(type, [&](auto of) {
    using T = decltype(of);
    std::ranges::transform(digits, row.write<T>().begin(),
                           [](char digit) { return static_cast<T>(digit - '0'); });
  });
  return row;
}

std::string cleanup_digits(Volume const& row) {
  std::string digits;
  with_type(row.type(), [&](auto of) {
    for (auto const value : row.as<decltype(of)>())
      digits += static_cast<char>('0' + static_cast<int>(value));
  });
  return digits;
}

CleanupCase cleanup_case(std::string_view predicted, std::string_view truth) {
  return {[=] { return cleanup_row(predicted); }, [=] { return cleanup_row(truth); }};
}

TEST(Cleaned, KeepsTheLargestPieceOfEachMask) {
  struct {
    std::string_view before;
    Cleanup cleanup;
    std::string_view after;
  } const rows[] = {
      {"1101112", {}, "1101112"},
      {"1101112", {{{1}}}, "0001112"},
      {"1101102", {{{1}}}, "1101102"},  // equally large
      {"1100122011", {{{1, 2}}}, "0000122000"},
      {"1100122011", {{{1}, {2}}}, "1100022011"},
      {"1110220111022220", {{{2}, {1, 2}}}, "0000000000022220"},
      {"1110330", {{{1}, {2}}}, "1110330"},
      {"0000000", {{{1}}}, "0000000"},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.before);
    for (auto const type : {Type::u8, Type::i16, Type::u16}) {
      auto const before = cleanup_row(row.before, type);
      EXPECT_EQ(cleanup_digits(cleaned(before, row.cleanup)), row.after);
      EXPECT_EQ(cleanup_digits(before), row.before) << "the input changed";
    }
  }
}

TEST(Cleaned, RefusesFractions) {
  EXPECT_THROW(cleaned(cleanup_row("11", Type::f32), {{{1}}}), Error);
}

TEST(LearnCleanup, TakesWhatRaisesDiceAndLowersNone) {
  std::vector<std::vector<std::int64_t>> const two{{1}, {2}};
  struct {
    std::string_view says;
    std::vector<CleanupCase> cases;
    std::vector<std::vector<std::int64_t>> structures;
    Cleanup learnt;
  } const rows[] = {
      {"nothing to win", {cleanup_case("0112200", "0112200")}, two, {}},
      {"a stray piece of both", {cleanup_case("0112200120", "0112200000")}, two, {{{1, 2}}}},
      {"one label has strays, the other two true pieces",
       {cleanup_case("01110010222022", "01110000222022")},
       two,
       {{{1}}}},
      {"joined would take a true piece",
       {cleanup_case("0111111220222010", "0111111220222000")},
       two,
       {{{1}}}},
      {"strays lie at the other label: only by itself",
       {cleanup_case("0111221002", "0111220002")},
       two,
       {{{1}}}},
      {"a label that no case has",
       {cleanup_case("0110100", "0110000")},
       {{1}, {7}},
       {{{1, 7}}}},
      {"one case gains less than the other loses",
       {cleanup_case("011101000", "011100000"), cleanup_case("01110110", "01110110")},
       {{1}},
       {}},
      {"regions: the inner one is joined with the outer",
       {cleanup_case("0112201001", "0112200000")},
       {{1, 2}, {2}},
       {{{1, 2}}}},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.says);
    EXPECT_EQ(learn_cleanup(row.cases, row.structures).largest, row.learnt.largest);
  }
}

TEST(LearnCleanup, RefusesWhatCannotBeCompared) {
  EXPECT_THROW(learn_cleanup({}, {{1}}), Error);
  EXPECT_THROW(learn_cleanup({cleanup_case("11", "11")}, {{}}), Error);
  EXPECT_THROW(learn_cleanup({cleanup_case("11", "111")}, {{1}}), Error);
}

}  // namespace
}  // namespace fovea
