#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace fovea {

/// Which case comes at which place of the endless row of samples: epoch after epoch, each
/// shuffled by (seed, epoch). Thread-safe.
class SampleOrder {
 public:
  /// `cases`: what to draw from. `kinds`: a class for each of them; if not empty, every class
  /// comes equally often (the rare ones are repeated within the epoch, the frequent ones take
  /// turns over the epochs).
  SampleOrder(std::vector<std::size_t> cases,
              std::vector<std::int32_t> const& kinds,
              std::uint64_t seed);

  std::size_t operator()(std::int64_t place) const;
  std::int64_t epoch_length() const { return static_cast<std::int64_t>(cases_.size()); }

 private:
  std::vector<std::size_t> make(std::int64_t epoch) const;

  std::vector<std::size_t> cases_;
  std::vector<std::vector<std::size_t>> by_kind_;
  std::uint64_t seed_;
  mutable std::mutex guard_;
  mutable std::map<std::int64_t, std::vector<std::size_t>>
      epochs_;  // the few that loaders are in now
};

}  // namespace fovea
