// Row "augment": PNG file of 256 x 256 grey -> random affine -> noise -> normalised 224 x 224
// float, one thread. augment make DIR writes the pictures that both sides read; augment DIR
// measures.
#include "learn/transform/augment.hpp"

#include "base/core/words.hpp"
#include "base/io/picture.hpp"
#include "bench/row.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fovea {
namespace {

constexpr int augment_pictures = 64;

fs::path augment_file(fs::path const& folder, int n) {
  return folder / text("picture", n, ".png");
}

// Smooth shapes with the grain of a radiograph: noise decides how long a PNG takes to decode.
void augment_make(fs::path const& folder, std::uint64_t key) {
  make_folder(folder);
  for (int n = 0; n < augment_pictures; ++n) {
    Rng rng{{key, static_cast<std::uint64_t>(n)}};
    auto image = image2d(256, 256, Type::u8);
    auto const pixels = image.write<std::uint8_t>();
    auto const heart = rng.uniform(100, 156);
    for (int at = 0; at < 256 * 256; ++at) {
      auto const x = at % 256;
      auto const y = at / 256;
      auto const lungs = std::exp(-std::pow((std::abs(x - 128) - 55) / 35.0, 2) -
                                  std::pow((y - 120) / 80.0, 2));
      auto const ribs = 12 * std::sin(y / 6.0 + std::abs(x - 128) / 20.0);
      auto const centre =
          std::exp(-std::pow((x - heart) / 30.0, 2) - std::pow((y - 160) / 40.0, 2));
      auto const value = 170 - 110 * lungs + 60 * centre + ribs + rng.normal(0, 4);
      pixels[static_cast<std::size_t>(at)] =
          static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
    }
    write_png(augment_file(folder, n), image);
  }
}

void augment_measure(fs::path const& folder) {
  Prepare const prepare{.width = 224, .height = 224, .mean = 0.5, .deviation = 0.25};
  Augment const augment{.rotate = 10, .scale = 0.1, .shift = 0.05, .shear = 5, .noise = 0.02};
  std::vector<float> batch_row(224 * 224);
  std::uint64_t step = 0;
  auto const rate = best_rate(5, augment_pictures, thread_seconds, [&] {
    for (int n = 0; n < augment_pictures; ++n) {
      Rng rng{{3, step++}};
      prepare.normalise(augment(prepare(read_picture(augment_file(folder, n))), rng),
                        batch_row);
    }
  });
  report("fovea", rate, "images/s");

  std::vector<Volume> pictures;
  for (int n = 0; n < augment_pictures; ++n)
    pictures.push_back(read_picture(augment_file(folder, n)));
  auto const decoded = best_rate(3, augment_pictures, thread_seconds, [&] {
    for (auto const& picture : pictures) {
      Rng rng{{3, step++}};
      prepare.normalise(augment(prepare(picture), rng), batch_row);
    }
  });
  report("fovea, already decoded", decoded, "images/s");
}

}  // namespace

int bench_augment(std::vector<std::string> const& words) {
  if (words.size() == 3 && words[0] == "make")
    augment_make(words[1], static_cast<std::uint64_t>(whole(words[2]).value()));
  else if (words.size() == 1)
    augment_measure(words[0]);
  else
    return std::cerr << "usage: bench_augment make DIR KEY, or bench_augment DIR\n", 2;
  return 0;
}

}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::bench_augment);
}
