#include "learn/score/pixel_roc.hpp"

#include "base/core/error.hpp"
#include "base/geometry/same_grid.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

constexpr std::size_t roc_bins = 65536, roc_half = roc_bins / 2;
constexpr std::size_t roc_coarse = 1024, roc_fold = roc_bins / roc_coarse;
// Of a float32 from 2^-33 to 1/2 the exponent and 10 bits of the fraction: 32 octaves of 1024.
constexpr std::int32_t roc_first = (127 - 33) << 10;

// How far a probability is from its end, 0 … 1/2, as a bin: 0 for all below 2^-33.
std::size_t roc_tail(float apart) {
  auto const bits = (std::bit_cast<std::int32_t>(apart) >> 13) - roc_first;
  return static_cast<std::size_t>(
      std::clamp<std::int32_t>(bits, 0, static_cast<std::int32_t>(roc_half) - 1));
}
// Rises with p. 1 - p is exact from 1/2 on.
std::size_t roc_bin(float p) {
  return p < 0.5F ? roc_tail(p) : roc_bins - 1 - roc_tail(1 - p);
}
// Where a tail begins, from its end on.
double roc_edge(std::size_t tail) {
  if (tail == 0) return 0;
  auto const bits = (static_cast<std::int32_t>(tail) + roc_first) << 13;
  return static_cast<double>(std::bit_cast<float>(bits));
}
// The least probability of a bin.
double roc_threshold(std::size_t bin) {
  return bin < roc_half ? roc_edge(bin) : 1 - roc_edge(std::min(roc_bins - bin, roc_half));
}

void roc_expect(Volume const& probability, Volume const& truth, Volume const* within) {
  auto const one = [](Volume const& volume, std::string_view what, auto good) {
    if (volume.channels() != 1 || !good(volume.type()))
      throw Error{Fault::input,
                  text("expected ", what, " in one channel, got ", name_of(volume.type()),
                       " in ", volume.channels()),
                  "convert it first"};
  };
  one(probability, "probabilities of f32", [](Type type) { return type == Type::f32; });
  auto const bytes = [](Type type) { return type == Type::u8; };
  one(truth, "a true mask of u8", bytes);
  expect_same_places(probability.grid(), truth.grid(), "the probabilities and the true mask");
  if (within == nullptr) return;
  one(*within, "a field of view of u8", bytes);
  expect_same_places(probability.grid(), within->grid(),
                     "the probabilities and the field of view");
}

// Twice the number of pairs of a positive above a negative, ties as half; of counts [2, bins].
template <class T>
double roc_pairs(std::vector<T> const& counts) {
  auto const bins = counts.size() / 2;
  double below = 0, pairs = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    auto const n = static_cast<double>(counts[bin]),
               p = static_cast<double>(counts[bins + bin]);
    pairs += p * (2 * below + n);
    below += n;
  }
  return pairs;
}

double roc_total(std::vector<std::int64_t> const& counts, std::size_t from) {
  double out = 0;
  for (auto at = from; at < from + roc_bins; ++at) out += static_cast<double>(counts[at]);
  return out;
}

