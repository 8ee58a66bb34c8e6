// Loaded before a test program (LD_PRELOAD), puts aligned memory, which is what LibTorch and
// oneDNN compute in, between pages that nobody may touch: who writes or reads a voxel too far
// dies on the spot, also code that is made while the program runs and that no sanitizer sees.
// Memory given back is fenced for ever; what lies beside a block on its pages is checked then.
// Where the kernel allows no more fences (vm.max_map_count), blocks are ordinary ones. For
// glibc on Linux.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
void* __libc_memalign(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void __libc_free(void*);
}

namespace {

constexpr std::size_t page = 4096, span = std::size_t{16} << 40;
constexpr unsigned char untouched = 0xA5;

// Pages that begin with this and end with the block; then a fence.
struct Head {
  std::size_t size;
  std::size_t whole;
  unsigned char* block;
};

[[noreturn]] void give_up(std::string_view why) {
  [[maybe_unused]] auto const written = write(STDERR_FILENO, why.data(), why.size());
  std::abort();
}

unsigned char* reserved() {
  static auto* const all =
      mmap(nullptr, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) give_up("fenced memory: no room to reserve\n");
  return static_cast<unsigned char*>(all);
}

bool is_fenced(void const* block) {
  auto const at = static_cast<unsigned char const*>(block);
  return at >= reserved() && at < reserved() + span;
}

Head* head_of(void* block) {
  return reinterpret_cast<Head*>((reinterpret_cast<std::uintptr_t>(block) - sizeof(Head)) /
                                 page * page);
}

void* take(std::size_t alignment, std::size_t size) {
  static std::atomic<std::size_t> used{0};
  if (alignment > page) return __libc_memalign(alignment, size);
  auto const room = (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
  auto const whole = (room + sizeof(Head) + page - 1) / page * page;
  auto const at = used.fetch_add(whole + page);
  if (at + whole + page > span) give_up("fenced memory: used up\n");
  auto* const start = reserved() + at;
  if (mprotect(start, whole, PROT_READ | PROT_WRITE) != 0)
    return __libc_memalign(alignment, size);
  auto* const block = start + whole - room;
  *reinterpret_cast<Head*>(start) = {size, whole, block};
  std::fill(start + sizeof(Head), block, untouched);
  std::fill(block + size, start + whole, untouched);
  return block;
}

void give_back(void* memory) {
  auto* const head = head_of(memory);
  if (head->block != memory) give_up("fenced memory: written before the start of a block\n");
  auto* const start = reinterpret_cast<unsigned char*>(head);
  auto const whole = head->whole;
  auto const is_untouched = [](unsigned char byte) { return byte == untouched; };
  if (!std::all_of(start + sizeof(Head), head->block, is_untouched))
    give_up("fenced memory: written before the start of a block\n");
  if (!std::all_of(head->block + head->size, start + whole, is_untouched))
    give_up("fenced memory: written behind the end of a block\n");
  madvise(start, whole, MADV_DONTNEED);
  mprotect(start, whole, PROT_NONE);
}

}  // namespace

extern "C" {

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  auto* const block = take(alignment, size);
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return take(alignment, size);
}

void* realloc(void* memory, std::size_t size) {
  if (memory == nullptr || !is_fenced(memory)) return __libc_realloc(memory, size);
  auto* const moved = take(alignof(std::max_align_t), size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, std::min(size, head_of(memory)->size));
  give_back(memory);
  return moved;
}
void free(void* memory) {
  if (memory == nullptr) return;
  if (is_fenced(memory))
    give_back(memory);
  else
    __libc_free(memory);
}
}
