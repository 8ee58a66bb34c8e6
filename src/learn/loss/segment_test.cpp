#include "learn/loss/segment.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "base/core/json.hpp"
#include "base/core/rng.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace fovea {
namespace {

using SegmentShape = std::vector<std::int64_t>;

Json const& segment_reference() {
  static auto const all =
      read_json(fs::path{FOVEA_SOURCE_DIR} / "src/learn/loss/testdata/segment.json");
  return all;
}

at::Tensor segment_numbers(Json const& values, SegmentShape const& sizes) {
  auto const out = at::empty(sizes, at::kDouble);
  auto* place = out.mutable_data_ptr<double>();
  for (auto const& value : values) *place++ = value.get<double>();
  return out;
}

at::Tensor segment_target(Json const& values, SegmentShape const& sizes) {
  auto const out = at::empty(sizes, at::kLong);
  auto* place = out.mutable_data_ptr<std::int64_t>();
  for (auto const& value : values) *place++ = value.get<std::int64_t>();
  return out;
}

struct SegmentCase {
  explicit SegmentCase(Json const& row)
      : loss{segment_loss_named(row.at("loss").get<std::string>())} {
    auto const& given = row.at("options");
    options.batch_dice = given.value("batch_dice", false);
    options.background = given.value("background", false);
    options.smooth = given.value("smooth", options.smooth);
    options.ignore = given.value("ignore", options.ignore);
    options.gamma = given.value("gamma", options.gamma);
    options.alpha = given.value("alpha", options.alpha);
    options.beta = given.value("beta", options.beta);
    options.dice_weight = given.value("dice_weight", options.dice_weight);
    options.point_weight = given.value("point_weight", options.point_weight);
    options.regions = given.value("regions", SegmentRegions{});
    if (given.contains("class_weights"))
      input.class_weights = segment_numbers(given["class_weights"], {3});
    auto const sizes = row.at("sizes").get<std::vector<SegmentShape>>();
    for (std::size_t level = 0; level < sizes.size(); ++level) {
      input.logits.push_back(segment_numbers(row.at("logits")[level], sizes[level]));
      gradients.push_back(segment_numbers(row.at("gradients")[level], sizes[level]));
    }
    auto of_target = sizes.front();
    of_target.erase(of_target.begin() + 1);
    input.target = segment_target(row.at("target"), of_target);
    value = row.at("value");
    near = row.at("near");
  }

  at::Tensor compute() const { return loss.compute(input, options); }

  SegmentLossRow const& loss;
  SegmentLossInput input;
  SegmentLossOptions options;
  std::vector<at::Tensor> gradients;
  double value = 0, near = 0;
};

void segment_each(std::function<void(SegmentCase)> const& check) {
  for (auto const& row : segment_reference().at("rows")) {
    SCOPED_TRACE(row.at("loss").dump() + row.at("options").dump());
    check(SegmentCase{row});
  }
}

double segment_apart(at::Tensor const& a, at::Tensor const& b) {
  return a.to(at::kDouble).sub(b.to(at::kDouble)).abs().max().item<double>();
}

// Value and gradients of a case whose logits are of this type and layout.
struct SegmentGot {
  double value;
  std::vector<at::Tensor> gradients;
};
SegmentGot segment_got(SegmentCase one, at::ScalarType type, bool channels_last) {
  for (auto& logits : one.input.logits) {
    logits = logits.detach().to(type, false, true);
    if (channels_last)
      logits = logits.contiguous(logits.dim() == 5 ? at::MemoryFormat::ChannelsLast3d
                                                   : at::MemoryFormat::ChannelsLast);
    logits.set_requires_grad(true);
  }
  auto const value = one.compute();
  value.backward();
  SegmentGot out{value.item<double>(), {}};
  for (auto const& logits : one.input.logits)
    out.gradients.push_back(logits.grad().defined() ? logits.grad()
                                                    : at::full(logits.sizes(), 0.0, type));
  return out;
}

void segment_expect_near(SegmentGot const& got, SegmentCase const& one, double near) {
  EXPECT_NEAR(got.value, one.value, near);
  for (std::size_t level = 0; level < got.gradients.size(); ++level)
    EXPECT_LT(segment_apart(got.gradients[level], one.gradients[level]), near) << level;
}

// A patch of some size with labels in lumps, and logits that know some of it.
SegmentLossInput segment_patch(SegmentShape const& sizes,
                               std::int64_t labels,
                               at::ScalarType type,
                               std::uint64_t seed) {
  Rng rng{{seed}};
  SegmentLossInput out;
  auto const logits = at::empty(sizes, at::kFloat);
  for (std::int64_t i = 0; i < logits.numel(); ++i)
    logits.mutable_data_ptr<float>()[i] = static_cast<float>(8 * rng.uniform() - 4);
  auto of_target = sizes;
  of_target.erase(of_target.begin() + 1);
  out.target = at::empty(of_target, at::kShort);
  for (std::int64_t i = 0; i < out.target.numel(); ++i)
    out.target.mutable_data_ptr<std::int16_t>()[i] =
        static_cast<std::int16_t>(i % 11 == 3 ? -1 : rng.below(labels));
  out.logits = {logits.to(type)};
  return out;
}

}  // namespace

