#include "base/core/file.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fovea {
namespace {

// Runs `work` in a child of its own and gives back its exit code; 100 + signal if one ended it.
template <class Work>
int file_in_child(Work const& work) {
  auto const child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

template <class Work>
int file_fault_of(Work const& work) {
  try {
    work();
  } catch (Error const& fault) {
    return static_cast<int>(fault.fault());
  }
  return 0;
}

std::ptrdiff_t file_count(fs::path const& folder) {
  return std::distance(fs::directory_iterator{folder}, fs::directory_iterator{});
}

TEST(File, IsReadBackAsItWasWritten) {
  ScratchFolder const folder;
  auto const file = folder.path() / "gr\xc3\xbc\xc3\x9f e, \xe5\x83\x8f.txt";
  write_file(file, std::string_view{"eins\0zwei", 9});
  EXPECT_EQ(read_text(file), (std::string{"eins\0zwei", 9}));
  write_file(file, std::string_view{});
  EXPECT_TRUE(read_file(file, 0).empty());
  EXPECT_EQ(file_count(folder.path()), 1);
}

TEST(File, IsRefusedWhenLargerThanTheLimitMissingOrAFolder) {
  ScratchFolder const folder;
  write_file(folder.path() / "x", std::string_view{"12345"});
  EXPECT_EQ(file_fault_of([&] { read_file(folder.path() / "x", 4); }), 3);
  EXPECT_EQ(file_fault_of([&] { read_file(folder.path() / "none", 4); }), 3);
  EXPECT_EQ(file_fault_of([&] { read_file(folder.path(), 1 << 20); }), 3);
}

TEST(File, KeepsItsOldContentsWhenTheDiskIsFull) {
  ScratchFolder const folder;
  auto const file = folder.path() / "weights";
  write_file(file, std::string_view{"the good ones"});
  auto const code = file_in_child([&] {
    rlimit const small{.rlim_cur = 4096, .rlim_max = 4096};
    ::setrlimit(RLIMIT_FSIZE, &small);
    return file_fault_of([&] { write_file(file, std::string(1 << 20, 'x')); });
  });
  EXPECT_EQ(code, static_cast<int>(Fault::resource));
  EXPECT_EQ(read_text(file), "the good ones");
  EXPECT_EQ(file_count(folder.path()), 1) << "the draft was left behind";
}

TEST(File, KeepsItsOldContentsWhenWritingThrows) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x";
  write_file(file, std::string_view{"old"});
  EXPECT_THROW(write_file(file,
                          [](std::ostream& out) {
                            out << "half";
                            throw std::runtime_error{"stop"};
                          }),
               std::runtime_error);
  EXPECT_EQ(read_text(file), "old");
  EXPECT_EQ(file_count(folder.path()), 1);
}

TEST(File, IsWholeWheneverTheWriterIsKilled) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x";
  write_file(file, std::string(100'000, 'a'));
  for (int turn = 0; turn < 5; ++turn) {
    auto const child = ::fork();
    if (child == 0) {
      for (char c = 'b';; c = c == 'z' ? 'b' : static_cast<char>(c + 1))
        write_file(file, std::string(100'000, c));
    }
    ::usleep(20'000);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto const words = read_text(file);
    ASSERT_EQ(words.size(), 100'000U);
    ASSERT_EQ(std::ranges::count(words, words[0]), 100'000);
  }
}

TEST(File, SaysWhereItMayNotBeWritten) {
  ScratchFolder const folder;
  EXPECT_EQ(
      file_fault_of([&] { write_file(folder.path() / "none" / "x", std::string_view{"1"}); }),
      4);
  write_file(folder.path() / "x", std::string_view{"1"});
  EXPECT_EQ(file_fault_of([&] { make_folder(folder.path() / "x" / "below"); }), 4);
  make_folder(folder.path() / "a" / "b");
  make_folder(folder.path() / "a" / "b");
  EXPECT_TRUE(fs::is_directory(folder.path() / "a" / "b"));
}

TEST(File, IsRefusedToThoseWithoutPermission) {
  ScratchFolder const folder;
  write_file(folder.path() / "secret", std::string_view{"1"});
  fs::permissions(folder.path() / "secret", fs::perms::none);
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec |
                                     fs::perms::others_read | fs::perms::others_exec);
  auto const nobody = [&](auto const& work) {
    return file_in_child([&] {
      if (::geteuid() == 0 && ::seteuid(65534) != 0) return 99;
      return file_fault_of(work);
    });
  };
  auto const write_code =
      nobody([&] { write_file(folder.path() / "x", std::string_view{"1"}); });
  auto const read_code = nobody([&] { read_file(folder.path() / "secret", 10); });
  fs::permissions(folder.path(), fs::perms::owner_all);
  if (write_code == 99) GTEST_SKIP() << "the system does not let root become somebody else";
  EXPECT_EQ(write_code, static_cast<int>(Fault::resource));
  EXPECT_EQ(read_code, static_cast<int>(Fault::resource));
}

TEST(ScratchFolder, IsGoneAfterwards) {
  fs::path path;
  {
    ScratchFolder const folder;
    path = folder.path();
    make_folder(path / "below");
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(FileLock, IsHeldByOneProcessAndEndsWithIt) {
  ScratchFolder const folder;
  auto const file = folder.path() / "lock";
  auto const other_takes = [&] {
    return file_in_child([&] { return file_fault_of([&] { FileLock const lock{file}; }); });
  };
  {
    FileLock const lock{file};
    EXPECT_EQ(other_takes(), static_cast<int>(Fault::resource));
  }
  EXPECT_EQ(other_takes(), 0);
  auto const killed = file_in_child([&] {
    FileLock const lock{file};
    ::raise(SIGKILL);
    return 0;
  });
  EXPECT_EQ(killed, 100 + SIGKILL);
  EXPECT_EQ(other_takes(), 0);
}

TEST(FileLock, SaysWhereItCannotBe) {
  ScratchFolder const folder;
  EXPECT_EQ(file_fault_of([&] { FileLock const lock{folder.path() / "none" / "lock"}; }), 4);
}

}  // namespace
}  // namespace fovea
