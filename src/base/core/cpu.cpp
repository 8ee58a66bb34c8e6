#include "base/core/cpu.hpp"

#include "base/core/words.hpp"

#include <array>
#include <cpuid.h>
#include <cstdint>
#include <cstring>

namespace fovea {
namespace {

struct CpuLeaf {
  std::array<unsigned, 4> registers{};  // eax, ebx, ecx, edx
};

CpuLeaf cpu_leaf(unsigned leaf, unsigned part) {
  CpuLeaf out;
  auto& r = out.registers;
  if (__get_cpuid_count(leaf, part, &r[0], &r[1], &r[2], &r[3]) == 0) r = {};
  return out;
}

// Which register files the system saves when it switches threads: without it an instruction
// faults.
std::uint64_t cpu_saved_registers() {
  constexpr unsigned osxsave = 1U << 27;
  if ((cpu_leaf(1, 0).registers[2] & osxsave) == 0) return 0;
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

struct CpuRow {
  char const* name;
  unsigned leaf, part;
  std::size_t word;  // 0 eax … 3 edx
  unsigned bit;
  std::uint64_t saved;  // bits of XCR0 that must all be set
};

constexpr std::uint64_t cpu_ymm = 0x6;
constexpr std::uint64_t cpu_zmm = 0xe6;
constexpr std::uint64_t cpu_tiles = 0x60000;

constexpr CpuRow cpu_rows[] = {
    {"AVX2", 7, 0, 1, 5, cpu_ymm},        {"FMA", 1, 0, 2, 12, cpu_ymm},
    {"AVX512F", 7, 0, 1, 16, cpu_zmm},    {"AVX512-VNNI", 7, 0, 2, 11, cpu_zmm},
    {"AVX512-BF16", 7, 1, 0, 5, cpu_zmm}, {"AMX-TILE", 7, 0, 3, 24, cpu_tiles},
    {"AMX-INT8", 7, 0, 3, 25, cpu_tiles}, {"AMX-BF16", 7, 0, 3, 22, cpu_tiles},
};

}  // namespace

std::string cpu_brand() {
  std::array<char, 49> brand{};
  for (unsigned i = 0; i < 3; ++i)
    std::memcpy(brand.data() + 16 * i, cpu_leaf(0x80000002 + i, 0).registers.data(), 16);
  auto const name = trimmed(brand.data());
  return name.empty() ? "unknown" : std::string{name};
}

std::vector<std::string> cpu_features() {
  std::vector<std::string> names;
  auto const saved = cpu_saved_registers();
  for (auto const& row : cpu_rows) {
    auto const there = (cpu_leaf(row.leaf, row.part).registers[row.word] >> row.bit & 1) != 0;
    if (there && (saved & row.saved) == row.saved) names.emplace_back(row.name);
  }
  return names;
}

}  // namespace fovea
