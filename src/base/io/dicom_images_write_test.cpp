#include "base/io/dicom_images_write.hpp"

#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/io/made/source.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace fovea {
namespace {

DicomSeries images_reread(DicomImages const& images, fs::path const& folder) {
  std::vector<fs::path> files;
  for (std::size_t k = 0; k < images.count(); ++k) {
    files.push_back(folder / text("new-", k, ".dcm"));
    write_dicom(files.back(), images(k));
  }
  return find_series(files, 1).series.at(0);
}

void images_fill(Volume& volume, double scale) {
  with_type(volume.type(), [&](auto zero) {
    using T = decltype(zero);
    auto at = 0;
    for (auto& value : volume.write<T>()) value = static_cast<T>(scale * (at++ % 50 - 20));
  });
}

TEST(DicomImages, ComeBackFromTheGateAsTheyWere) {
  for (auto const tilt : {0.0, 0.8}) {
    for (auto const with_source : {false, true}) {
      SCOPED_TRACE(text("tilt ", tilt, ", source ", with_source));
      ScratchFolder const folder;
      auto const series = made_source(folder.path(), 4, [&](MadeSlice& slice, int k) {
        slice.at(-10, -20 + tilt * k, 30 + 2.5 * k);
      });
      auto const source = result_source(series);
      auto const volume = load_series(series);
      DicomImages const images{volume, with_source ? &source : nullptr};
      auto const again = images_reread(images, folder.path());
      EXPECT_NE(again.verdict, Verdict::refused);
      EXPECT_TRUE(same_grid(again.grid, series.grid));
      EXPECT_EQ(again.modality, with_source ? "CT" : "OT");
      auto const loaded = load_series(again);
      EXPECT_EQ(loaded.unit(), with_source ? Unit::hounsfield : Unit::arbitrary);
      EXPECT_TRUE(std::ranges::equal(loaded.as<std::int16_t>(), volume.as<std::int16_t>()));
      EXPECT_EQ(again.slices[0].head->study == source.study, with_source);
    }
  }
}

TEST(DicomImages, HoldWholeNumbersOfAnyTypeWhere16BitsDo) {
  struct Case {
    char const* why;
    Type type;
    double scale;
    bool good;
  };
  Case const cases[] = {{"small", Type::i8, 1, true},
                        {"signed", Type::i32, 1000, true},
                        {"wide", Type::i32, 4000, false},
                        {"whole floats", Type::f32, 7, true},
                        {"fractions", Type::f32, 0.5, false}};
  for (auto const& one : cases) {
    SCOPED_TRACE(one.why);
    ScratchFolder const folder;
    auto const source = result_source(made_source(folder.path()));
    Volume volume{source.grid, one.type};
    images_fill(volume, one.scale);
    if (!one.good) {
      EXPECT_THROW((DicomImages{volume, &source}), Refusal);
      continue;
    }
    auto const loaded = load_series(images_reread(DicomImages{volume, &source}, folder.path()));
    with_type(volume.type(), [&](auto zero) {
      using T = decltype(zero);
      with_type(loaded.type(), [&](auto other) {
        using U = decltype(other);
        EXPECT_TRUE(std::ranges::equal(volume.as<T>(), loaded.as<U>(), [](T a, U b) {
          return static_cast<double>(a) == static_cast<double>(b);
        }));
      });
    });
  }
}

TEST(DicomImages, UseAnInterceptForNumbersFarFromZero) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  Volume volume{source.grid, Type::i32};
  for (auto& value : volume.write<std::int32_t>()) value = 1'000'000;
  volume.write<std::int32_t>()[0] = 1'065'535;
  auto const loaded = load_series(images_reread(DicomImages{volume, &source}, folder.path()));
  EXPECT_TRUE(std::ranges::equal(volume.as<std::int32_t>(), loaded.as<std::int32_t>()));
}

TEST(DicomImages, RoundOnlyWhereItWasAskedFor) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  Volume volume{source.grid, Type::f32};
  images_fill(volume, 0.377);
  ImagesWrite options;
  options.round_to = 0.25;
  auto const loaded =
      load_series(images_reread(DicomImages{volume, &source, options}, folder.path()));
  auto const in = volume.as<float>();
  auto const out = loaded.as<float>();
  for (std::size_t i = 0; i < in.size(); ++i) EXPECT_LE(std::abs(in[i] - out[i]), 0.125F);
  for (auto const senseless : {0.0, -1.0, 1.0 / 3}) {
    options.round_to = senseless;
    EXPECT_THROW((DicomImages{volume, &source, options}), Error);
  }
}

TEST(DicomImages, HaveUidsOfTheirContent) {
  ScratchFolder const folder;
  auto const series = made_source(folder.path());
  auto const source = result_source(series);
  Volume volume{source.grid, Type::i16};
  auto const series_of_all = [&](ResultSource const* from) {
    return DicomImages{volume, from}(0).text(attribute::series);
  };
  DicomImages const images{volume, &source};
  EXPECT_EQ(dicom_file(images(2)), dicom_file(DicomImages{volume, &source}(2)));
  std::set<std::string> uids{images(0).text(attribute::series)};
  for (std::size_t k = 0; k < images.count(); ++k)
    uids.insert(images(k).text(attribute::sop_instance));
  EXPECT_EQ(uids.size(), 5U);
  EXPECT_NE(series_of_all(nullptr), series_of_all(&source));
  auto const before = series_of_all(&source);
  volume.write<std::int16_t>()[90] = 1;  // of the last slice
  EXPECT_NE(series_of_all(&source), before);
}

TEST(DicomImages, OnAnotherGridReferToAllImages) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  auto grid = source.grid;
  grid.origin.mm[2] += 1;
  auto const file = dicom_file(DicomImages{Volume{grid, Type::u8}, &source}(1));
  auto const scan = scan_dicom(file);
  EXPECT_EQ(scan.root().items(Tag{0x00082112}).size(), 4U);
  EXPECT_EQ(scan.root().numbers(Tag::position)->at(2), 33.5);
  std::swap(grid.axes[1].mm[0], grid.axes[1].mm[1]);
  EXPECT_THROW((DicomImages{Volume{grid, Type::u8}, &source}), Refusal);
}

}  // namespace
}  // namespace fovea
