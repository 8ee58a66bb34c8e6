// Row "resample-*": a chest CT of thin slices, f32, 512 x 512 x 300 of 0.7 x 0.7 x 1 mm, to 1
// mm. resample linear|cubic parallel|turned THREADS
#include "base/geometry/resample.hpp"

#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "bench/row.hpp"

#include <chrono>
#include <cmath>

namespace fovea {
namespace {

Volume resample_chest() {
  Volume out{upright({512, 512, 300}, {{0.7, 0.7, 1}}), Type::f32, Unit::hounsfield};
  std::uint32_t n = 0;
  for (auto& value : out.write<float>())
    value = static_cast<float>(n++ * 2654435761U >> 20) - 1000;
  return out;
}

// A head turned by 10 degrees: no axis but one is parallel.
Grid resample_target(Grid const& grid, bool turned) {
  auto onto = respaced(grid, {{1, 1, 1}}, Keep::centre);
  if (!turned) return onto;
  onto.axes[0].mm = {std::cos(0.17), std::sin(0.17), 0};
  onto.axes[1].mm = {-std::sin(0.17), std::cos(0.17), 0};
  return onto;
}

int resample_row(std::vector<std::string> const& words) {
  auto const threads = words.size() == 3 ? whole(words[2]) : std::nullopt;
  if (!threads || (words[0] != "linear" && words[0] != "cubic"))
    throw Error{Fault::usage, "expected linear|cubic parallel|turned THREADS",
                "give all three"};
  auto const chest = resample_chest();
  auto const onto = resample_target(chest.grid(), words[1] == "turned");
  Resample const options{
      .interpolator = words[0] == "cubic" ? Interpolator::cubic : Interpolator::linear,
      .threads = static_cast<int>(*threads)};
  constexpr int rounds = 4;  // the first finds its memory
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    auto const start = std::chrono::steady_clock::now();
    auto const out = resample(chest, onto, options);
    std::chrono::duration<double> const passed = std::chrono::steady_clock::now() - start;
    best = round == 0 ? passed.count() : std::min(best, passed.count());
  }
  report_with_memory("fovea", best, "s");
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::resample_row);
}
