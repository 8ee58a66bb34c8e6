#include "learn/weights/safetensors.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace fovea {
namespace {

Bytes safetensors_test_file(std::string_view header,
                            std::size_t data,
                            std::optional<std::uint64_t> length = {}) {
  auto const claimed = length.value_or(header.size());
  Bytes out(8 + header.size() + data);
  std::memcpy(out.data(), &claimed, 8);
  std::memcpy(out.data() + 8, header.data(), header.size());
  return out;
}

template <class T>
std::span<std::byte const> safetensors_test_bytes(std::vector<T> const& values) {
  return std::as_bytes(std::span{values});
}

}  // namespace

TEST(Safetensors, ComeBackAsTheyWereWritten) {
  std::vector<float> const weight = {1, -2.5F, 3, 4, 5, 6};
  std::vector<std::int64_t> const steps = {1234567890123};
  std::vector<float> const none;
  std::vector<Blob> const blobs = {
      {"conv.weight", Dtype::f32, {2, 3}, safetensors_test_bytes(weight)},
      {"empty", Dtype::f32, {0, 4}, safetensors_test_bytes(none)},
      {"steps", Dtype::i64, {}, safetensors_test_bytes(steps)}};
  auto const bytes = encode_safetensors(blobs, {{"format", "pt"}, {"Grüße", "zwei\nZeilen"}});
  EXPECT_EQ(bytes, encode_safetensors(blobs, {{"format", "pt"}, {"Grüße", "zwei\nZeilen"}}));
  auto const back = decode_safetensors(bytes, "x");
  ASSERT_EQ(back.blobs.size(), 3U);
  EXPECT_EQ(back.blobs[0].name, "steps") << "the widest type lies first";
  EXPECT_EQ(back.notes.at("Grüße"), "zwei\nZeilen");
  auto const* found = back.find("conv.weight");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(std::ranges::equal(found->bytes, blobs[0].bytes));
  EXPECT_EQ(back.find("empty")->count(), 0);
  EXPECT_EQ(back.find("steps")->count(), 1);
  EXPECT_EQ(back.find("none"), nullptr);
}

// What the Python package safetensors 0.8.0 wrote for {"a": float16 [1, 2], "b": int64 [[3]],
// "c": float32 of shape [0, 2]} and the note format = pt: the format itself, not our reading of
// it.
TEST(Safetensors, AreReadAndWrittenAsTheFormatsOwnLibraryDoes) {
  constexpr std::string_view header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"I64","shape":[1,1],"data_offsets":[0,8]},)"
      R"("c":{"dtype":"F32","shape":[0,2],"data_offsets":[8,8]},"a":{"dtype":"F16","shape":[2],"data_offsets":[8,12]}}    )";
  ASSERT_EQ(header.size(), 0xc8U);
  auto bytes = safetensors_test_file(header, 12);
  constexpr std::string_view data{"\x03\0\0\0\0\0\0\0\0<\0@", 12};
  std::memcpy(bytes.data() + 8 + header.size(), data.data(), data.size());
  auto const file = decode_safetensors(bytes, "x");
  std::vector<float> out(2);
  to_floats(*file.find("a"), out);
  EXPECT_EQ(out, (std::vector<float>{1, 2}));
  EXPECT_EQ(encode_safetensors(file.blobs, file.notes), bytes);
}

