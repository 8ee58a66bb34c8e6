#include "base/geometry/sampler.hpp"

#include "base/core/pool.hpp"
#include "base/core/vectors.hpp"
#include "base/geometry/rounded.hpp"
#include "base/geometry/separable.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace fovea {
namespace {

constexpr std::int64_t sampler_chunk = 256;  // places that go through the loops together
constexpr std::int64_t sampler_ahead = 32;
constexpr int sampler_widest = 16;  // voxels of a windowed sinc: twice its radius

template <class T>
struct SamplerImage {  // one channel of a part
  T const* voxels;
  std::array<std::int64_t, 3> first, whole, stride;
};

template <class T>
SamplerImage<T> sampler_image(VolumePart const& in, std::int64_t channel) {
  auto const& size = in.voxels.grid().size;
  return {in.voxels.channel<T>(channel).data(),
          in.first,
          in.whole,
          {1, size[0], size[0] * size[1]}};
}

[[gnu::always_inline]] inline std::array<double, 3> sampler_place(Places const& places,
                                                                  std::int64_t x) {
  return {snapped(places.i[x]), snapped(places.j[x]), snapped(places.k[x])};
}

template <class T>
[[gnu::always_inline]] inline bool sampler_inside(SamplerImage<T> const& image,
                                                  std::array<double, 3> const& at) {
  return is_inside(at[0], image.whole[0]) && is_inside(at[1], image.whole[1]) &&
         is_inside(at[2], image.whole[2]);
}

// --- linear

// The voxel below a place and how far above it the place is. The last voxel is reached from the
// one before it, so that both always are there. N counts voxels.
template <bool begins, class N, class A>
[[gnu::always_inline]] inline void sampler_below(double const* __restrict places,
                                                 std::int64_t first,
                                                 std::int64_t whole,
                                                 std::int64_t stride,
                                                 std::int64_t n,
                                                 N* __restrict at,
                                                 A* __restrict part,
                                                 A* __restrict within) {
  auto const last = static_cast<double>(whole - 1);
  auto const before = static_cast<double>(std::max<std::int64_t>(whole - 2, 0));
  auto const start = static_cast<double>(first);
  auto const step = static_cast<N>(stride);
  // Selections, no jumps: so the loop becomes vectors.
  for (std::int64_t x = 0; x < n; ++x) {
    auto const place = snapped(places[x]);
    auto inside = place >= -0.5 ? 1.0 : 0.0;
    inside = place < last + 0.5 ? inside : 0.0;
    auto held = place > 0 ? place : 0.0;
    held = held < last ? held : last;
    held = inside > 0 ? held : start;
    auto below = std::floor(held);
    below = below < before ? below : before;
    part[x] = static_cast<A>(held - below);
    auto const voxel = static_cast<N>(below - start) * step;
    at[x] = begins ? voxel : static_cast<N>(at[x] + voxel);
    within[x] = begins ? static_cast<A>(inside) : within[x] * static_cast<A>(inside);
  }
}

template <class T, class N, class A>
[[gnu::always_inline]] inline void sampler_linear(SamplerImage<T> const* image,
                                                  Places const* places,
                                                  A outside,
                                                  A* __restrict out,
                                                  std::int64_t n) {
  constexpr std::size_t pair = 2 * sizeof(T), two = 2 * sizeof(A);
  using Pair [[gnu::vector_size(pair)]] = T;
  using Two [[gnu::vector_size(two)]] = A;
  auto const* const __restrict voxels = image->voxels;
  auto const [fi, fj, fk] = image->first;
  auto const [ni, nj, nk] = image->whole;
  auto const [si, sj, sk] = image->stride;
  auto const down = nj > 1 ? sj : 0;
  auto const deep = nk > 1 ? sk : 0;
  N at[sampler_chunk];
  A u[sampler_chunk], v[sampler_chunk], w[sampler_chunk], within[sampler_chunk];
  for (std::int64_t begin = 0; begin < n; begin += sampler_chunk) {
    auto const count = std::min(sampler_chunk, n - begin);
    sampler_below<true, N, A>(places->i + begin, fi, ni, si, count, at, u, within);
    sampler_below<false, N, A>(places->j + begin, fj, nj, sj, count, at, v, within);
    sampler_below<false, N, A>(places->k + begin, fk, nk, sk, count, at, w, within);
    auto* const __restrict to = out + begin;
    // Of a place outside the part's first voxel is read, and not used.
    for (std::int64_t x = 0; x < count; ++x) at[x] = within[x] > 0 ? at[x] : N{0};
    if (ni > 1) {
      for (std::int64_t x = 0; x < count; ++x) {
        auto const* const ahead = voxels + at[std::min(x + sampler_ahead, count - 1)];
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + down);
        __builtin_prefetch(ahead + deep);
        __builtin_prefetch(ahead + deep + down);
        // Two neighbours along i of four rows; at 1 - t and t, so that t = 1 is exact.
        auto const* const corner = voxels + at[x];
        auto const load = [](T const* from, Two& into) [[gnu::always_inline]] {
          Pair numbers;
          std::memcpy(&numbers, from, sizeof numbers);
          into = __builtin_convertvector(numbers, Two);
        };
        Two a, b, c, d;
        load(corner, a);
        load(corner + down, b);
        load(corner + deep, c);
        load(corner + deep + down, d);
        Two const line =
            (a * (1 - v[x]) + b * v[x]) * (1 - w[x]) + (c * (1 - v[x]) + d * v[x]) * w[x];
        to[x] = line[0] * (1 - u[x]) + line[1] * u[x];
      }
    } else {
      for (std::int64_t x = 0; x < count; ++x) {
        auto const value = [&](std::int64_t from) [[gnu::always_inline]] {
          return static_cast<A>(voxels[at[x] + from]);
        };
        to[x] = (value(0) * (1 - v[x]) + value(down) * v[x]) * (1 - w[x]) +
                (value(deep) * (1 - v[x]) + value(deep + down) * v[x]) * w[x];
      }
    }
    for (std::int64_t x = 0; x < count; ++x) to[x] = within[x] > 0 ? to[x] : outside;
  }
}

