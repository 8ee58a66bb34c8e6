#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace fovea {

/// Unpacked chunks that many threads share: those used last, up to a bound of memory.
class ChunkCache {
 public:
  using Chunk = std::shared_ptr<std::vector<std::byte> const>;

  /// `bytes` is the bound of all chunks together; 0 keeps nothing.
  explicit ChunkCache(std::uint64_t bytes);
  ~ChunkCache();
  ChunkCache(ChunkCache const&) = delete;
  ChunkCache& operator=(ChunkCache const&) = delete;

  /// The chunk kept under this key, or what `make` gives, which is kept. Two threads that ask
  /// for the same at once may both make it.
  Chunk get(std::uint64_t owner, std::uint64_t at, std::function<Chunk()> const& make);

  std::uint64_t bytes() const;       ///< kept now
  static std::uint64_t new_owner();  ///< a number that nobody in this process has

 private:
  struct Shelf;
  std::vector<std::unique_ptr<Shelf>> shelves_;
};

}  // namespace fovea
