#include "learn/tensor/memory.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <c10/core/Allocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <map>
#include <mutex>
#include <sys/mman.h>
#include <unordered_map>
#include <utility>

namespace fovea {
namespace {

constexpr std::size_t memory_page = std::size_t{1} << 21;  // of the larger kind that x86-64 has
constexpr std::size_t memory_large = memory_page;          // smaller blocks are not worth it

/// Large blocks: in use, or kept in the order in which they came back.
class MemoryKeeper : public at::Allocator {
 public:
  at::DataPtr allocate(std::size_t bytes) override {
    auto* const block = bytes < memory_large ? c10::alloc_cpu(bytes) : large(bytes);
    return {block, block, &MemoryKeeper::give_back, at::Device{at::kCPU}};
  }
  at::DeleterFnPtr raw_deleter() const override { return &MemoryKeeper::give_back; }
  void copy_data(void* to, void const* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  void release() {
    std::lock_guard const lock{guard_};
    shrink_to(0);
  }
  std::size_t kept() {
    std::lock_guard const lock{guard_};
    return kept_bytes_;
  }
  std::size_t peak() {
    std::lock_guard const lock{guard_};
    return std::exchange(peak_, used_);
  }

  // Never destroyed: tensors may live until the very end of the process.
  static MemoryKeeper& the() {
    static auto* const keeper = new MemoryKeeper;
    return *keeper;
  }

 private:
  struct Kept {
    void* block;
    std::size_t bytes;
  };

  void* large(std::size_t bytes) {
    auto const wanted = (bytes + memory_page - 1) / memory_page * memory_page;
    std::lock_guard const lock{guard_};
    auto* block = found(wanted);
    if (block == nullptr) {
      make_room_beside(used_ + wanted);
      block = fresh(wanted);
      sizes_.emplace(block, wanted);
    }
    used_ += sizes_.at(block);
    most_ = std::max(most_, used_);
    peak_ = std::max(peak_, used_);
    return block;
  }

  void* fresh(std::size_t wanted) {
    auto* block = std::aligned_alloc(memory_page, wanted);
    if (block == nullptr) {
      shrink_to(0);
      block = std::aligned_alloc(memory_page, wanted);
    }
    if (block == nullptr)
      throw Error{Fault::resource, text("there is no memory for ", wanted >> 20, " MiB more"),
                  "take a smaller batch_size, image_size or patch, or close other programs"};
    // Most of the time of the first writing goes into clearing pages one by one.
    ::madvise(block, wanted, MADV_HUGEPAGE);
    return block;
  }

  // The smallest kept block that is large enough and not much larger.
  void* found(std::size_t wanted) {
    auto const at = by_size_.lower_bound(wanted);
    if (at == by_size_.end() || at->first > wanted + wanted / 4) return nullptr;
    auto const kept = at->second;
    by_size_.erase(at);
    auto* const block = kept->block;
    kept_bytes_ -= kept->bytes;
    kept_.erase(kept);
    return block;
  }

  static void give_back(void* block) {
    if (block != nullptr) the().take_back(block);
  }

  void take_back(void* block) {
    std::unique_lock lock{guard_};
    auto const size = sizes_.find(block);
    if (size == sizes_.end()) {
      lock.unlock();
      c10::free_cpu(block);
      return;
    }
    used_ -= size->second;
    kept_bytes_ += size->second;
    kept_.push_back({block, size->second});
    by_size_.emplace(size->second, std::prev(kept_.end()));
    make_room_beside(used_);
  }

  // So that all together stays below a quarter more than the most that was in use.
  void make_room_beside(std::size_t used) {
    auto const most = std::max(most_, used);
    shrink_to(most + most / 4 - used);
  }

  // Lets go of what came back first.
  void shrink_to(std::size_t bytes) {
    while (kept_bytes_ > bytes) {
      auto const oldest = kept_.begin();
      auto [at, end] = by_size_.equal_range(oldest->bytes);
      at = std::find_if(at, end, [&](auto const& one) { return one.second == oldest; });
      by_size_.erase(at);
      kept_bytes_ -= oldest->bytes;
      sizes_.erase(oldest->block);
      std::free(oldest->block);
      kept_.erase(oldest);
    }
  }

  std::mutex guard_;
  std::list<Kept> kept_;
  std::multimap<std::size_t, std::list<Kept>::iterator> by_size_;
  std::unordered_map<void*, std::size_t> sizes_;  // of all large blocks, in use or kept
  std::size_t used_ = 0, most_ = 0, peak_ = 0, kept_bytes_ = 0;
};

}  // namespace

void reuse_large_memory() {
  constexpr std::uint8_t priority = 200;  // above LibTorch's own
  c10::SetAllocator(at::kCPU, &MemoryKeeper::the(), priority);
}

void release_kept_memory() {
  MemoryKeeper::the().release();
}

unsigned long long kept_memory() {
  return MemoryKeeper::the().kept();
}

unsigned long long most_tensor_memory() {
  return MemoryKeeper::the().peak();
}

}  // namespace fovea
