#include "learn/task/ways.hpp"

#include "base/core/error.hpp"
#include "base/core/memory.hpp"
#include "base/core/words.hpp"
#include "learn/kernel/winograd.hpp"
#include "learn/nn/fused.hpp"
#include "learn/tensor/tensor.hpp"

#include <algorithm>
#include <utility>

namespace fovea {
namespace {

// The likeliest first: where there is no time to try them, it is taken.
constexpr std::pair<std::string_view, Execution> ways_known[] = {
    {"float32 fused", {Precision::float32, Layout::channels_last, Executor::fused}},
    {"bfloat16 fused", {Precision::bfloat16, Layout::channels_last, Executor::fused}},
    {"float32 channels-last", {Precision::float32, Layout::channels_last}},
    {"float32", {Precision::float32, Layout::contiguous}},
    {"bfloat16 channels-last", {Precision::bfloat16, Layout::channels_last}},
    {"bfloat16", {Precision::bfloat16, Layout::contiguous}},
};

// A plan for a device that is not here can be made, too.
bool ways_on_cpu(Plan const& plan) {
  auto const& device = plan.word("device");
  return device != "cuda" && device_named(device).is_cpu();
}

void ways_demand_cpu(std::string_view executor, bool on_cpu) {
  if (executor == "fused" && !on_cpu)
    throw Error{Fault::usage, "the fused executor runs on a CPU, and the device is cuda",
                "leave out --executor, or take --device cpu"};
}

}  // namespace

std::vector<std::string> execution_ways(Plan const& plan) {
  auto const& precision = plan.word("precision");
  auto const& executor = plan.word("executor");
  auto const on_cpu = ways_on_cpu(plan);
  ways_demand_cpu(executor, on_cpu);
  std::vector<std::string> ways;
  for (auto const& [name, how] : ways_known) {
    auto const precise = precision == "auto" ||
                         (precision == "bfloat16") == (how.precision == Precision::bfloat16);
    auto const executed =
        executor == "auto" || (executor == "fused") == (how.executor == Executor::fused);
    auto const there = on_cpu || how.executor == Executor::torch;
    if (precise && executed && there) ways.emplace_back(name);
  }
  return ways;
}

void tell_executor(Graph const& graph,
                   std::int64_t batch,
                   std::vector<std::int64_t> const& size,
                   Plan& plan) {
  auto const executor = plan.word("executor");
  auto const on_cpu = ways_on_cpu(plan);
  ways_demand_cpu(executor, on_cpu);
  if (executor == "torch" || !on_cpu || size.size() < 2) return;
  Execution const how{.precision = plan.word("precision") == "bfloat16" ? Precision::bfloat16
                                                                        : Precision::float32,
                      .layout = Layout::channels_last,
                      .executor = Executor::fused};
  auto const& asked = plan.reason("executor");
  plan.set(
      "executor", std::string_view{executor},
      text(asked, asked.empty() ? "" : "; ", "fused: ", fused_share(graph, batch, size, how),
           executor == "auto" ? "; a short probe decides" : ""));
}

void demand_step_memory(Graph const& graph,
                        std::vector<std::int64_t> const& size,
                        std::string_view size_key,
                        Plan const& plan) {
  if (!ways_on_cpu(plan)) return;
  auto const batch = plan.whole("batch_size");
  auto const bytes = plan.word("precision") == "float32" ? 4 : 2;
  auto const least = cost_of(graph, size).convolved_values * static_cast<double>(batch) * bytes;
  auto const there = static_cast<double>(available_memory());
  if (there == 0 || least < there) return;
  // What else a step holds is several times as much with some networks.
  constexpr double with_the_rest = 4;
  auto const fits =
      static_cast<std::int64_t>(static_cast<double>(batch) * there / (with_the_rest * least));
  throw Error{Fault::resource,
              text("a training step needs at least ", bytes_in_words(least), " of memory, and ",
                   bytes_in_words(there), " are there"),
              fits > 0 ? text("try --set batch_size=", fits, ", or a smaller ", size_key)
                       : text("take a smaller ", size_key, batch > 1 ? " and batch_size" : "")};
}

Execution execution_named(std::string_view way) {
  std::vector<std::string> known;
  for (auto const& [name, how] : ways_known) {
    if (name == way) return how;
    known.emplace_back(name);
  }
  throw Error{Fault::usage, text("a network cannot run as '", way, "'"),
              did_you_mean(way, known)};
}

void demand_way(std::string_view way) {
  if (std::ranges::none_of(ways_known, [&](auto const& known) { return known.first == way; }))
    throw Error{
        Fault::input,
        text("the model runs as '", way.substr(0, 40), "', which this version does not know"),
        "use a newer version of fovea; else the package is damaged"};
}

std::string_view way_of(Execution how) {
  for (auto const& [name, known] : ways_known) {
    if (known == how) return name;
  }
  throw Error{Fault::bug, "a way to run that has no name", ""};
}

Execution to_answer_in(Precision precision) {
  // Without convolutions of our own float32 is as LibTorch has it fastest.
  auto const fused = precision == Precision::bfloat16 || Winograd::pays();
  if (fused) return {precision, Layout::channels_last, Executor::fused};
  return {precision, Layout::contiguous, Executor::torch};
}

Execution to_answer(std::string_view proven, AskedWay const& asked) {
  auto how = execution_named(proven);
  if (asked.precision && *asked.precision != how.precision)
    how = to_answer_in(*asked.precision);
  if (asked.executor) how.executor = *asked.executor;
  if (how.executor == Executor::fused) how.layout = Layout::channels_last;
  return how;
}

}  // namespace fovea
