#include "base/geometry/band.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fovea {
namespace {

struct BandTap {
  std::int64_t at;
  double weight;
};
using BandRow = std::vector<BandTap>;

// The recursive filter that turns voxels into coefficients (pole sqrt(3) - 2), as what it does
// to one voxel: beyond 17 voxels less than 2e-10, ITK's tolerance.
constexpr std::int64_t band_reach = 17;

double band_coefficient(std::int64_t apart) {
  constexpr auto sqrt3 = std::numbers::sqrt3;
  return sqrt3 * std::pow(sqrt3 - 2, static_cast<double>(std::abs(apart)));
}

BandRow band_spread(BandRow const& row, std::int64_t reach, auto const& kernel) {
  auto const [low, high] = std::ranges::minmax_element(row, {}, &BandTap::at);
  auto const first = low->at - reach;
  BandRow out(static_cast<std::size_t>(high->at + reach - first + 1));
  for (std::size_t n = 0; n < out.size(); ++n) {
    out[n].at = first + static_cast<std::int64_t>(n);
    for (auto const& tap : row) {
      if (std::abs(out[n].at - tap.at) <= reach)
        out[n].weight += tap.weight * kernel(out[n].at - tap.at);
    }
  }
  return out;
}

BandRow band_smoothed(BandRow const& row, double sigma) {
  auto const reach = static_cast<std::int64_t>(std::ceil(4 * sigma));
  auto const bell = [sigma](std::int64_t apart) {
    auto const d = static_cast<double>(apart) / sigma;
    return std::exp(-d * d / 2);
  };
  double sum = 0;
  for (auto apart = -reach; apart <= reach; ++apart) sum += bell(apart);
  return band_spread(row, reach, [&](std::int64_t apart) { return bell(apart) / sum; });
}

BandRow band_interpolated(double place, Resample const& options) {
  auto const below = std::floor(place);
  auto const at = static_cast<std::int64_t>(below);
  auto const t = place - below;
  BandRow row;
  switch (options.interpolator) {
    case Interpolator::nearest:
    case Interpolator::label_linear:
      return {{static_cast<std::int64_t>(std::floor(place + 0.5)), 1}};
    case Interpolator::linear:
      return t == 0 ? BandRow{{at, 1}} : BandRow{{at, 1 - t}, {at + 1, t}};
    case Interpolator::cubic: {
      // The spline goes through the voxels: at their centres there is nothing to compute.
      if (t == 0) return {{at, 1}};
      std::array<double, 4> weight{};
      cubic_weights(t, weight.data());
      for (std::int64_t n = 0; n < 4; ++n)
        row.push_back({at - 1 + n, weight[static_cast<std::size_t>(n)]});
      return band_spread(row, band_reach, band_coefficient);
    }
    case Interpolator::lanczos:
    case Interpolator::hamming:
      break;
  }
  if (t == 0) return {{at, 1}};
  std::vector<double> weight(static_cast<std::size_t>(2 * options.radius));
  sinc_weights(t, options, weight.data());
  for (std::size_t n = 0; n < weight.size(); ++n)
    row.push_back({at - options.radius + 1 + static_cast<std::int64_t>(n), weight[n]});
  return row;
}

// One weight for each voxel from the first to the last that counts.
BandRow band_folded(BandRow const& row, std::int64_t voxels, bool mirrors) {
  BandRow inside;
  for (auto const& tap : row)
    inside.push_back(
        {mirrors ? mirrored(tap.at, voxels) : std::clamp<std::int64_t>(tap.at, 0, voxels - 1),
         tap.weight});
  auto const [low, high] = std::ranges::minmax_element(inside, {}, &BandTap::at);
  BandRow out(static_cast<std::size_t>(high->at - low->at + 1));
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n].at = low->at + static_cast<std::int64_t>(n);
  for (auto const& tap : inside)
    out[static_cast<std::size_t>(tap.at - low->at)].weight += tap.weight;
  return out;
}

