// Rows "nnunet-step" and "monai-step": seconds of a training step with loss and optimiser on
// one fixed batch in memory, through the training engine, with each way to run that it may
// choose. segment_step nnunet|monai-unet THREADS
// Row "roofline": of the fused ways, where such a step's time goes, beside what the machine
// does at most. segment_step nnunet|monai-unet THREADS parts
#include "base/core/words.hpp"
#include "bench/limits.hpp"
#include "bench/parts.hpp"
#include "bench/row.hpp"
#include "bench/ways.hpp"
#include "learn/kernel/few_outputs.hpp"
#include "learn/loss/segment.hpp"
#include "learn/nn/fused.hpp"
#include "learn/nn/ops_rows.hpp"
#include "learn/nn/segmenter.hpp"
#include "learn/tensor/memory.hpp"
#include "learn/train/fit.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

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
    auto const logits = network_.train_all(batch.at("image"));
    at::Tensor loss;
    {
      RECORD_USER_SCOPE("loss, forward");
      loss = segment_dice_cross_entropy({.logits = logits, .target = batch.at("target")});
    }
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

constexpr std::int64_t step_count = 8;

double step_seconds(StepRow const& row, BenchWay const& way) {
  StepLearner learner{row};
  Fit options{.batch_size = row.batch,
              .steps_per_epoch = 1000,
              .steps = 2,
              .run_as = std::string{way.name},
              .quiet = true};
  fit(learner, options);
  options.steps = step_count;
  most_tensor_memory();
  return static_cast<double>(row.batch) / fit(learner, options).samples_per_second;
}

// What a way's parts have to do: multiply-adds of convolutions by whom computes them, values
// of norms.
struct StepWork {
  double winograd = 0, first = 0, heads = 0, one_dnn = 0, transposed = 0, norm_values = 0;

  StepWork(StepRow const& row, Execution how) {
    Program const program{step_graph(row)};
    auto const shapes = shapes_of(program.graph, {step_patch[0], step_patch[1], step_patch[2]});
    auto const batch = static_cast<double>(row.batch);
    for (std::size_t at = 1; at < program.graph.nodes.size(); ++at) {
      auto const& node = program.graph.nodes[at];
      std::vector<Shape> in;
      for (auto const from : node.from) in.push_back(shapes[from]);
      auto* const counts = program.ops[at]->multiply_adds;
      auto const products = counts == nullptr ? 0 : batch * counts(node, in, shapes[at]);
      if (node.op == "conv") {
        auto const place = whole_option(node, "out") <= FewOutputs::most;
        auto& kind = winograd_for(node, in[0], row.batch, how) ? winograd
                     : few_inputs_of(node, in[0], how)         ? first
                     : place                                   ? heads
                                                               : one_dnn;
        kind += products;
      }
      if (node.op == "conv_transpose") transposed += products;
      if (node.op.ends_with("_norm"))
        norm_values += batch * static_cast<double>(shapes[at].channels) *
                       static_cast<double>(values_of(shapes[at].size));
    }
  }

  // Of one part: GFLOP as plain sums have them, or GB that pass between memory and kernels.
  std::pair<double, std::string_view> of(std::string_view part, double bytes) const {
    auto const sums = [](double products) { return std::pair{2e-9 * products, "GFLOP/s"}; };
    auto const passes = [&](double count) {
      return std::pair{1e-9 * count * norm_values * bytes, "GB/s"};
    };
    if (part.starts_with("convolution, ")) return sums(winograd);
    if (part.starts_with("first convolution, ")) return sums(first);
    if (part == "head, backward") return sums(2 * heads);
    if (part == "convolution by oneDNN, forward") return sums(one_dnn + heads);
    if (part == "convolution by oneDNN, backward") return sums(2 * one_dnn);
    if (part == "transposed convolution, forward") return sums(transposed);
    if (part == "transposed convolution, backward") return sums(2 * transposed);
    if (part == "norm, forward") return passes(3);
    if (part == "norm, backward") return passes(5);
    return {0, ""};
  }
};

void step_parts(StepRow const& row) {
  report("float32 units, at most", most_gflops(), "GFLOP/s");
  report("memory, copied", most_gigabytes(), "GB/s");
  for (auto const& way : bench_ways) {
    if (way.execution.executor != Executor::fused) continue;
    step_seconds(row, way);
    NamedParts parts;
    auto const whole = 1e3 * step_seconds(row, way);
    constexpr double steps = step_count + 2;  // the first two run under the watch too
    StepWork const work{row, way.execution};
    auto const bytes = way.execution.precision == Precision::bfloat16 ? 2 : 4;
    auto named = 0.0;
    for (auto const& [part, all] : parts.milliseconds()) {
      auto const milliseconds = all / steps;
      named += milliseconds;
      auto const [amount, unit] = work.of(part, bytes);
      report(text(way.name, ": ", part), milliseconds, "ms");
      if (amount > 0) report(text(way.name, ":   so"), 1e3 * amount / milliseconds, unit);
    }
    report(text(way.name, ": the rest"), whole - named, "ms");
    report(text(way.name, ": the whole step"), whole, "ms");
  }
}

int step_main(std::vector<std::string> const& words) {
  auto const threads = words.size() > 1 ? whole(words[1]).value_or(0) : 0;
  auto const parts = words.size() == 3 && words[2] == "parts";
  if (threads < 1 || (words.size() == 3 && !parts) || words.size() > 3 ||
      (words[0] != "nnunet" && words[0] != "monai-unet"))
    throw Error{Fault::usage, "expected nnunet|monai-unet THREADS [parts]", "name a network"};
  at::set_num_threads(static_cast<int>(threads));
  reuse_large_memory();
  auto const row = step_row(words[0]);
  if (parts) return step_parts(row), 0;
  for (auto const& way : bench_ways) {
    auto const seconds = step_seconds(row, way);
    std::cout << Json{{"way", text("fovea ", way.name)},
                      {"value", seconds},
                      {"unit", "s"},
                      {"tensors_mib", most_tensor_memory() >> 20U}}
                     .dump()
              << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::step_main);
}
