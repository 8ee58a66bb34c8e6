#include "learn/recipe/fingerprint.hpp"

#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/recipe/nonzero.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

constexpr std::int64_t fingerprint_values = std::int64_t{1} << 22;  // of a channel, all cases
constexpr std::int64_t fingerprint_ranks = 4096;                    // of a case, at most
constexpr std::int64_t fingerprint_sorted = std::int64_t{1} << 20;  // of a case and channel

// 1 where the label is above 0, inside the box; i fastest, of the whole volume.
std::vector<std::uint8_t> fingerprint_foreground(Volume const& labels, IndexBox const& box) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(labels.voxels()));
  with_type(labels.type(), [&](auto value) {
    using T = decltype(value);
    auto const* const in = labels.as<T>().data();
    for (auto k = box.first[2]; k < box.first[2] + box.size[2]; ++k) {
      for (auto j = box.first[1]; j < box.first[1] + box.size[1]; ++j) {
        auto const row = (k * labels.height() + j) * labels.width();
        for (auto i = row + box.first[0]; i < row + box.first[0] + box.size[0]; ++i)
          out[static_cast<std::size_t>(i)] = in[i] > 0;
      }
    }
  });
  return out;
}

struct FingerprintDraw {
  IntensityStatistics moments;
  std::vector<float> values;
};

// Moments of all values; of more than 2^20 only one of each of as many even parts is kept.
template <class T>
FingerprintDraw fingerprint_draw(std::span<T const> voxels,
                                 std::vector<std::uint8_t> const& foreground,
                                 std::int64_t count,
                                 Rng rng) {
  FingerprintDraw out;
  auto const kept = std::min(count, fingerprint_sorted);
  out.values.reserve(static_cast<std::size_t>(kept));
  auto const part = static_cast<double>(count) / static_cast<double>(kept);
  std::int64_t seen = 0;
  std::int64_t next = 0;
  double first = 0, sum = 0, squares = 0;
  float least = std::numeric_limits<float>::max();
  float most = std::numeric_limits<float>::lowest();
  for (std::size_t n = 0; n < foreground.size(); ++n) {
    if (foreground[n] == 0) continue;
    auto const value = static_cast<float>(voxels[n]);
    if (seen == 0) first = value;
    auto const off = static_cast<double>(value) - first;
    sum += off;
    squares += off * off;
    least = std::min(least, value);
    most = std::max(most, value);
    if (seen == next) {
      out.values.push_back(value);
      auto const at = static_cast<double>(out.values.size());
      next = count == kept ? seen + 1 : static_cast<std::int64_t>((at + rng.uniform()) * part);
    }
    ++seen;
  }
  auto const all = static_cast<double>(count);
  out.moments.mean = first + sum / all;
  out.moments.deviation = std::sqrt(std::max(0.0, squares / all - (sum / all) * (sum / all)));
  out.moments.least = least;
  out.moments.most = most;
  return out;
}

// As many values at evenly spaced ranks, in the middle of their shares.
std::vector<float> fingerprint_at_ranks(std::vector<float> values, std::size_t most) {
  std::sort(values.begin(), values.end());
  if (values.size() <= most) return values;
  std::vector<float> out;
  for (std::size_t n = 0; n < most; ++n)
    out.push_back(values[static_cast<std::size_t>((static_cast<double>(n) + 0.5) *
                                                  static_cast<double>(values.size()) /
                                                  static_cast<double>(most))]);
  return out;
}

struct FingerprintValue {
  float value;
  double weight;
};

// Values in order, each in the middle of its weight; between them a straight line.
double fingerprint_quantile(std::vector<FingerprintValue> const& sorted,
                            double total,
                            double share) {
  auto const goal = share * total;
  double before = 0;
  for (std::size_t n = 0; n < sorted.size(); ++n) {
    auto const middle = before + sorted[n].weight / 2;
    if (middle >= goal) {
      if (n == 0) return sorted[0].value;
      auto const low = before - sorted[n - 1].weight / 2;
      auto const part = (goal - low) / (middle - low);
      auto const from = static_cast<double>(sorted[n - 1].value);
      return from + part * (static_cast<double>(sorted[n].value) - from);
    }
    before += sorted[n].weight;
  }
  return sorted.back().value;
}

double fingerprint_median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  auto const half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double fingerprint_six_digits(double value) {
  auto const scale = std::pow(10, 5 - std::floor(std::log10(value)));
  return std::round(value * scale) / scale;
}

}  // namespace

Spacing3 spacing_of(Grid const& grid) {
  auto const mm = grid.spacing().mm;
  Spacing3 out{mm[2], mm[1], mm[0]};
  auto const along_one = [](Axis const& axis) {
    return std::count(axis.mm.begin(), axis.mm.end(), 0.0) == 2;
  };
  if (std::all_of(grid.axes.begin(), grid.axes.end(), along_one)) return out;
  for (auto& value : out) value = value > 0 ? fingerprint_six_digits(value) : value;
  return out;
}

