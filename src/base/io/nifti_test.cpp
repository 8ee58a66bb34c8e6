#include "base/io/nifti.hpp"

#include "base/core/csv.hpp"
#include "base/core/hash.hpp"
#include "base/core/words.hpp"
#include "base/io/made/volumes.hpp"
#include "base/io/nifti_head.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <libdeflate.h>
#include <limits>
#include <numbers>
#include <set>

namespace fovea {
namespace {

fs::path const nifti_seeds = volume_seeds("nifti_fuzz");

fs::path nifti_samples_folder() {
  auto const* const data = std::getenv("FOVEA_DATA");
  return (data != nullptr ? fs::path{data}
                          : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
         "nifti-samples";
}

std::string nifti_hash(std::vector<double> const& values) {
  return sha256(std::as_bytes(std::span{values}));
}

std::string nifti_affine_hash(Grid const& grid) {
  std::vector<double> out;
  for (auto const& row : ras_affine(grid)) out.insert(out.end(), row.begin(), row.end());
  return nifti_hash(out);
}

std::string nifti_shape(Nifti const& image) {
  std::vector<std::string> sizes;
  for (auto const size : image.volume.grid().size) sizes.push_back(text(size));
  for (auto const size : image.more) sizes.push_back(text(size));
  return joined(sizes, "x");
}

struct NiftiExpected {
  std::string file, shape, affine, values;
};

std::vector<NiftiExpected> nifti_expected() {
  auto const words = read_text(fs::path{FOVEA_SOURCE_DIR} / "src/base/io/made/nifti.csv");
  std::vector<NiftiExpected> rows;
  auto const lines = split(words, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto const cells = split(lines[i], ',');
    if (cells.size() == 4) rows.push_back({cells[0], cells[1], cells[2], cells[3]});
  }
  return rows;
}

// Values and affine, bit for bit, as nibabel read them.
void nifti_expect_equal(fs::path const& folder, NiftiExpected const& row) {
  SCOPED_TRACE(row.file);
  auto const image = read_nifti(folder / row.file);
  auto shape = nifti_shape(image);
  if (image.colour) shape += "x3";
  if (row.file == "flat.nii") shape = "5x3";  // two axes in the file
  EXPECT_EQ(shape, row.shape);
  EXPECT_EQ(nifti_affine_hash(image.volume.grid()), row.affine);
  EXPECT_EQ(volume_hash(image.volume), row.values);
}

TEST(Nifti, ReadsEveryKindAsNibabelDoes) {
  int read = 0;
  for (auto const& row : nifti_expected()) {
    if (!fs::exists(nifti_seeds / row.file)) continue;
    nifti_expect_equal(nifti_seeds, row);
    ++read;
  }
  EXPECT_EQ(read, 31);
}

TEST(Nifti, ReadsTheSamplesAsNibabelDoes) {
  auto const folder = nifti_samples_folder();
  if (!fs::exists(folder)) GTEST_SKIP() << "no nifti-samples here";
  int read = 0;
  for (auto const& row : nifti_expected()) {
    if (!fs::exists(folder / row.file)) continue;
    nifti_expect_equal(folder, row);
    ++read;
  }
  EXPECT_EQ(read, 22);
}

// Turned and not at right angles; every number is one of float32's.
Grid nifti_sheared_grid() {
  return {.size = {4, 3, 2},
          .origin = {{-12.5, 20.25, 100}},
          .axes = {{{{0.5, 0.25, 0}}, {{-0.25, 0.75, 0.125}}, {{0, 1.5, 3}}}}};
}

Grid nifti_turned_grid() {
  auto const angle = 0.3;
  auto grid = upright({4, 3, 2}, {{0.75, 0.5, 2}}, {{1.5, -2.25, 8}});
  grid.axes[0] = {{0.75 * std::cos(angle), 0.75 * std::sin(angle), 0}};
  grid.axes[1] = {{-0.5 * std::sin(angle), 0.5 * std::cos(angle), 0}};
  return grid;
}

TEST(Nifti, ReadsWhatItWroteForEveryTypeNameAndVersion) {
  ScratchFolder const folder;
  for (auto const type : all_types) {
    for (auto const& name : {"x.nii", "x.nii.gz", "x.hdr", "X.IMG"}) {
      for (int const version : {1, 2}) {
        SCOPED_TRACE(text(name_of(type), " ", name, " ", version));
        auto const image = made_image(type, nifti_sheared_grid());
        write_nifti(folder.path() / name, image, {.version = version});
        auto const back = read_nifti(folder.path() / name);
        expect_same(back, image);
        EXPECT_EQ(ras_affine(back.volume.grid()), ras_affine(image.volume.grid()));
        EXPECT_EQ(codes_of(back), std::vector<std::string>{});
        for (auto const& file : fs::directory_iterator{folder.path()}) fs::remove(file.path());
      }
    }
  }
}

TEST(Nifti, KeepsTimeVectorsColoursAndSpace) {
  for (auto const& more : {std::vector<std::int64_t>{3}, {1, 3}, {2, 1, 2, 2}}) {
    auto image = made_image(Type::i16, nifti_turned_grid(), more);
    image.space = NiftiSpace::mni;
    image.intent = 1007;
    image.step = 2.5;
    image.step_unit = 8;
    auto const back = decode_nifti(encode_nifti(image), "x");
    expect_same(back, image);
    EXPECT_EQ(back.intent, 1007);
    EXPECT_EQ(back.step, 2.5);
    EXPECT_EQ(back.step_unit, 8);
  }
  for (std::int64_t const colours : {3, 4}) {
    auto image = made_image(Type::u8, nifti_turned_grid(), {2, colours});
    image.more = {2};
    image.colour = true;
    expect_same(decode_nifti(encode_nifti(image), "x"), image);
  }
  EXPECT_EQ(image_of(Volume{upright({2, 2, 1}, {}), Type::u8, Unit::one, 5}).more,
            std::vector<std::int64_t>{5});
}

TEST(Nifti, KeepsEveryDigitOfThePlaceInVersion2AndNearlyAllInVersion1) {
  auto const image = made_image(Type::u8, nifti_turned_grid());
  auto const exact = decode_nifti(encode_nifti(image, {.version = 2}), "x");
  EXPECT_EQ(ras_affine(exact.volume.grid()), ras_affine(image.volume.grid()));
  auto const near = decode_nifti(encode_nifti(image), "x");
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 4; ++c)
      EXPECT_NEAR(ras_affine(near.volume.grid())[r][c], ras_affine(image.volume.grid())[r][c],
                  1e-6);
  }
  EXPECT_EQ(codes_of(near), std::vector<std::string>{});
}

TEST(Nifti, WritesAQuaternionForEveryRotationAndHandedness) {
  for (auto const mirrored : {false, true}) {
    for (int a = 0; a < 12; ++a) {
      for (int b = 0; b < 12; ++b) {
        auto const u = a * std::numbers::pi / 6;
        auto const v = b * std::numbers::pi / 6;
        auto grid = upright({3, 3, 3}, {{1, 2, 3}}, {{4, 5, 6}});
        grid.axes[0] = {{std::cos(u) * std::cos(v), std::sin(u), std::cos(u) * std::sin(v)}};
        grid.axes[1] = {
            {-2 * std::sin(u) * std::cos(v), 2 * std::cos(u), -2 * std::sin(u) * std::sin(v)}};
        grid.axes[2] = {{-3 * std::sin(v), 0, 3 * std::cos(v)}};
        if (mirrored) {
          for (auto& part : grid.axes[2].mm) part = -part;
        }
        auto head = parse_nifti_head(encode_nifti(made_image(Type::u8, grid), {.version = 2}));
        EXPECT_EQ(head.qform, 1);
        auto const affine = nifti_qform(head);
        ASSERT_TRUE(affine);
        for (std::size_t r = 0; r < 3; ++r) {
          for (std::size_t c = 0; c < 4; ++c)
            EXPECT_NEAR((*affine)[r][c], ras_affine(grid)[r][c], 1e-7) << a << " " << b;
        }
      }
    }
  }
}

// Its fourth number is computed from the others and not 0 by what float rounds away.
TEST(Nifti, TakesNearlyHalfATurnForOne) {
  auto const tilt = 18.5 * std::numbers::pi / 180;
  Grid grid{.size = {2, 700, 2}, .origin = {}};
  grid.axes = {{{{0.5, 0, 0}},
                {{0, 0.5 * std::cos(tilt), -0.5 * std::sin(tilt)}},
                {{0, 4 * std::sin(tilt), 4 * std::cos(tilt)}}}};
  EXPECT_EQ(codes_of(decode_nifti(encode_nifti(made_image(Type::u8, grid)), "tilted")),
            std::vector<std::string>{});
}

TEST(Nifti, WritesNoQuaternionForAShearedGrid) {
  auto const head = parse_nifti_head(encode_nifti(made_image(Type::u8, nifti_sheared_grid())));
  EXPECT_EQ(head.sform, 1);
  EXPECT_EQ(head.qform, 0);
}

TEST(Nifti, WritesLargeSizesAsVersion2) {
  Volume const wide{upright({40000, 1, 1}, {}), Type::u8};
  auto const bytes = encode_nifti(image_of(wide));
  EXPECT_EQ(parse_nifti_head(bytes).version, 2);
  EXPECT_EQ(decode_nifti(bytes, "x").volume.width(), 40000);
}

TEST(Nifti, WritesTheSameBytesForTheSameImage) {
  ScratchFolder const folder;
  auto const image = made_image(Type::i16, nifti_turned_grid());
  write_nifti(folder.path() / "a.nii.gz", image);
  write_nifti(folder.path() / "b.nii.gz", image);
  EXPECT_EQ(read_file(folder.path() / "a.nii.gz", 1 << 20),
            read_file(folder.path() / "b.nii.gz", 1 << 20));
  EXPECT_THROW(write_nifti(folder.path() / "a.mha", image), Error);
  auto wrong = image;
  wrong.more = {2};
  EXPECT_THROW(encode_nifti(wrong), Error);
}

// A good file with some of its bytes changed.
template <class T>
Bytes nifti_patched(Bytes bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

Bytes nifti_good(Type type = Type::i16) {
  return encode_nifti(made_image(type, nifti_turned_grid()));
}

Bytes nifti_zipped(std::span<std::byte const> bytes) {
  auto* const zip = libdeflate_alloc_compressor(6);
  Bytes out(libdeflate_gzip_compress_bound(zip, bytes.size()));
  out.resize(libdeflate_gzip_compress(zip, bytes.data(), bytes.size(), out.data(), out.size()));
  libdeflate_free_compressor(zip);
  return out;
}

TEST(Nifti, ScalesOnlyByASlopeThatIsANumberAndNotZero) {
  auto const scaled = [](float slope, float intercept, Type type = Type::i16) {
    return decode_nifti(
               nifti_patched(nifti_patched(nifti_good(type), 112, slope), 116, intercept), "x")
        .volume;
  };
  constexpr auto nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(scaled(0, 7).type(), Type::i16);
  EXPECT_EQ(scaled(nan, 7).type(), Type::i16);
  EXPECT_EQ(scaled(1, 0).type(), Type::i16);
  EXPECT_EQ(scaled(1, -1024).type(), Type::i32);
  EXPECT_EQ(scaled(1, -1024).as<std::int32_t>()[0], -32768 - 1024);
  EXPECT_EQ(scaled(-70000, 0).type(), Type::f64);  // 32768 * 70000 is too large
  EXPECT_EQ(scaled(0.5F, 0.25F).as<double>()[1], -32767 * 0.5 + 0.25);
  EXPECT_EQ(scaled(2, 0, Type::f32).type(), Type::f64);
  EXPECT_THROW(scaled(2, nan), Refusal);
}

TEST(Nifti, ReadsUnitsIntoMillimetres) {
  auto const width_of = [](int units) {
    return decode_nifti(nifti_patched(nifti_good(), 123, static_cast<std::uint8_t>(units)),
                        "x");
  };
  EXPECT_NEAR(width_of(2).volume.grid().spacing().mm[0], 0.75, 1e-6);
  EXPECT_NEAR(width_of(1).volume.grid().spacing().mm[0], 750, 1e-3);
  EXPECT_NEAR(width_of(3).volume.grid().spacing().mm[0], 0.00075, 1e-9);
  EXPECT_NEAR(width_of(0).volume.grid().spacing().mm[0], 0.75, 1e-6);
  EXPECT_EQ(codes_of(width_of(0)), std::vector<std::string>{"unknown-unit"});
}

TEST(Nifti, SaysWhereSformAndQformDisagree) {
  auto const moved = nifti_patched(nifti_good(), 268, 11.5F);  // the qform's x
  auto const image = decode_nifti(moved, "x");
  EXPECT_EQ(codes_of(image), std::vector<std::string>{"sform-qform-differ"});
  EXPECT_NE(image.notes[0].words.find("13.000 mm"), std::string::npos) << image.notes[0].words;
  EXPECT_EQ(image.volume.grid().origin.mm[0], 1.5);
}

TEST(Nifti, SaysWhenThereIsNoPlace) {
  auto const none =
      nifti_patched(nifti_patched(nifti_good(), 252, std::int16_t{0}), 254, std::int16_t{0});
  auto const image = decode_nifti(none, "x");
  EXPECT_EQ(image.space, NiftiSpace::none);
  EXPECT_EQ(codes_of(image), std::vector<std::string>{"no-position"});
  EXPECT_NEAR(image.volume.grid().spacing().mm[2], 2, 1e-6);
  auto const again = decode_nifti(encode_nifti(image), "x");
  EXPECT_EQ(again.space, NiftiSpace::none);
}

TEST(Nifti, SaysWhatElseIsOdd) {
  EXPECT_EQ(codes_of(decode_nifti(nifti_patched(nifti_good(), 80, 3.F), "x")),
            (std::vector<std::string>{"sform-qform-differ", "pixdim-differs"}));
  EXPECT_EQ(codes_of(decode_nifti(nifti_patched(nifti_good(), 72, std::int16_t{8}), "x")),
            std::vector<std::string>{"bitpix-differs"});
  auto longer = nifti_good();
  longer.resize(longer.size() + 5);
  EXPECT_EQ(codes_of(decode_nifti(longer, "x")), std::vector<std::string>{"bytes-behind"});
  EXPECT_EQ(codes_of(decode_nifti(nifti_zipped(longer), "x")),
            std::vector<std::string>{"bytes-behind"});
}

TEST(Nifti, ReadsGzipOfSeveralMembers) {
  auto const good = nifti_good();
  for (std::size_t const cut : {0U, 100U, 352U, 360U}) {
    auto packed = nifti_zipped(std::span{good}.first(cut));
    auto const rest = nifti_zipped(std::span{good}.subspan(cut));
    packed.insert(packed.end(), rest.begin(), rest.end());
    packed.resize(packed.size() + 3);  // padding, as tapes add it
    expect_same(decode_nifti(packed, "x"), decode_nifti(good, "x"));
  }
}

std::string nifti_code_of(Bytes const& bytes) {
  return refusal_of([&] { decode_nifti(bytes, "x"); });
}

TEST(Nifti, RefusesWhatItCannotTrust) {
  auto const good = nifti_good();
  constexpr auto nan = std::numeric_limits<float>::quiet_NaN();
  auto const short_at = [&](std::size_t at, int value) {
    return nifti_patched(good, at, static_cast<std::int16_t>(value));
  };
  struct Row {
    char const* name;
    Bytes bytes;
    char const* code;
  };
  auto const huge = [&] {
    auto bytes = good;
    for (std::size_t a = 0; a < 8; ++a)
      bytes = nifti_patched(bytes, 40 + 2 * a, static_cast<std::int16_t>(a == 0 ? 7 : 32767));
    return bytes;
  };
  auto flat_axis = good;
  for (std::size_t r = 0; r < 3; ++r) flat_axis = nifti_patched(flat_axis, 288 + 16 * r, 0.F);
  auto const qform_only = nifti_patched(good, 254, std::int16_t{0});
  Bytes const words(400, std::byte{'x'});
  for (auto const& row : {
           Row{"nothing", {}, "not-nifti"},
           Row{"words", words, "not-nifti"},
           Row{"half a header", Bytes(good.begin(), good.begin() + 300), "not-nifti"},
           Row{"analyze", nifti_patched(good, 344, 0), "analyze"},
           Row{"pair", nifti_patched(good, 345, 'i'), "not-nifti"},
           Row{"complex", short_at(70, 32), "unsupported-type"},
           Row{"long double", short_at(70, 1536), "unsupported-type"},
           Row{"one bit", short_at(70, 1), "unsupported-type"},
           Row{"no type", short_at(70, 77), "unsupported-type"},
           Row{"no axes", short_at(40, 0), "bad-size"},
           Row{"eight axes", short_at(40, 8), "bad-size"},
           Row{"zero columns", short_at(42, 0), "bad-size"},
           Row{"negative rows", short_at(44, -3), "bad-size"},
           Row{"overflow", huge(), "bad-size"},
           Row{"too large for the file", short_at(42, 32767), "truncated"},
           Row{"voxels in the header", nifti_patched(good, 108, 348.F), "bad-offset"},
           Row{"voxels at 0", nifti_patched(good, 108, 0.F), "bad-offset"},
           Row{"voxels before", nifti_patched(good, 108, -352.F), "bad-offset"},
           Row{"voxels at no place", nifti_patched(good, 108, nan), "bad-offset"},
           Row{"voxels at half a byte", nifti_patched(good, 108, 352.5F), "bad-offset"},
           Row{"voxels behind the end", nifti_patched(good, 108, 1e6F), "bad-offset"},
           Row{"voxels near the end", nifti_patched(good, 108, 368.F), "truncated"},
           Row{"affine of no numbers", nifti_patched(good, 280, nan), "bad-affine"},
           Row{"affine too large",
               nifti_patched(good, 280, std::numeric_limits<float>::infinity()), "bad-affine"},
           Row{"axes in a plane", flat_axis, "bad-affine"},
           Row{"quaternion of no numbers", nifti_patched(qform_only, 256, nan), "bad-affine"},
           Row{"quaternion too long", nifti_patched(qform_only, 256, 2.F), "bad-affine"},
           Row{"spacing 0", nifti_patched(qform_only, 80, 0.F), "bad-affine"},
           Row{"spacing below 0", nifti_patched(qform_only, 80, -1.F), "bad-affine"},
           Row{"mirrored", nifti_patched(good, 76, -1.F), "mirrored"},
       }) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(nifti_code_of(row.bytes), row.code);
  }
}

TEST(Nifti, RefusesFilesThatBreakOffAnywhere) {
  auto const good = nifti_good();
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_NE(nifti_code_of(Bytes(good.begin(), good.begin() + static_cast<long>(size))),
              "was taken");
  auto const packed = nifti_zipped(good);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    Bytes const cut{packed.begin(), packed.begin() + static_cast<long>(size)};
    auto const code = nifti_code_of(cut);
    EXPECT_TRUE(code == "not-nifti" || code == "damaged" || code == "truncated") << code;
  }
  auto flipped = packed;
  flipped[packed.size() - 6] ^= std::byte{1};  // in the checksum
  EXPECT_EQ(nifti_code_of(flipped), "damaged");
}

