// Rows "nnunet-step" and "monai-step": seconds of a training step with loss and optimiser on
// one fixed batch in memory, through the training engine, with each way to run that it may
// choose. segment_step nnunet|monai-unet THREADS
#include "base/core/words.hpp"
#include "bench/row.hpp"
#include "bench/ways.hpp"
#include "learn/loss/segment.hpp"
#include "learn/nn/segmenter.hpp"
#include "learn/tensor/memory.hpp"
#include "learn/train/fit.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <iterator>

namespace fovea {
namespace {

struct StepRow {
  std::string_view network;
  std::int64_t batch;
  bool deep_supervision;
  Optimiser optimiser;  // as the peers' own
};

StepRow step_row(std::string_view network) {
  if (network == "nnunet")
    return {network,
            6,
            true,
            {.kind = "sgd", .learning_rate = 0.01, .momentum = 0.99, .schedule = "constant"}};
  return {network, 8, false, {.kind = "adamw", .learning_rate = 1e-3, .schedule = "constant"}};
}

constexpr std::int64_t step_patch[] = {40, 56, 40};

Graph step_graph(StepRow const& row) {
  SegmentDraw draw{
      .in = 1, .out = 3, .dimensions = 3, .deep_supervision = row.deep_supervision};
  for (std::int64_t const features : {32, 64, 128, 256}) {
    // MONAI's UNet halves from the first level on and not into the last.
    auto const halves = row.network == "nnunet" ? features > 32 : features < 256;
    draw.levels.push_back(
        {.features = features, .stride = std::vector<std::int64_t>(3, halves ? 2 : 1)});
  }
  return segmenter_named(row.network).draw(draw);
}

class StepLearner : public Learner {
 public:
  explicit StepLearner(StepRow const& row)
      : row_(row),
        network_{step_graph(row), 0},
        batch_{
            {"image", at::randn({row.batch, 1, step_patch[0], step_patch[1], step_patch[2]})},
            {"target",
             at::randint(
                 3, {row.batch, step_patch[0], step_patch[1], step_patch[2]}, at::kShort)}} {}

  std::vector<Group> groups() override {
    Group group{.name = "net", .weights = {}, .buffers = {}, .optimiser = row_.optimiser};
    for (auto const& [name, value, decays] : network_.parameters())
      group.weights.push_back({name, value, decays});
    return {group};
  }
  Batch sample(Slot) override { return {{"none", at::zeros({1})}}; }
  Batch collate(std::vector<Batch>) override { return batch_; }
  Losses step(Batch const& batch, Update& update) override {
    auto const loss = segment_dice_cross_entropy(
        {.logits = network_.train_all(batch.at("image")), .target = batch.at("target")});
    update("net", loss);
    return {{"loss", loss.item<double>()}};
  }
  Scores validate(Stop const&) override { return {}; }
  std::vector<std::string> ways_to_run() override {
    std::vector<std::string> names;
    for (auto const& way : bench_ways) names.emplace_back(way.name);
    return names;
  }
  void run_as(std::string_view name) override {
    network_.execution(std::ranges::find(bench_ways, name, &BenchWay::name)->execution);
  }

 private:
  StepRow row_;
  Network network_;
  Batch batch_;
};

int step_main(std::vector<std::string> const& words) {
  auto const threads = words.size() == 2 ? whole(words[1]).value_or(0) : 0;
  if (threads < 1 || (words[0] != "nnunet" && words[0] != "monai-unet"))
    throw Error{Fault::usage, "expected nnunet|monai-unet THREADS", "name a network"};
  at::set_num_threads(static_cast<int>(threads));
  reuse_large_memory();
  auto const row = step_row(words[0]);
  for (auto const& way : bench_ways) {
    StepLearner learner{row};
    Fit options{.batch_size = row.batch,
                .steps_per_epoch = 1000,
                .steps = 2,
                .run_as = std::string{way.name},
                .quiet = true};
    fit(learner, options);
    options.steps = 8;
    auto const rate = fit(learner, options).samples_per_second;
    report_with_memory(text("fovea ", way.name), static_cast<double>(row.batch) / rate, "s");
  }
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::step_main);
}
