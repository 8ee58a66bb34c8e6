#include "learn/task/ways.hpp"

#include "base/core/error.hpp"
#include "learn/kernel/winograd.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

using Words = std::vector<std::string>;

Plan ways_plan(std::string_view precision, std::string_view executor, std::string_view device) {
  Plan plan;
  plan.set("precision", precision);
  plan.set("executor", executor);
  plan.set("device", device);
  return plan;
}

}  // namespace

TEST(Ways, AreThoseThatThePlansKeysAllow) {
  struct Row {
    std::string_view precision, executor, device;
    Words ways;
  };
  Row const rows[] = {
      {"auto",
       "auto",
       "cpu",
       {"float32 fused", "bfloat16 fused", "float32 channels-last", "float32",
        "bfloat16 channels-last", "bfloat16"}},
      {"float32", "auto", "cpu", {"float32 fused", "float32 channels-last", "float32"}},
      {"bfloat16", "fused", "cpu", {"bfloat16 fused"}},
      {"bfloat16", "torch", "auto", {"bfloat16 channels-last", "bfloat16"}},
      {"float32", "auto", "cuda", {"float32 channels-last", "float32"}}};
  for (auto const& [precision, executor, device, ways] : rows)
    EXPECT_EQ(execution_ways(ways_plan(precision, executor, device)), ways)
        << precision << " " << executor << " " << device;
  EXPECT_THROW(execution_ways(ways_plan("auto", "fused", "cuda")), Error);
}

TEST(Ways, OfAPlanSayWhatRunsHow) {
  auto const graph = network_named("resnet-small").draw({.in = 1, .out = 2, .size = 28});
  auto const told = [&](std::string_view executor, std::string_view device) {
    auto plan = ways_plan("auto", executor, device);
    tell_executor(graph, 64, {28, 28}, plan);
    return plan.reason("executor");
  };
  auto const reason = told("auto", "cpu");
  EXPECT_TRUE(reason.starts_with("fused: ")) << reason;
  EXPECT_NE(reason.find("by LibTorch global_avg_pool, linear; a short probe decides"),
            std::string::npos)
      << reason;
  EXPECT_TRUE(told("fused", "cpu").ends_with("by LibTorch global_avg_pool, linear"));
  EXPECT_EQ(told("torch", "cpu"), "");
  EXPECT_EQ(told("auto", "cuda"), "");
  EXPECT_THROW(told("fused", "cuda"), Error);
}

TEST(Ways, SayWhatMemoryATrainingStepNeedsWhereItIsNotThere) {
  auto const graph = network_named("resnet-small").draw({.in = 1, .out = 2, .size = 28});
  auto const said = [&](std::int64_t batch, std::int64_t side, std::string_view device) {
    auto plan = ways_plan("auto", "auto", device);
    plan.set("batch_size", batch);
    try {
      demand_step_memory(graph, {side, side}, "image_size", plan);
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::resource);
      return std::string{error.what()};
    }
    return std::string{};
  };
  constexpr std::int64_t many = 1 << 16, middle = 512, large = 1 << 20;
  EXPECT_EQ(said(64, 28, "cpu"), "");
  EXPECT_EQ(said(many, large, "cuda"), "");  // of another machine
  auto const words = said(many, middle, "cpu");
  EXPECT_TRUE(words.starts_with("a training step needs at least ")) << words;
  EXPECT_NE(words.find("; try --set batch_size="), std::string::npos) << words;
  EXPECT_TRUE(words.ends_with(", or a smaller image_size")) << words;
  auto const larger = said(64, large, "cpu");
  EXPECT_TRUE(larger.ends_with("; take a smaller image_size and batch_size")) << larger;
  EXPECT_TRUE(said(1, large, "cpu").ends_with("; take a smaller image_size"));
}

TEST(Ways, HaveNamesThatAreReadAgain) {
  for (auto const& way : execution_ways(ways_plan("auto", "auto", "cpu")))
    EXPECT_EQ(way_of(execution_named(way)), way);
  EXPECT_THROW(execution_named("float16"), Error);
}

TEST(ToAnswer, KeepsWhatAModelWasProvenWithButForWhatIsAsked) {
  auto const float32 = Winograd::pays() ? "float32 fused" : "float32";
  struct Row {
    std::string_view proven;
    AskedWay asked;
    std::string_view way;
  };
  Row const rows[] = {
      {"bfloat16", {}, "bfloat16"},
      {"float32 channels-last", {.precision = Precision::float32}, "float32 channels-last"},
      {"float32", {.precision = Precision::bfloat16}, "bfloat16 fused"},
      {"bfloat16 fused", {.precision = Precision::float32}, float32},
      {"float32 fused", {.executor = Executor::torch}, "float32 channels-last"},
      {"float32", {.executor = Executor::fused}, "float32 fused"},
      {"float32", {Precision::bfloat16, Executor::torch}, "bfloat16 channels-last"}};
  for (auto const& [proven, asked, way] : rows)
    EXPECT_EQ(way_of(to_answer(proven, asked)), way) << proven;
}

}  // namespace fovea