TEST(Nifti, RefusesGzipBombsByTheirHeader) {
  auto zeros = nifti_good(Type::u8);
  zeros = nifti_patched(zeros, 42, std::int16_t{200});
  zeros = nifti_patched(zeros, 44, std::int16_t{200});
  zeros = nifti_patched(zeros, 46, std::int16_t{200});
  zeros.resize(352 + 8'000'000);
  auto const bomb = nifti_zipped(zeros);
  EXPECT_LT(bomb.size(), 20'000U);
  EXPECT_EQ(refusal_of([&] { decode_nifti(bomb, "x", {.bytes = 7'999'999}); }), "too-large");
  EXPECT_EQ(decode_nifti(bomb, "x", {.bytes = 8'000'000}).volume.voxels(), 8'000'000);
  // Asks for more than so few bytes can unpack to: refused before memory is asked for.
  auto const lying = nifti_zipped(nifti_patched(nifti_good(Type::u8), 42, std::int16_t{32767}));
  EXPECT_EQ(nifti_code_of(lying), "truncated");
}

TEST(Nifti, FindsBothFilesOfAPair) {
  ScratchFolder const folder;
  auto const image = made_image(Type::i16, nifti_turned_grid());
  write_nifti(folder.path() / "x.hdr", image);
  expect_same(read_nifti(folder.path() / "x.img"), image);
  auto const voxels = read_file(folder.path() / "x.img", 1 << 20);
  EXPECT_EQ(voxels.size(), image.volume.byte_count());
  write_file(folder.path() / "x.img.gz", nifti_zipped(voxels));
  fs::remove(folder.path() / "x.img");
  expect_same(read_nifti(folder.path() / "x.hdr"), image);
  fs::remove(folder.path() / "x.img.gz");
  EXPECT_THROW(read_nifti(folder.path() / "x.hdr"), Error);
  fs::rename(folder.path() / "x.hdr", folder.path() / "x.nii");
  EXPECT_EQ(refusal_of([&] { read_nifti(folder.path() / "x.nii"); }), "not-nifti");
}

TEST(Nifti, SaysTheNameOfTheFile) {
  ScratchFolder const folder;
  auto const path = folder.path() / "broken.nii";
  write_file(path, std::string_view{"hello"});
  try {
    read_nifti(path);
    ADD_FAILURE() << "was read";
  } catch (Refusal const& fault) {
    EXPECT_EQ(fault.code(), "not-nifti");
    EXPECT_NE(std::string_view{fault.what()}.find("broken.nii"), std::string_view::npos);
  }
  EXPECT_THROW(read_nifti(folder.path() / "none.nii"), Error);
}

}  // namespace
}  // namespace fovea