TEST(EverySegmentLoss, EqualsNnunetMonaiAndPyTorchInValueAndGradient) {
  segment_each([](SegmentCase const& one) {
    segment_expect_near(segment_got(one, at::kDouble, false), one, one.near);
  });
}

TEST(EverySegmentLoss, IsTheSameFusedForFloat32InBothLayouts) {
  segment_each([](SegmentCase const& one) {
    segment_expect_near(segment_got(one, at::kFloat, false), one, 3e-6);
    segment_expect_near(segment_got(one, at::kFloat, true), one, 3e-6);
  });
}

// The gradient is narrowed to bfloat16, whose step is 1 of 256.
TEST(EverySegmentLoss, IsTheSameFusedForBfloat16) {
  segment_each([](SegmentCase one) {
    for (auto& logits : one.input.logits) logits = logits.to(at::kBFloat16).to(at::kDouble);
    auto const exact = segment_got(one, at::kDouble, false);
    for (auto const last : {false, true}) {
      auto const got = segment_got(one, at::kBFloat16, last);
      EXPECT_NEAR(got.value, exact.value, 3e-6);
      for (std::size_t level = 0; level < got.gradients.size(); ++level) {
        EXPECT_EQ(got.gradients[level].scalar_type(), at::kBFloat16);
        auto const allowed = exact.gradients[level].abs().max().item<double>() / 256 + 1e-6;
        EXPECT_LT(segment_apart(got.gradients[level], exact.gradients[level]), allowed);
      }
    }
  });
}

TEST(EverySegmentLoss, HasTheGradientOfFiniteDifferences) {
  at::set_num_threads(1);  // tiny operations: waiting for each other would take longer
  segment_each([](SegmentCase one) {
    auto const gradient = segment_got(one, at::kDouble, false).gradients.front();
    auto* const x = one.input.logits.front().mutable_data_ptr<double>();
    for (std::int64_t i = 0; i < gradient.numel(); i += 7) {
      constexpr double h = 1e-5;
      auto const kept = x[i];
      x[i] = kept + h;
      auto const above = one.compute().item<double>();
      x[i] = kept - h;
      auto const below = one.compute().item<double>();
      x[i] = kept;
      EXPECT_NEAR(gradient.const_data_ptr<double>()[i], (above - below) / (2 * h), 1e-8);
    }
  });
}

TEST(EverySegmentLoss, IsTestedAgainstAnotherProgramWithAndWithoutRegions) {
  for (auto const& loss : segment_losses()) {
    auto classes = false, regions = false;
    for (auto const& row : segment_reference().at("rows"))
      if (row.at("loss") == loss.name)
        (row.at("options").contains("regions") ? regions : classes) = true;
    EXPECT_TRUE(classes && regions) << loss.name;
  }
}

// Sizes that are no multiple of a block or of a vector, and many channels.
TEST(EverySegmentLoss, OfManyVoxelsAndChannelsIsWhatLibTorchsOperationsGive) {
  struct Size {
    SegmentShape sizes;
    SegmentRegions regions;
  };
  Size const sizes[] = {{{2, 4, 17, 31, 37}, {}},
                        {{1, 117, 9, 11, 13}, {}},
                        {{3, 2, 129, 77}, {}},
                        {{2, 3, 19, 23, 29}, {{1, 2, 3}, {3, 2}, {}}}};
  for (auto const& [shape, regions] : sizes) {
    for (auto const& loss : segment_losses()) {
      SCOPED_TRACE(testing::Message() << loss.name << " of " << shape[1] << " channels");
      SegmentLossOptions const options{.regions = regions, .ignore = 1, .batch_dice = true};
      auto input = segment_patch(shape, std::min<std::int64_t>(shape[1] + 1, 4), at::kFloat, 5);
      if (shape[1] == 2) input.target.clamp_(-1, 1);
      auto plain = input;
      plain.logits = {input.logits[0].to(at::kDouble).set_requires_grad(true)};
      input.logits[0].set_requires_grad(true);
      auto const ours = loss.compute(input, options);
      auto const expected = loss.compute(plain, options);
      EXPECT_EQ(ours.scalar_type(), at::kFloat);
      EXPECT_NEAR(ours.item<double>(), expected.item<double>(), 2e-6);
      ours.backward();
      expected.backward();
      auto const& gradient = plain.logits[0].grad();
      EXPECT_LT(segment_apart(input.logits[0].grad(), gradient),
                2e-5 * gradient.abs().max().item<double>());
    }
  }
}

