#include "base/io/nrrd.hpp"

#include "base/io/made/volumes.hpp"
#include "base/io/voxel_input.hpp"

namespace fovea {
namespace {

using NrrdCodes = std::vector<std::string>;

TEST(Nrrd, ReadsEveryKindAsSimpleItkDoes) {
  int read = 0;
  for (auto const& row : volumes_expected()) {
    auto const file = volume_seeds("nrrd_fuzz") / row.file;
    if (!fs::exists(file)) continue;
    expect_volume(read_nrrd(file), row);
    ++read;
  }
  EXPECT_EQ(read, 34);
}

TEST(Nrrd, SaysWhichOfThemAreNotPlaced) {
  NrrdCodes unplaced;
  for (auto const& file : fs::directory_iterator{volume_seeds("nrrd_fuzz")}) {
    auto const name = file.path().filename().string();
    if (!name.ends_with(".nrrd") && !name.ends_with(".nhdr")) continue;
    auto const image = read_nrrd(file.path());
    if (!image.placed()) unplaced.push_back(name);
  }
  std::ranges::sort(unplaced);
  // Time and flat: SimpleITK names no space where there are not three axes.
  EXPECT_EQ(unplaced, (NrrdCodes{"flat.nrrd", "scanner.nrrd", "spacings.nrrd", "time.nrrd"}));
  auto const folder = volume_seeds("nrrd_fuzz");
  EXPECT_EQ(read_nrrd(folder / "time.nrrd").step, 2.5);
  EXPECT_TRUE(read_nrrd(folder / "colour.nrrd").colour);
  EXPECT_EQ(read_nrrd(folder / "vector.nrrd").intent, vector_intent);
  EXPECT_EQ(read_nrrd(folder / "vector_last.nrrd").more, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(read_nrrd(folder / "list_first.nrrd").more, std::vector<std::int64_t>{4});
}

TEST(Nrrd, ReadsWhatItWroteForEveryTypeAndName) {
  for (auto const type : all_types) {
    for (auto const& name : {"x.nrrd", "X.NHDR"}) {
      for (auto const packed : {false, true}) {
        SCOPED_TRACE(text(name_of(type), " ", name, " ", packed));
        ScratchFolder const folder;
        auto const image = made_image(type, made_sheared_grid());
        write_nrrd(folder.path() / name, image, {.packed = packed});
        auto const back = read_nrrd(folder.path() / name);
        expect_same(back, image);
        EXPECT_EQ(volume_place(back.volume.grid()), volume_place(image.volume.grid()));
        EXPECT_EQ(codes_of(back), NrrdCodes{});
      }
    }
  }
}

TEST(Nrrd, KeepsTimeVectorsColoursAndWhatHasNoPlace) {
  auto const grid = upright({4, 3, 2}, {{0.7, 0.8, 2.5}});
  for (auto const placed : {true, false}) {
    for (auto image :
         {made_image(Type::i16, grid, {3}), made_image(Type::i16, grid, {3, 2}),
          made_image(Type::f32, grid, {1, 3}), made_image(Type::f32, grid, {2, 3}),
          made_image(Type::u8, grid, {}, 3), made_image(Type::u16, grid, {2}, 4)}) {
      SCOPED_TRACE(text(volume_shape(image), placed ? " placed" : ""));
      if (image.volume.type() == Type::f32) image.intent = vector_intent;
      if (!placed) image.space = ImageSpace::none;
      image.step = 1.5;
      image.step_unit = 16;
      auto const back = decode_nrrd(encode_nrrd(image), "x");
      expect_same(back, image);
      EXPECT_EQ(volume_place(back.volume.grid()), volume_place(image.volume.grid()));
      if (image.more.size() == 1) {
        EXPECT_EQ(back.step, 1.5);
        EXPECT_EQ(back.step_unit, 16);
      }
    }
  }
}

TEST(Nrrd, WritesTheSameBytesForTheSameImage) {
  auto const image = made_image(Type::i16, made_sheared_grid());
  EXPECT_EQ(encode_nrrd(image), encode_nrrd(image));
  ScratchFolder const folder;
  EXPECT_THROW(write_nrrd(folder.path() / "a.mha", image), Error);
}

// A good file of 2 x 3 x 2 voxels, as words that tests change.
std::string nrrd_good() {
  std::string out =
      "NRRD0005\n# words\ntype: short\ndimension: 3\nspace: left-posterior-superior\n"
      "sizes: 2 3 2\nspace directions: (0.5,0,0) (0,0.5,0) (0,0,2)\nkinds: domain domain "
      "domain\nendian: little\nencoding: raw\nspace origin: (1,2,3)\n\n";
  for (char i = 0; i < 24; ++i) out += i;
  return out;
}

ImageFile nrrd_with(std::string_view from, std::string_view to) {
  return decode_nrrd(bytes_of_words(exchanged(nrrd_good(), from, to)), "x");
}

std::string nrrd_code_of(Bytes const& bytes) {
  return refusal_of([&] { decode_nrrd(bytes, "x"); });
}

TEST(Nrrd, SaysWhatIsOdd) {
  EXPECT_EQ(codes_of(nrrd_with("short", "short")), NrrdCodes{});
  EXPECT_EQ(codes_of(nrrd_with("endian", "key:=value\nendian")), NrrdCodes{"keys-left"});
  EXPECT_EQ(codes_of(nrrd_with("endian", "colour: green\nendian")), NrrdCodes{"unknown-field"});
  EXPECT_EQ(codes_of(nrrd_with("endian", "measurement frame: (1,0,0) (0,1,0) (0,0,1)\nendian")),
            NrrdCodes{"measurement-frame"});
  EXPECT_EQ(codes_of(nrrd_with("space origin: (1,2,3)\n", "")), NrrdCodes{"no-position"});
  EXPECT_EQ(codes_of(nrrd_with("left-posterior-superior", "3D-right-handed")),
            NrrdCodes{"no-position"});
  EXPECT_EQ(codes_of(nrrd_with("endian", "space units: \"ell\" \"ell\" \"ell\"\nendian")),
            NrrdCodes{"unknown-unit"});
  EXPECT_EQ(codes_of(decode_nrrd(bytes_of_words(nrrd_good() + "more"), "x")),
            NrrdCodes{"bytes-behind"});
}

TEST(Nrrd, ReadsUnitsNamesAndEndsOfLinesAsOthersWriteThem) {
  EXPECT_EQ(nrrd_with("endian", "space units: \"cm\" \"cm\" \"cm\"\nendian")
                .volume.grid()
                .spacing()
                .mm[2],
            20);
  EXPECT_EQ(nrrd_with("left-posterior-superior", "RAS").volume.grid().origin.mm,
            (std::array<double, 3>{-1, -2, 3}));
  EXPECT_EQ(nrrd_with("left-posterior-superior", "las").volume.grid().origin.mm,
            (std::array<double, 3>{1, -2, 3}));
  std::string windows;
  auto const good = nrrd_good();
  auto const end = good.find("\n\n") + 2;
  for (auto const letter : good.substr(0, end))
    windows += letter == '\n' ? "\r\n" : std::string{letter};
  auto const image = decode_nrrd(bytes_of_words(windows + good.substr(end)), "x");
  expect_same(image, nrrd_with("short", "short"));
  EXPECT_EQ(nrrd_with("endian", "BYTE SKIP: -1\nendian").volume.as<std::int16_t>()[1], 0x302);
}

TEST(Nrrd, TakesAVectorOfOneForAnAxisOfOne) {
  auto words = exchanged(nrrd_good(), "dimension: 3", "dimension: 4");
  words = exchanged(words, "sizes: 2 3 2", "sizes: 1 2 3 2");
  words = exchanged(words, "directions:", "directions: none");
  words = exchanged(words, "kinds:", "kinds: vector");
  auto const image = decode_nrrd(bytes_of_words(words), "x");
  EXPECT_EQ(image.intent, 0);
  EXPECT_EQ(image.more, std::vector<std::int64_t>{1});
  expect_same(decode_nrrd(encode_nrrd(image), "x"), image);
}

TEST(Nrrd, GivesASingleSliceInSpaceAThickness) {
  auto words = exchanged(nrrd_good(), "dimension: 3", "dimension: 2");
  words = exchanged(words, "sizes: 2 3 2", "sizes: 2 6");
  words = exchanged(words, " (0,0,2)", "");
  words = exchanged(words, "kinds: domain domain domain", "kinds: domain domain");
  auto const image = decode_nrrd(bytes_of_words(words), "x");
  EXPECT_EQ(codes_of(image), NrrdCodes{"no-thickness"});
  EXPECT_EQ(image.volume.grid().axes[2].mm, (std::array<double, 3>{0, 0, 1}));
  EXPECT_TRUE(image.placed());
}

TEST(Nrrd, RefusesWhatItCannotTrust) {
  struct Row {
    char const *from, *to, *code;
  };
  for (auto const& row : {
           Row{"NRRD0005", "NRRD0009", "not-nrrd"},
           Row{"NRRD0005", "P6", "not-nrrd"},
           Row{"type: short", "type: block", "unsupported-type"},
           Row{"type: short", "type: ", "unsupported-type"},
           Row{"type: short\n", "", "bad-header"},
           Row{"type: short", "nothing", "bad-header"},
           Row{"type: short", "type: short\ntype: short", "tag-twice"},
           Row{"kinds: domain domain domain", "kinds: complex domain domain",
               "unsupported-type"},
           Row{"kinds: domain domain domain", "kinds: domain", "bad-header"},
           Row{"raw", "hex", "unsupported-encoding"},
           Row{"raw", "bzip2", "unsupported-encoding"},
           Row{"raw", "gzip", "damaged"},
           Row{"raw", "ascii", "damaged"},
           Row{"endian: little\n", "", "bad-header"},
           Row{"little", "middle", "bad-header"},
           Row{"sizes: 2 3 2", "sizes: 2 3 0", "bad-size"},
           Row{"sizes: 2 3 2", "sizes: 2 3 -2", "bad-size"},
           Row{"sizes: 2 3 2", "sizes: 2 3", "bad-size"},
           Row{"sizes: 2 3 2", "sizes: 2 3 9999999999999", "bad-size"},
           Row{"sizes: 2 3 2", "sizes: 20000 30000 1000", "too-large"},
           Row{"sizes: 2 3 2", "sizes: 2 3 200", "truncated"},
           Row{"dimension: 3", "dimension: 17", "bad-size"},
           Row{"dimension: 3", "dimension: x", "bad-size"},
           Row{"(0,0,2)", "(0,0.5,0)", "bad-affine"},
           Row{"(0,0,2)", "(0,0,0)", "bad-affine"},
           Row{"(0,0,2)", "(0,0,nan)", "bad-affine"},
           Row{"(0,0,2)", "(0,0,1e400)", "bad-affine"},
           Row{"(0,0,2)", "(0,2)", "bad-header"},
           Row{"(0,0,2)", "(0,0,2", "bad-header"},
           Row{"(1,2,3)", "none", "bad-header"},
           Row{"endian", "byte skip: 5\nendian", "truncated"},
           Row{"endian", "byte skip: -2\nendian", "bad-offset"},
           Row{"endian", "line skip: -1\nendian", "bad-offset"},
           Row{"endian", "line skip: 900\nendian", "bad-offset"},
           Row{"endian", "data file: x.raw\nendian", "not-nrrd"},
       }) {
    SCOPED_TRACE(row.to);
    EXPECT_EQ(refusal_of([&] { nrrd_with(row.from, row.to); }), row.code);
  }
  auto const plain = exchanged(nrrd_good(), "space: left-posterior-superior\n", "");
  auto const spaced =
      exchanged(plain, "space directions: (0.5,0,0) (0,0.5,0) (0,0,2)", "spacings: 1 0 1");
  EXPECT_EQ(nrrd_code_of(bytes_of_words(spaced)), "bad-spacing");
}

TEST(Nrrd, RefusesFilesThatBreakOffAnywhere) {
  auto const good = encode_nrrd(made_image(Type::i16, made_sheared_grid()), {.packed = false});
  auto const packed = encode_nrrd(made_image(Type::i16, made_sheared_grid()));
  for (auto const& bytes : {good, packed}) {
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_NE(nrrd_code_of(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(size))),
                "was taken")
          << size << " of " << bytes.size();
  }
  auto flipped = packed;
  flipped[packed.size() - 6] ^= std::byte{1};  // in the checksum
  EXPECT_EQ(nrrd_code_of(flipped), "damaged");
}

TEST(Nrrd, RefusesGzipBombsByTheirHeader) {
  auto const image = image_of(Volume{upright({200, 200, 200}, {}), Type::u8});
  auto const bomb = encode_nrrd(image);
  EXPECT_LT(bomb.size(), 20'000U);
  EXPECT_EQ(refusal_of([&] { decode_nrrd(bomb, "x", {.bytes = 7'999'999}); }), "too-large");
  EXPECT_EQ(decode_nrrd(bomb, "x", {.bytes = 8'000'000}).volume.voxels(), 8'000'000);
}

TEST(Nrrd, ReadsTextOnlyAsItsTypeHoldsIt) {
  auto const words = [](std::string_view numbers, std::string_view type) {
    auto head = exchanged(nrrd_good(), "raw", "ascii");
    head = exchanged(head, "type: short", text("type: ", type));
    head = exchanged(head, "sizes: 2 3 2", "sizes: 2 1 1");
    return bytes_of_words(head.substr(0, head.find("\n\n") + 2) + std::string{numbers});
  };
  EXPECT_EQ(decode_nrrd(words(" 255\n+1", "uchar"), "x").volume.as<std::uint8_t>()[0], 255);
  EXPECT_EQ(
      decode_nrrd(words("18446744073709551615,0", "uint64"), "x").volume.as<std::uint64_t>()[0],
      18446744073709551615ULL);
  EXPECT_TRUE(std::isnan(decode_nrrd(words("nan 1", "float"), "x").volume.as<float>()[0]));
  EXPECT_EQ(nrrd_code_of(words("256 1", "uchar")), "damaged");
  EXPECT_EQ(nrrd_code_of(words("1.5 1", "uchar")), "damaged");
  EXPECT_EQ(nrrd_code_of(words("155", "uchar")), "truncated");
}

TEST(Nrrd, TakesItsVoxelsOnlyFromTheSameFolder) {
  ScratchFolder const folder;
  auto const file = folder.path() / "in" / "x.nhdr";
  make_folder(folder.path() / "in");
  write_file(folder.path() / "x.raw", std::string(24, 'x'));
  write_file(folder.path() / "in" / "x y%.raw", std::string(24, 'x'));
  auto const code_of = [&](std::string_view named) {
    auto const words = nrrd_good();
    write_file(file, text(words.substr(0, words.find("\n\n") + 1), "data file: ", named, '\n'));
    return refusal_of([&] { read_nrrd(file); });
  };
  EXPECT_EQ(code_of("x y%.raw"), "was taken");
  EXPECT_EQ(code_of("./x y%.raw"), "was taken");
  EXPECT_EQ(code_of("../x.raw"), "file-elsewhere");
  EXPECT_EQ(code_of((folder.path() / "x.raw").string()), "file-elsewhere");
  EXPECT_EQ(code_of("in\\x.raw"), "file-elsewhere");
  EXPECT_EQ(code_of(".."), "file-elsewhere");
  EXPECT_EQ(code_of(""), "file-elsewhere");
  EXPECT_EQ(code_of("LIST\na.raw\nb.raw"), "several-files");
  EXPECT_EQ(code_of("x%03d.raw 1 2 1"), "several-files");
  EXPECT_NE(code_of("none.raw"), "was taken");
}

}  // namespace
}  // namespace fovea
