// Rows "components", "distance-map" and "surface-distance": on masks of 256^3 voxels.
#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/geometry/components.hpp"
#include "base/geometry/distance.hpp"
#include "base/geometry/surface_distance.hpp"
#include "bench/row.hpp"

namespace fovea {
namespace {

constexpr std::int64_t measure_size = 256;

Volume measure_ball(std::array<std::int64_t, 3> const& centre, std::int64_t radius) {
  Volume out{upright({measure_size, measure_size, measure_size}, {}), Type::u8};
  auto voxel = out.write<std::uint8_t>().begin();
  for (std::int64_t k = 0; k < measure_size; ++k) {
    for (std::int64_t j = 0; j < measure_size; ++j) {
      for (std::int64_t i = 0; i < measure_size; ++i) {
        auto const x = i - centre[0], y = j - centre[1], z = k - centre[2];
        *voxel++ = x * x + y * y + z * z <= radius * radius ? 1 : 0;
      }
    }
  }
  return out;
}

// The shortest of several calls: other programs only ever make one longer.
void measure_row(std::string_view way, std::function<void()> const& work) {
  constexpr int calls = 7;
  double best = 1e9;
  for (int n = 0; n < calls; ++n) {
    Clock const clock;
    work();
    best = std::min(best, clock.seconds());
  }
  report_with_memory(way, best, "s");
}

int measure_main(std::vector<std::string> const& words) {
  auto const what = words.empty() ? std::string{} : words.front();
  auto const ball = measure_ball({128, 128, 128}, 80);
  if (what == "components") {
    measure_row("fovea, 26 neighbours", [&] { components(ball); });
  } else if (what == "distance-map") {
    measure_row("fovea, to the border, signed",
                [&] { distance_map(ball, {.inside_negative = true}); });
  } else if (what == "surface-distance") {
    auto const other = measure_ball({130, 126, 131}, 80);
    measure_row("fovea, HD95 and average at once", [&] { surface_distances(ball, other); });
  } else {
    throw Error{Fault::usage, text("no row '", what, "'"),
                "components, distance-map or surface-distance"};
  }
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::measure_main);
}
