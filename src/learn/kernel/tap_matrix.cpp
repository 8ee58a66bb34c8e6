#include "learn/kernel/tap_matrix.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>

namespace fovea {
namespace {

// Where one output channel's numbers for the pair (q, p) begin, and how far apart its input
// channels are.
struct TapPlace {
  std::int64_t begin, step;
};
[[gnu::always_inline]] inline TapPlace tap_place(TapMatrix const* m,
                                                 std::int64_t o,
                                                 std::int64_t q,
                                                 std::int64_t p) {
  auto const row = m->channels_last ? q * m->out + o : o * m->out_places + q;
  auto const columns = m->in * m->in_places;
  return m->channels_last ? TapPlace{row * columns + p * m->in, 1}
                          : TapPlace{row * columns + p, m->in_places};
}

template <class T>
[[gnu::always_inline]] inline void tap_spread(
    TapMatrix const* m, T const* weight, T* matrix, std::int64_t begin, std::int64_t end) {
  for (auto o = begin; o < end; ++o) {
    for (std::int64_t q = 0; q < m->out_places; ++q) {
      for (std::int64_t p = 0; p < m->in_places; ++p) {
        auto const tap = m->tap[static_cast<std::size_t>(q * m->in_places + p)];
        auto const [first, step] = tap_place(m, o, q, p);
        auto* const to = matrix + first;
        auto const* const from = weight + o * m->by_out + tap * m->by_tap;
        if (tap < 0)
          for (std::int64_t c = 0; c < m->in; ++c) to[c * step] = T{};
        else if (step == 1 && m->by_in == 1)
          std::copy_n(from, m->in, to);
        else
          for (std::int64_t c = 0; c < m->in; ++c) to[c * step] = from[c * m->by_in];
      }
    }
  }
}

template <class T>
[[gnu::always_inline]] inline void tap_gather(
    TapMatrix const* m, T const* matrix, T* weight, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t lane = 256;
  float sum[lane];
  auto const taps = m->by_out / m->in;
  for (auto o = begin; o < end; ++o) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t from_c = 0; from_c < m->in; from_c += lane) {
        auto const count = std::min(lane, m->in - from_c);
        std::fill_n(sum, count, 0.0F);
        for (std::int64_t q = 0; q < m->out_places; ++q) {
          for (std::int64_t p = 0; p < m->in_places; ++p) {
            if (m->tap[static_cast<std::size_t>(q * m->in_places + p)] != tap) continue;
            auto const [first, step] = tap_place(m, o, q, p);
            auto const* const from = matrix + first + from_c * step;
            if (step == 1)
              for (std::int64_t c = 0; c < count; ++c) sum[c] += widened(from[c]);
            else
              for (std::int64_t c = 0; c < count; ++c) sum[c] += widened(from[c * step]);
          }
        }
        auto* const to = weight + o * m->by_out + tap * m->by_tap + from_c * m->by_in;
        for (std::int64_t c = 0; c < count; ++c) to[c * m->by_in] = narrowed<T>(sum[c]);
      }
    }
  }
}

}  // namespace

template <class T>
void TapMatrix::spread(T const* weight, T* matrix, std::int64_t begin, std::int64_t end) const {
  with_widest_vectors<tap_spread<T>>(this, weight, matrix, begin, end);
}

template <class T>
void TapMatrix::gather(T const* matrix, T* weight, std::int64_t begin, std::int64_t end) const {
  with_widest_vectors<tap_gather<T>>(this, matrix, weight, begin, end);
}

template void TapMatrix::spread(float const*, float*, std::int64_t, std::int64_t) const;
template void TapMatrix::spread(BFloat16 const*, BFloat16*, std::int64_t, std::int64_t) const;
template void TapMatrix::gather(float const*, float*, std::int64_t, std::int64_t) const;
template void TapMatrix::gather(BFloat16 const*, BFloat16*, std::int64_t, std::int64_t) const;

}  // namespace fovea
