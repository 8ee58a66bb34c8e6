#include "base/io/dicom_pmap_write.hpp"

#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_sc_write.hpp"
#include "base/io/made/source.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace fovea {
namespace {

PmapWrite pmap_adc() {
  return {.unit = {"mm2/s", "UCUM", "mm2/s"},
          .quantity = {"113041", "DCM", "Apparent Diffusion Coefficient"}};
}

template <class T>
T pmap_value(Bytes const& file, DicomScan const& scan, std::size_t at) {
  T out{};
  std::memcpy(&out, file.data() + scan.pixels().at + at * sizeof(T), sizeof(T));
  return out;
}

TEST(ParametricMap, KeepsEveryValue) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  Volume narrow{source.grid, Type::f32};
  narrow.write<float>()[25] = 0.1F;
  auto const file = dicom_file(dicom_pmap(narrow, source, pmap_adc()));
  auto const scan = scan_dicom(file);
  EXPECT_EQ(scan.pixels().tag, Tag::float_pixels);
  EXPECT_EQ(pmap_value<float>(file, scan, 25), 0.1F);
  EXPECT_EQ(scan.root().whole(Tag::frames), 4);

  Volume wide{source.grid, Type::i32};
  wide.write<std::int32_t>()[5] = 123'456'789;
  auto const deep = dicom_file(dicom_pmap(wide, source, pmap_adc()));
  auto const doubles = scan_dicom(deep);
  EXPECT_EQ(doubles.pixels().tag, Tag::double_pixels);
  EXPECT_EQ(pmap_value<double>(deep, doubles, 5), 123'456'789);
}

TEST(ParametricMap, HasTheSameBytesForTheSameValuesAndAnotherUidForOthers) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  Volume const one{source.grid, Type::f32};
  Volume two{source.grid, Type::f32};
  EXPECT_EQ(dicom_file(dicom_pmap(one, source, pmap_adc())),
            dicom_file(dicom_pmap(two, source, pmap_adc())));
  two.write<float>()[95] = std::numeric_limits<float>::denorm_min();
  EXPECT_NE(dicom_pmap(one, source, pmap_adc()).text(attribute::sop_instance),
            dicom_pmap(two, source, pmap_adc()).text(attribute::sop_instance));
}

TEST(ParametricMap, IsRefusedWithoutAPlaceAFiniteValueOrAMeaning) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  Volume bad{source.grid, Type::f32};
  bad.write<float>()[1] = std::nanf("");
  EXPECT_THROW(dicom_pmap(bad, source, pmap_adc()), Refusal);
  auto grid = source.grid;
  grid.origin.mm[0] += 1;
  EXPECT_THROW(dicom_pmap(Volume{grid, Type::f32}, source, pmap_adc()), Refusal);
  EXPECT_THROW(dicom_pmap(Volume{source.grid, Type::f32}, source, {}), Error);
  EXPECT_THROW(dicom_pmap(Volume{source.grid, Type::i64}, source, pmap_adc()), Error);
  EXPECT_THROW(dicom_pmap(Volume{source.grid, Type::f32, Unit::one, 2}, source, pmap_adc()),
               Error);
}

TEST(SecondaryCapture, HoldsThePictureAndSaysWhereItIsFrom) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  auto picture = image2d(3, 2, Type::u8, 3);
  picture.write_channel<std::uint8_t>(1)[4] = 77;  // green of the second row's second pixel
  ScWrite options;
  options.made_by.name = "organs";
  auto const file = dicom_file(dicom_sc(picture, source, options));
  auto const scan = scan_dicom(file);
  // Widened for the words below it.
  EXPECT_EQ(file[scan.pixels().at + 3 * (160 + 1) + 1], std::byte{77});
  options.words = false;
  auto const bare = dicom_file(dicom_sc(picture, source, options));
  EXPECT_EQ(bare[scan_dicom(bare).pixels().at + 13], std::byte{77});
  EXPECT_EQ(scan.root().text(Tag::photometric), "RGB");
  EXPECT_EQ(scan.root().find(Tag::position), nullptr);
  EXPECT_EQ(scan.root().find(Tag::frame_of_reference), nullptr);
  EXPECT_NE(scan.root().text(Tag{0x00082111}).find("Made by organs from 4 images"),
            std::string::npos);
  EXPECT_EQ(scan.root().items(Tag{0x00082112}).size(), 4U);
  EXPECT_THROW(dicom_sc(image2d(3, 2, Type::u16, 3), source), Error);
  EXPECT_THROW(dicom_sc(image2d(3, 2, Type::f32), source), Error);
}

}  // namespace
}  // namespace fovea
