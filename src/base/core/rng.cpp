#include "base/core/rng.hpp"

#include <bit>
#include <cmath>
#include <numbers>

namespace fovea {
namespace {

constexpr std::uint64_t rng_golden = 0x9e3779b97f4a7c15;

std::uint64_t rng_scramble(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t mixed(std::initializer_list<std::uint64_t> keys) {
  std::uint64_t hash = keys.size();
  for (auto const key : keys)
    hash = rng_scramble(hash + rng_golden) ^ rng_scramble(key + rng_golden * 2);
  return rng_scramble(hash + rng_golden);
}

Rng::Rng(std::initializer_list<std::uint64_t> keys) {
  auto seed = mixed(keys);
  for (auto& word : state_) word = rng_scramble(seed += rng_golden);
}

std::uint64_t Rng::next() {
  auto& s = state_;
  auto const result = std::rotl(s[0] + s[3], 23) + s[0];
  auto const t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

double Rng::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

double Rng::uniform(double low, double high) {
  return low + (high - low) * uniform();
}

std::int64_t Rng::below(std::int64_t count) {
  // Multiply-shift: its bias is below count / 2^64, far under anything that could be seen.
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>(
      (static_cast<Wide>(next()) * static_cast<std::uint64_t>(count)) >> 64);
}

bool Rng::chance(double probability) {
  return uniform() < probability;
}

double Rng::normal(double mean, double deviation) {
  // Box-Muller, one of the pair: no state beside the generator's own, so a stream can be
  // stored.
  auto const radius = std::sqrt(-2 * std::log(1 - uniform()));
  return mean + deviation * radius * std::cos(2 * std::numbers::pi * uniform());
}

}  // namespace fovea
