#include "base/io/formats.hpp"

#include "base/io/made/volumes.hpp"
#include "base/io/nifti.hpp"
#include "base/io/npy.hpp"
#include "base/io/picture.hpp"

namespace fovea {
namespace {

// The endings of the formats that keep all of an image.
std::vector<std::string> formats_of_volumes() {
  return {"x.nii", "x.nii.gz", "x.hdr", "x.nrrd", "x.nhdr", "x.mha", "x.mhd"};
}

TEST(EveryFormat, OfVolumesKeepsAnImageOfEveryType) {
  auto grid = upright({4, 3, 2}, {{0.75, 0.5, 2}}, {{1.5, -2.25, 8}});
  for (auto const& name : formats_of_volumes()) {
    for (auto const type : all_types) {
      SCOPED_TRACE(text(name, " ", name_of(type)));
      ScratchFolder const folder;
      auto const image = made_image(type, grid);
      write_volume(folder.path() / name, image);
      auto const back = read_volume(folder.path() / name);
      expect_same(back, image);
      EXPECT_EQ(volume_place(back.volume.grid()), volume_place(grid));
      EXPECT_EQ(codes_of(back), std::vector<std::string>{});
    }
  }
}

TEST(EveryFormat, OfVolumesKeepsVectorsChannelsAndWhatHasNoPlace) {
  auto const grid = upright({4, 3, 2}, {{0.75, 0.5, 2}});
  auto vector = made_image(Type::f32, grid, {1, 3});
  vector.intent = vector_intent;
  auto unplaced = made_image(Type::i16, grid);
  unplaced.space = ImageSpace::none;
  for (auto const& name : formats_of_volumes()) {
    for (auto const& image : {vector, unplaced, made_image(Type::i16, grid, {5})}) {
      SCOPED_TRACE(text(name, " ", volume_shape(image)));
      ScratchFolder const folder;
      write_volume(folder.path() / name, image);
      expect_same(read_volume(folder.path() / name), image);
    }
  }
}

TEST(EveryFormat, HasDisplacementsInItsOwnAxes) {
  // NIfTI's are in RAS, all others' in LPS: x and y change their sign on the way and back.
  auto image = made_image(Type::f32, upright({4, 3, 2}, {{0.75, 0.5, 2}}), {1, 3});
  image.intent = displacement_intent;
  for (auto const& name : formats_of_volumes()) {
    SCOPED_TRACE(name);
    ScratchFolder const folder;
    write_volume(folder.path() / name, image);
    auto const back = read_volume(folder.path() / name);
    auto const same = back.intent == displacement_intent;
    EXPECT_EQ(same, named_as_nifti(name));
    EXPECT_TRUE(same || back.intent == vector_intent);
    for (std::int64_t c = 0; c < 3; ++c) {
      auto const sign = same || c == 2 ? 1.0F : -1.0F;
      for (std::size_t n = 0; n < 24; ++n)
        ASSERT_EQ(back.volume.channel<float>(c)[n], sign * image.volume.channel<float>(c)[n]);
    }
  }
}

TEST(EveryFormat, IsToldByItsFirstBytesWhateverItsName) {
  ScratchFolder const folder;
  auto const image = made_image(Type::u8, upright({4, 3, 1}, {}));
  for (auto const& row : formats()) {
    if (row.write == nullptr) continue;
    SCOPED_TRACE(row.name);
    auto const ending = row.name == "NIfTI" ? ".nii" : split(row.endings, ' ')[0];
    auto const file = folder.path() / ("x" + ending);
    write_volume(file, image);
    auto const own = read_volume(file);
    EXPECT_EQ(volume_hash(own.volume), volume_hash(image.volume));
    auto const other = folder.path() / (row.name == "MetaImage" ? "x.gif" : "y.mhd");
    fs::copy_file(file, other, fs::copy_options::overwrite_existing);
    auto const renamed = read_volume(other);
    EXPECT_EQ(volume_hash(renamed.volume), volume_hash(image.volume));
    EXPECT_EQ(renamed.notes.back().code, "other-format");
    fs::rename(other, folder.path() / "without_ending");
    EXPECT_EQ(codes_of(read_volume(folder.path() / "without_ending")), codes_of(own));
  }
}

TEST(Formats, ReadsArraysWithTheLastAxisAsI) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.npy";
  auto const image = made_image(Type::i16, upright({4, 3, 2}, {}), {5});
  write_volume(file, image);
  auto const array = decode_npy(read_file(file, 1 << 20), "x");
  EXPECT_EQ(array.shape, (std::vector<std::int64_t>{5, 2, 3, 4}));
  auto const back = read_volume(file);
  EXPECT_FALSE(back.placed());
  EXPECT_EQ(back.volume.grid().size, image.volume.grid().size);
  EXPECT_EQ(back.more, image.more);
  EXPECT_EQ(volume_hash(back.volume), volume_hash(image.volume));
  Array line{.shape = {3}, .type = Type::u8, .bytes = image.volume.bytes()};
  write_npy(file, line);
  EXPECT_EQ(refusal_of([&] { read_volume(file); }), "bad-size");
}

TEST(Formats, ReadsPicturesWithoutAPlace) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.png";
  auto const picture = made_image(Type::u8, upright({4, 3, 1}, {}), {}, 3);
  write_volume(file, picture);
  auto const back = read_volume(file);
  EXPECT_TRUE(back.colour);
  EXPECT_EQ(codes_of(back), (std::vector<std::string>{"no-position", "resolution"}));
  EXPECT_EQ(volume_hash(back.volume), volume_hash(picture.volume));
  EXPECT_THROW(write_volume(file, phantom()), Error);
}