template <class T, class A>
void sampler_linear_row(
    SamplerImage<T> const& image, Places const& places, A outside, A* out, std::int64_t n) {
  auto const last = image.stride[2] > 0 ? image.stride[2] * image.whole[2] : 0;
  auto const* const from = &image;
  auto const* const at = &places;
  if (last < std::numeric_limits<std::int32_t>::max())
    return with_widest_vectors<sampler_linear<T, std::int32_t, A>>(from, at, outside, out, n);
  with_widest_vectors<sampler_linear<T, std::int64_t, A>>(from, at, outside, out, n);
}

// --- cubic

// Four coefficients along i are one vector; they part where the edge mirrors them.
template <class A>
[[gnu::always_inline]] inline void sampler_cubic(SamplerImage<A> const* image,
                                                 Places const* places,
                                                 A outside,
                                                 A* __restrict out,
                                                 std::int64_t n) {
  constexpr std::size_t bytes = 4 * sizeof(A);
  using Four [[gnu::vector_size(bytes)]] = A;
  for (std::int64_t x = 0; x < n; ++x) {
    out[x] = outside;
    auto const place = sampler_place(*places, x);
    if (!sampler_inside(*image, place)) continue;
    std::int64_t at[3][4];
    A weight[3][4];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      auto const below = std::floor(place[axis]);
      auto const first = static_cast<std::int64_t>(below) - 1;
      double exact[4];
      cubic_weights(place[axis] - below, exact);
      auto const plain = first >= 0 && first + 3 < image->whole[axis];
      for (std::int64_t t = 0; t < 4; ++t) {
        at[axis][t] = ((plain ? first + t : mirrored(first + t, image->whole[axis])) -
                       image->first[axis]) *
                      image->stride[axis];
        weight[axis][t] = static_cast<A>(exact[t]);
      }
    }
    auto const dense = at[0][3] - at[0][0] == 3;
    Four sum{};
    for (std::size_t k = 0; k < 4; ++k) {
      Four slice{};
      for (std::size_t j = 0; j < 4; ++j) {
        auto const* const row = image->voxels + at[2][k] + at[1][j];
        Four four{};
        if (dense)
          std::memcpy(&four, row + at[0][0], sizeof four);
        else
          four = Four{row[at[0][0]], row[at[0][1]], row[at[0][2]], row[at[0][3]]};
        slice += weight[1][j] * four;
      }
      sum += weight[2][k] * slice;
    }
    out[x] = (sum[0] * weight[0][0] + sum[1] * weight[0][1]) +
             (sum[2] * weight[0][2] + sum[3] * weight[0][3]);
  }
}

// --- windowed sinc

struct SamplerTaps {  // along one axis: offsets into the voxels
  std::array<std::int64_t, sampler_widest> at;
  std::array<double, sampler_widest> weight;
  std::size_t count;
};

