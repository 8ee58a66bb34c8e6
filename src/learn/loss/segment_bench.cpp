#include "learn/loss/segment.hpp"
#include "learn/loss/segment_sums.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <benchmark/benchmark.h>

namespace fovea {
namespace {

// Forward and back over two patches of 128 x 128 x 128 voxels; range(0) is the number of
// classes.
void segment_bench(benchmark::State& state, at::ScalarType type, at::MemoryFormat format) {
  auto const classes = state.range(0);
  auto const logits = at::randn({2, classes, 128, 128, 128})
                          .to(type)
                          .contiguous(format)
                          .set_requires_grad(true);
  auto const target = at::randint(0, classes, {2, 128, 128, 128}).to(at::kByte);
  for (auto _ : state) {
    segment_dice_cross_entropy({{logits}, target}).backward();
    logits.mutable_grad().reset();
  }
  state.SetItemsProcessed(state.iterations() * target.numel());
}

void SegmentDiceAndCrossEntropyFloat32(benchmark::State& state) {
  segment_bench(state, at::kFloat, at::MemoryFormat::Contiguous);
}
void SegmentDiceAndCrossEntropyBfloat16ChannelsLast(benchmark::State& state) {
  segment_bench(state, at::kBFloat16, at::MemoryFormat::ChannelsLast3d);
}
// The same by LibTorch's operations.
void SegmentDiceAndCrossEntropyPlain(benchmark::State& state) {
  auto const classes = state.range(0);
  auto const logits = at::randn({2, classes, 128, 128, 128}).set_requires_grad(true);
  auto const target = at::randint(0, classes, {2, 128, 128, 128}).to(at::kByte);
  for (auto _ : state) {
    auto const sums = segment_sums_plain(logits, target, {}, {}, 0);
    (sums.inside / (sums.found + sums.truth)).sum().add(sums.point / sums.weight).backward();
    logits.mutable_grad().reset();
  }
  state.SetItemsProcessed(state.iterations() * target.numel());
}
BENCHMARK(SegmentDiceAndCrossEntropyFloat32)->Arg(3)->Arg(15)->Unit(benchmark::kMillisecond);
BENCHMARK(SegmentDiceAndCrossEntropyBfloat16ChannelsLast)
    ->Arg(3)
    ->Arg(15)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(SegmentDiceAndCrossEntropyPlain)->Arg(3)->Arg(15)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fovea
