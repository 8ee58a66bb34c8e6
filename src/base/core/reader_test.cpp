#include "base/core/reader.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <sys/stat.h>

namespace fovea {
namespace {

std::string_view reader_words(std::span<std::byte const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

TEST(FileReader, ReadsAtAnyPlace) {
  ScratchFolder const folder;
  auto const path = folder.path() / "x";
  write_file(path, std::string_view{"0123456789"});
  FileReader const file{path};
  EXPECT_EQ(file.size(), 10U);
  std::array<std::byte, 3> room{};
  file.read(4, room);
  EXPECT_EQ(reader_words(room), "456");
  file.read(0, room);
  EXPECT_EQ(reader_words(room), "012");
  file.read(10, {});
}

TEST(FileReader, SaysWhatIsMissing) {
  ScratchFolder const folder;
  auto const path = folder.path() / "x";
  write_file(path, std::string_view{"0123456789"});
  FileReader const file{path};
  std::array<std::byte, 3> room{};
  for (std::uint64_t const at : {8ULL, 10ULL, 1ULL << 40}) {
    try {
      file.read(at, room);
      ADD_FAILURE() << "was read";
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
      EXPECT_NE(std::string_view{fault.what()}.find("expected 3 bytes"), std::string::npos);
    }
  }
}

TEST(FileReader, RefusesWhatIsNoFile) {
  ScratchFolder const folder;
  EXPECT_THROW(FileReader{folder.path() / "none"}, Error);
  EXPECT_THROW(FileReader{folder.path()}, Error);
  auto const pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(FileReader{pipe}, Error);
}

}  // namespace
}  // namespace fovea
