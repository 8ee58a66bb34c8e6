#include "base/core/zip.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <zip.h>

namespace fovea {
namespace {

Bytes zip_bytes(std::string_view words) {
  auto const bytes = std::as_bytes(std::span{words});
  return {bytes.begin(), bytes.end()};
}

std::string zip_words(Bytes const& bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

// A zip by libzip, with whatever names and packing.
Bytes zip_foreign(fs::path const& file,
                  std::vector<std::pair<std::string, std::string>> const& members,
                  int packing = ZIP_CM_DEFLATE) {
  auto* const archive = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (auto const& [name, words] : members) {
    auto* const source = zip_source_buffer(archive, words.data(), words.size(), 0);
    auto const at = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    EXPECT_GE(at, 0) << name;
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(at), packing, 0);
  }
  EXPECT_EQ(zip_close(archive), 0);
  return read_file(file, 1 << 24);
}

void zip_replace(Bytes& bytes, std::string_view from, std::string_view to) {
  auto at = bytes.begin();
  auto const wanted = zip_bytes(from);
  while ((at = std::search(at, bytes.end(), wanted.begin(), wanted.end())) != bytes.end())
    at = std::ranges::copy(zip_bytes(to), at).out;
}

std::string zip_fault(std::span<std::byte const> bytes, std::uint64_t limit = 1 << 24) {
  try {
    ZipReader const zip{bytes, "x.zip"};
    for (auto const& entry : zip.entries()) zip.read(entry.name, limit);
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), Fault::input);
    return fault.what();
  }
  return "";
}