TEST(Safetensors, EveryTypeBecomesFloat) {
  auto const floats = [](Dtype dtype, auto const& values) {
    Blob const blob{
        "x", dtype, {static_cast<std::int64_t>(values.size())}, safetensors_test_bytes(values)};
    std::vector<float> out(values.size());
    to_floats(blob, out);
    return out;
  };
  using F = std::vector<float>;
  EXPECT_EQ(floats(Dtype::f64, std::vector<double>{0.1, -2}), (F{0.1F, -2}));
  EXPECT_EQ(floats(Dtype::f32, std::vector<float>{0.1F, -2}), (F{0.1F, -2}));
  EXPECT_EQ(floats(Dtype::f16,
                   std::vector<std::uint16_t>{0x3555, 0xc000, 0x0001, 0x8400, 0x7bff, 0x7c00}),
            (F{0.333251953125F, -2, 5.9604645e-8F, -6.1035156e-5F, 65504, INFINITY}));
  EXPECT_TRUE(std::isnan(floats(Dtype::f16, std::vector<std::uint16_t>{0x7e00})[0]));
  EXPECT_EQ(floats(Dtype::bf16, std::vector<std::uint16_t>{0x3f80, 0xc000, 0x4049}),
            (F{1, -2, 3.140625F}));
  EXPECT_EQ(floats(Dtype::i64, std::vector<std::int64_t>{-3, 1LL << 40}),
            (F{-3, 1099511627776.0F}));
  EXPECT_EQ(floats(Dtype::i32, std::vector<std::int32_t>{-3, 70000}), (F{-3, 70000}));
  EXPECT_EQ(floats(Dtype::i16, std::vector<std::int16_t>{-3, 7}), (F{-3, 7}));
  EXPECT_EQ(floats(Dtype::i8, std::vector<std::int8_t>{-3, 7}), (F{-3, 7}));
  EXPECT_EQ(floats(Dtype::u8, std::vector<std::uint8_t>{200, 7}), (F{200, 7}));
  EXPECT_EQ(floats(Dtype::boolean, std::vector<std::uint8_t>{0, 1, 2}), (F{0, 1, 1}));
}

TEST(Safetensors, RefusesWhatIsNotSoundAndSaysWhy) {
  struct Row {
    std::string_view header;
    std::size_t data;
    std::string_view reason;
  };
  Row const rows[] = {
      {R"([])", 0, "begin with {"},
      {R"({"a":1})", 0, "expected dtype, shape and data_offsets alone"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}})", 4, "alone"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "twice"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", 4, "F8_E4M3"},
      {R"({"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}})", 4, "no word"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "whole number"},
      {R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4, "whole number"},
      {R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4, "no list"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,0]}})",
       0, "shape says"},
      {R"({"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}})", 0,
       "shape says"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "shape says"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "shape says"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "no pair"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5,
       "need 4 bytes and 5 are there"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 3,
       "need 4 bytes and 3 are there"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})", 5, "gap"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "overlaps"},
      {R"({"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, "no name"},
      {R"({"__metadata__":{"a":1}})", 0, "no text"},
      {R"({"__metadata__":3})", 0, "no object"},
      {R"({"a":)", 0, "JSON"},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.header);
    try {
      decode_safetensors(safetensors_test_file(row.header, row.data), "weights.safetensors");
      ADD_FAILURE() << "was read";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
      EXPECT_NE(std::string_view{error.what()}.find(row.reason), std::string_view::npos)
          << error.what();
      EXPECT_NE(std::string_view{error.what()}.find("weights.safetensors"),
                std::string_view::npos)
          << error.what();
    }
  }
}

TEST(Safetensors, RefusesAHeaderThatLiesAboutItsLength) {
  EXPECT_THROW(decode_safetensors({}, "x"), Error);
  EXPECT_THROW(decode_safetensors(Bytes(7), "x"), Error);
  EXPECT_THROW(decode_safetensors(safetensors_test_file("{}", 0, 3), "x"), Error);
  EXPECT_THROW(decode_safetensors(safetensors_test_file("{}", 0, ~std::uint64_t{0}), "x"),
               Error);
  std::string long_one = "{}";
  long_one.resize(safetensors_header_limit + 1, ' ');
  EXPECT_THROW(decode_safetensors(safetensors_test_file(long_one, 0), "x"), Error);
  EXPECT_TRUE(decode_safetensors(safetensors_test_file("{}", 0), "x").blobs.empty());
}

TEST(Safetensors, AreNotWrittenWithOneNameTwice) {
  std::vector<float> const value = {1};
  std::vector<Blob> const twice(2, Blob{"a", Dtype::f32, {1}, safetensors_test_bytes(value)});
  EXPECT_THROW(encode_safetensors(twice), Error);
  std::vector<Blob> const wrong(1, Blob{"a", Dtype::f32, {2}, safetensors_test_bytes(value)});
  EXPECT_THROW(encode_safetensors(wrong), Error);
  std::vector<Blob> const taken(
      1, Blob{"__metadata__", Dtype::f32, {1}, safetensors_test_bytes(value)});
  EXPECT_THROW(encode_safetensors(taken), Error);
}

}  // namespace fovea
