// Images per second of whole networks, by precision and layout: --benchmark_filter=ResNet18.
#include "learn/nn/families.hpp"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <benchmark/benchmark.h>
#include <c10/core/GradMode.h>

namespace fovea {
namespace {

Execution bench_execution(benchmark::State const& state) {
  return {state.range(0) != 0 ? Precision::bfloat16 : Precision::float32,
          state.range(1) != 0 ? Layout::channels_last : Layout::contiguous,
          state.range(1) == 2 ? Executor::fused : Executor::torch};
}

void bench_training(benchmark::State& state,
                    Graph const& graph,
                    at::Tensor const& images,
                    std::int64_t classes) {
  Network network{graph, 1};
  network.execution(bench_execution(state));
  auto const labels = at::randint(classes, {images.size(0)}, at::kLong);
  auto const parameters = network.parameters();
  auto const step = [&] {
    at::nll_loss(at::log_softmax(network.train(images), 1), labels).backward();
    c10::NoGradGuard const no_tape;
    for (auto const& parameter : parameters) {
      parameter.value.sub_(parameter.value.grad(), 1e-3);
      parameter.value.mutable_grad().reset();
    }
  };
  step();  // oneDNN makes its kernels
  for (auto _ : state) step();
  state.SetItemsProcessed(state.iterations() * images.size(0));
}

void bench_inference(benchmark::State& state, Graph const& graph, at::Tensor const& images) {
  Network network{graph, 1};
  network.execution(bench_execution(state));
  network(images);  // oneDNN makes its kernels, weights are packed
  for (auto _ : state) benchmark::DoNotOptimize(network(images));
  state.SetItemsProcessed(state.iterations() * images.size(0));
}

Graph bench_resnet18(std::int64_t in, std::int64_t out) {
  return network_named("resnet18").draw({.in = in, .out = out, .torchvision = true});
}

void TrainResNet18At224Batch32(benchmark::State& state) {
  bench_training(state, bench_resnet18(3, 1000), at::randn({32, 3, 224, 224}), 1000);
}
void InferResNet18At224Batch32(benchmark::State& state) {
  bench_inference(state, bench_resnet18(3, 1000), at::randn({32, 3, 224, 224}));
}
// One convolution of a U-Net's finest level.
void InferConvolution3d(benchmark::State& state) {
  Graph graph;
  auto const in =
      graph.add("input", {}, {{"channels", std::int64_t{32}}, {"dimensions", std::int64_t{3}}});
  graph.add(
      "conv", {in},
      {{"out", std::int64_t{32}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "conv");
  bench_inference(state, graph, at::randn({1, 32, 40, 56, 40}));
}
void TrainResNet18At28Batch128(benchmark::State& state) {
  bench_training(state, bench_resnet18(1, 2), at::randn({128, 1, 28, 28}), 2);
}
void TrainResNetSmallAt28Batch128(benchmark::State& state) {
  bench_training(state, network_named("resnet-small").draw({.in = 1, .out = 2, .size = 28}),
                 at::randn({128, 1, 28, 28}), 2);
}
void InferResNet18At28Batch1(benchmark::State& state) {
  bench_inference(state, bench_resnet18(1, 2), at::randn({1, 1, 28, 28}));
}
void TrainKerasCnnAt256Batch32(benchmark::State& state) {
  auto const graph =
      small_cnn({.in = 1, .out = 2, .size = 256}, {.widths = {32, 64, 128}, .dense = 128});
  bench_training(state, graph, at::randn({32, 1, 256, 256}), 2);
}

// Layout: 0 contiguous, 1 channels-last, 2 channels-last by the fused executor.
void bench_ways(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"bfloat16", "layout"})
      ->ArgsProduct({{0, 1}, {0, 1, 2}})
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

BENCHMARK(TrainResNet18At224Batch32)->Apply(bench_ways);
BENCHMARK(InferResNet18At224Batch32)->Apply(bench_ways);
BENCHMARK(InferConvolution3d)->Apply(bench_ways);
BENCHMARK(TrainResNet18At28Batch128)->Apply(bench_ways);
BENCHMARK(TrainResNetSmallAt28Batch128)->Apply(bench_ways);
BENCHMARK(InferResNet18At28Batch1)->Apply(bench_ways);
BENCHMARK(TrainKerasCnnAt256Batch32)->Apply(bench_ways);

}  // namespace
}  // namespace fovea
