// Rows "augment-3d-*": patches of a CT-like volume with three labels through nnU-Net's list of
// augmentations, one thread. augment3d K J I, the patch.
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "bench/row.hpp"
#include "learn/patch/case_store.hpp"
#include "learn/patch/patch_augment.hpp"

#include <cmath>

namespace fovea {
namespace {

constexpr std::size_t augment3d_cases = 4;

// Balls in balls, with noise. A case is a quarter larger than the box that is cut from it, but
// for small patches, whose cases are about as small as they are.
struct Augment3dCase {
  std::vector<float> image;
  std::vector<std::int16_t> labels;

  Augment3dCase(Kji const& size, std::uint64_t key) {
    Rng rng{{5, key}};
    auto const shift = rng.uniform(-0.1, 0.1);
    for (std::int64_t k = 0; k < size[0]; ++k)
      for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[2]; ++i) {
          auto const z = 2.0 * static_cast<double>(k) / static_cast<double>(size[0]) - 1;
          auto const y = 2.0 * static_cast<double>(j) / static_cast<double>(size[1]) - 1;
          auto const x =
              2.0 * static_cast<double>(i) / static_cast<double>(size[2]) - 1 + shift;
          auto const radius = std::sqrt(x * x + y * y + z * z);
          auto const label = radius < 0.3 ? 3 : radius < 0.45 ? 2 : radius < 0.7 ? 1 : 0;
          labels.push_back(static_cast<std::int16_t>(label));
          image.push_back(static_cast<float>(label - 1 + rng.normal(0, 0.3)));
        }
  }
};

void augment3d_measure(std::string_view way,
                       PatchSampler const& sampler,
                       PatchAugment const& augment) {
  std::vector<float> image(static_cast<std::size_t>(voxels_of(augment.patch)));
  std::vector<std::int16_t> labels(image.size());
  PatchView const view{augment.patch, 1, image, labels};
  std::uint64_t step = 0;
  auto const rate = best_rate(5, 2, thread_seconds, [&] {
    for (std::uint64_t index = 0; index < 2; ++index) {
      PatchKey const key{1, step, index};
      auto const place = sampler(key);
      augment(sampler.at(place.at_case), place, key, view);
    }
    ++step;
  });
  report(way, rate, "patches/s");
}

}  // namespace

int bench_augment3d(std::vector<std::string> const& words) {
  Kji patch{};
  for (std::size_t d = 0; d < 3 && words.size() == 3; ++d)
    patch[d] = whole(words[d]).value_or(0);
  if (voxels_of(patch) <= 0)
    return std::cerr << "usage: bench_augment3d K J I, the patch in voxels\n", 2;
  auto const augment = PatchAugment::like_nnunet(patch);
  Kji size = patch;
  if (voxels_of(patch) > 1 << 20)
    for (std::size_t d = 0; d < 3; ++d) size[d] = augment.box[d] * 5 / 4;
  ScratchFolder const folder;
  PatchSampling const sampling{.patch = patch, .box = augment.box};
  for (auto const cache : {std::uint64_t{4} << 30, std::uint64_t{0}}) {
    CaseStore const store{folder.path(), "bench", cache};
    std::vector<std::shared_ptr<StoredCase const>> cases;
    for (std::uint64_t n = 0; n < augment3d_cases; ++n) {
      Augment3dCase const made{size, n};
      CaseToStore given;
      given.size = size;
      given.image = made.image;
      given.labels = made.labels;
      given.classes = {{1}, {2}, {3}};
      given.patch = patch;
      given.id = std::to_string(n);
      cases.push_back(store.put(given, "made"));
    }
    augment3d_measure(cache > 0 ? "fovea" : "fovea, from packed files",
                      PatchSampler{sampling, cases}, augment);
  }
  return 0;
}

}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::bench_augment3d);
}
