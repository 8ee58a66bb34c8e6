#include "base/core/rng.hpp"
#include "base/core/zip.hpp"
#include "base/io/npy.hpp"
#include "base/io/picture.hpp"

#include <benchmark/benchmark.h>

#include <cmath>

namespace fovea {
namespace {

// A smooth picture with a little noise, as a radiograph is: what PNG's filters are made for.
template <class T>
Volume bench_picture(std::int64_t size, std::int64_t channels, double most) {
  auto picture = image2d(size, size, TypeOf<T>::value, channels);
  Rng rng{1};
  auto out = picture.template write<T>().begin();
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t j = 0; j < size; ++j) {
      for (std::int64_t i = 0; i < size; ++i) {
        auto const x = static_cast<double>(i) / static_cast<double>(size);
        auto const y = static_cast<double>(j) / static_cast<double>(size);
        auto const value = 0.5 +
                           0.3 * std::sin(7 * x + static_cast<double>(c)) * std::cos(5 * y) +
                           rng.normal(0, 0.01);
        *out++ = static_cast<T>(most * std::min(1.0, std::max(0.0, value)));
      }
    }
  }
  return picture;
}

template <class T>
void bench_png(benchmark::State& state, std::int64_t channels, double most) {
  auto const bytes = encode_png(bench_picture<T>(state.range(0), channels, most));
  for (auto _ : state) benchmark::DoNotOptimize(decode_picture(bytes, "x"));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0) * state.range(0) * channels *
                          static_cast<std::int64_t>(sizeof(T)));
}

void DecodeGreyPng(benchmark::State& state) {
  bench_png<std::uint8_t>(state, 1, 255);
}
void DecodeColourPng(benchmark::State& state) {
  bench_png<std::uint8_t>(state, 3, 255);
}
void DecodeRadiographPng(benchmark::State& state) {
  bench_png<std::uint16_t>(state, 1, 4095);
}
void EncodeGreyPng(benchmark::State& state) {
  auto const picture = bench_picture<std::uint8_t>(state.range(0), 1, 255);
  for (auto _ : state) benchmark::DoNotOptimize(encode_png(picture));
  state.SetItemsProcessed(state.iterations());
}

// 4,708 pictures of 28 x 28 as MedMNIST keeps them, but stored: the pace of reading, not of
// unpacking.
void ReadNpz(benchmark::State& state) {
  Array array{.shape = {4708, 28, 28}, .type = Type::u8, .bytes = {}};
  array.bytes = std::make_shared<std::byte[]>(static_cast<std::size_t>(array.count()));
  ScratchFolder const folder;
  write_zip(folder.path() / "x.npz", {{"train_images.npy", encode_npy(array)}});
  for (auto _ : state) benchmark::DoNotOptimize(read_npz(folder.path() / "x.npz"));
  state.SetBytesProcessed(state.iterations() * array.count());
}

BENCHMARK(DecodeGreyPng)->Arg(28)->Arg(224)->Arg(1024)->Unit(benchmark::kMicrosecond);
BENCHMARK(DecodeColourPng)->Arg(224)->Unit(benchmark::kMicrosecond);
BENCHMARK(DecodeRadiographPng)->Arg(2048)->Unit(benchmark::kMicrosecond);
BENCHMARK(EncodeGreyPng)->Arg(224)->Unit(benchmark::kMicrosecond);
BENCHMARK(ReadNpz)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace fovea
