// Equal to nnU-Net and batchgeneratorsv2: reference/make_reference.py names the versions.
#include "base/core/json.hpp"
#include "learn/patch/made/made_case.hpp"
#include "learn/patch/patch_augment.hpp"
#include "learn/patch/patch_blur.hpp"
#include "learn/patch/patch_low_resolution.hpp"
#include "learn/patch/patch_space.hpp"
#include "learn/patch/patch_values.hpp"
#include "learn/patch/targets.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fovea {
namespace {

Json const& reference(char const* what) {
  static auto const json =
      read_json(FOVEA_SOURCE_DIR "/src/learn/patch/reference/reference.json");
  return json.at(what);
}

void reference_expect(std::span<float const> got, Json const& row, double within) {
  auto const wanted = row.at("values").get<std::vector<double>>();
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t n = 0; n < wanted.size(); ++n)
    ASSERT_NEAR(got[n], wanted[n], within) << "voxel " << n;
}

TEST(CutTurned, EqualsNnunetsSpatialTransformInImageAndLabels) {
  MadeCase const made;
  auto const from = stored(made.to_store());
  for (auto const& row : reference("turned")) {
    SCOPED_TRACE(row.at("patch").dump() + row.at("degrees").dump());
    auto const size = row.at("patch").get<Kji>();
    auto const degrees = row.at("degrees").get<std::vector<double>>();
    auto const scale = row.at("scale").get<double>();
    PatchPlace place;
    for (std::size_t d = 0; d < 3; ++d) place.from[d] = (made.size[d] - size[d]) / 2;
    std::vector<float> image(static_cast<std::size_t>(voxels_of(size)));
    std::vector<std::int16_t> labels(image.size());
    auto const map = degrees.size() == 2
                         ? turned_in_plane(degrees[1], scale)
                         : turned_map({degrees[0], degrees[1], degrees[2]}, scale);
    cut_turned(*from, place, map, {size, 1, image, labels});
    reference_expect(image, row, 2e-4);
    EXPECT_EQ(labels, row.at("labels").get<std::vector<std::int16_t>>());
  }
}

TEST(PatchBlur, EqualsNnunets) {
  for (auto const& row : reference("blur")) {
    MadeCase made;
    patch_blur(made.image, made.size, row.at("deviations").get<std::array<double, 3>>());
    reference_expect(made.image, row, 1e-4);
  }
}

TEST(PatchLowResolution, EqualsNnunets) {
  for (auto const& row : reference("low_resolution")) {
    MadeCase made;
    patch_low_resolution(made.image, made.size, row.at("zoom").get<std::array<double, 3>>());
    reference_expect(made.image, row, 1e-4);
  }
}

TEST(PatchContrast, EqualsNnunets) {
  for (auto const& row : reference("contrast")) {
    MadeCase made;
    patch_contrast(made.image, row.at("factor"));
    reference_expect(made.image, row, 1e-4);
  }
}

TEST(PatchGamma, EqualsNnunets) {
  for (auto const& row : reference("gamma")) {
    MadeCase made;
    patch_gamma(made.image, row.at("exponent"), row.at("inverted"));
    reference_expect(made.image, row, 1e-4);
  }
}

TEST(NearestLabels, EqualsNnunetsDeepSupervision) {
  MadeCase const made;
  for (auto const& row : reference("nearest")) {
    auto const coarse = row.at("size").get<Kji>();
    std::vector<std::int16_t> out(static_cast<std::size_t>(voxels_of(coarse)));
    nearest_labels(made.labels, made.size, coarse, out);
    EXPECT_EQ(out, row.at("labels").get<std::vector<std::int16_t>>());
  }
}

TEST(BoxAround, EqualsNnunets) {
  for (auto const& row : reference("box")) {
    SCOPED_TRACE(row.at("patch").dump());
    auto const augment = PatchAugment::like_nnunet(row.at("patch").get<Kji>());
    EXPECT_EQ(augment.in_plane, row.at("in_plane").get<bool>());
    EXPECT_EQ(augment.turn_degrees.second, row.at("degrees").get<double>());
    EXPECT_EQ(augment.box, row.at("box").get<Kji>());
  }
}

TEST(PatchSampler, PlacesPatchesWithinNnunetsBounds) {
  for (auto const& row : reference("corner")) {
    SCOPED_TRACE(row.dump());
    PatchSampling sampling;
    sampling.patch = row.at("patch").get<Kji>();
    sampling.box = row.at("box").get<Kji>();
    MadeCase const made{row.at("size").get<Kji>()};
    PatchSampler const sampler{sampling, {stored(made.to_store())}};
    Kji least{1 << 20, 1 << 20, 1 << 20};
    Kji most{-1 << 20, -1 << 20, -1 << 20};
    for (std::uint64_t step = 0; step < 3000; ++step) {
      auto const place = sampler({7, step, 0});
      for (std::size_t d = 0; d < 3; ++d) {
        // Of the box: the patch lies in its middle.
        auto const corner = place.from[d] - sampling.box[d] / 2 + sampling.patch[d] / 2;
        least[d] = std::min(least[d], corner);
        most[d] = std::max(most[d], corner);
      }
    }
    EXPECT_EQ(least, row.at("least").get<Kji>());
    EXPECT_EQ(most, row.at("most").get<Kji>());
  }
}

}  // namespace
}  // namespace fovea
