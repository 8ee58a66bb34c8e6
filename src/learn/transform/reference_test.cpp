// Equal to OpenCV, PyTorch and SciPy: reference/make_reference.py names the versions.
#include "base/core/json.hpp"
#include "learn/transform/blur.hpp"
#include "learn/transform/resize.hpp"
#include "learn/transform/warp.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

Json const& reference() {
  static auto const json =
      read_json(FOVEA_SOURCE_DIR "/src/learn/transform/reference/reference.json");
  return json;
}

Volume reference_picture(Type type) {
  auto image = image2d(11, 9, type);
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    for (int n = 0; n < 99; ++n) {
      auto const x = n % 11;
      auto const y = n / 11;
      image.write<T>()[static_cast<std::size_t>(n)] =
          static_cast<T>((37 * x + 91 * y + 13 * x * y) % 251);
    }
  });
  return image;
}

void reference_expect(Volume const& got, Json const& row, double within) {
  auto const wanted = row.at("values").get<std::vector<double>>();
  auto const values = got.as<float>();
  ASSERT_EQ(values.size(), wanted.size());
  for (std::size_t n = 0; n < wanted.size(); ++n)
    EXPECT_NEAR(values[n], wanted[n], within) << "pixel " << n;
}

}  // namespace

TEST(Resize, EqualsOpenCvAndPyTorch) {
  ASSERT_GT(reference().at("resize").size(), 0U);
  for (auto const& row : reference().at("resize")) {
    for (auto const type : {Type::u8, Type::u16, Type::i16, Type::f32}) {
      SCOPED_TRACE(testing::Message() << row.at("method") << row.at("width") << name_of(type));
      auto const method = row.at("method") == "area"     ? Interpolation::area
                          : row.at("method") == "linear" ? Interpolation::linear
                                                         : Interpolation::cubic;
      Resize const resize{row.at("width"), row.at("height"), method};
      reference_expect(resize(reference_picture(type)), row, 1e-3);
    }
  }
}

TEST(Warp, EqualsPyTorchsGridSampleWithBorderPadding) {
  ASSERT_GT(reference().at("affine").size(), 0U);
  for (auto const& row : reference().at("affine")) {
    SCOPED_TRACE(testing::Message()
                 << row.at("degrees") << " degrees, scale " << row.at("scale"));
    Motion const motion{.degrees = row.at("degrees"),
                        .scale = row.at("scale"),
                        .right = row.at("right"),
                        .down = row.at("down"),
                        .shear = row.at("shear")};
    reference_expect(warped(reference_picture(Type::f32), map_of(motion, 11, 9)), row, 2e-3);
  }
}

TEST(Blur, EqualsSciPysGaussianFilter) {
  ASSERT_GT(reference().at("blur").size(), 0U);
  for (auto const& row : reference().at("blur")) {
    SCOPED_TRACE(testing::Message() << "sigma " << row.at("sigma"));
    reference_expect(blurred(reference_picture(Type::u8), row.at("sigma")), row, 1e-3);
  }
}

}  // namespace fovea
