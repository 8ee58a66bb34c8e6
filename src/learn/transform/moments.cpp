#include "learn/transform/moments.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fovea {
namespace {

// The upper half of a float's bits, turned so that greater floats have greater numbers: sign,
// all of the exponent, seven bits of the fraction.
std::size_t moments_bin(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value + 0.0F);  // -0 becomes 0
  auto const ordered = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return ordered >> 16;
}

double moments_value(std::size_t bin) {
  auto const ordered = static_cast<std::uint32_t>(bin) << 16;
  // A negative bin's lowest value has all lower bits of the magnitude set.
  auto const bits = (ordered & 0x80000000U) != 0 ? ordered & 0x7fffffffU : ~ordered;
  return std::bit_cast<float>(bits);
}

}  // namespace

void Moments::add(std::span<float const> values) {
  Moments fresh;
  double sum = 0;
  for (auto const value : values) {
    if (!std::isfinite(value)) continue;
    sum += value;
    ++fresh.count;
    fresh.low = std::min(fresh.low, static_cast<double>(value));
    fresh.high = std::max(fresh.high, static_cast<double>(value));
  }
  if (fresh.count == 0) return;
  fresh.mean = sum / static_cast<double>(fresh.count);
  for (auto const value : values) {
    auto const away = std::isfinite(value) ? value - fresh.mean : 0;
    fresh.squares += away * away;
  }
  merge(fresh);
}

void Moments::add(Volume const& image) {
  auto const source = as_float(image);
  add(source.as<float>());
}

void Moments::merge(Moments const& other) {
  if (other.count == 0) return;
  auto const mine = static_cast<double>(count);
  auto const theirs = static_cast<double>(other.count);
  auto const away = other.mean - mean;
  mean += away * theirs / (mine + theirs);
  squares += other.squares + away * away * mine * theirs / (mine + theirs);
  count += other.count;
  low = std::min(low, other.low);
  high = std::max(high, other.high);
}

double Moments::deviation() const {
  return count > 0 ? std::sqrt(squares / static_cast<double>(count)) : 0;
}

void Histogram::add(Volume const& image) {
  with_type(image.type(), [&](auto type) {
    for (auto const stored : image.as<decltype(type)>()) {
      auto const value = static_cast<float>(stored);
      if (!std::isfinite(value)) continue;
      ++bins_[moments_bin(value)];
      ++count_;
    }
  });
}

void Histogram::merge(Histogram const& other) {
  std::ranges::transform(bins_, other.bins_, bins_.begin(), std::plus{});
  count_ += other.count_;
}

double Histogram::percentile(double share) const {
  if (count_ == 0)
    throw Error{Fault::input, "expected values to take a percentile of, got none",
                "check that the images hold finite numbers"};
  auto const wanted = share * static_cast<double>(count_);
  std::int64_t below = 0;
  std::size_t last = 0;
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
    if (bins_[bin] == 0) continue;
    below += bins_[bin];
    last = bin;
    if (static_cast<double>(below) >= wanted) break;
  }
  return moments_value(last);
}

}  // namespace fovea
