#include "learn/kernel/soft_sums.hpp"

#include "base/core/vectors.hpp"

namespace fovea {
namespace {

// Sums run in lanes that are joined in order: vectors of any width give the same rounding.
constexpr std::int64_t soft_lanes = 16;
constexpr std::int64_t soft_longest = 256;

// Voxels at once: all their channels stay in the first cache.
[[gnu::always_inline]] inline std::int64_t soft_tile(std::int64_t channels) {
  auto const fit = 8192 / channels / soft_lanes * soft_lanes;
  return fit < soft_lanes ? soft_lanes : fit > soft_longest ? soft_longest : fit;
}

// Within 2e-7 of it (Cody and Waite's reduction, the polynomial of Cephes); std::exp keeps
// loops from running in vectors. What is not a number stays that.
[[gnu::always_inline]] inline float soft_exp(float x) {
  constexpr float shift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to whole numbers
  x = x < -87.0F ? -87.0F : x > 88.0F ? 88.0F : x;
  auto const shifted = x * 1.44269504F + shift;
  auto const n = shifted - shift;
  auto const r = x - n * 0.693359375F + n * 2.12194440e-4F;
  auto p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  auto const power =
      std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(shift) + 127;
  return (p * r * r + r + 1.0F) * std::bit_cast<float>(power << 23);
}

// Of positive numbers that are not subnormal; otherwise as soft_exp.
[[gnu::always_inline]] inline float soft_log(float x) {
  auto const bits = std::bit_cast<std::int32_t>(x);
  auto const m = std::bit_cast<float>((bits & 0x007fffff) | 0x3f000000);  // in [1/2, 1)
  auto const low = m < 0.707106781F;
  auto const e = static_cast<float>((bits >> 23) - 126) - (low ? 1.0F : 0.0F);
  auto const t = low ? m + m - 1.0F : m - 1.0F;
  auto const z = t * t;
  auto p = 7.0376836292e-2F;
  p = p * t - 1.1514610310e-1F;
  p = p * t + 1.1676998740e-1F;
  p = p * t - 1.2420140846e-1F;
  p = p * t + 1.4249322787e-1F;
  p = p * t - 1.6668057665e-1F;
  p = p * t + 2.0000714765e-1F;
  p = p * t - 2.4999993993e-1F;
  p = p * t + 3.3333331174e-1F;
  auto const y = p * t * z - e * 2.12194440e-4F - 0.5F * z;
  auto const out = t + y + e * 0.693359375F;
  return x == x ? out : x;
}

// (1 - p) ^ gamma for a truth of probability p = exp(-nll), and what its product with nll
// changes by per nll. The floor keeps slopes finite where a voxel is certain and gamma below 1.
struct SoftFocus {
  float factor, slope;
};
template <bool focal>
[[gnu::always_inline]] inline SoftFocus soft_focus(float nll, float gamma) {
  if constexpr (!focal) return {1.0F, 1.0F};
  auto const p = soft_exp(-nll);
  // 1 - p has no digits left where p is near 1.
  auto const apart = nll < 0.02F ? nll * (1.0F - nll * (0.5F - nll / 6.0F)) : 1.0F - p;
  auto const rest = apart < 1e-12F ? 1e-12F : apart;
  auto const factor = soft_exp(gamma * soft_log(rest));
  return {factor, factor + gamma * factor / rest * p * nll};
}

struct SoftLanes {
  float at[soft_lanes] = {};
  [[gnu::always_inline]] double sum() const {
    double out = 0;
    for (std::int64_t l = 0; l < soft_lanes; ++l) out += static_cast<double>(at[l]);
    return out;
  }
};

// Some voxels at a time: [channel, voxel] of float32. What is beyond the last voxel, up to
// whole lanes, has label -1.
struct SoftTile {
  std::int64_t count, whole;
  std::int32_t label[soft_longest];

  template <class T>
  [[gnu::always_inline]] void load(SoftSums const& n,
                                   T const* x,
                                   std::int32_t const* labels,
                                   std::int64_t begin,
                                   std::int64_t end,
                                   float* rows,
                                   std::int64_t tile) {
    count = end - begin < tile ? end - begin : tile;
    whole = (count + soft_lanes - 1) / soft_lanes * soft_lanes;
    for (std::int64_t v = 0; v < count; ++v) label[v] = labels[begin + v];
    for (auto v = count; v < whole; ++v) label[v] = -1;
    for (std::int64_t k = 0; k < n.channels; ++k) {
      auto const* const from = x + begin * n.voxel_step + k * n.channel_step;
      auto* __restrict const row = rows + k * tile;
      if (n.voxel_step == 1) {
        for (std::int64_t v = 0; v < count; ++v) row[v] = widened(from[v]);
      } else {
        for (std::int64_t v = 0; v < count; ++v) row[v] = widened(from[v * n.voxel_step]);
      }
      for (auto v = count; v < whole; ++v) row[v] = 0;
    }
  }