template <class T>
SamplerTaps sampler_sinc_taps(SamplerImage<T> const& image,
                              std::size_t axis,
                              double place,
                              Resample const& options) {
  auto const below = std::floor(place);
  auto const first = static_cast<std::int64_t>(below) - options.radius + 1;
  SamplerTaps taps{};
  auto const offset = [&](std::int64_t voxel) {
    return (std::clamp<std::int64_t>(voxel, 0, image.whole[axis] - 1) - image.first[axis]) *
           image.stride[axis];
  };
  if (place == below) {
    taps.count = 1;
    taps.at[0] = offset(static_cast<std::int64_t>(place));
    taps.weight[0] = 1;
    return taps;
  }
  taps.count = 2 * static_cast<std::size_t>(options.radius);
  sinc_weights(place - below, options, taps.weight.data());
  for (std::size_t n = 0; n < taps.count; ++n)
    taps.at[n] = offset(first + static_cast<std::int64_t>(n));
  return taps;
}

template <class T>
double sampler_sum(T const* voxels, std::array<SamplerTaps, 3> const& taps) {
  auto const& [across, down, deep] = taps;
  double sum = 0;
  for (std::size_t k = 0; k < deep.count; ++k) {
    double slice = 0;
    for (std::size_t j = 0; j < down.count; ++j) {
      auto const* const row = voxels + deep.at[k] + down.at[j];
      double line = 0;
      for (std::size_t i = 0; i < across.count; ++i)
        line += across.weight[i] * static_cast<double>(row[across.at[i]]);
      slice += down.weight[j] * line;
    }
    sum += deep.weight[k] * slice;
  }
  return sum;
}

