#include "base/core/rng.hpp"
#include "base/io/nifti.hpp"

#include <benchmark/benchmark.h>

#include <cmath>

namespace fovea {
namespace {

// A chest CT as it packs: smooth tissue with a little noise, air around it.
Volume nifti_bench_chest() {
  auto volume = phantom(upright({256, 256, 128}, {{1, 1, 2}}));
  Rng rng{1};
  for (auto& value : volume.write<std::int16_t>())
    value =
        static_cast<std::int16_t>(value + std::lround(rng.normal(0, value > -500 ? 12 : 2)));
  return volume;
}

void nifti_bench_rate(benchmark::State& state, Volume const& volume) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(volume.byte_count()));
}

void ReadOneChestCt(benchmark::State& state, char const* name) {
  ScratchFolder const folder;
  auto const volume = nifti_bench_chest();
  write_nifti(folder.path() / name, volume);
  for (auto _ : state)
    benchmark::DoNotOptimize(read_nifti(folder.path() / name).volume.voxels());
  nifti_bench_rate(state, volume);
}
BENCHMARK_CAPTURE(ReadOneChestCt, nii, "x.nii")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ReadOneChestCt, nii_gz, "x.nii.gz")->Unit(benchmark::kMillisecond);

void WriteOneChestCt(benchmark::State& state, char const* name) {
  ScratchFolder const folder;
  auto const volume = nifti_bench_chest();
  for (auto _ : state) write_nifti(folder.path() / name, volume);
  nifti_bench_rate(state, volume);
  state.counters["bytes"] = static_cast<double>(fs::file_size(folder.path() / name));
}
BENCHMARK_CAPTURE(WriteOneChestCt, nii_gz, "x.nii.gz")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fovea