TEST(Formats, WritesColoursOfOtherTypesIntoNiftiAsAVector) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.nii.gz";
  auto const image = made_image(Type::u16, upright({4, 3, 2}, {}), {2}, 3);
  write_volume(file, image);
  auto const back = read_volume(file);
  EXPECT_EQ(back.more, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(back.intent, 2003);
  // Green of the second volume: colours were the fastest channels and are the slowest.
  EXPECT_TRUE(std::ranges::equal(back.volume.channel<std::uint16_t>(3),
                                 image.volume.channel<std::uint16_t>(4)));
}

std::string formats_fault(std::function<void()> const& work) {
  try {
    work();
  } catch (Error const& fault) {
    return text(static_cast<int>(fault.fault()), ' ', fault.what());
  }
  return "was taken";
}

TEST(Formats, NamesTheNearestEndingThatIsKnown) {
  ScratchFolder const folder;
  auto const written = formats_fault([&] { write_volume(folder.path() / "x.nrd", phantom()); });
  EXPECT_TRUE(written.starts_with("2 ")) << written;
  EXPECT_NE(written.find("did you mean '.nrrd'?"), std::string::npos) << written;
  EXPECT_TRUE(formats_fault([&] {
                write_volume(folder.path() / "x.gif", phantom());
              }).starts_with("2 "));
  write_file(folder.path() / "x.txt", std::string_view{"words"});
  EXPECT_TRUE(formats_fault([&] { read_volume(folder.path() / "x.txt"); }).starts_with("2 "));
  write_file(folder.path() / "x.nrrd", std::string_view{"words"});
  EXPECT_EQ(refusal_of([&] { read_volume(folder.path() / "x.nrrd"); }), "not-nrrd");
  write_file(folder.path() / "x.dcm", std::string(128, '\0') + "DICM");
  auto const dicom = formats_fault([&] { read_volume(folder.path() / "x.dcm"); });
  EXPECT_NE(dicom.find("folder of its series"), std::string::npos) << dicom;
  EXPECT_TRUE(
      formats_fault([&] { read_volume(folder.path() / "none.nii"); }).starts_with("3 "));
}

void formats_expect_head(ImageHead const& head, ImageFile const& image) {
  EXPECT_EQ(volume_place(head.grid), volume_place(image.volume.grid()));
  EXPECT_EQ(head.grid.size, image.volume.grid().size);
  EXPECT_EQ(head.type, image.volume.type());
  EXPECT_EQ(head.channels, image.volume.channels());
  EXPECT_EQ(head.space, image.space);
  std::vector<std::string> said, read;
  for (auto const& note : head.notes) said.emplace_back(note.code);
  for (auto const& note : image.notes) read.emplace_back(note.code);
  EXPECT_EQ(said, read);
}

// Files that others wrote, of every kind that is read.
TEST(EveryFormat, SaysByItsHeaderWhatReadingFinds) {
  int compared = 0;
  for (auto const* const name : {"nifti_fuzz", "nrrd_fuzz", "mha_fuzz"}) {
    auto const folder = fs::path{FOVEA_SOURCE_DIR} / "tests/seeds" / name;
    for (auto const& entry : fs::directory_iterator{folder}) {
      SCOPED_TRACE(entry.path().string());
      std::optional<ImageFile> image;
      try {
        image = read_volume(entry.path());
      } catch (Error const&) {
        continue;
      }
      formats_expect_head(look_volume(entry.path()), *image);
      ++compared;
    }
  }
  EXPECT_GT(compared, 60);
}

TEST(EveryFormat, RefusesByItsHeaderWhatIsShortUnlessItIsPacked) {
  auto const grid = upright({40, 30, 20}, {});
  for (std::string const name : {"x.nii", "x.hdr", "x.nhdr", "x.mhd", "x.nii.gz", "x.nrrd"}) {
    SCOPED_TRACE(name);
    ScratchFolder const folder;
    auto const file = folder.path() / name;
    auto const packed = name.ends_with(".nii.gz") || name == "x.nrrd";
    write_volume(file, made_image(Type::i16, grid), {.packed = packed});
    auto voxels = file;
    if (name == "x.hdr") voxels.replace_extension(".img");
    if (name == "x.nhdr" || name == "x.mhd") voxels.replace_extension(".raw");
    ASSERT_TRUE(fs::exists(voxels));
    fs::resize_file(voxels, fs::file_size(voxels) - 100);
    EXPECT_EQ(refusal_of([&] { look_volume(file); }), packed ? refusal_of([] {}) : "truncated");
    EXPECT_EQ(refusal_of([&] { read_volume(file); }), packed ? "damaged" : "truncated");
  }
}

}  // namespace
}  // namespace fovea
