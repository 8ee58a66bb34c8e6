#include "base/io/dicom_seg_write.hpp"

#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/io/made/source.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

struct SegwMade {
  ScratchFolder folder;
  ResultSource source;
  explicit SegwMade(
      int slices = 4, std::function<void(MadeSlice&, int)> const& change = [](auto&, int) {})
      : source(result_source(made_source(folder.path(), slices, change))) {}

  // Value 1 on one voxel of every second slice, value 3 on slice 1.
  LabelMap map(std::int64_t layers = 1) const {
    LabelMap out{Volume{source.grid, Type::u8, Unit::arbitrary, layers}};
    auto const plane = source.grid.size[0] * source.grid.size[1];
    auto const room = out.voxels.write<std::uint8_t>();
    for (std::int64_t k = 0; k < source.grid.size[2]; k += 2)
      room[static_cast<std::size_t>(k * plane + k + 1)] = 1;
    if (source.grid.size[2] > 1) room[static_cast<std::size_t>(plane + 7)] = 3;
    out.segments.push_back({.value = 1, .name = "Liver"});
    out.segments.push_back({.value = 3, .name = "left kidney"});
    return out;
  }
};

void segw_tilt(MadeSlice& slice, int k) {
  slice.at(-10, -20 + 0.8 * k, 30 + 2.5 * k);
}

std::string segw_refusal(std::function<void()> const& work) {
  try {
    work();
  } catch (Refusal const& refusal) {
    return std::string{refusal.code()};
  } catch (Error const&) {
    return "error";
  }
  return {};
}

TEST(DicomSegmentation, LiesWhereItsSlicesLie) {
  for (auto const tilted : {false, true}) {
    SegwMade const made{4, tilted ? segw_tilt : [](MadeSlice&, int) {}};
    auto const file = dicom_file(dicom_seg(made.map(), made.source));
    auto const scan = scan_dicom(file);
    auto const root = scan.root();
    EXPECT_EQ(root.text(Tag::sop_class), "1.2.840.10008.5.1.4.1.1.66.4");
    EXPECT_EQ(root.text(Tag::frame_of_reference), "1.2.9");
    EXPECT_EQ(root.text(Tag::study), "1.2");
    EXPECT_EQ(root.text(Tag{0x00080023}), "20240131");
    EXPECT_EQ(root.whole(Tag::frames), 3);
    auto const frames = root.items(Tag{0x52009230});
    ASSERT_EQ(frames.size(), 3U);
    std::size_t const slices[] = {0, 2, 1};
    std::int64_t const segments[] = {1, 1, 2};
    for (std::size_t i = 0; i < 3; ++i) {
      auto const place = frames[i].items(Tag{0x00209113}).at(0).numbers(Tag::position).value();
      auto const& image = made.source.images[slices[i]];
      EXPECT_TRUE(std::ranges::equal(place, *image.position));
      auto const derived = frames[i].items(Tag{0x00089124}).at(0);
      EXPECT_EQ(derived.items(Tag{0x00082112}).at(0).text(Tag{0x00081155}), image.sop);
      auto const segment = frames[i].items(Tag{0x0062000a}).at(0).whole(Tag{0x0062000b});
      EXPECT_EQ(segment, segments[i]);
    }
    // 24 pixels a frame: bit 1, bit 24 + 3, bit 48 + 7.
    ASSERT_EQ(scan.pixels().length, 10U);
    std::vector<unsigned> bytes;
    for (std::size_t i = 0; i < 10; ++i)
      bytes.push_back(std::to_integer<unsigned>(file[scan.pixels().at + i]));
    EXPECT_EQ(bytes, (std::vector<unsigned>{2, 0, 0, 8, 0, 0, 128, 0, 0, 0}));
  }
}

TEST(DicomSegmentation, HasTheSameBytesForTheSameMapAndAnotherUidForAnother) {
  SegwMade const made;
  auto const one = dicom_seg(made.map(), made.source);
  EXPECT_EQ(dicom_file(one), dicom_file(dicom_seg(made.map(), made.source)));
  auto changed = made.map();
  changed.voxels.write<std::uint8_t>()[20] = 1;
  auto renamed = made.map();
  renamed.segments[0].name = "Spleen";
  auto made_otherwise = made.map();
  made_otherwise.segments[1].provenance.hash = "12";
  for (auto const* other : {&changed, &renamed, &made_otherwise}) {
    auto const two = dicom_seg(*other, made.source);
    EXPECT_NE(one.text(attribute::sop_instance), two.text(attribute::sop_instance));
    EXPECT_NE(one.text(attribute::series), two.text(attribute::series));
  }
}

