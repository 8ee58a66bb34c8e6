#include "learn/weights/container.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/json.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace fovea {
namespace {

std::vector<ZipMember> container_test_members() {
  return {member_of("package.json", "{}"), member_of("configs/metadata.json", "{ }"),
          member_of("weights.safetensors", std::string(5000, 'w'))};
}

Json container_test_manifest(std::vector<ZipMember> const& members) {
  Json manifest = {{"format", "fovea package"}, {"version", 1}, {"members", Json::array()}};
  for (auto const& member : members)
    manifest["members"].push_back({{"name", member.name},
                                   {"bytes", member.bytes.size()},
                                   {"sha256", sha256(member.bytes)}});
  return manifest;
}

/// A package whose manifest need not be true.
void container_test_write(fs::path const& file,
                          Json const& manifest,
                          std::vector<ZipMember> members) {
  members.insert(members.begin(), member_of("manifest.json", manifest.dump()));
  write_zip(file, members);
}

std::string container_test_refusal(fs::path const& file) {
  try {
    Container const opened{file};
    return "was read";
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input) << error.what();
    return error.what();
  }
}

}  // namespace

TEST(Container, GivesBackItsMembersAndIsTheSameBytesEachTime) {
  ScratchFolder const folder;
  auto const file = folder.path() / "größe 1.fovea";
  write_container(file, container_test_members());
  auto const bytes = read_file(file, 1 << 20);
  write_container(file, container_test_members());
  EXPECT_EQ(read_file(file, 1 << 20), bytes);
  Container const opened{file};
  EXPECT_EQ(opened.names(), (std::vector<std::string>{"package.json", "configs/metadata.json",
                                                      "weights.safetensors"}));
  EXPECT_EQ(opened.read_words("weights.safetensors"), std::string(5000, 'w'));
  EXPECT_FALSE(opened.has("model.ts"));
  EXPECT_THROW(opened.read("model.ts"), Error);
  EXPECT_THROW(opened.read("weights.safetensors", 4999), Error);
  EXPECT_EQ(opened.identity().size(), 64U);
  EXPECT_EQ((Container{bytes, "memory"}.identity()), opened.identity());
}

TEST(Container, HasAnotherIdentityWhenAnyMemberDiffers) {
  ScratchFolder const folder;
  auto members = container_test_members();
  write_container(folder.path() / "a", members);
  members.back().bytes.back() = std::byte{'v'};
  write_container(folder.path() / "b", members);
  EXPECT_NE(Container{folder.path() / "a"}.identity(),
            Container{folder.path() / "b"}.identity());
}

TEST(Container, RefusesWhatItsManifestDoesNotHoldFor) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.fovea";
  auto const members = container_test_members();
  auto const good = container_test_manifest(members);
  struct Row {
    std::string_view reason;
    std::function<void(Json&, std::vector<ZipMember>&)> damage;
  };
  Row const rows[] = {
      {"was changed", [](Json&, auto& m) { m[2].bytes[17] = std::byte{'v'}; }},
      {"weights.safetensors", [](Json&, auto& m) { m[2].bytes.pop_back(); }},
      {"weights.safetensors", [](Json&, auto& m) { m[2].bytes.push_back(std::byte{'w'}); }},
      {"is missing", [](Json&, auto& m) { m.pop_back(); }},
      {"does not name", [](Json&, auto& m) { m.push_back(member_of("more.txt", "x")); }},
      {"versions up to 1", [](Json& j, auto&) { j["version"] = 2; }},
      {"not that of a package", [](Json& j, auto&) { j["version"] = "1"; }},
      {"not that of a package", [](Json& j, auto&) { j["format"] = "other"; }},
      {"its version is 0", [](Json& j, auto&) { j["version"] = 0; }},
      {"alone", [](Json& j, auto&) { j["more"] = 1; }},
      {"alone", [](Json& j, auto&) { j["members"][0]["more"] = 1; }},
      {"alone", [](Json& j, auto&) { j["members"][0]["bytes"] = -2; }},
      {"twice", [](Json& j, auto&) { j["members"].push_back(j["members"][0]); }},
      {"not that of a package", [](Json& j, auto&) { j = Json::array(); }},
  };
  for (auto const& row : rows) {
    auto manifest = good;
    auto damaged = members;
    row.damage(manifest, damaged);
    container_test_write(file, manifest, damaged);
    auto const said = container_test_refusal(file);
    EXPECT_NE(said.find(row.reason), std::string::npos) << row.reason << ": " << said;
  }
  container_test_write(file, good, members);
  EXPECT_EQ(container_test_refusal(file), "was read")
      << "so the rows above fail for their own reason";
}

TEST(Container, RefusesEveryTruncationAndOtherFiles) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.fovea";
  write_container(file, container_test_members());
  auto const bytes = read_file(file, 1 << 20);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 7)
    EXPECT_THROW((Container{std::span{bytes}.first(size), "cut"}), Error) << size;
  EXPECT_THROW((Container{std::span{bytes}.first(bytes.size() - 1), "cut"}), Error);
  write_zip(file, container_test_members());
  EXPECT_NE(container_test_refusal(file).find("manifest.json"), std::string::npos);
  write_file(file, "plain words");
  EXPECT_NE(container_test_refusal(file), "was read");
  EXPECT_THROW(Container{folder.path() / "none.fovea"}, Error);
}

// Flipping any one byte of any member's content must be noticed.
TEST(Container, NoticesEveryChangedByteOfItsMembers) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.fovea";
  write_container(file, {member_of("package.json", R"({"a":"bcdefgh"})")});
  auto bytes = read_file(file, 1 << 20);
  std::string_view const words{reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  auto const first = words.find(R"({"a":"bcdefgh"})");
  ASSERT_NE(first, std::string_view::npos) << "members are stored as they are";
  for (std::size_t at = first; at < first + 15; ++at) {
    bytes[at] ^= std::byte{1};
    EXPECT_THROW((Container{bytes, "changed"}), Error) << at;
    bytes[at] ^= std::byte{1};
  }
}

TEST(Container, IsNotWrittenWithAMemberThatWouldHideAnother) {
  ScratchFolder const folder;
  EXPECT_THROW(write_container(folder.path() / "x", {member_of("manifest.json", "{}")}), Error);
  EXPECT_THROW(write_container(folder.path() / "x", {member_of("a", "1"), member_of("a", "2")}),
               Error);
}

}  // namespace fovea
