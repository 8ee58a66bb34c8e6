#pragma once

#include "learn/patch/stored_case.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace fovea {

/// A folder of stored cases, all made by one recipe. It has the recipe's hash in its name, so a
/// changed recipe begins a new one; each case has the hash of its own sources in it, so a
/// changed case is made again. Several processes may fill one at the same time.
class CaseStore {
 public:
  /// `recipe`: everything that decides what preprocessing makes of a case, as text; it is
  /// hashed and kept beside the cases for people. `cache_bytes`: memory for unpacked chunks,
  /// shared by all cases and threads.
  CaseStore(fs::path const& root, std::string_view recipe, std::uint64_t cache_bytes);

  fs::path const& folder() const { return folder_; }
  fs::path file_of(std::string_view id) const;

  /// The case if it is stored whole and made from these sources (any text that changes when
  /// they do: hashes, or paths, sizes and times). Null if it is not there, is damaged, or was
  /// made from others: then make it and put it.
  std::shared_ptr<StoredCase const> find(std::string_view id, std::string_view sources) const;

  /// Stores it under given.id, made from `sources`. Replaces what was there.
  std::shared_ptr<StoredCase const> put(CaseToStore given, std::string_view sources) const;

 private:
  fs::path folder_;
  std::shared_ptr<ChunkCache> cache_;
};

}  // namespace fovea
