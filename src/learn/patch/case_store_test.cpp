#include "learn/patch/case_store.hpp"

#include "learn/patch/made/made_case.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fovea {
namespace {

TEST(CaseStore, FindsWhatWasPutAndNothingElse) {
  ScratchFolder const folder;
  MadeCase const made;
  CaseStore const store{folder.path(), "recipe", 1 << 20};
  EXPECT_EQ(store.find("made", "sources"), nullptr);
  auto const put = store.put(made.to_store(), "sources");
  ASSERT_NE(put, nullptr);
  auto const found = store.find("made", "sources");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->size(), made.size);
  EXPECT_EQ(store.find("made", "other sources"), nullptr);
  EXPECT_EQ(store.find("other", "sources"), nullptr);
  CaseStore const changed{folder.path(), "recipe 2", 0};
  EXPECT_NE(changed.folder(), store.folder());
  EXPECT_EQ(changed.find("made", "sources"), nullptr);
  CaseStore const again{folder.path(), "recipe", 0};
  EXPECT_NE(again.find("made", "sources"), nullptr);
  EXPECT_EQ(read_text(store.folder() / "recipe.txt"), "recipe");
}

TEST(CaseStore, StaysInItsFolderWhateverACaseIsCalled) {
  ScratchFolder const folder;
  MadeCase const made;
  CaseStore const store{folder.path(), "", 0};
  for (auto const* const id : {"../../x", "/etc/passwd", "", ".", "a\nb\xff"}) {
    auto given = made.to_store();
    given.id = id;
    store.put(given, "s");
    EXPECT_EQ(store.file_of(id).parent_path(), store.folder());
    EXPECT_NE(store.find(id, "s"), nullptr) << id;
  }
}

TEST(CaseStore, TakesADamagedCaseForNone) {
  ScratchFolder const folder;
  CaseStore const store{folder.path(), "", 0};
  store.put(MadeCase{}.to_store(), "s");
  auto const file = store.file_of("made");
  fs::resize_file(file, fs::file_size(file) - 1);
  EXPECT_EQ(store.find("made", "s"), nullptr);
  store.put(MadeCase{}.to_store(), "s");
  EXPECT_NE(store.find("made", "s"), nullptr);
}

TEST(CaseStore, HasOnlyWholeCasesWheneverTheWriterIsKilled) {
  ScratchFolder const folder;
  MadeCase const made{{24, 24, 24}};
  CaseStore const store{folder.path(), "", 0};
  for (int turn = 0; turn < 5; ++turn) {
    auto const child = ::fork();
    if (child == 0)
      for (;;) store.put(made.to_store(), "s");
    ::usleep(15'000);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto const found = store.find("made", "s");
    if (!found) continue;
    std::vector<float> image(made.image.size());
    found->read_image({{0, 0, 0}, made.size}, image);
    ASSERT_EQ(image, made.image);
  }
  // What they left half done goes once it is surely nobody's.
  write_file(store.folder() / "x.case.1-1.part", std::string_view{"half"});
  fs::last_write_time(store.folder() / "x.case.1-1.part",
                      fs::file_time_type::clock::now() - std::chrono::hours{30});
  CaseStore const later{folder.path(), "", 0};
  EXPECT_FALSE(fs::exists(store.folder() / "x.case.1-1.part"));
}

}  // namespace
}  // namespace fovea
