#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/pool.hpp"
#include "base/core/rng.hpp"
#include "learn/patch/case_table.hpp"
#include "learn/patch/made/made_case.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fovea {
namespace {

Bytes stored_bytes(CaseToStore const& given) {
  ScratchFolder const folder;
  store_case(folder.path() / "x", given);
  return read_file(folder.path() / "x", 1 << 28);
}

// Everything that a case has, through its public face.
void stored_read_all(Bytes bytes) {
  StoredCase const found{std::make_shared<Bytes const>(std::move(bytes)), "x"};
  PatchBox const whole{{0, 0, 0}, found.size()};
  std::vector<float> image(
      static_cast<std::size_t>(found.channels() * voxels_of(found.size())));
  std::vector<std::int16_t> labels(static_cast<std::size_t>(voxels_of(found.size())));
  found.read_image(whole, image);
  found.read_labels(whole, labels);
  for (std::size_t n = 0; n <= found.classes().size(); ++n)
    for (std::int64_t at = 0; at < found.places(n); ++at) found.place(n, at);
}

std::string stored_refusal(std::function<void()> const& work) {
  try {
    work();
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input) << error.what();
    return error.what();
  }
  return "";
}

// The voxel of an array, or what is said to lie beyond it.
template <class T>
T stored_at(std::span<T const> voxels, Kji const& size, Kji const& at, T outside) {
  for (std::size_t d = 0; d < 3; ++d)
    if (at[d] < 0 || at[d] >= size[d]) return outside;
  return voxels[static_cast<std::size_t>((at[0] * size[1] + at[1]) * size[2] + at[2])];
}

void stored_expect_box(StoredCase const& found, MadeCase const& made, PatchBox const& box) {
  auto const channels = found.channels();
  auto const count = voxels_of(box.size);
  auto const all = voxels_of(made.size);
  std::vector<float> image(static_cast<std::size_t>(channels * count), -7);
  std::vector<std::int16_t> labels(static_cast<std::size_t>(count), 77);
  found.read_image(box, image);
  found.read_labels(box, labels);
  std::size_t n = 0;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t k = 0; k < box.size[0]; ++k)
      for (std::int64_t j = 0; j < box.size[1]; ++j)
        for (std::int64_t i = 0; i < box.size[2]; ++i, ++n) {
          Kji const at{box.from[0] + k, box.from[1] + j, box.from[2] + i};
          auto const of_channel = std::span{made.image}.subspan(
              static_cast<std::size_t>(c * all), static_cast<std::size_t>(all));
          ASSERT_EQ(image[n], stored_at<float>(of_channel, made.size, at, 0));
          if (c == 0) {
            ASSERT_EQ(labels[n], stored_at<std::int16_t>(made.labels, made.size, at, -1));
          }
        }
}

struct StoredShape {
  Kji size, patch;
  std::int64_t channels;
};

TEST(StoredCase, ReadsAnyBoxAlsoBeyondTheBorders) {
  for (auto const& shape :
       {StoredShape{{7, 9, 10}, {4, 4, 4}, 1}, StoredShape{{7, 9, 10}, {3, 9, 1}, 2},
        StoredShape{{1, 1, 1}, {1, 1, 1}, 1}, StoredShape{{1, 40, 33}, {1, 16, 16}, 3},
        StoredShape{{60, 61, 62}, {100, 100, 100}, 1}}) {
    MadeCase const made{shape.size, shape.channels};
    auto const cache = std::make_shared<ChunkCache>(1 << 20);
    auto const plain = stored(made.to_store(shape.patch));
    auto const cached = stored(made.to_store(shape.patch), cache);
    SCOPED_TRACE(testing::Message() << shape.size[0] << " x " << shape.size[1]);
    EXPECT_LE(voxels_of(plain->chunk()), 1 << 16);
    stored_expect_box(*plain, made, {{0, 0, 0}, shape.size});
    Rng rng{{3, 1}};
    for (int turn = 0; turn < 40; ++turn) {
      PatchBox box;
      for (std::size_t d = 0; d < 3; ++d) {
        box.from[d] = rng.below(shape.size[d] + 6) - 5;
        box.size[d] = 1 + rng.below(12);
      }
      stored_expect_box(*plain, made, box);
      stored_expect_box(*cached, made, box);
    }
    stored_expect_box(*plain, made, {{-50, 0, 0}, {3, 3, 3}});
    EXPECT_LE(cache->bytes(), 1U << 20);
  }
}

