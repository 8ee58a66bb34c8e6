#include "learn/loss/loss.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "base/core/json.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

at::Tensor loss_tensor(Json const& values) {
  if (values.is_null()) return {};
  auto const rows = static_cast<std::int64_t>(values.size());
  if (!values[0].is_array()) {
    auto const out = at::empty({rows}, values[0].is_number_integer() ? at::kLong : at::kDouble);
    for (std::int64_t i = 0; i < rows; ++i) {
      if (out.scalar_type() == at::kLong)
        out.mutable_data_ptr<std::int64_t>()[i] =
            values[static_cast<std::size_t>(i)].get<std::int64_t>();
      else
        out.mutable_data_ptr<double>()[i] = values[static_cast<std::size_t>(i)].get<double>();
    }
    return out;
  }
  auto const columns = static_cast<std::int64_t>(values[0].size());
  auto const out = at::empty({rows, columns}, at::kDouble);
  auto* place = out.mutable_data_ptr<double>();
  for (auto const& row : values)
    for (auto const& value : row) *place++ = value.get<double>();
  return out;
}

Json const& loss_reference() {
  static auto const all =
      read_json(fs::path{FOVEA_SOURCE_DIR} / "src/learn/loss/testdata/reference.json");
  return all;
}

struct LossCase {
  LossRow const& row;
  LossInput input;
  LossOptions options;
  Json expected;
};

LossCase loss_case(Json const& row) {
  LossOptions options;
  auto const& given = row.at("options");
  options.smoothing = given.value("smoothing", options.smoothing);
  options.gamma = given.value("gamma", options.gamma);
  options.alpha = given.value("alpha", options.alpha);
  return {loss_named(row.at("loss").get<std::string>()),
          {loss_tensor(loss_reference().at("logits")), loss_tensor(row.at("target")),
           loss_tensor(row.at("weight")), loss_tensor(row.at("class_weights"))},
          options,
          row};
}

double loss_largest_difference(at::Tensor const& a, at::Tensor const& b) {
  return a.sub(b).abs().max().item<double>();
}

}  // namespace

TEST(EveryLoss, EqualsPyTorchInValueAndGradient) {
  for (auto const& row : loss_reference().at("rows")) {
    SCOPED_TRACE(row.at("loss").dump() + row.at("options").dump());
    auto [loss, input, options, expected] = loss_case(row);
    input.logits.set_requires_grad(true);
    auto const value = loss.compute(input, options);
    EXPECT_NEAR(value.item<double>(), expected.at("value").get<double>(), 1e-12);
    value.backward();
    EXPECT_LT(
        loss_largest_difference(input.logits.grad(), loss_tensor(expected.at("gradient"))),
        1e-12);
  }
}

TEST(EveryLoss, HasTheGradientOfFiniteDifferences) {
  at::set_num_threads(
      1);  // thousands of tiny operations: waiting for each other would take longer
  for (auto const& row : loss_reference().at("rows")) {
    SCOPED_TRACE(row.at("loss").dump() + row.at("options").dump());
    auto [loss, input, options, expected] = loss_case(row);
    input.logits.set_requires_grad(true);
    loss.compute(input, options).backward();
    auto const gradient = input.logits.grad().clone();
    input.logits.set_requires_grad(false);
    auto* const x = input.logits.mutable_data_ptr<double>();
    for (std::int64_t i = 0; i < input.logits.numel(); ++i) {
      constexpr double h = 1e-6;
      auto const kept = x[i];
      x[i] = kept + h;
      auto const above = loss.compute(input, options).item<double>();
      x[i] = kept - h;
      auto const below = loss.compute(input, options).item<double>();
      x[i] = kept;
      EXPECT_NEAR(gradient.const_data_ptr<double>()[i], (above - below) / (2 * h), 1e-7);
    }
  }
}

TEST(EveryLoss, IsTestedAgainstPyTorch) {
  for (auto const& loss : losses()) {
    auto found = false;
    for (auto const& row : loss_reference().at("rows"))
      found = found || row.at("loss") == loss.name;
    EXPECT_TRUE(found) << loss.name;
  }
}

TEST(EveryLoss, IsZeroWithAZeroGradientWhereNothingIsKnown) {
  for (auto const& loss : losses()) {
    SCOPED_TRACE(loss.name);
    auto const logits = at::full({2, 3}, 0.5).set_requires_grad(true);
    auto const value = loss.compute({logits, at::full({2, 3}, -1.0)}, {});
    EXPECT_EQ(value.item<double>(), 0);
    value.backward();
    EXPECT_EQ(logits.grad().abs().max().item<double>(), 0);
  }
}

TEST(EveryLoss, StaysFiniteForLogitsFarOffAndInBfloat16) {
  for (auto const& loss : losses()) {
    SCOPED_TRACE(loss.name);
    for (auto const far : {-1e4, 1e4}) {
      auto const logits = at::full({2, 2}, 0.0).to(at::kBFloat16);
      logits.select(1, 0).fill_(far);
      logits.set_requires_grad(true);
      auto const target = at::full({2, 2}, 0.0);
      target.select(1, 0).fill_(1);
      auto const value = loss.compute({logits, target}, {.gamma = 0.5});
      EXPECT_EQ(value.scalar_type(), at::kFloat);
      EXPECT_TRUE(std::isfinite(value.item<double>()));
      value.backward();
      EXPECT_TRUE(std::isfinite(logits.grad().abs().max().item<double>()));
    }
  }
}

TEST(EveryLoss, RefusesSizesThatDoNotFitTogether) {
  for (auto const& loss : losses()) {
    SCOPED_TRACE(loss.name);
    auto const logits = at::full({4, 3}, 0.5);
    auto const good = at::full({4, 3}, 0.0);
    EXPECT_THROW(loss.compute({at::full({4}, 0.5), good}, {}), Error);
    EXPECT_THROW(loss.compute({logits, at::full({3, 4}, 0.0)}, {}), Error);
    EXPECT_THROW(loss.compute({logits, good, at::full({3}, 1.0)}, {}), Error);
    EXPECT_THROW(loss.compute({logits, good, {}, at::full({4}, 1.0)}, {}), Error);
  }
}

TEST(Losses, SayTheNearestNameForAnUnknownOne) {
  try {
    loss_named("crossentropy");
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_NE(std::string{error.what()}.find("cross-entropy"), std::string::npos);
  }
}

}  // namespace fovea
