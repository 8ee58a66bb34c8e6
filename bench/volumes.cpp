// Rows "dicom-series-*", "dicom-scan", "nifti-load" and "pre-scan-rate":
// volumes series|scan FOLDER THREADS, volumes nifti FILE|FOLDER, volumes prescan
#include "base/core/memory.hpp"
#include "base/core/rng.hpp"
#include "base/core/walk.hpp"
#include "base/core/words.hpp"
#include "base/dicom/made/phantom.hpp"
#include "base/io/dicom_series.hpp"
#include "base/io/nifti.hpp"
#include "bench/row.hpp"

#include <chrono>
#include <iterator>

namespace fovea {
namespace {

double volumes_seconds(std::function<void()> const& work) {
  constexpr int rounds = 3;
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    auto const start = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double> const passed = std::chrono::steady_clock::now() - start;
    best = round == 0 ? passed.count() : std::min(best, passed.count());
  }
  return best;
}

int volumes_threads(std::vector<std::string> const& words) {
  auto const threads = words.size() == 3 ? whole(words[2]) : std::nullopt;
  if (!threads || *threads < 1)
    throw Error{Fault::usage, "expected series|scan FOLDER THREADS", "give all three"};
  return static_cast<int>(*threads);
}

void volumes_series(fs::path const& folder, int threads) {
  auto const seconds = volumes_seconds([&] {
    auto const found = find_series(files_below(folder, Stop{}), threads);
    if (found.series.size() != 1)
      throw Error{Fault::input, text("expected one series, got ", found.series.size()),
                  "see fovea inspect"};
    load_series(found.series[0], threads);
  });
  report_with_memory("fovea", seconds, "s");
}

void volumes_scan(fs::path const& folder, int threads) {
  std::size_t count = 0;
  auto const seconds = volumes_seconds([&] {
    auto const files = files_below(folder, Stop{});
    count = files.size();
    find_series(files, threads);
  });
  report_with_memory("fovea", static_cast<double>(count) / seconds, "files/s");
}

void volumes_nifti(fs::path const& given) {
  std::vector<fs::path> files;
  if (fs::is_directory(given)) {
    for (auto const& entry : fs::directory_iterator{given}) {
      if (entry.path().string().ends_with(".nii.gz")) files.push_back(entry.path());
    }
  } else {
    files.push_back(given);
  }
  std::size_t bytes = 0;
  auto const seconds = volumes_seconds([&] {
    bytes = 0;
    for (auto const& file : files) bytes += read_nifti(file).volume.byte_count();
  });
  report_with_memory("fovea", static_cast<double>(bytes) / 1e6 / seconds, "MB/s");
}

// What a fuzzer would feed it: files of up to 4096 bytes, some bytes of each changed.
void volumes_prescan() {
  MadeSlice slice;
  slice.rows = slice.columns = 40;
  auto const whole_file = slice.bytes();
  std::vector<std::string> files;
  Rng rng{1};
  for (std::size_t i = 0; i < 512; ++i) {
    auto bytes = whole_file.substr(0, 132 + i * 7 % (whole_file.size() - 132));
    for (std::size_t n = 0; n < i % 8; ++n)
      bytes[static_cast<std::size_t>(rng.below(std::ssize(bytes)))] =
          static_cast<char>(rng.below(256));
    files.push_back(std::move(bytes));
  }
  std::size_t next = 0;
  auto const rate = best_rate(3, 1, thread_seconds, [&] {
    auto const& bytes = files[next++ % files.size()];
    try {
      scan_dicom(made_bytes(bytes));
    } catch (Refusal const&) {
    }
  });
  report("fovea", rate, "files/s");
}

int volumes_row(std::vector<std::string> const& words) {
  auto const what = words.empty() ? std::string{} : words[0];
  if (what == "series")
    volumes_series(words.at(1), volumes_threads(words));
  else if (what == "scan")
    volumes_scan(words.at(1), volumes_threads(words));
  else if (what == "nifti" && words.size() == 2)
    volumes_nifti(words[1]);
  else if (what == "prescan")
    volumes_prescan();
  else
    throw Error{Fault::usage, "expected series, scan, nifti or prescan",
                "see bench/volumes.cpp"};
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  fovea::keep_freed_memory();  // as the program does
  return fovea::run_row(argc, argv, fovea::volumes_row);
}
