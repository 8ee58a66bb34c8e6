#include "base/geometry/sampler.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/rounded.hpp"
#include "base/geometry/separable.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace fovea {
namespace {

using SamplerPlacesOf = std::function<void(std::int64_t, std::int64_t, Places)>;

template <class T>
struct SamplerImage {  // one channel
  T const* voxels;
  std::array<std::int64_t, 3> size;
};

template <int N>
struct SamplerTaps {  // along one axis: offsets into the voxels
  std::array<std::int64_t, static_cast<std::size_t>(N)> at;
  std::array<double, static_cast<std::size_t>(N)> weight;
  int count = N;
};

[[gnu::always_inline]] inline SamplerTaps<2> sampler_linear(double place,
                                                            std::int64_t size,
                                                            std::int64_t stride) {
  auto const below = std::floor(place);
  auto const t = place - below;
  auto const at = static_cast<std::int64_t>(below);
  return {{std::max<std::int64_t>(at, 0) * stride, std::min(at + 1, size - 1) * stride},
          {1 - t, t}};
}

[[gnu::always_inline]] inline SamplerTaps<4> sampler_cubic(double place,
                                                           std::int64_t size,
                                                           std::int64_t stride) {
  auto const below = std::floor(place);
  auto const first = static_cast<std::int64_t>(below) - 1;
  SamplerTaps<4> taps{};
  cubic_weights(place - below, taps.weight.data());
  auto const within = first >= 0 && first + 3 < size;
  for (std::size_t n = 0; n < 4; ++n) {
    auto const at = first + static_cast<std::int64_t>(n);
    taps.at[n] = (within ? at : mirrored(at, size)) * stride;
  }
  return taps;
}

constexpr int sampler_widest = 16;  // twice the largest radius

SamplerTaps<sampler_widest> sampler_sinc(double place,
                                         std::int64_t size,
                                         std::int64_t stride,
                                         Resample const& options) {
  auto const below = std::floor(place);
  auto const first = static_cast<std::int64_t>(below) - options.radius + 1;
  SamplerTaps<sampler_widest> taps{};
  if (place == below) {
    taps.count = 1;
    taps.at[0] = static_cast<std::int64_t>(place) * stride;
    taps.weight[0] = 1;
    return taps;
  }
  taps.count = 2 * options.radius;
  sinc_weights(place - below, options, taps.weight.data());
  for (std::int64_t n = 0; n < taps.count; ++n)
    taps.at[static_cast<std::size_t>(n)] =
        std::clamp<std::int64_t>(first + n, 0, size - 1) * stride;
  return taps;
}

template <int N, class T>
[[gnu::always_inline]] inline double sampler_sum(T const* voxels,
                                                 std::array<SamplerTaps<N>, 3> const& taps) {
  auto const& [across, down, deep] = taps;
  double sum = 0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(deep.count); ++k) {
    double slice = 0;
    for (std::size_t j = 0; j < static_cast<std::size_t>(down.count); ++j) {
      auto const* const row = voxels + deep.at[k] + down.at[j];
      double line = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(across.count); ++i)
        line += across.weight[i] * static_cast<double>(row[across.at[i]]);
      slice += down.weight[j] * line;
    }
    sum += deep.weight[k] * slice;
  }
  return sum;
}

// The label of most weight around; where all eight are the same there is nothing to count.
template <class T>
T sampler_vote(T const* voxels, std::array<SamplerTaps<2>, 3> const& taps) {
  std::array<T, 8> label{};
  std::array<double, 8> weight{};
  for (unsigned n = 0; n < 8; ++n) {
    auto const i = n & 1U;
    auto const j = n >> 1U & 1U;
    auto const k = n >> 2U;
    label[n] = voxels[taps[0].at[i] + taps[1].at[j] + taps[2].at[k]];
    weight[n] = taps[0].weight[i] * taps[1].weight[j] * taps[2].weight[k];
  }
  if (std::ranges::all_of(label, [&](T other) { return other == label[0]; })) return label[0];
  // Equal weights that were added in different order differ in the last bits.
  constexpr auto rounding = 1e-12;
  T best = label[0];
  double most = -1;
  for (auto const one : label) {
    double votes = 0;
    for (std::size_t n = 0; n < 8; ++n) votes += label[n] == one ? weight[n] : 0;
    if (votes > most + rounding || (votes > most - rounding && one < best)) {
      most = votes;
      best = one;
    }
  }
  return best;
}

template <class T, class Value, class TapsOf>
[[gnu::always_inline]] inline void sampler_run(SamplerImage<T> const& image,
                                               Places const& places,
                                               TapsOf const& taps_of,
                                               Value const& value_of,
                                               std::int64_t n) {
  std::array const stride{std::int64_t{1}, image.size[0], image.size[0] * image.size[1]};
  for (std::int64_t x = 0; x < n; ++x) {
    auto const i = snapped(places.i[x]);
    auto const j = snapped(places.j[x]);
    auto const k = snapped(places.k[x]);
    if (!is_inside(i, image.size[0]) || !is_inside(j, image.size[1]) ||
        !is_inside(k, image.size[2]))
      continue;
    value_of(x, std::array{taps_of(i, image.size[0], stride[0]),
                           taps_of(j, image.size[1], stride[1]),
                           taps_of(k, image.size[2], stride[2])});
  }
}

