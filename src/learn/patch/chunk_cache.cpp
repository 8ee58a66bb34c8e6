#include "learn/patch/chunk_cache.hpp"

#include "base/core/rng.hpp"

#include <atomic>
#include <list>
#include <mutex>
#include <unordered_map>

namespace fovea {
namespace {

// Threads that ask for different chunks seldom wait for each other.
constexpr std::uint64_t cache_shelves = 16;
// What a kept chunk costs beside its bytes.
constexpr std::uint64_t cache_overhead = 160;

}  // namespace

struct ChunkCache::Shelf {
  struct Kept {
    std::uint64_t owner;
    std::uint64_t at;
    Chunk chunk;
  };
  using Place = std::list<Kept>::iterator;
  struct Hash {
    std::size_t operator()(std::pair<std::uint64_t, std::uint64_t> const& key) const {
      return mixed({key.first, key.second});
    }
  };

  std::mutex mutex;
  std::list<Kept> by_use;  // the one used last in front
  std::unordered_map<std::pair<std::uint64_t, std::uint64_t>, Place, Hash> places;
  std::uint64_t bytes = 0;
  std::uint64_t most = 0;

  Chunk find(std::uint64_t owner, std::uint64_t at) {
    std::lock_guard const lock{mutex};
    auto const found = places.find({owner, at});
    if (found == places.end()) return nullptr;
    by_use.splice(by_use.begin(), by_use, found->second);
    return found->second->chunk;
  }

  void keep(std::uint64_t owner, std::uint64_t at, Chunk const& chunk) {
    auto const size = chunk->size() + cache_overhead;
    if (size > most) return;
    std::lock_guard const lock{mutex};
    if (places.contains({owner, at})) return;
    while (bytes + size > most) {
      auto const& oldest = by_use.back();
      bytes -= oldest.chunk->size() + cache_overhead;
      places.erase({oldest.owner, oldest.at});
      by_use.pop_back();
    }
    by_use.push_front({owner, at, chunk});
    places.emplace(std::pair{owner, at}, by_use.begin());
    bytes += size;
  }
};

ChunkCache::ChunkCache(std::uint64_t bytes) {
  if (bytes == 0) return;
  for (std::uint64_t n = 0; n < cache_shelves; ++n) {
    shelves_.push_back(std::make_unique<Shelf>());
    shelves_.back()->most = bytes / cache_shelves;
  }
}

ChunkCache::~ChunkCache() = default;

ChunkCache::Chunk ChunkCache::get(std::uint64_t owner,
                                  std::uint64_t at,
                                  std::function<Chunk()> const& make) {
  if (shelves_.empty()) return make();
  auto& shelf = *shelves_[mixed({at, owner}) % cache_shelves];
  if (auto found = shelf.find(owner, at)) return found;
  auto made = make();
  shelf.keep(owner, at, made);
  return made;
}

std::uint64_t ChunkCache::bytes() const {
  std::uint64_t sum = 0;
  for (auto const& shelf : shelves_) {
    std::lock_guard const lock{shelf->mutex};
    sum += shelf->bytes;
  }
  return sum;
}

std::uint64_t ChunkCache::new_owner() {
  static std::atomic<std::uint64_t> next{1};
  return next++;
}

}  // namespace fovea
