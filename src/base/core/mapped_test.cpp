#include "base/core/mapped.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sys/stat.h>

namespace fovea {
namespace {

TEST(MappedFile, HasTheBytesOfTheFileAlsoOfOneThatIsGone) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x";
  write_file(file, std::string_view{"eins\0zwei", 9});
  MappedFile const mapped{file};
  write_file(file, std::string_view{"another"});
  fs::remove(file);
  auto const same = [](std::byte a, char b) { return a == static_cast<std::byte>(b); };
  EXPECT_TRUE(std::ranges::equal(mapped.bytes(), std::string_view{"eins\0zwei", 9}, same));
  write_file(file, std::string_view{});
  EXPECT_TRUE(MappedFile{file}.bytes().empty());
}

TEST(MappedFile, IsRefusedWhereNoFileIs) {
  ScratchFolder const folder;
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  for (auto const& path : {folder.path() / "none", folder.path(), folder.path() / "pipe"}) {
    try {
      MappedFile const mapped{path};
      ADD_FAILURE() << path;
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
    }
  }
}

}  // namespace
}  // namespace fovea
