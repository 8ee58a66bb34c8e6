#include "base/dicom/made/phantom.hpp"
#include "base/dicom/scan.hpp"

#include <benchmark/benchmark.h>

namespace fovea {
namespace {

// A header as scanners write it: some hundred attributes, a few sequences.
std::string scan_bench_file() {
  MadeDicom out;
  out.put(Tag::modality, "CS", "CT");
  for (std::uint32_t i = 0; i < 200; ++i)
    out.put(Tag{0x00180000 + 0x100 * i}, "DS", "12.5\\-3");
  for (std::uint32_t i = 0; i < 8; ++i) {
    out.start(Tag{0x00400000 + 0x100 * i}, "SQ", 0xffffffff);
    out.start(Tag::item, "", 0xffffffff);
    for (std::uint32_t n = 0; n < 5; ++n) out.put(Tag{0x00080100 + n}, "SH", "words");
    out.start(Tag::item_end, "", 0);
    out.start(Tag::sequence_end, "", 0);
  }
  out.start(Tag::pixels, "OW", 512 * 512 * 2);
  out.words(std::string(512 * 512 * 2, 'x'));
  return made_file(made_explicit, out.bytes());
}

void ScanOneCtSliceInMemory(benchmark::State& state) {
  auto const bytes = scan_bench_file();
  for (auto _ : state)
    benchmark::DoNotOptimize(scan_dicom(made_bytes(bytes)).elements().size());
  state.counters["files"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(ScanOneCtSliceInMemory);

void ScanOneCtSliceFile(benchmark::State& state) {
  ScratchFolder const folder;
  write_file(folder.path() / "x", std::string_view{scan_bench_file()});
  for (auto _ : state) {
    DicomFile const file{folder.path() / "x"};
    benchmark::DoNotOptimize(file.scan().elements().size());
  }
  state.counters["files"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(ScanOneCtSliceFile);

}  // namespace
}  // namespace fovea
