#include "base/core/rng.hpp"
#include "learn/recipe/planner.hpp"
#include "learn/recipe/preprocess.hpp"

#include <benchmark/benchmark.h>

namespace fovea {
namespace {

struct RecipeBenchCase {
  Volume image, labels;
};

RecipeBenchCase recipe_bench_case(std::array<std::int64_t, 3> size, Spacing spacing) {
  RecipeBenchCase out{phantom(upright(size, spacing)), {upright(size, spacing), Type::u8}};
  Rng rng{1};
  for (auto& value : out.image.write<std::int16_t>())
    value = static_cast<std::int16_t>(value + 20 * rng.uniform());
  auto const shown = out.image.as<std::int16_t>();
  auto label = out.labels.write<std::uint8_t>().begin();
  for (auto const value : shown) *label++ = value > -500;
  return out;
}

Recipe recipe_bench_plan(RecipeBenchCase const& one, Spacing3 const& spacing) {
  FingerprintBuilder builder{1, 1};
  builder.add(0, one.image, one.labels);
  auto recipe = plan_recipe(builder.finish(), {.name = "bench", .channels = {"CT"}});
  for (auto& config : recipe.configs) {
    if (!config.is_2d()) config.spacing.assign(spacing.begin(), spacing.end());
  }
  return recipe;
}

// One thread each: cases are worked on side by side.
void PrepareOneCase(benchmark::State& state,
                    std::array<std::int64_t, 3> size,
                    Spacing spacing,
                    Spacing3 target) {
  auto const one = recipe_bench_case(size, spacing);
  auto const recipe = recipe_bench_plan(one, target);
  auto const& config = recipe.config("3d_fullres");
  for (auto _ : state)
    benchmark::DoNotOptimize(prepare(one.image, &one.labels, recipe, config).image.voxels());
}
BENCHMARK_CAPTURE(
    PrepareOneCase, hippocampus_as_it_is, {35, 50, 36}, Spacing{{1, 1, 1}}, Spacing3{1, 1, 1})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(PrepareOneCase,
                  chest_ct_to_1_5_mm,
                  {256, 256, 150},
                  Spacing{{1.2, 1.2, 2}},
                  Spacing3{1.5, 1.5, 1.5})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(
    PrepareOneCase, thick_slices, {256, 256, 40}, Spacing{{1.2, 1.2, 7}}, Spacing3{6, 1.5, 1.5})
    ->Unit(benchmark::kMillisecond);

void FingerprintOneCase(benchmark::State& state) {
  auto const one = recipe_bench_case({256, 256, 150}, {{1.2, 1.2, 2}});
  for (auto _ : state) {
    FingerprintBuilder builder{1, 1};
    builder.add(0, one.image, one.labels);
    benchmark::DoNotOptimize(builder.finish().size_ratio);
  }
}
BENCHMARK(FingerprintOneCase)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fovea