TEST(StoredCase, KeepsWhatItIsTold) {
  MadeCase made;
  auto given = made.to_store();
  made.labels[5] = 300;  // beyond a byte
  given.labels = made.labels;
  given.classes = {{1, 2}, {300}, {9}};
  given.annotated = {-1, 0, 1};
  given.id = "../\xff odd";
  given.key = "key";
  given.notes = "{\"spacing\": [1, 1, 2]}";
  auto const found = stored(given);
  EXPECT_EQ(found->size(), made.size);
  EXPECT_EQ(found->classes(), given.classes);
  EXPECT_EQ(found->annotated(), given.annotated);
  EXPECT_EQ(found->key(), "key");
  EXPECT_EQ(found->notes(), given.notes);
  EXPECT_EQ(found->places(1), 1);
  EXPECT_EQ(found->place(1, 0), (Kji{0, 0, 5}));
  EXPECT_EQ(found->places(2), 0);
  EXPECT_EQ(found->places(3), std::ranges::count_if(made.labels, [](auto label) {
              return label >= -1 && label <= 1;
            }));
  stored_expect_box(*found, made, {{0, 0, 0}, made.size});

  given.labels = {};
  auto const without = stored(given);
  EXPECT_FALSE(without->has_labels());
  EXPECT_EQ(without->places(0), 0);
  std::vector<std::int16_t> labels(8);
  without->read_labels({{0, 0, 0}, {2, 2, 2}}, labels);
  EXPECT_EQ(labels, std::vector<std::int16_t>(8, -1));

  given.labels = made.labels;
  given.image = {};
  given.channels = 0;
  EXPECT_EQ(stored(given)->channels(), 0);
}

TEST(StoredCase, IsTheSameBytesEachTime) {
  MadeCase const made;
  EXPECT_EQ(stored_bytes(made.to_store()), stored_bytes(made.to_store()));
}

TEST(StoredCase, IsRefusedWhenShortenedAnywhere) {
  auto const bytes = stored_bytes(MadeCase{}.to_store());
  for (std::size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 37) {
    Bytes part{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_NE(stored_refusal([&] { stored_read_all(part); }), "") << size;
  }
}

TEST(StoredCase, IsRefusedWhenAnyOfItsBytesChanged) {
  auto const bytes = stored_bytes(MadeCase{}.to_store());
  stored_read_all(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    if (at >= 20 && at < case_head_bytes) continue;  // that means nothing
    auto changed = bytes;
    changed[at] ^= std::byte{0x41};
    EXPECT_NE(stored_refusal([&] { stored_read_all(changed); }), "") << "byte " << at;
  }
}

TEST(StoredCase, ReadsWhatIsWholeBesideADamagedChunk) {
  MadeCase const made;
  auto bytes = stored_bytes(made.to_store());
  bytes[case_head_bytes + 12] ^= std::byte{1};  // in the first chunk of the image
  StoredCase const found{std::make_shared<Bytes const>(bytes), "x"};
  std::vector<float> image(8);
  EXPECT_NE(stored_refusal([&] {
              found.read_image({{0, 0, 0}, {2, 2, 2}}, image);
            }).find("damaged"),
            std::string::npos);
  found.read_image({{4, 4, 4}, {2, 2, 2}}, image);
  EXPECT_EQ(image[0], made.image[4 * 90 + 4 * 10 + 4]);
}

// Puts other facts into a file, of the same length, and signs it: whoever wants can do that.
std::string stored_refusal_with(std::string_view from, std::string_view to) {
  auto bytes = stored_bytes(MadeCase{}.to_store());
  auto* const text = reinterpret_cast<char*>(bytes.data());
  auto const at = std::string_view{text, bytes.size()}.rfind(from);
  EXPECT_NE(at, std::string_view::npos) << from;
  std::memcpy(text + at, to.data(), to.size());
  auto const hash = case_signature(bytes, "x");
  std::memcpy(text + bytes.size() - 16 - hash.size(), hash.data(), hash.size());
  return stored_refusal([&] { stored_read_all(bytes); });
}

TEST(StoredCase, IsRefusedWhenItsFactsCannotBe) {
  for (auto const& [from, to] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"\"channels\":1", "\"channels\":2"},
           {"\"channels\":1", "\"channels\":x"},
           {"\"size\":[7,9,10]", "\"size\":[7,9,99]"},
           {"\"size\":[7,9,10]", "\"size\":[7,0,10]"},
           {"\"size\":[7,9,10]", "\"size\":[7,-9,1]"},
           {"\"size\":[7,9,10]", "\"size\":[7,1e1,1]"},
           {"\"size\":[7,9,10]", "\"size\":[7,9 ,1]"},
           {"\"chunk\":[4,4,4]", "\"chunk\":[4,4,1]"},
           {"\"labels\":\"i8\"", "\"labels\":\"i9\""},
           {"\"labels\":\"i8\"", "\"labels\":  16"},
           {"\"classes\":[[1]", "\"classes\":[ 1 "},
           {"\"id\":", "\"ie\":"},
           {"\"places\":[", "\"places\":0"}})
    EXPECT_NE(stored_refusal_with(from, to), "") << to;
}

