// make_organs FOLDER CASES [SPACING_K]: CT-like volumes with an organ and a lesion in it, and
// their masks, for the tests of the programs: images/ and labels/ with train.txt and test.txt.
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "base/io/formats.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

namespace fovea {
namespace {

struct OrgansBall {
  std::array<double, 3> mm{};
  double radius = 1;

  bool holds(Point const& point, Point const& origin) const {
    double sum = 0;
    for (std::size_t a = 0; a < 3; ++a) sum += std::pow(point.mm[a] - origin.mm[a] - mm[a], 2);
    return sum < radius * radius;
  }
};

void organs_case(fs::path const& folder, std::string const& name, int seed, double step) {
  Rng rng{{0x0a, static_cast<std::uint64_t>(seed)}};
  auto const deep = static_cast<std::int64_t>(std::lround(32 / step));
  auto const grid = upright({32 + rng.below(5), 30, deep}, {{1, 1, step}}, {{-20, 5, 300}});
  Volume image{grid, Type::i16, Unit::hounsfield};
  Volume mask{grid, Type::u8};
  OrgansBall const organ{
      {14 + 4 * rng.uniform(), 13 + 4 * rng.uniform(), 14 + 4 * rng.uniform()},
      8 + 2 * rng.uniform()};
  OrgansBall lesion{organ.mm, 3};
  lesion.mm[0] += 3;
  auto const values = image.write<std::int16_t>();
  auto const labels = mask.write<std::uint8_t>();
  std::size_t n = 0;
  for (std::int64_t k = 0; k < grid.size[2]; ++k)
    for (std::int64_t j = 0; j < grid.size[1]; ++j)
      for (std::int64_t i = 0; i < grid.size[0]; ++i, ++n) {
        auto const point = grid.point_of(
            {{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}});
        auto const label = lesion.holds(point, grid.origin)  ? 2
                           : organ.holds(point, grid.origin) ? 1
                                                             : 0;
        labels[n] = static_cast<std::uint8_t>(label);
        values[n] = static_cast<std::int16_t>((label == 2   ? 180
                                               : label == 1 ? 90
                                                            : 0) +
                                              std::lround(30 * (rng.uniform() - 0.5)));
      }
  write_volume(folder / "images" / (name + ".nii.gz"), image);
  write_volume(folder / "labels" / (name + ".nii.gz"), mask);
}

void organs_make(fs::path const& folder, int count, double step) {
  make_folder(folder / "images");
  make_folder(folder / "labels");
  std::string train;
  std::string test;
  for (int i = 0; i < count; ++i) {
    auto const name = text("case", i);
    organs_case(folder, name, i, step);
    (i % 4 == 3 ? test : train) += name + "\n";
  }
  write_file(folder / "train.txt", train);
  write_file(folder / "test.txt", test);
  write_file(folder / "labels.txt", "1 organ\n2 lesion\n");
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) try {
  auto const count = argc >= 3 ? fovea::whole(argv[2]) : std::nullopt;
  auto const step = argc == 4 ? fovea::number(argv[3]) : std::optional{1.0};
  if (!count || !step)
    throw fovea::Error{fovea::Fault::usage, "expected FOLDER CASES [SPACING_K]", "give both"};
  fovea::organs_make(argv[1], static_cast<int>(*count), *step);
} catch (fovea::Error const& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.fault());
}
