#include "base/io/mha.hpp"

#include "base/io/made/volumes.hpp"
#include "base/io/voxel_input.hpp"

namespace fovea {
namespace {

using MhaCodes = std::vector<std::string>;

TEST(Mha, ReadsEveryKindAsSimpleItkDoes) {
  int read = 0;
  for (auto const& row : volumes_expected()) {
    auto const file = volume_seeds("mha_fuzz") / row.file;
    if (!fs::exists(file)) continue;
    auto const image = read_mha(file);
    expect_volume(image, row);
    // Two axes have no place in a patient.
    EXPECT_EQ(codes_of(image), row.file == "flat.mha" ? MhaCodes{"no-position"} : MhaCodes{});
    ++read;
  }
  EXPECT_EQ(read, 16);
}

TEST(Mha, ReadsWhatItWroteForEveryTypeAndName) {
  for (auto const type : all_types) {
    for (auto const& name : {"x.mha", "X.MHD"}) {
      for (auto const packed : {false, true}) {
        SCOPED_TRACE(text(name_of(type), " ", name, " ", packed));
        ScratchFolder const folder;
        auto const image = made_image(type, made_sheared_grid());
        write_mha(folder.path() / name, image, {.packed = packed});
        auto const back = read_mha(folder.path() / name);
        expect_same(back, image);
        auto const got = volume_place(back.volume.grid());
        auto const wanted = volume_place(image.volume.grid());
        for (std::size_t a = 0; a < got.size(); ++a) EXPECT_DOUBLE_EQ(got[a], wanted[a]);
        EXPECT_EQ(codes_of(back), MhaCodes{});
      }
    }
  }
}

TEST(Mha, KeepsTimeVectorsAndWhatHasNoPlace) {
  auto const grid = upright({4, 3, 2}, {{0.7, 0.8, 2.5}});
  for (auto const placed : {true, false}) {
    for (auto image : {made_image(Type::i16, grid, {3}), made_image(Type::f32, grid, {1, 3}),
                       made_image(Type::f32, grid, {2, 3})}) {
      SCOPED_TRACE(text(volume_shape(image), placed ? " placed" : ""));
      if (image.volume.type() == Type::f32) image.intent = vector_intent;
      if (!placed) image.space = ImageSpace::none;
      image.step = 1.5;
      auto const back = decode_mha(encode_mha(image), "x");
      expect_same(back, image);
      EXPECT_EQ(volume_place(back.volume.grid()), volume_place(image.volume.grid()));
      EXPECT_EQ(back.step, image.more.front() > 1 ? 1.5 : 0);
    }
  }
  EXPECT_THROW(encode_mha(made_image(Type::u8, grid, {2, 2})), Error);
}

TEST(Mha, WritesTheSameBytesForTheSameImage) {
  auto const image = made_image(Type::i16, made_sheared_grid());
  EXPECT_EQ(encode_mha(image), encode_mha(image));
  ScratchFolder const folder;
  EXPECT_THROW(write_mha(folder.path() / "a.nrrd", image), Error);
}

// A good file of 2 x 3 x 2 voxels, as words that tests change.
std::string mha_good() {
  std::string out =
      "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
      "CompressedData = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\n"
      "AnatomicalOrientation = RAI\nElementSpacing = 0.5 0.5 2\nDimSize = 2 3 2\n"
      "ElementType = MET_SHORT\nElementDataFile = LOCAL\n";
  for (char i = 0; i < 24; ++i) out += i;
  return out;
}

ImageFile mha_with(std::string_view from, std::string_view to) {
  return decode_mha(bytes_of_words(exchanged(mha_good(), from, to)), "x");
}

std::string mha_code_of(Bytes const& bytes) {
  return refusal_of([&] { decode_mha(bytes, "x"); });
}

TEST(Mha, SaysWhatIsOdd) {
  EXPECT_EQ(codes_of(mha_with("RAI", "RAI")), MhaCodes{});
  EXPECT_EQ(codes_of(mha_with("RAI", "???")), MhaCodes{});
  EXPECT_EQ(codes_of(mha_with("RAI", "LPS")), MhaCodes{"orientation-differs"});
  EXPECT_EQ(codes_of(decode_mha(bytes_of_words(mha_good() + "more"), "x")),
            MhaCodes{"bytes-behind"});
  auto const unplaced = exchanged(exchanged(mha_good(), "Offset = 1 2 3\n", ""),
                                  "TransformMatrix = 1 0 0 0 1 0 0 0 1\n", "");
  auto const image = decode_mha(bytes_of_words(unplaced), "x");
  EXPECT_EQ(codes_of(image), MhaCodes{"no-position"});
  EXPECT_FALSE(image.placed());
  EXPECT_EQ(image.volume.grid().spacing().mm[2], 2);
}

TEST(Mha, ReadsOtherNamesOrdersAndTextAsOthersWriteThem) {
  EXPECT_EQ(mha_with("Offset", "Position").volume.grid().origin.mm[2], 3);
  EXPECT_EQ(mha_with("ElementSpacing", "ElementSize").volume.grid().spacing().mm[2], 2);
  EXPECT_EQ(mha_with("MSB = False", "MSB = True").volume.as<std::int16_t>()[1], 0x203);
  EXPECT_EQ(mha_with("DimSize", "HeaderSize = -1\nDimSize").volume.as<std::int16_t>()[1],
            0x302);
  auto words = exchanged(mha_good(), "BinaryData = True", "BinaryData = False");
  words = words.substr(0, words.find("LOCAL") + 6) + "1 2 3 4 5 6 7 8 9 10 11 -12\n";
  EXPECT_EQ(decode_mha(bytes_of_words(words), "x").volume.as<std::int16_t>()[11], -12);
  // The rows of the matrix are the axes.
  auto const turned = mha_with("1 0 0 0 1 0 0 0 1", "0 1 0 0 0 1 1 0 0");
  EXPECT_EQ(turned.volume.grid().axes[0].mm, (std::array<double, 3>{0, 0.5, 0}));
  EXPECT_EQ(turned.volume.grid().axes[2].mm, (std::array<double, 3>{2, 0, 0}));
}

TEST(Mha, RefusesWhatItCannotTrust) {
  struct Row {
    char const *from, *to, *code;
  };
  for (auto const& row : {
           Row{"ObjectType = Image", "P6", "not-mha"},
           Row{"ObjectType = Image", "ObjectType = Tube", "not-mha"},
           Row{"ObjectType = Image\n", "ObjectType = Image\nwords\n", "bad-header"},
           Row{"NDims = 3\n", "", "bad-header"},
           Row{"NDims = 3", "NDims = 3\nNDims = 2", "tag-twice"},
           Row{"NDims = 3", "NDims = 5", "bad-size"},
           Row{"NDims = 3", "NDims = 2", "bad-size"},
           Row{"NDims = 3", "NDims = -1", "bad-size"},
           Row{"DimSize = 2 3 2", "DimSize = 2 3 0", "bad-size"},
           Row{"DimSize = 2 3 2", "DimSize = 2 3 9999999999999", "bad-size"},
           Row{"DimSize = 2 3 2", "DimSize = 20000 30000 1000", "too-large"},
           Row{"DimSize = 2 3 2", "DimSize = 2 3 200", "truncated"},
           Row{"DimSize = 2 3 2", "DimSize = 2 3 2\nElementNumberOfChannels = 0", "bad-size"},
           Row{"MET_SHORT", "MET_STRING", "unsupported-type"},
           Row{"MET_SHORT", "", "unsupported-type"},
           Row{"CompressedData = False", "CompressedData = True", "damaged"},
           Row{"CompressedData = False", "CompressedData = Perhaps", "bad-header"},
           Row{"BinaryData = True", "BinaryData = False", "damaged"},
           Row{"1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 0", "bad-affine"},
           Row{"1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 0 x", "bad-affine"},
           Row{"1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 1 0", "bad-affine"},
           Row{"Offset = 1 2 3", "Offset = 1 2 nan", "bad-affine"},
           Row{"0.5 0.5 2", "0.5 0 2", "bad-spacing"},
           Row{"0.5 0.5 2", "0.5 2", "bad-spacing"},
           Row{"DimSize", "HeaderSize = -2\nDimSize", "bad-offset"},
           Row{"DimSize", "HeaderSize = 5\nDimSize", "bad-offset"},
           Row{"DimSize", "HeaderSize = 99999\nDimSize", "bad-offset"},
           Row{"LOCAL", "x.raw", "not-mha"},
           Row{"ElementDataFile = LOCAL\n", "", "bad-header"},
       }) {
    SCOPED_TRACE(row.to);
    EXPECT_EQ(refusal_of([&] { mha_with(row.from, row.to); }), row.code);
  }
}

TEST(Mha, RefusesFilesThatBreakOffAnywhere) {
  auto const good = encode_mha(made_image(Type::i16, made_sheared_grid()), {.packed = false});
  auto const packed = encode_mha(made_image(Type::i16, made_sheared_grid()));
  for (auto const& bytes : {good, packed}) {
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_NE(mha_code_of(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(size))),
                "was taken")
          << size << " of " << bytes.size();
  }
  auto flipped = packed;
  flipped[packed.size() - 2] ^= std::byte{1};  // in the checksum
  EXPECT_EQ(mha_code_of(flipped), "damaged");
}

TEST(Mha, RefusesZlibBombsByTheirHeader) {
  auto const image = image_of(Volume{upright({200, 200, 200}, {}), Type::u8});
  auto const bomb = encode_mha(image);
  EXPECT_LT(bomb.size(), 20'000U);
  EXPECT_EQ(refusal_of([&] { decode_mha(bomb, "x", {.bytes = 7'999'999}); }), "too-large");
  EXPECT_EQ(decode_mha(bomb, "x", {.bytes = 8'000'000}).volume.voxels(), 8'000'000);
}

TEST(Mha, TakesItsVoxelsOnlyFromTheSameFolder) {
  ScratchFolder const folder;
  auto const file = folder.path() / "in" / "x.mhd";
  make_folder(folder.path() / "in");
  write_file(folder.path() / "x.raw", std::string(24, 'x'));
  write_file(folder.path() / "in" / "x y.raw", std::string(24, 'x'));
  auto const code_of = [&](std::string_view named) {
    auto const words = mha_good();
    write_file(file, text(words.substr(0, words.find("LOCAL")), named, '\n'));
    return refusal_of([&] { read_mha(file); });
  };
  EXPECT_EQ(code_of("x y.raw"), "was taken");
  EXPECT_EQ(code_of("../x.raw"), "file-elsewhere");
  EXPECT_EQ(code_of((folder.path() / "x.raw").string()), "file-elsewhere");
  EXPECT_EQ(code_of(""), "file-elsewhere");
  EXPECT_EQ(code_of("LIST"), "several-files");
  EXPECT_EQ(code_of("LIST 2D\na.raw"), "several-files");
  EXPECT_EQ(code_of("x%03d.raw 1 2 1"), "several-files");
  EXPECT_NE(code_of("none.raw"), "was taken");
}

}  // namespace
}  // namespace fovea