TEST(StoredCase, IsRefusedWhenAPlaceLiesOutside) {
  auto bytes = stored_bytes(MadeCase{}.to_store());
  auto const table = read_case_table(bytes, "x");
  std::uint32_t const outside = 630;
  std::memcpy(bytes.data() + table.places_at, &outside, sizeof outside);
  auto const hash = case_signature(bytes, "x");
  std::memcpy(bytes.data() + bytes.size() - 16 - hash.size(), hash.data(), hash.size());
  StoredCase const found{std::make_shared<Bytes const>(bytes), "x"};
  EXPECT_NE(stored_refusal([&] { found.place(0, 0); }), "");
  EXPECT_NO_THROW(found.place(0, 1));
  EXPECT_THROW(found.place(0, found.places(0)), Error);
}

TEST(StoredCase, SaysWhichVersionItExpects) {
  auto bytes = stored_bytes(MadeCase{}.to_store());
  bytes[16] = std::byte{2};
  EXPECT_NE(stored_refusal([&] { stored_read_all(bytes); }).find("version 1, got 2"),
            std::string::npos);
}

TEST(StoredCase, IsNotThereWhenTheDiskIsFull) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x";
  MadeCase const made{{40, 40, 40}};
  auto const child = ::fork();
  if (child == 0) {
    rlimit const small{.rlim_cur = 8192, .rlim_max = 8192};
    ::setrlimit(RLIMIT_FSIZE, &small);
    try {
      store_case(file, made.to_store());
    } catch (Error const& error) {
      ::_exit(static_cast<int>(error.fault()));
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(Fault::resource));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(StoredCase, RefusesArraysThatAreNotOfTheSizeSaid) {
  MadeCase const made;
  ScratchFolder const folder;
  auto const fault_of = [&](auto const& change) {
    auto given = made.to_store();
    change(given);
    try {
      store_case(folder.path() / "x", given);
    } catch (Error const& error) {
      return error.fault();
    }
    return Fault::usage;  // none came
  };
  std::vector<std::int16_t> low(made.labels.size(), -2);
  EXPECT_EQ(fault_of([](auto& given) { given.size[0] = 6; }), Fault::bug);
  EXPECT_EQ(fault_of([](auto& given) { given.size = {}; }), Fault::bug);
  EXPECT_EQ(fault_of([](auto& given) { given.channels = 2; }), Fault::bug);
  EXPECT_EQ(fault_of([&](auto& given) { given.labels = low; }), Fault::bug);
  EXPECT_EQ(fault_of([](auto& given) { given.labels = given.labels.first(3); }), Fault::bug);
  EXPECT_EQ(fault_of([](auto& given) { given.notes.assign(2 << 20, 'x'); }), Fault::bug);
  EXPECT_EQ(fault_of([](auto& given) { given.size = {70'000, 70'000, 1}; }), Fault::input);
  EXPECT_EQ(fault_of([](auto& given) { given.classes.resize(5000); }), Fault::input);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(StoredCase, IsReadByManyThreadsThroughOneSmallCache) {
  MadeCase const made{{30, 31, 32}};
  auto const cache = std::make_shared<ChunkCache>(64 << 10);
  auto const found = stored(made.to_store({8, 8, 8}), cache);
  in_parallel(64, 4, [&](std::int64_t n) {
    Rng rng{{9, static_cast<std::uint64_t>(n)}};
    PatchBox box;
    for (std::size_t d = 0; d < 3; ++d) {
      box.from[d] = rng.below(30) - 3;
      box.size[d] = 1 + rng.below(20);
    }
    stored_expect_box(*found, made, box);
  });
  EXPECT_LE(cache->bytes(), 64U << 10);
  EXPECT_GT(cache->bytes(), 0U);
}

TEST(ChunkFor, IsSmallAndKeepsRowsLong) {
  EXPECT_EQ(chunk_for({200, 200, 200}, {128, 128, 128}), (Kji{32, 32, 64}));
  EXPECT_EQ(chunk_for({36, 50, 35}, {40, 56, 40}), (Kji{36, 50, 35}));
  EXPECT_EQ(chunk_for({60, 512, 512}, {1, 512, 512}), (Kji{1, 256, 256}));
  EXPECT_EQ(chunk_for({5, 5, 5}, {0, 2, 9}), (Kji{1, 2, 5}));
}

}  // namespace
}  // namespace fovea
