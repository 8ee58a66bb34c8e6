#include "base/core/cgroup.hpp"
#include "base/core/cpu.hpp"
#include "base/core/file.hpp"
#include "base/core/memory.hpp"
#include "base/core/words.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

namespace fovea {
namespace {

TEST(Memory, PeakGrowsWithWhatWasTouchedAndStays) {
  constexpr std::size_t size = 64U << 20;
  auto const before = peak_memory();
  {
    std::vector<char> large(size, 'x');
    EXPECT_EQ(std::ranges::count(large, 'x'), static_cast<std::ptrdiff_t>(size));
  }
  EXPECT_GE(peak_memory(), std::max<std::uint64_t>(before, size));
}

TEST(Memory, AvailableIsSomethingAndNoMoreThanTheMachineHas) {
  std::ifstream in{"/proc/meminfo"};
  std::string word;
  std::uint64_t total = 0;
  while (in >> word && word != "MemTotal:") {
  }
  in >> total;
  EXPECT_GT(available_memory(), 1U << 20);
  EXPECT_LE(available_memory(), total * 1024);
}

TEST(Cpu, FeaturesAreThoseThatTheSystemNames) {
  std::ifstream in{"/proc/cpuinfo"};
  std::set<std::string> flags;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("flags")) continue;
    for (auto const& flag : split(line, ' ')) flags.insert(flag);
    break;
  }
  if (flags.empty()) GTEST_SKIP() << "/proc/cpuinfo names no flags here";
  auto const features = cpu_features();
  struct Row {
    char const *feature, *flag;
  };
  for (auto const& row :
       {Row{"AVX2", "avx2"}, Row{"FMA", "fma"}, Row{"AVX512F", "avx512f"},
        Row{"AVX512-VNNI", "avx512_vnni"}, Row{"AVX512-BF16", "avx512_bf16"},
        Row{"AMX-TILE", "amx_tile"}, Row{"AMX-INT8", "amx_int8"}, Row{"AMX-BF16", "amx_bf16"}})
    EXPECT_EQ(std::ranges::count(features, row.feature), flags.contains(row.flag) ? 1 : 0)
        << row.feature;
  EXPECT_FALSE(cpu_brand().empty());
}

TEST(Cgroup, FoldersExistAndEndAtTheTop) {
  for (auto const& folder : cgroup_folders("memory"))
    EXPECT_TRUE(fs::is_directory(folder)) << folder;
  EXPECT_EQ(first_line("/no/such/file"), "");
}

}  // namespace
}  // namespace fovea