TEST(EverySegmentLoss, HasTheSameBitsForAnyNumberOfThreads) {
  for (auto const& loss : segment_losses()) {
    SCOPED_TRACE(loss.name);
    std::vector<SegmentGot> got;
    for (auto const threads : {1, 2, 5}) {
      at::set_num_threads(threads);
      auto input = segment_patch({2, 3, 40, 33, 35}, 3, at::kFloat, 8);
      input.logits[0].set_requires_grad(true);
      auto const value = loss.compute(input, {});
      value.backward();
      got.push_back({value.item<double>(), {input.logits[0].grad()}});
    }
    for (auto const& one : got) {
      EXPECT_EQ(one.value, got.front().value);
      EXPECT_TRUE(one.gradients[0].equal(got.front().gradients[0]));
    }
  }
}

TEST(EverySegmentLoss, IsZeroWithAZeroGradientWhereNothingIsKnown) {
  for (auto const& loss : segment_losses())
    for (auto const type : {at::kFloat, at::kDouble})
      for (auto const& regions : {SegmentRegions{}, SegmentRegions{{1}, {2}}}) {
        SCOPED_TRACE(loss.name);
        auto const logits = at::full({2, 2, 3, 4}, 0.5, type).set_requires_grad(true);
        auto const value = loss.compute({{logits}, at::full({2, 3, 4}, 7, at::kByte)},
                                        {.regions = regions, .ignore = 7});
        EXPECT_EQ(value.item<double>(), 0);
        value.backward();
        EXPECT_EQ(logits.grad().abs().max().item<double>(), 0);
      }
}

TEST(EverySegmentLoss, IsNearZeroForAPerfectAnswerAndFiniteForAWrongOneFarOff) {
  for (auto const& loss : segment_losses())
    for (auto const type : {at::kFloat, at::kBFloat16, at::kDouble})
      for (auto const& regions : {SegmentRegions{}, SegmentRegions{{0}, {1}}}) {
        SCOPED_TRACE(loss.name);
        auto const logits = at::full({1, 2, 4, 4}, -1e4).to(type);
        logits.select(1, 1).fill_(1e4);
        logits.set_requires_grad(true);
        SegmentLossOptions const options{.regions = regions, .gamma = 0.5};
        auto const right = loss.compute({{logits}, at::full({1, 4, 4}, 1, at::kByte)}, options);
        EXPECT_NEAR(right.item<double>(), 0, 1e-5);
        auto const wrong = loss.compute({{logits}, at::full({1, 4, 4}, 0, at::kByte)}, options);
        EXPECT_GT(wrong.item<double>(), 0.4);
        (right + wrong).backward();
        EXPECT_TRUE(std::isfinite(wrong.item<double>()));
        EXPECT_TRUE(std::isfinite(logits.grad().abs().max().item<double>()));
      }
}

TEST(EverySegmentLoss, ShowsALogitThatIsNoNumber) {
  for (auto const& loss : segment_losses())
    for (auto const type : {at::kFloat, at::kDouble})
      for (auto const& regions : {SegmentRegions{}, SegmentRegions{{0}, {1}}}) {
        SCOPED_TRACE(loss.name);
        auto const logits = at::full({1, 2, 4, 4}, 0.5, type);
        logits.select(1, 1).select(1, 2).fill_(NAN);
        auto const value =
            loss.compute({{logits}, at::full({1, 4, 4}, 1, at::kByte)}, {.regions = regions});
        EXPECT_TRUE(std::isnan(value.item<double>()));
      }
}

TEST(EverySegmentLoss, TakesLabelsOfAnyWholeType) {
  auto const input = segment_patch({2, 3, 9, 8}, 3, at::kFloat, 3);
  for (auto const& loss : segment_losses()) {
    auto const expected = loss.compute(input, {}).item<double>();
    for (auto const type : {at::kChar, at::kInt, at::kLong})
      EXPECT_EQ(loss.compute({input.logits, input.target.to(type)}, {}).item<double>(),
                expected);
  }
}

