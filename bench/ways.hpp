#pragma once

#include "learn/nn/network.hpp"

#include <string_view>

namespace fovea {

/// A way to run a network that training's probe may choose.
struct BenchWay {
  std::string_view name;
  Execution execution;
};

inline constexpr BenchWay bench_ways[] = {
    {"float32", {Precision::float32, Layout::contiguous}},
    {"float32 channels-last", {Precision::float32, Layout::channels_last}},
    {"bfloat16", {Precision::bfloat16, Layout::contiguous}},
    {"bfloat16 channels-last", {Precision::bfloat16, Layout::channels_last}},
    {"float32 fused", {Precision::float32, Layout::channels_last, Executor::fused}},
    {"bfloat16 fused", {Precision::bfloat16, Layout::channels_last, Executor::fused}},
};

}  // namespace fovea
