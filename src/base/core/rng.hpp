#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

namespace fovea {

/// Randomness by key: Rng{{seed, step, index}} is the same stream on any thread, in any order.
/// Generator: xoshiro256++ (Blackman and Vigna 2021), its state filled by SplitMix64 over the
/// keys. The same numbers on every machine and compiler, which std:: distributions do not
/// promise.
class Rng {
 public:
  explicit Rng(std::initializer_list<std::uint64_t> keys);
  explicit Rng(std::uint64_t seed) : Rng({seed}) {}

  std::uint64_t next();
  double uniform();                         ///< in [0, 1)
  double uniform(double low, double high);  ///< in [low, high)
  std::int64_t below(std::int64_t count);   ///< in 0 .. count - 1; count >= 1
  bool chance(double probability);          ///< true with this probability
  double normal(double mean = 0, double deviation = 1);

  /// Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> items) {
    for (auto i = static_cast<std::int64_t>(items.size()) - 1; i > 0; --i)
      std::swap(items[static_cast<std::size_t>(i)],
                items[static_cast<std::size_t>(below(i + 1))]);
  }

  /// What to store so that the stream goes on where it was.
  std::array<std::uint64_t, 4> state() const { return state_; }
  void restore(std::array<std::uint64_t, 4> const& state) { state_ = state; }

 private:
  std::array<std::uint64_t, 4> state_{};
};

/// One number out of many: for keys of keys, and for seeds of other generators.
std::uint64_t mixed(std::initializer_list<std::uint64_t> keys);

}  // namespace fovea