Shape3 shape_of(Grid const& grid) {
  return {grid.size[2], grid.size[1], grid.size[0]};
}

Volume as_picture(Volume const& picture) {
  if (picture.depth() != 1)
    throw Error{Fault::input, text("expected a picture of one slice, got ", picture.depth()),
                "take it as a volume"};
  return {upright(picture.grid().size, {{1, 1, 999}}), picture.type(), picture.unit(),
          picture.channels(), picture.bytes()};
}

FingerprintBuilder::FingerprintBuilder(std::int64_t cases, std::int64_t channels)
    : channels_(channels) {
  if (cases < 1 || channels < 1)
    throw Error{Fault::usage,
                text("expected cases and channels, got ", cases, " and ", channels),
                "give at least one case with one channel"};
  most_ranks_ = static_cast<std::size_t>(
      std::clamp<std::int64_t>(fingerprint_values / cases, 1, fingerprint_ranks));
  parts_.resize(static_cast<std::size_t>(cases));
}

void FingerprintBuilder::add(std::int64_t at, Volume const& image, Volume const& labels) {
  if (image.channels() != channels_)
    throw Error{Fault::input, text("expected ", channels_, " channels, got ", image.channels()),
                "give every case the same channels"};
  expect_labels(labels, image);
  expect_finite(image);
  auto const box = nonzero_box(image).box;
  Part part;
  part.spacing = spacing_of(image.grid());
  part.shape = {box.size[2], box.size[1], box.size[0]};
  part.ratio = static_cast<double>(box.size[0] * box.size[1] * box.size[2]) /
               static_cast<double>(image.voxels());
  auto const foreground = fingerprint_foreground(labels, box);
  auto const count = std::count(foreground.begin(), foreground.end(), 1);
  for (std::int64_t channel = 0; channel < channels_ && count > 0; ++channel) {
    Rng const rng{
        {0x66696e676572, static_cast<std::uint64_t>(at), static_cast<std::uint64_t>(channel)}};
    auto draw = with_type(image.type(), [&](auto value) {
      return fingerprint_draw(image.channel<decltype(value)>(channel), foreground, count, rng);
    });
    part.moments.push_back(draw.moments);
    part.ranks.push_back(fingerprint_at_ranks(std::move(draw.values), most_ranks_));
  }
  std::lock_guard const lock{lock_};
  parts_.at(static_cast<std::size_t>(at)) = std::move(part);
}

Fingerprint FingerprintBuilder::finish() const {
  Fingerprint out;
  std::vector<double> ratios;
  std::vector<Part const*> shown;  // cases with foreground
  for (std::size_t n = 0; n < parts_.size(); ++n) {
    if (!parts_[n])
      throw Error{Fault::bug, text("case ", n, " is missing from the fingerprint"), "add it"};
    out.spacings.push_back(parts_[n]->spacing);
    out.shapes.push_back(parts_[n]->shape);
    ratios.push_back(parts_[n]->ratio);
    if (!parts_[n]->ranks.empty()) shown.push_back(&*parts_[n]);
  }
  out.size_ratio = fingerprint_median(ratios);
  if (shown.empty())
    throw Error{Fault::input,
                text("expected a label above 0, found none in ", parts_.size(), " cases"),
                "give labelled cases"};
  auto const cases = static_cast<double>(shown.size());
  for (std::size_t channel = 0; channel < static_cast<std::size_t>(channels_); ++channel) {
    std::vector<FingerprintValue> values;
    IntensityStatistics all;
    all.least = std::numeric_limits<double>::max();
    all.most = std::numeric_limits<double>::lowest();
    for (auto const* part : shown) {
      auto const& one = part->moments[channel];
      all.mean += one.mean / cases;
      all.least = std::min(all.least, one.least);
      all.most = std::max(all.most, one.most);
      auto const weight = 1 / static_cast<double>(part->ranks[channel].size());
      for (auto const value : part->ranks[channel]) values.push_back({value, weight});
    }
    double variance = 0;
    for (auto const* part : shown) {
      auto const& one = part->moments[channel];
      variance +=
          (one.deviation * one.deviation + (one.mean - all.mean) * (one.mean - all.mean)) /
          cases;
    }
    all.deviation = std::sqrt(variance);
    std::sort(values.begin(), values.end(),
              [](auto const& a, auto const& b) { return a.value < b.value; });
    all.lower = fingerprint_quantile(values, cases, 0.005);
    all.median = fingerprint_quantile(values, cases, 0.5);
    all.upper = fingerprint_quantile(values, cases, 0.995);
    out.intensities.push_back(all);
  }
  return out;
}

}  // namespace fovea
