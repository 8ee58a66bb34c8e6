#include "base/io/npy.hpp"

#include "base/core/zip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace fovea {
namespace {

// A .npy of version `major` with this dictionary and these values.
Bytes npy_file(std::string const& dictionary, Bytes const& values, int major = 1) {
  std::string out = "\x93NUMPY";
  out += static_cast<char>(major);
  out += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    out += static_cast<char>(dictionary.size() >> (8 * i) & 0xff);
  out += dictionary;
  Bytes bytes(out.size());
  std::memcpy(bytes.data(), out.data(), out.size());
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

std::string npy_dict(std::string const& type, std::string const& shape, bool fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }\n";
}

template <class T>
Bytes npy_bytes(std::vector<T> const& values, bool big = false) {
  Bytes out;
  for (auto value : values) {
    auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
    if (big) std::ranges::reverse(bytes);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

std::vector<double> npy_all(Array const& array) {
  std::vector<double> out;
  for (std::int64_t i = 0; i < array.count(); ++i) out.push_back(array.at(i));
  return out;
}

struct NpyRow {
  char const* type;
  Bytes values;
  Type becomes;
  std::vector<double> expected;
};

std::vector<NpyRow> npy_rows() {
  using D = std::vector<double>;
  auto const big = [](auto v) { return npy_bytes(v, true); };
  auto const little = [](auto v) { return npy_bytes(v); };
  return {
      {"|u1", little(std::vector<std::uint8_t>{0, 255}), Type::u8, D{0, 255}},
      {"|b1", little(std::vector<std::uint8_t>{0, 1}), Type::u8, D{0, 1}},
      {"|i1", little(std::vector<std::int8_t>{-128, 127}), Type::i16, D{-128, 127}},
      {"|i1", little(std::vector<std::int8_t>{0, 127}), Type::u8, D{0, 127}},
      {"<u2", little(std::vector<std::uint16_t>{1, 65535}), Type::u16, D{1, 65535}},
      {">u2", big(std::vector<std::uint16_t>{1, 65535}), Type::u16, D{1, 65535}},
      {"<i2", little(std::vector<std::int16_t>{-32768, 5}), Type::i16, D{-32768, 5}},
      {">i4", big(std::vector<std::int32_t>{-70000, 5}), Type::i32, D{-70000, 5}},
      {"<u4", little(std::vector<std::uint32_t>{0, 4294967295U}), Type::f64,
       D{0, 4294967295.0}},
      {"<u4", little(std::vector<std::uint32_t>{0, 70000}), Type::i32, D{0, 70000}},
      {"<i8", little(std::vector<std::int64_t>{0, 1}), Type::u8, D{0, 1}},
      {">i8", big(std::vector<std::int64_t>{-1, 300}), Type::i16, D{-1, 300}},
      {"<i8", little(std::vector<std::int64_t>{-(1LL << 53), 1LL << 40}), Type::f64,
       D{-0x1p53, 0x1p40}},
      {"<u8", little(std::vector<std::uint64_t>{0, 1ULL << 53}), Type::f64, D{0, 0x1p53}},
      {"<f2", little(std::vector<std::uint16_t>{0x3c00, 0xc000}), Type::f32, D{1, -2}},
      {">f2", big(std::vector<std::uint16_t>{0x0001, 0x7bff}), Type::f32, D{0x1p-24, 65504}},
      {"<f4", little(std::vector<float>{0.1F, -2}), Type::f32,
       D{static_cast<double>(0.1F), -2}},
      {">f8", big(std::vector<double>{0.1, 1e300}), Type::f64, D{0.1, 1e300}},
  };
}

TEST(Npy, ReadsEveryKindOfNumberWithoutRounding) {
  for (auto const& row : npy_rows()) {
    SCOPED_TRACE(row.type);
    auto const array = decode_npy(npy_file(npy_dict(row.type, "(2,)"), row.values), "x.npy");
    EXPECT_EQ(array.shape, std::vector<std::int64_t>{2});
    EXPECT_EQ(name_of(array.type), name_of(row.becomes));
    EXPECT_EQ(npy_all(array), row.expected);
  }
}

TEST(Npy, ReadsHalvesAtTheirEdges) {
  auto const array = decode_npy(
      npy_file(npy_dict("<f2", "(4,)"),
               npy_bytes(std::vector<std::uint16_t>{0x7c00, 0xfc00, 0x7e00, 0x83ff})),
      "x");
  EXPECT_EQ(array.at(0), HUGE_VAL);
  EXPECT_EQ(array.at(1), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(array.at(2)));
  EXPECT_EQ(array.at(3), -1023 * 0x1p-24);
}

TEST(Npy, ReadsVersionsShapesAndDictionariesOfAnyOrder) {
  Bytes const six(6, std::byte{1});
  for (int const version : {1, 2, 3})
    EXPECT_EQ(decode_npy(npy_file(npy_dict("|u1", "(2, 3)"), six, version), "x").shape,
              (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(
      decode_npy(npy_file("{\"shape\": (6L,), 'fortran_order':False,'descr':'u1'}", six), "x")
          .count(),
      6);
  EXPECT_EQ(decode_npy(npy_file(npy_dict("|u1", "()"), Bytes(1)), "x").count(), 1);
  EXPECT_EQ(decode_npy(npy_file(npy_dict("|u1", "(0, 28, 28)"), {}), "x").count(), 0);
}

TEST(Npy, TurnsFortranOrder) {
  std::vector<std::int16_t> const stored{0, 3, 1,
                                         4, 2, 5};  // columns first of [[0, 1, 2], [3, 4, 5]]
  auto const array =
      decode_npy(npy_file(npy_dict("<i2", "(2, 3)", true), npy_bytes(stored)), "x");
  EXPECT_EQ(npy_all(array), (std::vector<double>{0, 1, 2, 3, 4, 5}));
  std::vector<std::uint8_t> cube(24);
  for (std::size_t a = 0; a < 2; ++a)
    for (std::size_t b = 0; b < 3; ++b)
      for (std::size_t c = 0; c < 4; ++c)
        cube[a + 2 * (b + 3 * c)] = static_cast<std::uint8_t>((a * 3 + b) * 4 + c);
  auto const turned =
      npy_all(decode_npy(npy_file(npy_dict("|u1", "(2, 3, 4)", true), npy_bytes(cube)), "x"));
  for (std::size_t i = 0; i < 24; ++i) EXPECT_EQ(turned[i], static_cast<double>(i));
}

TEST(Npy, RefusesWhatItCannotTrust) {
  Bytes const six(6);
  auto const good = npy_file(npy_dict("|u1", "(6,)"), six);
  struct Row {
    char const* name;
    Bytes bytes;
    char const* said;
  };
  auto const lying = [&] {
    auto bytes = good;
    bytes[9] = std::byte{0xff};
    return bytes;
  };
  auto const version = [&] {
    auto bytes = good;
    bytes[6] = std::byte{4};
    return bytes;
  };
  auto const dict = [&](std::string const& words) { return npy_file(words, six); };
  for (auto const& row :
       {Row{"nothing", {}, "expected a NumPy array"},
        Row{"words", Bytes(100, std::byte{'x'}), "expected a NumPy array"},
        Row{"header length", lying(), "expected a header"},
        Row{"version", version(), "version 1 to 3"},
        Row{"pickle", dict(npy_dict("|O", "(6,)")), "pickled"},
        Row{"records", dict("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (6,)}"),
            "structured"},
        Row{"text", dict(npy_dict("<U5", "(6,)")), "'<U5'"},
        Row{"complex", dict(npy_dict("<c8", "(6,)")), "'<c8'"},
        Row{"long double", dict(npy_dict("<f16", "(6,)")), "'<f16'"},
        Row{"no type", dict(npy_dict("", "(6,)")), "''"},
        Row{"too few values", dict(npy_dict("|u1", "(7,)")),
            "expected 7 bytes of values, as the header says, got 6"},
        Row{"too many values", dict(npy_dict("|u1", "(5,)")), "expected 5 bytes"},
        Row{"overflow", dict(npy_dict("|u1", "(4294967296, 4294967296, 4294967296)")),
            "asks for more"},
        Row{"overflow of nothing",
            dict(npy_dict("|u1", "(0, 4611686018427387904, 4611686018427387904)")),
            "asks for more"},
        Row{"negative", dict(npy_dict("|u1", "(-6,)")), "expected a size"},
        Row{"no tuple", dict(npy_dict("|u1", "6")), "expected '('"},
        Row{"open tuple", dict("{'shape': (6, "), "expected"},
        Row{"key twice", dict("{'shape': (6,), 'shape': (6,)}"), "'shape'"},
        Row{"unknown key", dict("{'code': 'x'}"), "'code'"},
        Row{"missing key", dict("{'shape': (6,)}"), "expected descr"},
        Row{"text behind", dict(npy_dict("|u1", "(6,)") + "x"), "end of the array's header"},
        Row{"many axes",
            dict(npy_dict(
                "|u1", "(" +
                           [] {
                             std::string s;
                             for (int i = 0; i < 33; ++i) s += "1,";
                             return s;
                           }() +
                           ")")),
            "axes"},
        Row{"number too large",
            npy_file(npy_dict("<i8", "(1,)"),
                     npy_bytes(std::vector<std::int64_t>{(1LL << 53) + 1})),
            "2^53"},
        Row{"too small",
            npy_file(npy_dict("<i8", "(1,)"), npy_bytes(std::vector<std::int64_t>{INT64_MIN})),
            "2^53"}}) {
    SCOPED_TRACE(row.name);
    try {
      decode_npy(row.bytes, "x.npy");
      ADD_FAILURE() << "was taken";
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
      EXPECT_NE(std::string{fault.what()}.find(row.said), std::string::npos) << fault.what();
      EXPECT_TRUE(std::string{fault.what()}.starts_with("x.npy: "));
    }
  }
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_THROW(decode_npy(std::span{good}.first(size), "x"), Error) << size;
  EXPECT_THROW(decode_npy(good, "x", 5), Error);
}

Array npy_made(Type type, std::vector<std::int64_t> shape) {
  Array array{.shape = std::move(shape), .type = type, .bytes = {}};
  array.bytes =
      std::make_shared<std::byte[]>(static_cast<std::size_t>(array.count()) * bytes_of(type));
  for (std::int64_t i = 0; i < array.count() * static_cast<std::int64_t>(bytes_of(type)); ++i)
    array.bytes[i] = static_cast<std::byte>(i % 100);
  return array;
}

TEST(Npy, ReadsWhatItWroteForEveryTypeAndShape) {
  ScratchFolder const folder;
  for (auto const type : {Type::u8, Type::u16, Type::i16, Type::i32, Type::f32, Type::f64}) {
    for (auto const& shape : {std::vector<std::int64_t>{}, {3}, {2, 3}, {2, 0}, {1, 2, 3, 4}}) {
      auto const array = npy_made(type, shape);
      write_npy(folder.path() / "x.npy", array);
      auto const bytes = read_file(folder.path() / "x.npy", 1 << 20);
      EXPECT_EQ((bytes.size() - static_cast<std::size_t>(array.count()) * bytes_of(type)) % 64,
                0U);
      auto const back = decode_npy(bytes, "x");
      EXPECT_EQ(back.shape, shape);
      EXPECT_EQ(back.type, type);
      EXPECT_EQ(npy_all(back), npy_all(array));
    }
  }
}

TEST(Npz, ReadsItsArraysByName) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.npz";
  auto const words = std::as_bytes(std::span{std::string_view{"hello"}});
  write_zip(file,
            {{"images.npy", encode_npy(npy_made(Type::u8, {5, 4, 3}))},
             {"labels.npy", npy_file(npy_dict("<i8", "(5, 1)"),
                                     npy_bytes(std::vector<std::int64_t>{0, 1, 2, 1, 0}))},
             {"notes.txt", {words.begin(), words.end()}}});
  auto const arrays = read_npz(file);
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_EQ(arrays.at("images").as<std::uint8_t>()[59], 59);
  EXPECT_EQ(npy_all(arrays.at("labels")), (std::vector<double>{0, 1, 2, 1, 0}));
  EXPECT_EQ(read_npz(file, {"labels"}).size(), 1U);
  auto const listed = list_npz(file);
  EXPECT_EQ(listed.at("images").shape, (std::vector<std::int64_t>{5, 4, 3}));
  EXPECT_EQ(listed.at("labels").shape, (std::vector<std::int64_t>{5, 1}));
  EXPECT_EQ(listed.at("images").bytes, nullptr);
}

TEST(Npz, NamesTheArrayThatIsWrong) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.npz";
  write_zip(file, {{"good.npy", encode_npy(npy_made(Type::u8, {5}))},
                   {"bad.npy", npy_file(npy_dict("|O", "(6,)"), Bytes(6))}});
  EXPECT_EQ(read_npz(file, {"good"}).size(), 1U);
  for (auto const& work :
       {std::function{[&] { read_npz(file); }}, std::function{[&] { list_npz(file); }}}) {
    try {
      work();
      ADD_FAILURE() << "was taken";
    } catch (Error const& fault) {
      EXPECT_NE(std::string{fault.what()}.find(
                    "array 'bad': expected an array of numbers, got pickled"),
                std::string::npos)
          << fault.what();
    }
  }
  EXPECT_THROW(read_npz(file, {"good"}, 4), Error);
  EXPECT_THROW(read_npz(folder.path() / "none.npz"), Error);
}

TEST(Npz, ReadsMedMnist) {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const root = data != nullptr
                        ? fs::path{data}
                        : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data";
  auto const file = root / "cxr-pneumonia28" / "pneumonia28.npz";
  if (!fs::exists(file)) GTEST_SKIP() << "no cxr-pneumonia28 here";
  auto const arrays = read_npz(file);
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(arrays.at("train_images").shape, (Shape{4708, 28, 28}));
  EXPECT_EQ(arrays.at("val_images").shape, (Shape{524, 28, 28}));
  EXPECT_EQ(arrays.at("test_images").shape, (Shape{624, 28, 28}));
  EXPECT_EQ(arrays.at("train_labels").shape, (Shape{4708, 1}));
  EXPECT_EQ(arrays.at("train_images").type, Type::u8);
  auto const labels = arrays.at("test_labels").as<std::uint8_t>();
  EXPECT_EQ(std::ranges::count(labels, 1), 390);  // as the data set's paper says
  EXPECT_EQ(list_npz(file).at("test_images").shape, (Shape{624, 28, 28}));
}

}  // namespace
}  // namespace fovea