TEST(Zip, ReadsBackWhatItWroteAndIsTheSameEveryTime) {
  ScratchFolder const folder;
  std::vector<ZipMember> const members{{"package.json", zip_bytes("{}")},
                                       {"a/empty", {}},
                                       {"weights.safetensors", Bytes(100'000, std::byte{7})},
                                       {"gr\xc3\xbc\xc3\x9f e.txt", zip_bytes("hello")}};
  write_zip(folder.path() / "one.zip", members);
  write_zip(folder.path() / "two.zip", members);
  EXPECT_EQ(read_file(folder.path() / "one.zip", 1 << 20),
            read_file(folder.path() / "two.zip", 1 << 20));
  ZipReader const zip{folder.path() / "one.zip"};
  ASSERT_EQ(zip.entries().size(), members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    EXPECT_EQ(zip.entries()[i].name, members[i].name);
    EXPECT_EQ(zip.entries()[i].size, members[i].bytes.size());
    EXPECT_EQ(zip.read(members[i].name, 1 << 20), members[i].bytes);
  }
  EXPECT_TRUE(zip.has("a/empty"));
  EXPECT_FALSE(zip.has("b"));
  EXPECT_EQ(zip.read_start("weights.safetensors", 3), Bytes(3, std::byte{7}));
  EXPECT_EQ(zip_words(zip.read_start("package.json", 100)), "{}");
}

TEST(Zip, KeepsItsMembersWhereTheyCanBeMapped) {
  ScratchFolder const folder;
  std::vector<ZipMember> members;
  for (std::size_t i = 0; i < 130; ++i)
    members.push_back({std::string(i + 1, 'n'), zip_bytes("member" + std::to_string(i) + ";")});
  write_zip(folder.path() / "x.zip", members);
  auto const words = zip_words(read_file(folder.path() / "x.zip", 1 << 20));
  for (auto const& member : members) EXPECT_EQ(words.find(zip_words(member.bytes)) % 64, 0U);
}

TEST(Zip, ReadsDeflatedMembers) {
  ScratchFolder const folder;
  std::string const large(1'000'000, 'x');
  auto const bytes = zip_foreign(folder.path() / "x.zip", {{"a", large}, {"b", "y"}});
  EXPECT_LT(bytes.size(), 10'000U);
  ZipReader const zip{bytes, "x.zip"};
  EXPECT_EQ(zip_words(zip.read("a", large.size())), large);
  EXPECT_THROW(zip.read("a", large.size() - 1), Error);
  EXPECT_THROW(zip.read("none", 10), Error);
  EXPECT_EQ(zip_words(zip.read_start("a", 2)), "xx");
}

TEST(Zip, RefusesNamesThatWouldEscapeOrRepeat) {
  ScratchFolder const folder;
  auto const good =
      zip_foreign(folder.path() / "x.zip", {{"aa/aa/aaa", "1"}, {"bb/bb/bbb", "2"}});
  EXPECT_EQ(zip_fault(good), "");
  for (auto const* const name : {"/a/aa/aaa", "../aa/aaa", "aa/../aaa", "aa/aaa/..",
                                 "aa\\aa\\aaa", "C:/aa/aaa", "bb/bb/bbb"}) {
    auto bad = good;
    zip_replace(bad, "aa/aa/aaa", name);
    EXPECT_NE(zip_fault(bad), "") << name;
  }
}

TEST(Zip, RefusesLinksEncryptionAndOtherPackings) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.zip";
  zip_foreign(file, {{"link", "/etc/passwd"}});
  auto* archive = zip_open(file.c_str(), 0, nullptr);
  zip_file_set_external_attributes(archive, 0, 0, ZIP_OPSYS_UNIX, 0120777U << 16);
  zip_close(archive);
  EXPECT_NE(zip_fault(read_file(file, 1 << 20)).find("is a link"), std::string::npos);

  auto encrypted = zip_foreign(file, {{"a", "secret"}}, ZIP_CM_STORE);
  for (auto const& [mark, place] : {std::pair{"PK\x03\x04", 6}, std::pair{"PK\x01\x02", 8}}) {
    auto const wanted = zip_bytes(mark);
    auto const at =
        std::search(encrypted.begin(), encrypted.end(), wanted.begin(), wanted.end());
    at[place] |= std::byte{1};
  }
  EXPECT_NE(zip_fault(encrypted).find("encrypted"), std::string::npos);

  auto other = zip_foreign(file, {{"a", "words"}}, ZIP_CM_STORE);
  auto const wanted = zip_bytes("PK\x01\x02");
  std::search(other.begin(), other.end(), wanted.begin(), wanted.end())[10] = std::byte{14};
  EXPECT_NE(zip_fault(other).find("method 14"), std::string::npos);
}

TEST(Zip, RefusesAMemberThatIsNotWhatTheDirectorySays) {
  ScratchFolder const folder;
  for (auto const packing : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    auto const good =
        zip_foreign(folder.path() / "x.zip", {{"a", std::string(1000, 'w') + "end"}}, packing);
    auto const mark = zip_bytes("PK\x01\x02");
    auto const entry =
        std::search(good.begin(), good.end(), mark.begin(), mark.end()) - good.begin();
    for (auto const size : {1U, 2000U, 0x7fffffffU}) {  // shorter, longer, a lie of 2 GiB
      auto bad = good;
      std::memcpy(bad.data() + entry + 24, &size, 4);
      EXPECT_NE(zip_fault(bad, 1ULL << 40), "") << size;
    }
    auto damaged = good;
    damaged[40] ^= std::byte{0x10};
    EXPECT_NE(zip_fault(damaged), "");
  }
}

TEST(Zip, RefusesAFileCutAnywhere) {
  ScratchFolder const folder;
  write_zip(folder.path() / "x.zip", {{"a", zip_bytes("one")}, {"b", zip_bytes("two")}});
  auto const whole = read_file(folder.path() / "x.zip", 1 << 20);
  EXPECT_EQ(zip_fault(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(zip_fault(std::span{whole}.first(size)), "") << size;
}

TEST(Zip, RefusesWhatIsNoZipAndTooManyMembers) {
  ScratchFolder const folder;
  EXPECT_NE(zip_fault(zip_bytes("not a zip at all, but some words")), "");
  EXPECT_THROW((ZipReader{folder.path() / "none.zip"}), Error);
  EXPECT_THROW((ZipReader{folder.path()}), Error);
  write_zip(folder.path() / "x.zip", {{"a", {}}, {"b", {}}, {"c", {}}});
  EXPECT_THROW((ZipReader{folder.path() / "x.zip", 2}), Error);
  EXPECT_EQ((ZipReader{folder.path() / "x.zip", 3}).entries().size(), 3U);
}

TEST(Zip, DoesNotWriteNamesThatNobodyWouldRead) {
  ScratchFolder const folder;
  for (auto const* const name : {"", "/a", "../a", "a\\b"})
    EXPECT_THROW(write_zip(folder.path() / "x.zip", {{name, {}}}), Error) << name;
  EXPECT_THROW(write_zip(folder.path() / "x.zip", {{"a", {}}, {"a", {}}}), Error);
  EXPECT_FALSE(fs::exists(folder.path() / "x.zip"));
}

}  // namespace
}  // namespace fovea
