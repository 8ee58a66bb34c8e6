#pragma once

#include "learn/nn/network.hpp"
#include "learn/plan/plan.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// Precisions and memory formats that a network can be trained with and the plan allows, as a
/// learner's ways_to_run().
std::vector<std::string> execution_ways(Plan const& plan);
/// Says in the plan what the fused executor would run of this network how, if it may be taken.
/// Throws Error{usage} if it was asked for on another device than a CPU.
void tell_executor(Graph const& graph,
                   std::int64_t batch,
                   std::vector<std::int64_t> const& size,
                   Plan& plan);
/// Throws Error{resource} where a training step of a plan cannot fit this machine's memory.
/// `size_key`: the plan's key of the size.
void demand_step_memory(Graph const& graph,
                        std::vector<std::int64_t> const& size,
                        std::string_view size_key,
                        Plan const& plan);
/// Throws Error{usage} with the nearest name.
Execution execution_named(std::string_view way);
/// Throws Error{input} unless it is one: of a package.
void demand_way(std::string_view way);
std::string_view way_of(Execution how);

/// How inference is fastest on this CPU in a precision.
Execution to_answer_in(Precision precision);

/// What is asked for at inference instead of what a model was proven with.
struct AskedWay {
  std::optional<Precision> precision = {};
  std::optional<Executor> executor = {};
};
/// `proven`: a row of execution_ways.
Execution to_answer(std::string_view proven, AskedWay const& asked);

}  // namespace fovea