SamplerTaps<1> sampler_nearest(double place, std::int64_t, std::int64_t stride) {
  return {{static_cast<std::int64_t>(std::floor(place + 0.5)) * stride}, {1}};
}

// What is outside keeps what is in the row already.
template <class T, class Out>
void sampler_row(SamplerImage<T> const& image,
                 Places const& places,
                 Resample const& options,
                 Out* out,
                 std::int64_t n) {
  auto const sum = [&](std::int64_t x, auto const& taps) [[gnu::always_inline]] {
    out[x] = rounded_to<Out>(sampler_sum(image.voxels, taps));
  };
  auto const copy = [&](std::int64_t x, auto const& taps) [[gnu::always_inline]] {
    out[x] = static_cast<Out>(image.voxels[taps[0].at[0] + taps[1].at[0] + taps[2].at[0]]);
  };
  auto const vote = [&](std::int64_t x, auto const& taps) [[gnu::always_inline]] {
    out[x] = static_cast<Out>(sampler_vote(image.voxels, taps));
  };
  auto const sinc = [&](double place, std::int64_t size, std::int64_t stride) {
    return sampler_sinc(place, size, stride, options);
  };
  switch (options.interpolator) {
    case Interpolator::nearest:
      return sampler_run(image, places, sampler_nearest, copy, n);
    case Interpolator::linear:
      return sampler_run(image, places, sampler_linear, sum, n);
    case Interpolator::cubic:
      return sampler_run(image, places, sampler_cubic, sum, n);
    case Interpolator::label_linear:
      return sampler_run(image, places, sampler_linear, vote, n);
    case Interpolator::lanczos:
    case Interpolator::hamming:
      return sampler_run(image, places, sinc, sum, n);
  }
}

template <class T, class Out>
void sampler_typed(Volume const& in,
                   SamplerPlacesOf const& places_of,
                   Resample const& options,
                   Volume& out,
                   int threads) {
  auto const n = out.width();
  // Whole rows, some together: a task should outlast the word that hands it out.
  auto const together = std::max<std::int64_t>(1, 4096 / n);
  auto const rows = out.height() * out.depth();
  in_parallel((rows + together - 1) / together, threads, [&](std::int64_t task) {
    std::vector<double> held(static_cast<std::size_t>(3 * n));
    Places const places{held.data(), held.data() + n, held.data() + 2 * n};
    for (auto row = task * together; row < std::min(rows, (task + 1) * together); ++row) {
      places_of(row % out.height(), row / out.height(), places);
      for (std::int64_t channel = 0; channel < out.channels(); ++channel) {
        auto* const to = out.write_channel<Out>(channel).data() + row * n;
        std::fill_n(to, n, rounded_to<Out>(options.outside));
        sampler_row(SamplerImage<T>{in.channel<T>(channel).data(), in.grid().size}, places,
                    options, to, n);
      }
    }
  });
}

Volume sampler_coefficients(Volume const& in, int threads) {
  auto const type = fits_float(in.type()) ? Type::f32 : Type::f64;
  Volume out{in.grid(), type, in.unit(), in.channels()};
  Separable plan;
  for (std::size_t axis = 0; axis < 3; ++axis)
    plan.bands[axis] = band_of_coefficients(in.grid().size[axis]);
  run_separable(in, plan, 0, out, threads);
  return out;
}

template <class T>
void sampler_into(Volume const& in,
                  SamplerPlacesOf const& places_of,
                  Resample const& options,
                  Volume& out,
                  int threads) {
  with_type(out.type(), [&](auto value) {
    sampler_typed<T, decltype(value)>(in, places_of, options, out, threads);
  });
}

}  // namespace

void run_sampler(Volume const& in,
                 SamplerPlacesOf const& places_of,
                 Resample const& options,
                 Volume& out,
                 int threads) {
  if (options.interpolator == Interpolator::cubic) {
    auto const coefficients = sampler_coefficients(in, threads);
    if (coefficients.type() == Type::f32)
      return sampler_into<float>(coefficients, places_of, options, out, threads);
    return sampler_into<double>(coefficients, places_of, options, out, threads);
  }
  with_type(in.type(), [&](auto value) {
    using T = decltype(value);
    if (out.type() == in.type())
      return sampler_typed<T, T>(in, places_of, options, out, threads);
    if constexpr (std::is_floating_point_v<T>) {
      sampler_into<T>(in, places_of, options, out, threads);
    } else {
      sampler_typed<T, float>(in, places_of, options, out, threads);
    }
  });
}

}  // namespace fovea
