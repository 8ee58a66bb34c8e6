#include "base/core/pool.hpp"
#include "base/geometry/resample.hpp"

#include <benchmark/benchmark.h>

#include <cmath>

namespace fovea {
namespace {

// A chest CT of thin slices, as float.
Volume const& resample_bench_chest() {
  static Volume const chest = [] {
    Volume out{upright({512, 512, 300}, {{0.7, 0.7, 1}}), Type::f32, Unit::hounsfield};
    std::uint32_t n = 0;
    for (auto& value : out.write<float>())
      value = static_cast<float>(n++ * 2654435761U >> 20) - 1000;
    return out;
  }();
  return chest;
}

void resample_bench_run(benchmark::State& state, Grid const& onto, Resample const& options) {
  auto const& chest = resample_bench_chest();
  for (auto _ : state) benchmark::DoNotOptimize(resample(chest, onto, options).bytes().get());
  state.SetItemsProcessed(state.iterations() * onto.size[0] * onto.size[1] * onto.size[2]);
  state.counters["threads"] = usable_cores();
}

void ChestToOneMillimetre(benchmark::State& state, Interpolator interpolator) {
  auto const onto = respaced(resample_bench_chest().grid(), {{1, 1, 1}}, Keep::centre);
  resample_bench_run(state, onto, {.interpolator = interpolator});
}
BENCHMARK_CAPTURE(ChestToOneMillimetre, nearest, Interpolator::nearest)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(ChestToOneMillimetre, linear, Interpolator::linear)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(ChestToOneMillimetre, cubic, Interpolator::cubic)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(ChestToOneMillimetre, lanczos, Interpolator::lanczos)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// Between slices too: every voxel is new along all three axes.
void ChestToOneAndAHalf(benchmark::State& state, Interpolator interpolator) {
  auto const onto = respaced(resample_bench_chest().grid(), {{1.5, 1.5, 1.5}}, Keep::centre);
  resample_bench_run(state, onto, {.interpolator = interpolator});
}
BENCHMARK_CAPTURE(ChestToOneAndAHalf, linear, Interpolator::linear)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(ChestToOneAndAHalf, cubic, Interpolator::cubic)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// A head turned by 10 degrees: no axis is parallel.
void ChestTurned(benchmark::State& state, Interpolator interpolator) {
  auto onto = respaced(resample_bench_chest().grid(), {{1, 1, 1}}, Keep::centre);
  onto.axes[0].mm = {std::cos(0.17), std::sin(0.17), 0};
  onto.axes[1].mm = {-std::sin(0.17), std::cos(0.17), 0};
  resample_bench_run(state, onto, {.interpolator = interpolator});
}
BENCHMARK_CAPTURE(ChestTurned, linear, Interpolator::linear)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(ChestTurned, cubic, Interpolator::cubic)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// Sagittal slices of an axial series: the axes are parallel, in another order.
void ChestAsSagittalSlices(benchmark::State& state) {
  auto const& grid = resample_bench_chest().grid();
  auto onto = grid;
  onto.size = {358, 300, 358};
  onto.axes = {{{{0, 1, 0}}, {{0, 0, 1}}, {{1, 0, 0}}}};
  resample_bench_run(state, onto, {});
}
BENCHMARK(ChestAsSagittalSlices)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace fovea