template <class T, class A>
void sampler_sinc(SamplerImage<T> const& image,
                  Places const& places,
                  Resample const& options,
                  A* out,
                  std::int64_t n) {
  for (std::int64_t x = 0; x < n; ++x) {
    out[x] = static_cast<A>(options.outside);
    auto const place = sampler_place(places, x);
    if (!sampler_inside(image, place)) continue;
    std::array<SamplerTaps, 3> taps{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      taps[axis] = sampler_sinc_taps(image, axis, place[axis], options);
    out[x] = static_cast<A>(sampler_sum(image.voxels, taps));
  }
}

template <class T, class A>
void sampler_values(SamplerImage<T> const& image,
                    Places const& places,
                    Resample const& options,
                    A* out,
                    std::int64_t n) {
  auto const outside = static_cast<A>(options.outside);
  if (options.interpolator == Interpolator::linear)
    return sampler_linear_row(image, places, outside, out, n);
  if constexpr (std::is_same_v<T, A>) {
    auto const* const from = &image;
    auto const* const at = &places;
    if (options.interpolator == Interpolator::cubic)
      return with_widest_vectors<sampler_cubic<A>>(from, at, outside, out, n);
  }
  sampler_sinc(image, places, options, out, n);
}

// --- labels

// The label of most weight around; where all eight are the same there is nothing to count.
template <class T>
T sampler_vote(SamplerImage<T> const& image, std::array<double, 3> const& place) {
  std::array<std::array<std::int64_t, 2>, 3> at{};
  std::array<std::array<double, 2>, 3> part{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const below = std::floor(place[axis]);
    auto const voxel = static_cast<std::int64_t>(below);
    auto const last = image.whole[axis] - 1;
    at[axis] = {
        (std::max<std::int64_t>(voxel, 0) - image.first[axis]) * image.stride[axis],
        (std::min<std::int64_t>(voxel + 1, last) - image.first[axis]) * image.stride[axis]};
    part[axis] = {1 - (place[axis] - below), place[axis] - below};
  }
  std::array<T, 8> label{};
  std::array<double, 8> weight{};
  for (unsigned n = 0; n < 8; ++n) {
    auto const i = n & 1U;
    auto const j = n >> 1U & 1U;
    auto const k = n >> 2U;
    label[n] = image.voxels[at[0][i] + at[1][j] + at[2][k]];
    weight[n] = part[0][i] * part[1][j] * part[2][k];
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

template <class T>
T sampler_nearest(SamplerImage<T> const& image, std::array<double, 3> const& place) {
  std::int64_t at = 0;
  for (std::size_t axis = 0; axis < 3; ++axis)
    at += (static_cast<std::int64_t>(std::floor(place[axis] + 0.5)) - image.first[axis]) *
          image.stride[axis];
  return image.voxels[at];
}

template <class T, class Out>
void sampler_labels(SamplerImage<T> const& image,
                    Places const& places,
                    Resample const& options,
                    Out* out,
                    std::int64_t n) {
  auto const outside = rounded_to<Out>(options.outside);
  auto const votes = options.interpolator == Interpolator::label_linear;
  for (std::int64_t x = 0; x < n; ++x) {
    auto const place = sampler_place(places, x);
    if (!sampler_inside(image, place))
      out[x] = outside;
    else
      out[x] =
          static_cast<Out>(votes ? sampler_vote(image, place) : sampler_nearest(image, place));
  }
}

// --- rows of a box

template <class Row>
void sampler_rows(PlacesOf const& places_of,
                  IndexBox const& box,
                  int threads,
                  Row const& row_at) {
  auto const [n, high, deep] = box.size;
  // Some rows together: a task should outlast the word that hands it out.
  auto const together = std::max<std::int64_t>(1, 4096 / n);
  auto const all = high * deep;
  in_parallel((all + together - 1) / together, threads, [&, n = n, high = high](auto task) {
    std::vector<double> held(static_cast<std::size_t>(3 * n));
    Places const places{held.data(), held.data() + n, held.data() + 2 * n};
    for (auto row = task * together; row < std::min(all, (task + 1) * together); ++row) {
      auto const j = box.first[1] + row % high;
      auto const k = box.first[2] + row / high;
      places_of(box.first[0], n, j, k, places);
      row_at(places, j, k);
    }
  });
}

template <class Out>
Out* sampler_target(
    Volume& out, IndexBox const& box, std::int64_t channel, std::int64_t j, std::int64_t k) {
  return out.write_channel<Out>(channel).data() + (k * out.height() + j) * out.width() +
         box.first[0];
}

template <class T, class Out>
void sampler_fill_labels(VolumePart const& in,
                         PlacesOf const& places_of,
                         Resample const& options,
                         IndexBox const& box,
                         Volume& out,
                         int threads) {
  sampler_rows(places_of, box, threads, [&](Places const& places, auto j, auto k) {
    for (std::int64_t channel = 0; channel < out.channels(); ++channel)
      sampler_labels(sampler_image<T>(in, channel), places, options,
                     sampler_target<Out>(out, box, channel, j, k), box.size[0]);
  });
}

template <class T>
void sampler_fill_values(VolumePart const& in,
                         PlacesOf const& places_of,
                         Resample const& options,
                         IndexBox const& box,
                         Volume& out,
                         int threads) {
  using A = std::conditional_t<fits_float(TypeOf<T>::value), float, double>;
  sampler_rows(places_of, box, threads, [&](Places const& places, auto j, auto k) {
    std::vector<A> values(static_cast<std::size_t>(box.size[0]));
    for (std::int64_t channel = 0; channel < out.channels(); ++channel) {
      sampler_values(sampler_image<T>(in, channel), places, options, values.data(),
                     box.size[0]);
      with_type(out.type(), [&](auto zero) {
        using Out = decltype(zero);
        std::ranges::transform(values, sampler_target<Out>(out, box, channel, j, k),
                               [](A value) { return rounded_to<Out>(value); });
      });
    }
  });
}

}  // namespace

void run_sampler(VolumePart const& in,
                 PlacesOf const& places_of,
                 Resample const& options,
                 IndexBox const& box,
                 Volume& out,
                 int threads) {
  with_type(in.voxels.type(), [&](auto value) {
    using T = decltype(value);
    if (options.interpolator != Interpolator::nearest &&
        options.interpolator != Interpolator::label_linear)
      return sampler_fill_values<T>(in, places_of, options, box, out, threads);
    if (out.type() == in.voxels.type())
      return sampler_fill_labels<T, T>(in, places_of, options, box, out, threads);
    sampler_fill_labels<T, float>(in, places_of, options, box, out, threads);
  });
}

void sample_linear(Volume const& in, Places const& places, std::int64_t n, double* const* out) {
  VolumePart const part{in, {}, in.grid().size};
  for (std::int64_t channel = 0; channel < in.channels(); ++channel) {
    if (in.type() == Type::f32)
      sampler_linear_row(sampler_image<float>(part, channel), places, 0.0, out[channel], n);
    else
      sampler_linear_row(sampler_image<double>(part, channel), places, 0.0, out[channel], n);
  }
}

}  // namespace fovea
