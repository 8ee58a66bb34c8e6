// Rows "block": GFLOP/s of what 3D networks repeat, convolution, instance norm and leaky ReLU,
// forward and backward, counted as a plain sum; and "unet-patch": milliseconds of MONAI's UNet
// on one patch of 128^3. block block|patch THREADS
#include "base/core/words.hpp"
#include "bench/row.hpp"
#include "bench/ways.hpp"
#include "learn/nn/segmenter.hpp"
#include "learn/tensor/memory.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <c10/core/InferenceMode.h>

#include <chrono>

namespace fovea {
namespace {

double block_seconds(int rounds, std::function<void()> const& work) {
  work();
  auto best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    auto const begin = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count());
  }
  return best;
}

double block_gflops(Execution how) {
  constexpr std::int64_t channels = 32, batch = 6, taps = 27;
  Graph graph;
  auto at = graph.add("input", {}, {{"channels", channels}, {"dimensions", std::int64_t{3}}});
  at = graph.add("conv", {at},
                 {{"out", channels},
                  {"kernel", std::int64_t{3}},
                  {"padding", std::int64_t{1}},
                  {"bias", std::int64_t{0}}},
                 "conv");
  at = graph.add("instance_norm", {at}, {}, "norm");
  graph.add("leaky_relu", {at});
  Network network{graph, 1};
  network.execution(how);
  // As it lies within a network: both executors take it as it is.
  auto const x =
      at::randn({batch, channels, 40, 56, 40})
          .contiguous(how.layout == Layout::channels_last ? at::MemoryFormat::ChannelsLast3d
                                                          : at::MemoryFormat::Contiguous)
          .requires_grad_();
  auto const pull = at::randn_like(x.detach());
  auto const seconds = block_seconds(5, [&] {
    network.train(x).backward(pull);
    x.mutable_grad().reset();
  });
  auto const voxels = x.numel() / channels;
  return 1e-9 * static_cast<double>(3 * 2 * voxels * channels * channels * taps) / seconds;
}

double block_patch(Execution how) {
  SegmentDraw draw{.in = 1, .out = 3, .dimensions = 3};
  for (std::int64_t const features : {32, 64, 128, 256})
    draw.levels.push_back(
        {.features = features, .stride = std::vector<std::int64_t>(3, features < 256 ? 2 : 1)});
  Network network{segmenter_named("monai-unet").draw(draw), 0};
  network.execution(how);
  auto const patch = at::randn({1, 1, 128, 128, 128});
  c10::InferenceMode const no_tape;
  return 1e3 * block_seconds(7, [&] { network(patch); });
}

int block_main(std::vector<std::string> const& words) {
  auto const threads = words.size() == 2 ? whole(words[1]).value_or(0) : 0;
  if (threads < 1 || (words[0] != "block" && words[0] != "patch"))
    throw Error{Fault::usage, "expected block|patch THREADS", "name one"};
  at::set_num_threads(static_cast<int>(threads));
  reuse_large_memory();
  for (auto const& way : bench_ways) {
    auto const name = text("fovea ", way.name);
    if (words[0] == "block")
      report_with_memory(name, block_gflops(way.execution), "GFLOP/s");
    else
      report_with_memory(name, block_patch(way.execution), "ms");
  }
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::block_main);
}