  template <class T>
  [[gnu::always_inline]] void store(SoftSums const& n,
                                    float const* row,
                                    std::int64_t begin,
                                    std::int64_t k,
                                    T* gradient) const {
    auto* __restrict const to = gradient + begin * n.voxel_step + k * n.channel_step;
    if (n.voxel_step == 1) {
      for (std::int64_t v = 0; v < count; ++v) to[v] = narrowed<T>(row[v]);
    } else {
      for (std::int64_t v = 0; v < count; ++v) to[v * n.voxel_step] = narrowed<T>(row[v]);
    }
  }

  // 1 inside region k, else 0.
  [[gnu::always_inline]] void region(SoftSums const& n, std::int64_t k, float* __restrict in) {
    for (std::int64_t v = 0; v < whole; ++v) in[v] = 0;
    for (auto at = n.starts[k]; at < n.starts[k + 1]; ++at) {
      auto const value = n.values[at];
      for (std::int64_t v = 0; v < whole; ++v) in[v] = label[v] == value ? 1.0F : in[v];
    }
  }
};

struct SoftTotals {
  double *inside, *found, *truth, *point;
};

// Adds a channel's sums: `p` of its probabilities, `in` where the truth is.
[[gnu::always_inline]] inline void soft_add(SoftTile const& t,
                                            float const* __restrict p,
                                            float const* __restrict in,
                                            std::int64_t k,
                                            SoftTotals const& to) {
  SoftLanes inside, found, truth;
  for (std::int64_t from = 0; from < t.whole; from += soft_lanes) {
    for (std::int64_t l = 0; l < soft_lanes; ++l) {
      auto const v = from + l;
      auto const value = t.label[v] < 0 ? 0.0F : p[v];
      found.at[l] += value;
      inside.at[l] += value * in[v];
      truth.at[l] += in[v];
    }
  }
  to.inside[k] += inside.sum();
  to.found[k] += found.sum();
  to.truth[k] += truth.sum();
}

template <bool focal>
[[gnu::always_inline]] inline void soft_add_points(std::int64_t whole,
                                                   float gamma,
                                                   float const* __restrict nll,
                                                   float const* __restrict weight,
                                                   double* point) {
  SoftLanes points;
  for (std::int64_t from = 0; from < whole; from += soft_lanes) {
    for (std::int64_t l = 0; l < soft_lanes; ++l) {
      auto const v = from + l;
      auto const value = nll[v] * soft_focus<focal>(nll[v], gamma).factor * weight[v];
      points.at[l] += weight[v] > 0 ? value : 0.0F;
    }
  }
  *point += points.sum();
}

// The logit of the truth and its weight, 0 where it is unknown.
[[gnu::always_inline]] inline void soft_true(SoftSums const& n,
                                             SoftTile const& t,
                                             float const* rows,
                                             std::int64_t tile,
                                             float* __restrict logit,
                                             float* __restrict weight) {
  for (std::int64_t v = 0; v < t.whole; ++v) logit[v] = weight[v] = 0;
  for (std::int64_t k = 0; k < n.channels; ++k) {
    auto const* const row = rows + k * tile;
    auto const of_k = n.weights[k];
    auto const number = static_cast<std::int32_t>(k);
    for (std::int64_t v = 0; v < t.whole; ++v) {
      logit[v] = t.label[v] == number ? row[v] : logit[v];
      weight[v] = t.label[v] == number ? of_k : weight[v];
    }
  }
}

template <class T, bool focal>
[[gnu::always_inline]] inline void soft_forward_classes(SoftSums const* n,
                                                        T const* x,
                                                        std::int32_t const* labels,
                                                        std::int64_t count,
                                                        float* rows,
                                                        SoftTotals const* to,
                                                        float* log_sum) {
  auto const tile = soft_tile(n->channels);
  SoftTile t;
  float top[soft_longest], sum[soft_longest], logit[soft_longest], weight[soft_longest];
  for (std::int64_t begin = 0; begin < count; begin += tile) {
    t.load(*n, x, labels, begin, count, rows, tile);
    soft_true(*n, t, rows, tile, logit, weight);
    for (std::int64_t v = 0; v < t.whole; ++v) top[v] = rows[v];
    for (std::int64_t k = 1; k < n->channels; ++k) {
      auto const* const row = rows + k * tile;
      for (std::int64_t v = 0; v < t.whole; ++v) top[v] = row[v] > top[v] ? row[v] : top[v];
    }
    for (std::int64_t v = 0; v < t.whole; ++v) sum[v] = 0;
    for (std::int64_t k = 0; k < n->channels; ++k) {
      auto* const row = rows + k * tile;
      for (std::int64_t v = 0; v < t.whole; ++v) {
        row[v] = soft_exp(row[v] - top[v]);
        sum[v] += row[v];
      }
    }
    for (std::int64_t v = 0; v < t.whole; ++v) {
      auto const logged = soft_log(sum[v]);
      logit[v] = top[v] - logit[v] + logged;  // from here on the truth's -log p
      top[v] += logged;
      sum[v] = 1.0F / sum[v];
    }
    for (std::int64_t v = 0; v < t.count; ++v) log_sum[begin + v] = top[v];
    soft_add_points<focal>(t.whole, n->gamma, logit, weight, to->point);
    for (std::int64_t k = 0; k < n->channels; ++k) {
      auto* const row = rows + k * tile;
      auto const number = static_cast<std::int32_t>(k);
      for (std::int64_t v = 0; v < t.whole; ++v) {
        row[v] *= sum[v];
        top[v] = t.label[v] == number ? 1.0F : 0.0F;
      }
      soft_add(t, row, top, k, *to);
    }
  }
}

// Of one region: probability and minus the logarithm of the truth's.
[[gnu::always_inline]] inline void soft_asked(float x, float in, float& p, float& nll) {
  auto const size = x < 0 ? -x : x;
  auto const small = soft_exp(-size);
  auto const share = 1.0F / (1.0F + small);
  p = x < 0 ? small * share : share;
  auto const against = in > 0 ? -x : x;
  nll = (against > 0 ? against : 0.0F) + soft_log(1.0F + small);
  nll = x == x ? nll : x;
}

template <class T, bool focal>
[[gnu::always_inline]] inline void soft_forward_regions(SoftSums const* n,
                                                        T const* x,
                                                        std::int32_t const* labels,
                                                        std::int64_t count,
                                                        float* rows,
                                                        SoftTotals const* to) {
  auto const tile = soft_tile(n->channels);
  SoftTile t;
  float in[soft_longest], nll[soft_longest], weight[soft_longest];
  for (std::int64_t begin = 0; begin < count; begin += tile) {
    t.load(*n, x, labels, begin, count, rows, tile);
    for (std::int64_t k = 0; k < n->channels; ++k) {
      auto* const row = rows + k * tile;
      auto const of_k = n->weights[k];
      t.region(*n, k, in);
      for (std::int64_t v = 0; v < t.whole; ++v) {
        soft_asked(row[v], in[v], row[v], nll[v]);
        weight[v] = t.label[v] < 0 ? 0.0F : in[v] > 0 ? of_k : 1.0F;
      }
      soft_add_points<focal>(t.whole, n->gamma, nll, weight, to->point);
      soft_add(t, row, in, k, *to);
    }
  }
}

struct SoftSlopes {
  float const *inside, *found;
  float point;
};

template <class T, bool focal>
[[gnu::always_inline]] inline void soft_backward_classes(SoftSums const* n,
                                                         T const* x,
                                                         std::int32_t const* labels,
                                                         std::int64_t count,
                                                         float* rows,
                                                         float const* log_sum,
                                                         SoftSlopes const* by,
                                                         T* gradient) {
  auto const tile = soft_tile(n->channels);
  SoftTile t;
  float top[soft_longest], mean[soft_longest], logit[soft_longest], weight[soft_longest];
  for (std::int64_t begin = 0; begin < count; begin += tile) {
    t.load(*n, x, labels, begin, count, rows, tile);
    soft_true(*n, t, rows, tile, logit, weight);
    for (std::int64_t v = 0; v < t.count; ++v) top[v] = log_sum[begin + v];
    for (auto v = t.count; v < t.whole; ++v) top[v] = 0;
    for (std::int64_t v = 0; v < t.whole; ++v) {
      auto const nll = top[v] < logit[v] ? 0.0F : top[v] - logit[v];
      weight[v] *= by->point * soft_focus<focal>(nll, n->gamma).slope;
      mean[v] = 0;
    }
    for (std::int64_t k = 0; k < n->channels; ++k) {
      auto* const row = rows + k * tile;
      auto const number = static_cast<std::int32_t>(k);
      auto const outside = by->found[k], inside = by->found[k] + by->inside[k];
      for (std::int64_t v = 0; v < t.whole; ++v) {
        row[v] = soft_exp(row[v] - top[v]);
        mean[v] += row[v] * (t.label[v] == number ? inside : outside);
      }
    }
    for (std::int64_t k = 0; k < n->channels; ++k) {
      auto* const row = rows + k * tile;
      auto const number = static_cast<std::int32_t>(k);
      auto const outside = by->found[k], inside = by->found[k] + by->inside[k];
      for (std::int64_t v = 0; v < t.whole; ++v) {
        auto const here = t.label[v] == number;
        auto const of_sums = row[v] * ((here ? inside : outside) - mean[v]);
        auto const of_point = weight[v] * (row[v] - (here ? 1.0F : 0.0F));
        row[v] = t.label[v] < 0 ? 0.0F : of_sums + of_point;
      }
      t.store(*n, row, begin, k, gradient);
    }
  }
}

template <class T, bool focal>
[[gnu::always_inline]] inline void soft_backward_regions(SoftSums const* n,
                                                         T const* x,
                                                         std::int32_t const* labels,
                                                         std::int64_t count,
                                                         float* rows,
                                                         SoftSlopes const* by,
                                                         T* gradient) {
  auto const tile = soft_tile(n->channels);
  SoftTile t;
  float in[soft_longest];
  for (std::int64_t begin = 0; begin < count; begin += tile) {
    t.load(*n, x, labels, begin, count, rows, tile);
    for (std::int64_t k = 0; k < n->channels; ++k) {
      auto* const row = rows + k * tile;
      auto const of_k = n->weights[k], found = by->found[k], inside = by->inside[k];
      t.region(*n, k, in);
      for (std::int64_t v = 0; v < t.whole; ++v) {
        float p = 0, nll = 0;
        soft_asked(row[v], in[v], p, nll);
        auto const weight = by->point * (in[v] > 0 ? of_k : 1.0F);
        auto const of_sums = (found + inside * in[v]) * p * (1.0F - p);
        auto const of_point = weight * soft_focus<focal>(nll, n->gamma).slope * (p - in[v]);
        row[v] = t.label[v] < 0 ? 0.0F : of_sums + of_point;
      }
      t.store(*n, row, begin, k, gradient);
    }
  }
}

}  // namespace

std::int64_t SoftSums::room() const {
  return channels * soft_tile(channels);
}

template <class T>
void SoftSums::forward(T const* x,
                       std::int32_t const* labels,
                       std::int64_t count,
                       float* scratch,
                       double* inside,
                       double* found,
                       double* truth,
                       double* point,
                       float* log_sum) const {
  SoftTotals const to{inside, found, truth, point};
  if (values != nullptr) {
    if (gamma != 0)
      with_widest_vectors<soft_forward_regions<T, true>>(this, x, labels, count, scratch, &to);
    else
      with_widest_vectors<soft_forward_regions<T, false>>(this, x, labels, count, scratch, &to);
    return;
  }
  if (gamma != 0)
    with_widest_vectors<soft_forward_classes<T, true>>(this, x, labels, count, scratch, &to,
                                                       log_sum);
  else
    with_widest_vectors<soft_forward_classes<T, false>>(this, x, labels, count, scratch, &to,
                                                        log_sum);
}

template <class T>
void SoftSums::backward(T const* x,
                        std::int32_t const* labels,
                        std::int64_t count,
                        float* scratch,
                        float const* log_sum,
                        float const* by_inside,
                        float const* by_found,
                        float by_point,
                        T* gradient) const {
  SoftSlopes const by{by_inside, by_found, by_point};
  if (values != nullptr) {
    if (gamma != 0)
      with_widest_vectors<soft_backward_regions<T, true>>(this, x, labels, count, scratch, &by,
                                                          gradient);
    else
      with_widest_vectors<soft_backward_regions<T, false>>(this, x, labels, count, scratch, &by,
                                                           gradient);
    return;
  }
  if (gamma != 0)
    with_widest_vectors<soft_backward_classes<T, true>>(this, x, labels, count, scratch,
                                                        log_sum, &by, gradient);
  else
    with_widest_vectors<soft_backward_classes<T, false>>(this, x, labels, count, scratch,
                                                         log_sum, &by, gradient);
}

template void SoftSums::forward(float const*,
                                std::int32_t const*,
                                std::int64_t,
                                float*,
                                double*,
                                double*,
                                double*,
                                double*,
                                float*) const;
template void SoftSums::forward(BFloat16 const*,
                                std::int32_t const*,
                                std::int64_t,
                                float*,
                                double*,
                                double*,
                                double*,
                                double*,
                                float*) const;
template void SoftSums::backward(float const*,
                                 std::int32_t const*,
                                 std::int64_t,
                                 float*,
                                 float const*,
                                 float const*,
                                 float const*,
                                 float,
                                 float*) const;
template void SoftSums::backward(BFloat16 const*,
                                 std::int32_t const*,
                                 std::int64_t,
                                 float*,
                                 float const*,
                                 float const*,
                                 float const*,
                                 float,
                                 BFloat16*) const;

}  // namespace fovea