double roc_drawn(std::vector<double> const& counts) {
  double n = 0, p = 0;
  for (std::size_t bin = 0; bin < roc_coarse; ++bin) {
    n += counts[bin];
    p += counts[roc_coarse + bin];
  }
  auto const pairs = roc_pairs(counts);
  return n > 0 && p > 0 ? pairs / (2 * n * p) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void PixelRoc::add(Volume const& probability,
                   Volume const& truth,
                   Volume const* within,
                   std::int64_t group) {
  roc_expect(probability, truth, within);
  auto const p = probability.as<float>();
  auto const yes = truth.as<std::uint8_t>();
  for (std::size_t at = 0; at < p.size(); ++at) {
    auto const in = within == nullptr || within->as<std::uint8_t>()[at] != 0;
    if (in && !(p[at] >= 0 && p[at] <= 1))
      throw Error{Fault::input, text("expected probabilities from 0 to 1, got ", p[at]),
                  "give what sigmoid or softmax gave"};
  }
  Image image{group, std::vector<std::uint32_t>(2 * roc_coarse)};
  if (fine_.empty()) fine_.resize(2 * roc_bins);
  auto const* const inside = within == nullptr ? nullptr : within->as<std::uint8_t>().data();
  for (std::size_t at = 0; at < p.size(); ++at) {
    if (inside != nullptr && inside[at] == 0) continue;
    auto const bin = roc_bin(p[at]);
    auto const positive = static_cast<std::size_t>(yes[at] != 0);
    ++fine_[positive * roc_bins + bin];
    ++image.coarse[positive * roc_coarse + bin / roc_fold];
  }
  images_.push_back(std::move(image));
}

void PixelRoc::add(PixelRoc const& other) {
  if (other.fine_.empty()) return;
  if (fine_.empty()) fine_.resize(2 * roc_bins);
  for (std::size_t at = 0; at < fine_.size(); ++at) fine_[at] += other.fine_[at];
  images_.insert(images_.end(), other.images_.begin(), other.images_.end());
}

std::int64_t PixelRoc::positives() const {
  return fine_.empty() ? 0 : static_cast<std::int64_t>(roc_total(fine_, roc_bins));
}
std::int64_t PixelRoc::negatives() const {
  return fine_.empty() ? 0 : static_cast<std::int64_t>(roc_total(fine_, 0));
}

Interval PixelRoc::auc(BootstrapOptions const& options) const {
  auto const n = static_cast<double>(negatives()), p = static_cast<double>(positives());
  if (n == 0 || p == 0)
    return percentile_interval(
        undefined(p == 0 ? "no pixel is positive" : "no pixel is negative"), {}, 0);
  auto const area = roc_pairs(fine_) / (2 * n * p);
  // Images are drawn in coarser bins, which differ from the fine ones by a constant, nearly.
  auto const sum = [&](std::span<double const> weight) {
    std::vector<double> counts(2 * roc_coarse);
    for (std::size_t i = 0; i < images_.size(); ++i) {
      if (weight[i] == 0) continue;
      for (std::size_t at = 0; at < counts.size(); ++at)
        counts[at] += weight[i] * static_cast<double>(images_[i].coarse[at]);
    }
    return roc_drawn(counts);
  };
  std::vector<std::int64_t> groups;
  std::int64_t own = -1;
  for (auto const& image : images_) groups.push_back(image.group >= 0 ? image.group : own--);
  auto const patient = patients(groups, images_.size());
  std::vector<double> const once(images_.size(), 1.0);
  auto const shift = area - sum(once);
  auto draws = bootstrap(
      patient, 1,
      [&](std::span<double const> weight, std::span<double> into) {
        into[0] = std::clamp(sum(weight) + shift, 0.0, 1.0);
      },
      options);
  return percentile_interval(Value{area, {}}, std::move(draws[0]),
                             *std::ranges::max_element(patient) + 1);
}

double PixelRoc::auc_error() const {
  if (positives() == 0 || negatives() == 0) return 0;
  double tied = 0;
  for (std::size_t bin = 0; bin < roc_bins; ++bin)
    tied += static_cast<double>(fine_[bin]) * static_cast<double>(fine_[roc_bins + bin]);
  return tied / 2 / (static_cast<double>(positives()) * static_cast<double>(negatives()));
}

PixelRoc::At PixelRoc::at(double threshold) const {
  if (!(threshold >= 0 && threshold <= 1))
    throw Error{Fault::usage, text("expected a threshold from 0 to 1, got ", threshold),
                "1/2 is usual"};
  auto const first = roc_bin(static_cast<float>(threshold));
  At out{roc_threshold(first)};
  if (fine_.empty()) return out;
  for (std::size_t bin = 0; bin < roc_bins; ++bin) {
    (bin < first ? out.tn : out.fp) += fine_[bin];
    (bin < first ? out.fn : out.tp) += fine_[roc_bins + bin];
  }
  return out;
}

std::vector<PixelRoc::At> PixelRoc::curve(std::size_t points) const {
  std::vector<At> out;
  if (fine_.empty() || points < 2) return out;
  At now{std::numeric_limits<double>::infinity(), 0, 0, positives(), negatives()};
  out.push_back(now);
  auto const total = [&](std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  // A point for each equal part of the way along the curve, right and up.
  auto const step = 2.0 / static_cast<double>(points - 1);
  double reached = 0;
  for (auto bin = roc_bins; bin-- > 0;) {
    auto const n = fine_[bin], p = fine_[roc_bins + bin];
    if (n + p == 0) continue;
    now.threshold = roc_threshold(bin);
    now.fp += n;
    now.tn -= n;
    now.tp += p;
    now.fn -= p;
    auto const way = total(now.fp, negatives()) + total(now.tp, positives());
    auto const last = now.fn + now.tn == 0;
    if (way < reached + step && !last) continue;
    reached = way;
    out.push_back(now);
  }
  return out;
}

}  // namespace fovea
