#include "base/io/transform.hpp"

#include "base/core/refusal.hpp"
#include "base/io/formats.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fovea {
namespace {

fs::path transform_seed(std::string_view name) {
  return fs::path{FOVEA_SOURCE_DIR} / "tests" / "seeds" / "transform_fuzz" / name;
}

void transform_near(Point const& a, std::array<double, 3> const& b) {
  for (std::size_t axis = 0; axis < 3; ++axis) EXPECT_NEAR(a.mm[axis], b[axis], 1e-9);
}

// Files that SimpleITK 2.5.7 wrote, and where its TransformPoint takes (12.5, -7, 40).
TEST(Transform, TakesPointsWhereSimpleItkTakesThem) {
  struct Row {
    std::string_view file;
    std::array<double, 3> to;
  };
  for (auto const& [file, to] :
       {Row{"affine.tfm", {13.05, -5.3, 58.19}},
        Row{"euler.tfm", {8.051118910919147, -7.9425301394009935, 43.56336346841873}},
        Row{"euler_zyx.tfm", {8.07680443550369, -7.847617337439345, 43.57279738361563}},
        Row{"versor.tfm", {17.830709929026135, -10.734528067677903, 40.99887795196628}},
        Row{"translation.tfm", {14, -9, 43}},
        Row{"composite.tfm", {9.537355149007123, -6.989441939882827, 66.00604176164948}},
        Row{"identity.tfm", {12.5, -7, 40}}, Row{"plain.txt", {16.8, -2.25, 33}}}) {
    SCOPED_TRACE(file);
    auto const map = read_warp(transform_seed(file));
    transform_near(map({{12.5, -7, 40}}), to);
    auto const affine = affine_of(map);
    EXPECT_EQ(decode_affine(encode_affine(affine), "again"), affine);
  }
}

TEST(Transform, RefusesWhatItCannotRead) {
  struct Row {
    std::string words;
    std::string_view code;
  };
  std::string const head = "#Insight Transform File V1.0\n";
  for (auto const& [words, code] :
       {Row{"", "not-a-transform"}, Row{"hello", "not-a-transform"},
        Row{"1 2 3", "bad-transform"}, Row{"1 0 0 0 0 1 0 0 0 0 1 0 0 0 1 1", "bad-transform"},
        Row{"1 0 0 0 0 1 0 nan 0 0 1 0", "bad-transform"},
        Row{"1 0 0 0 0 1 0 x 0 0 1 0", "bad-transform"},
        Row{std::string(70'000, '1'), "too-large"}, Row{head, "unsupported-transform"},
        Row{head + "Transform: BSplineTransform_double_3_3\n", "unsupported-transform"},
        Row{head + "Transform: AffineTransform_double_2_2\n", "unsupported-transform"},
        Row{head + "Transform: AffineTransform_double_3_3\nParameters: 1 2\n", "bad-transform"},
        Row{head + "Parameters: 1 2\n", "bad-transform"},
        Row{head + "Transform: VersorRigid3DTransform_double_3_3\nParameters: 2 0 0 0 0 0\n"
                   "FixedParameters: 0 0 0\n",
            "bad-transform"},
        Row{head + "Transform: AffineTransform_double_3_3\nParameters: 1e308 1e308 1e308 "
                   "0 1 0 0 0 1 0 0 0\nFixedParameters: 9 9 9\n",
            "bad-transform"},
        Row{head + "Transform: TranslationTransform_double_3_3\nParameters: 1 2 3\n"
                   "Transform: TranslationTransform_double_3_3\nParameters: 1 2 3\n",
            "unsupported-transform"}}) {
    SCOPED_TRACE(words.substr(0, 100));
    try {
      decode_affine(words, "input");
      ADD_FAILURE() << "was taken";
    } catch (Refusal const& fault) {
      EXPECT_EQ(fault.code(), code);
    }
  }
}

TEST(Transform, ReadsAFieldOfDisplacements) {
  ScratchFolder const folder;
  auto const grid = upright({5, 4, 3}, {{2, 2, 2}}, {{1, 2, 3}});
  Volume mm{grid, Type::f32, Unit::arbitrary, 3};
  std::ranges::fill(mm.write_channel<float>(0), 1.5F);
  std::ranges::fill(mm.write_channel<float>(2), -2.0F);
  Point const inside{{4, 5, 6}};
  for (auto const* const name : {"a.nii.gz", "a.mha", "a.nrrd"}) {
    auto image = image_of(mm);
    image.intent = vector_intent;
    write_volume(folder.path() / name, image);
    SCOPED_TRACE(name);
    transform_near(read_warp(folder.path() / name)(inside), {5.5, 5, 4});
  }
  auto ras = image_of(mm);
  ras.more = {1, 3};
  ras.intent = displacement_intent;
  write_volume(folder.path() / "ras.nii", ras);
  transform_near(read_warp(folder.path() / "ras.nii")(inside), {2.5, 5, 4});
  write_volume(folder.path() / "ras.mha", read_volume(folder.path() / "ras.nii"));
  transform_near(read_warp(folder.path() / "ras.mha")(inside), {2.5, 5, 4});
  write_volume(folder.path() / "grey.mha", phantom(grid));
  EXPECT_THROW(read_warp(folder.path() / "grey.mha"), Error);
}

}  // namespace
}  // namespace fovea