TEST(DicomSegmentation, KeepsFractionsOverlapsAndManyLabels) {
  SegwMade const made;
  LabelMap fraction{.voxels = Volume{made.source.grid, Type::f32, Unit::one},
                    .segments = {{.name = "Liver"}},
                    .fractional = true};
  fraction.voxels.write<float>()[3] = 0.5F;
  fraction.voxels.write<float>()[30] = 0.001F;  // rounds to nothing: no frame
  auto const file = dicom_file(dicom_seg(fraction, made.source));
  auto const scan = scan_dicom(file);
  EXPECT_EQ(scan.root().whole(Tag::frames), 1);
  EXPECT_EQ(file[scan.pixels().at + 3], std::byte{128});

  auto overlap = made.map(2);
  overlap.voxels.write_channel<std::uint8_t>(1)[1] = 1;  // where layer 0 has 1, too
  overlap.segments.push_back({.layer = 1, .value = 1, .name = "Spleen"});
  auto const both = dicom_seg(overlap, made.source);
  EXPECT_EQ(both.text(attribute::frames), "4");
  EXPECT_EQ(segw_refusal([&] { dicom_seg(overlap, made.source, {.labels = true}); }), "error");

  LabelMap many{Volume{made.source.grid, Type::u16}};
  for (int i = 0; i < 300; ++i)
    many.segments.push_back({.value = 1000 + i, .name = text("part ", i)});
  many.voxels.write<std::uint16_t>()[5] = 1299;
  auto const wide = dicom_file(dicom_seg(many, made.source, {.labels = true}));
  auto const labels = scan_dicom(wide);
  EXPECT_EQ(labels.root().whole(Tag::bits_allocated), 16);
  EXPECT_EQ(wide[labels.pixels().at + 10], std::byte{300 & 255});
  EXPECT_EQ(wide[labels.pixels().at + 11], std::byte{1});
}

TEST(DicomSegmentation, OfNothingFoundHasOneEmptyFrame) {
  SegwMade const made;
  LabelMap empty{Volume{made.source.grid, Type::u8}, {{.name = "tumour"}}};
  EXPECT_EQ(dicom_seg(empty, made.source).text(attribute::frames), "1");
  empty.segments.clear();
  EXPECT_EQ(segw_refusal([&] { dicom_seg(empty, made.source); }), "empty");
}

TEST(DicomSegmentation, IsNeverMisplaced) {
  SegwMade const made;
  auto const moved = [&](auto const& change) {
    auto map = made.map();
    auto grid = made.source.grid;
    change(grid);
    map.voxels = Volume{grid, Type::u8};
    return segw_refusal([&] { dicom_seg(map, made.source); });
  };
  EXPECT_EQ(moved([](Grid&) {}), "");
  EXPECT_EQ(moved([](Grid& grid) { grid.origin.mm[1] += 0.004; }), "");
  EXPECT_EQ(moved([](Grid& grid) { grid.origin.mm[1] += 0.006; }), "other-grid");
  EXPECT_EQ(moved([](Grid& grid) { grid.size[2] -= 1; }), "other-grid");
  EXPECT_EQ(moved([](Grid& grid) { grid.axes[2].mm[1] += 0.01; }), "other-grid");
  EXPECT_EQ(moved([](Grid& grid) { std::swap(grid.axes[0], grid.axes[1]); }), "other-grid");
  EXPECT_EQ(moved([](Grid& grid) { grid.axes[0].mm[0] = -grid.axes[0].mm[0]; }), "other-grid");
}

TEST(DicomSegmentation, IsRefusedWhereItsSourceHasNoTruePlace) {
  struct Case {
    char const* why;
    std::function<void(MadeSlice&, int)> change;
    char const* code;
  };
  Case const cases[] = {
      {"a gap", [](MadeSlice& s, int k) { s.at(0, 0, k > 1 ? k + 1 : k); }, "missing-slice"},
      {"no right angles", [](MadeSlice& s, int) { s.orientation = "1\\0\\0\\0.1\\1\\0"; },
       "not-orthogonal"},
      {"no frame of reference", [](MadeSlice& s, int) { s.frame_of_reference = ""; },
       "no-frame-of-reference"},
      {"another character set",
       [](MadeSlice& s, int) {
         s.more.emplace_back(Tag{0x00080005}, "ISO_IR 999");
         s.more.emplace_back(Tag{0x00100010}, "M\xfcller");
       },
       "unsupported-charset"}};
  for (auto const& one : cases) {
    SCOPED_TRACE(one.why);
    EXPECT_EQ(segw_refusal([&] {
                SegwMade const made{4, one.change};
                dicom_seg(made.map(), made.source);
              }),
              one.code);
  }
}

TEST(ResultSource, TakesWhoAndWhenFromTheSourceInUtf8) {
  SegwMade const made{2, [](MadeSlice& slice, int) {
                        slice.more.emplace_back(Tag{0x00080005}, "ISO_IR 100");
                        slice.more.emplace_back(Tag{0x00100010}, "M\xfcller^J\xf6rg");
                        slice.more.emplace_back(Tag{0x00120062}, "YES");
                      }};
  auto const& who = made.source.patient_and_study;
  EXPECT_EQ(who.text(attribute::patient_name), "Müller^Jörg");
  EXPECT_EQ(who.text(attribute::patient_id), "P1");
  EXPECT_EQ(who.text(attribute::make(0x00120063, "LO")), "not said by the source");
  EXPECT_NE(who.find(attribute::birth_date), nullptr);
  EXPECT_EQ(made.source.date, "20240131");
  EXPECT_EQ(made.source.time, "120000");
  EXPECT_EQ(made.source.images.size(), 2U);
}

}  // namespace
}  // namespace fovea