Band band_packed(std::vector<BandRow> const& rows, std::int64_t voxels) {
  Band band;
  band.voxels = voxels;
  for (auto const& row : rows) {
    band.first.push_back(row.empty() ? 0 : row.front().at);
    band.count.push_back(static_cast<std::int64_t>(row.size()));
    band.most = std::max(band.most, band.count.back());
  }
  band.weight.resize(rows.size() * static_cast<std::size_t>(band.most));
  for (std::size_t x = 0; x < rows.size(); ++x) {
    std::ranges::transform(rows[x],
                           band.weight.begin() + static_cast<std::ptrdiff_t>(x) * band.most,
                           &BandTap::weight);
  }
  return band;
}

}  // namespace

bool Band::copies(std::int64_t x) const {
  return count[static_cast<std::size_t>(x)] == 1 &&
         weight[static_cast<std::size_t>(x * most)] == 1;
}

bool Band::identity() const {
  if (places() != voxels) return false;
  for (std::int64_t x = 0; x < voxels; ++x) {
    if (!copies(x) || first[static_cast<std::size_t>(x)] != x) return false;
  }
  return true;
}

Band band_of(std::span<double const> places,
             std::int64_t voxels,
             Resample const& options,
             double sigma) {
  auto const cubic = options.interpolator == Interpolator::cubic;
  std::vector<BandRow> rows;
  for (auto const place : places) {
    auto& row = rows.emplace_back();
    if (!is_inside(place, voxels)) continue;
    row = band_interpolated(place, options);
    if (sigma > 0) row = band_smoothed(row, sigma);
    row = band_folded(row, voxels, cubic);
  }
  return band_packed(rows, voxels);
}

Band band_resized(std::int64_t voxels, std::int64_t places, int order) {
  Resample options;
  options.interpolator = order == 0   ? Interpolator::nearest
                         : order == 1 ? Interpolator::linear
                                      : Interpolator::cubic;
  std::vector<BandRow> rows;
  for (std::int64_t x = 0; x < places; ++x) {
    auto const row = band_interpolated(resized_place(x, voxels, places), options);
    rows.push_back(band_folded(row, voxels, false));
  }
  return band_packed(rows, voxels);
}

PreparedBand band_prepared(std::int64_t first,
                           std::int64_t count,
                           std::int64_t voxels,
                           Resample const& options,
                           double sigma) {
  auto const cubic = options.interpolator == Interpolator::cubic;
  std::vector<BandRow> rows;
  auto from = voxels;
  auto end = std::int64_t{0};
  for (auto x = first; x < first + count; ++x) {
    BandRow row{{x, 1}};
    if (sigma > 0) row = band_smoothed(row, sigma);
    if (cubic && voxels > 1) row = band_spread(row, band_reach, band_coefficient);
    row = band_folded(row, voxels, cubic);
    from = std::min(from, row.front().at);
    end = std::max(end, row.back().at + 1);
    rows.push_back(std::move(row));
  }
  for (auto& row : rows) {
    for (auto& tap : row) tap.at -= from;
  }
  return {band_packed(rows, end - from), from};
}

void sinc_weights(double t, Resample const& options, double* weight) {
  auto const radius = static_cast<double>(options.radius);
  double sum = 0;
  for (int n = 0; n < 2 * options.radius; ++n) {
    auto const x = std::numbers::pi * (t + radius - 1 - static_cast<double>(n));
    auto const y = x / radius;
    auto const sinc = [](double angle) { return angle == 0 ? 1 : std::sin(angle) / angle; };
    weight[n] =
        sinc(x) *
        (options.interpolator == Interpolator::lanczos ? sinc(y) : 0.54 + 0.46 * std::cos(y));
    sum += weight[n];
  }
  if (!options.unit_sum) return;
  for (int n = 0; n < 2 * options.radius; ++n) weight[n] /= sum;
}

}  // namespace fovea
