// Row "step-memory": what tensors take at most in one training step (weights not counted,
// gradients are) of every network of both catalogues by the fused executor, in parts of what
// LibTorch's takes, channels-last, on the same batch; networks for masks of three levels, or
// narrow, so that it is images that count. step_memory THREADS [NETWORK]
#include "base/core/words.hpp"
#include "bench/row.hpp"
#include "learn/nn/segmenter.hpp"
#include "learn/tensor/memory.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>

#include <utility>

namespace fovea {
namespace {

struct MemoryCase {
  std::string name;
  Graph graph;
  std::vector<std::int64_t> input;
};

std::vector<MemoryCase> memory_cases(std::string const& only) {
  std::vector<MemoryCase> all;
  for (auto const& row : networks()) {
    constexpr std::int64_t side = 224;
    if (only.empty() || only == row.name)
      all.push_back({std::string{row.name},
                     row.draw({.in = 3, .out = 3, .dimensions = 2, .size = side}),
                     {16, 3, side, side}});
  }
  for (auto const& row : segmenters()) {
    for (int dimensions = 2; dimensions <= (row.volumes ? 3 : 2); ++dimensions) {
      if (!only.empty() && only != row.name) continue;
      SegmentDraw draw{.in = 1, .out = 3, .dimensions = dimensions};
      draw.deep_supervision = row.deep_supervision;
      if (row.levels == nullptr) {
        draw.width = 24;
      } else {
        draw.levels = row.levels(dimensions);
        draw.levels.resize(3);
        std::int64_t features = 32;
        for (auto& level : draw.levels) level.features = std::exchange(features, 2 * features);
      }
      auto const side = dimensions == 2 ? 256 : 64;
      std::vector<std::int64_t> input{dimensions == 2 ? 4 : 2, 1};
      auto graph = row.draw(draw);
      for (auto const step : size_steps(graph))
        input.push_back((side + step - 1) / step * step);
      all.push_back({text(row.name, " ", dimensions, "D"), std::move(graph), std::move(input)});
    }
  }
  if (all.empty()) throw Error{Fault::usage, text("no network '", only, "'"), "name one"};
  return all;
}

double memory_mib(MemoryCase const& one, Precision precision, Executor executor) {
  Network network{one.graph, 1};
  network.execution({precision, Layout::channels_last, executor});
  auto const image = at::randn(one.input);
  release_kept_memory();  // blocks of others may be larger than what is asked for
  most_tensor_memory();
  auto const before = most_tensor_memory();  // what is in use now
  at::Tensor loss;
  for (auto const& head : network.train_all(image)) {
    auto const one_loss = head.square().mean();
    loss = loss.defined() ? loss + one_loss : one_loss;
  }
  loss.backward();
  return static_cast<double>(most_tensor_memory() - before) / (1 << 20);
}

int memory_main(std::vector<std::string> const& words) {
  auto const threads = words.empty() ? 0 : whole(words[0]).value_or(0);
  if (threads < 1 || words.size() > 2)
    throw Error{Fault::usage, "expected THREADS [NETWORK]", "give a number of threads"};
  at::set_num_threads(static_cast<int>(threads));
  reuse_large_memory();
  for (auto const& one : memory_cases(words.size() > 1 ? words[1] : "")) {
    for (auto const precision : {Precision::float32, Precision::bfloat16}) {
      auto const torch = memory_mib(one, precision, Executor::torch);
      auto const fused = memory_mib(one, precision, Executor::fused);
      std::cout << Json{{"way", text(one.name, precision == Precision::float32 ? ", float32"
                                                                               : ", bfloat16")},
                        {"value", fused / torch},
                        {"unit", "of torch's"},
                        {"tensors_mib", fused}}
                       .dump()
                << std::endl;
    }
  }
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::memory_main);
}
