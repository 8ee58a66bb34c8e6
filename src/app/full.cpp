// The program with everything in it: what the front (main.cpp) hands over because it needs a
// network.
#include "app/full.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "learn/classify/classify.hpp"
#include "learn/nn/segmenter.hpp"
#include "learn/segment/segment.hpp"
#include "learn/tensor/memory.hpp"
#include "learn/tensor/tensor.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iterator>

namespace fovea {
namespace {

constexpr Command full_commands[] = {
    {"demo", "", demo_command},       {"plan", "", plan_command},
    {"train", "", train_command},     {"evaluate", "", evaluate_command},
    {"predict", "", predict_command}, {"explain", "", explain_command},
    {"export", "", export_command},   {"compare", "", compare_command},
};

int full_run(int argc, char** argv) {
  std::string const name = argc > 1 ? argv[1] : "";
  use_threads(usable_cores());  // LibTorch would take all that the machine has
  reuse_large_memory();
  for (auto const& command : full_commands) {
    if (command.name == name) return command.run(Arguments(argv + 2, argv + argc));
  }
  throw Error{Fault::usage, "fovea-full is a part of fovea", "start fovea instead"};
}

}  // namespace

std::span<Task const> tasks() {
  static std::array const rows = {classify_task(), segment_task()};
  return rows;
}

void PlanFlags::offer(CLI::App& app) {
  app.add_option("DIR", data, "data set: a folder, a CSV or an npz file");
  app.add_option("--plan", plan,
                 "a plan file to follow (what it leaves empty is decided from the data)");
  app.add_option("--task", task, "what to learn; else what fits the data");
  app.add_option("--network", network, "the network to train");
  auto* const limit =
      app.add_option("--time", time, "wall time for everything, as 90s, 10m or 2h (10m)");
  app.add_option("--epochs", epochs, "passes over the training images instead of a time")
      ->excludes(limit);
  app.add_option("--seed", seed, "of splits, weights, order and augmentation (1)");
  app.add_option("--threads", threads, "CPU threads (all that may be used)");
  app.add_option("--device", device, "auto, cpu or cuda");
  app.add_option("--precision", precision, "auto, float32 or bfloat16");
  app.add_option("--executor", executor, "auto, torch (LibTorch's convolutions) or fused");
  app.add_option("--init", init,
                 "weights to begin with: a .fovea package or a .safetensors file");
  app.add_option("--folds", folds, "train so many networks that answer together (1)");
  app.add_option("--patient-from", patient_from,
                 "regular expression on the file name; its first group is the patient");
  app.add_option("--set", set, "KEY=VALUE, any key of the plan; may be given again")
      ->take_all()
      ->allow_extra_args(false);
}

// What an old run found out for its own budget, network and device, and wrote into its plan,
// does not hold for others.
std::vector<Setting> PlanFlags::released() const {
  std::vector<Setting> out;
  auto const release = [&](std::string_view key, std::string_view value) {
    out.push_back({std::string{key}, std::string{value}, "chosen anew"});
  };
  auto const budget = !epochs.empty() || !time.empty();
  if (budget) {
    release("steps", "0");
    release("shortenings", "[]");
  }
  if (!time.empty()) release("epochs", "0");
  if (budget || !network.empty()) release("validate_every", "0");
  if (!network.empty() || !precision.empty() || !executor.empty() || !device.empty())
    release("run_as", "");
  return out;
}

std::vector<Setting> PlanFlags::settings() const {
  std::vector<Setting> out;
  if (!plan.empty()) {
    out = settings_in(plan);
    std::ranges::move(released(), std::back_inserter(out));
  }
  struct {
    std::string_view key, flag;
    std::string const& value;
  } const flags[] = {
      {"data", "DIR", data},
      {"task", "--task", task},
      {"network", "--network", network},
      {"seed", "--seed", seed},
      {"threads", "--threads", threads},
      {"device", "--device", device},
      {"precision", "--precision", precision},
      {"executor", "--executor", executor},
      {"init", "--init", init},
      {"folds", "--folds", folds},
      {"patient_from", "--patient-from", patient_from},
      {"time", "--time", time},
      {"epochs", "--epochs", epochs},
  };
  for (auto const& [key, flag, value] : flags) {
    if (!value.empty()) out.push_back({std::string{key}, value, text("asked for with ", flag)});
  }
  if (!epochs.empty()) out.push_back({"time", "0", "epochs were asked for"});
  for (auto const& one : set) {
    auto const cut = one.find('=');
    if (cut == std::string::npos)
      throw Error{Fault::usage, text("expected --set KEY=VALUE, got '", one, "'"),
                  "write for example --set learning_rate=0.001"};
    out.push_back({std::string{trimmed(one.substr(0, cut))}, one.substr(cut + 1),
                   "asked for with --set"});
  }
  for (auto& [key, value, from] : out) {
    if (key == "init" && !value.empty())
      value = fs::absolute(value).lexically_normal().string();
  }
  return out;
}

std::string plan_help() {
  std::string out = "Tasks:";
  for (auto const& task : tasks()) out += text(" ", task.name);
  out += "\nNetworks:";
  for (auto const& row : networks()) out += text(" ", row.name);
  out += "\nNetworks for masks:";
  for (auto const& row : segmenters()) out += text(" ", row.name);
  return out + "\n";
}

}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_guarded([&] { return fovea::full_run(argc, argv); });
}
