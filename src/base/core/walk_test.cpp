#include "base/core/walk.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace fovea {

TEST(FilesBelow, AreSortedWithoutHiddenOnesAndLoops) {
  ScratchFolder const room;
  auto const& root = room.path();
  make_folder(root / "b" / "deep");
  make_folder(root / ".hidden");
  for (auto const* const name : {"c.dcm", "a.dcm", ".no", "b/deep/x", ".hidden/y"})
    write_file(root / name, "1");
  fs::create_directory_symlink(root, root / "b" / "up");
  fs::create_symlink(root / "nowhere", root / "d");
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);  // whoever opened it would wait
  EXPECT_EQ(files_below(root, {}), (std::vector{root / "a.dcm", root / "b" / "deep" / "x",
                                                root / "c.dcm", root / "d"}));
}

TEST(FilesBelow, EndIfStopped) {
  ScratchFolder const room;
  Stop stop;
  stop.ask();
  EXPECT_THROW(files_below(room.path(), stop), Interrupted);
}

}  // namespace fovea
