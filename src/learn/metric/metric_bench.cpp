#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "learn/metric/delong.hpp"
#include "learn/metric/evaluate.hpp"

#include <benchmark/benchmark.h>

namespace fovea {
namespace {

ClassRows metric_bench_rows(std::size_t cases) {
  Rng rng{1};
  ClassRows rows;
  rows.classes = {"no", "yes"};
  for (std::size_t i = 0; i < cases; ++i) {
    auto const p = rng.uniform();
    rows.ids.push_back(text(i));
    rows.truth.push_back(rng.chance(p) ? 1 : 0);
    rows.probabilities.insert(rows.probabilities.end(), {1 - p, p});
  }
  return rows;
}

void AreaWithIntervalOf100000Cases(benchmark::State& state) {
  auto const rows = one_against_rest(metric_bench_rows(100'000), 1);
  for (auto _ : state) benchmark::DoNotOptimize(delong(rows));
}
BENCHMARK(AreaWithIntervalOf100000Cases)->Unit(benchmark::kMillisecond);

void AllMetricsWith2000Draws(benchmark::State& state) {
  auto const rows = metric_bench_rows(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(evaluate(rows));
}
BENCHMARK(AllMetricsWith2000Draws)->Arg(624)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fovea