TEST(EverySegmentLoss, RefusesALabelThatIsNoClass) {
  for (auto const& loss : segment_losses())
    for (auto const type : {at::kFloat, at::kDouble}) {
      SCOPED_TRACE(loss.name);
      try {
        loss.compute({{at::full({1, 3, 4, 4}, 0.5, type)}, at::full({1, 4, 4}, 3, at::kLong)},
                     {});
        FAIL();
      } catch (Error const& error) {
        EXPECT_EQ(error.fault(), Fault::input);
        EXPECT_NE(std::string{error.what()}.find("label 3"), std::string::npos);
      }
    }
}

TEST(EverySegmentLoss, RefusesSizesThatDoNotFitTogether) {
  auto const logits = at::full({2, 3, 4, 4}, 0.5);
  auto const target = at::full({2, 4, 4}, 0, at::kByte);
  SegmentLossInput const bad[] = {
      {{}, target},
      {{logits}, {}},
      {{logits}, at::full({2, 4, 4}, 0.0)},
      {{logits}, at::full({2, 4, 5}, 0, at::kByte)},
      {{logits}, at::full({1, 4, 4}, 0, at::kByte)},
      {{logits}, at::full({2, 1, 4, 4}, 0, at::kByte)},
      {{logits.to(at::kInt)}, target},
      {{logits, at::full({2, 2, 2, 2}, 0.5)}, target},
      {{logits, at::Tensor{}}, target},
      {{logits}, target, at::full({4}, 1.0)},
  };
  for (auto const& loss : segment_losses()) {
    SCOPED_TRACE(loss.name);
    for (auto const& input : bad) EXPECT_THROW(loss.compute(input, {}), Error);
    SegmentLossInput const good{{logits}, target};
    EXPECT_THROW(loss.compute(good, {.regions = {{1}, {2}}}), Error);
    EXPECT_THROW(loss.compute(good, {.smooth = -1}), Error);
    EXPECT_THROW(loss.compute(good, {.level_weights = {1, 1}}), Error);
    EXPECT_THROW(loss.compute({{at::full({2, 1, 4, 4}, 0.5)}, target}, {}), Error);
  }
}

TEST(DeepSupervision, HalvesWeightsLeavesOutTheLastAndAddsUpToOne) {
  EXPECT_EQ(level_weights(1), std::vector<double>{1});
  EXPECT_EQ(level_weights(2), (std::vector<double>{1, 0}));
  auto const four = level_weights(4);
  EXPECT_DOUBLE_EQ(four[0], 4.0 / 7);
  EXPECT_DOUBLE_EQ(four[1], 2.0 / 7);
  EXPECT_DOUBLE_EQ(four[2], 1.0 / 7);
  EXPECT_EQ(four[3], 0);
  EXPECT_TRUE(level_weights(0).empty());
}

TEST(DeepSupervision, TakesTheNearestLabelAsPyTorchDoes) {
  for (auto const& row : segment_reference().at("targets")) {
    SCOPED_TRACE(row.at("size").dump() + row.at("to").dump());
    auto const size = row.at("size").get<SegmentShape>();
    auto const to = row.at("to").get<SegmentShape>();
    auto const target = at::empty({1, size[0], size[1]}, at::kInt);
    for (std::int32_t i = 0; i < target.numel(); ++i)
      target.mutable_data_ptr<std::int32_t>()[i] = i;
    auto const expected = segment_target(row.at("target"), {1, to[0], to[1]});
    EXPECT_TRUE(target_at(target, to).to(at::kLong).equal(expected));
  }
  EXPECT_THROW(target_at(at::full({1, 4, 4}, 0, at::kByte), {2}), Error);
}

TEST(GeneralisedDice, DoesNotDependOnHowLargeAVolumeIs) {
  auto small = segment_patch({1, 3, 8, 8, 8}, 3, at::kFloat, 9);
  auto large = small;
  large.logits = {small.logits[0].repeat({1, 1, 4, 4, 4})};
  large.target = small.target.repeat({1, 4, 4, 4});
  EXPECT_NEAR(segment_generalised_dice(small).item<double>(),
              segment_generalised_dice(large).item<double>(), 1e-6);
}

TEST(SegmentLosses, SayTheNearestNameForAnUnknownOne) {
  try {
    segment_loss_named("dice-crossentropy");
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_NE(std::string{error.what()}.find("dice-cross-entropy"), std::string::npos);
  }
}

}  // namespace fovea
