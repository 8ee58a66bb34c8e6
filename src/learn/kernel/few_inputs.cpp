#include "learn/kernel/few_inputs.hpp"

#include "learn/kernel/lanes.hpp"

#include <algorithm>
#include <vector>

namespace fovea {
namespace {

constexpr std::int64_t few_at_once = 8;  // outputs of a row

template <class T>
struct FewInputsWork {
  FewInputs const& conv;
  FewInputs::Maps const& maps;
  T const* x;
  float const* prepared;
  float const* bias;
  T* y;
  std::int64_t begin, end;
};

// The rows of inputs that a row of outputs reads, with zeros where there are none.
template <class T>
[[gnu::always_inline]] inline void few_gather(FewInputsWork<T> const& work,
                                              std::int64_t row,
                                              float* to,
                                              std::int64_t pitch) {
  auto const& conv = work.conv;
  auto const& maps = work.maps;
  auto const [size_k, size_j, size_i] = maps.in;
  auto const j = row % maps.out[1] * conv.stride[1] - conv.padding[1];
  auto const k = row / maps.out[1] % maps.out[0] * conv.stride[0] - conv.padding[0];
  auto const sample = row / (maps.out[0] * maps.out[1]);
  auto const values = size_i * conv.in;
  for (std::int64_t z = k; z < k + conv.kernel[0]; ++z) {
    for (std::int64_t q = j; q < j + conv.kernel[1]; ++q, to += pitch) {
      auto* const inside = to + conv.padding[2] * conv.in;
      if (z < 0 || z >= size_k || q < 0 || q >= size_j) {
        std::fill_n(inside, values, 0.0F);
        continue;
      }
      auto const* const from = work.x + ((sample * size_k + z) * size_j + q) * values;
      for (std::int64_t n = 0; n < values; ++n) inside[n] = widened(from[n]);
    }
  }
}

template <class T, int lanes>
[[gnu::always_inline]] inline void few_convolve(FewInputsWork<T> const* given) {
  using V = typename LanesVector<lanes>::Type;
  auto const& work = *given;
  auto const& conv = work.conv;
  auto const& maps = work.maps;
  auto const rows = conv.kernel[0] * conv.kernel[1];
  auto const run = conv.kernel[2] * conv.in;   // taps that lie beside each other
  auto const step = conv.stride[2] * conv.in;  // from an output's inputs to the next's
  auto const most = (maps.out[2] + few_at_once) * step + run;
  auto const pitch = std::max(most, (maps.in[2] + 2 * conv.padding[2]) * conv.in);
  thread_local std::vector<float> room;
  room.assign(static_cast<std::size_t>(rows * pitch), 0.0F);
  for (auto row = work.begin; row < work.end; ++row) {
    few_gather(work, row, room.data(), pitch);
    for (std::int64_t i = 0; i < maps.out[2]; i += few_at_once) {
      auto const count = std::min(few_at_once, maps.out[2] - i);
      auto* const to = work.y + (row * maps.out[2] + i) * conv.out;
      auto const* b = work.prepared;
      for (std::int64_t out = 0; out < conv.out; out += 2 * lanes) {
        V left[few_at_once], right[few_at_once];
#pragma GCC unroll 8
        for (std::int64_t n = 0; n < few_at_once; ++n) left[n] = right[n] = V{};
        for (std::int64_t r = 0; r < rows; ++r) {
          auto const* const a = room.data() + r * pitch + i * step;
          for (std::int64_t t = 0; t < run; ++t, b += 2 * lanes) {
            V first, second;
            load_lanes<lanes>(first, b);
            load_lanes<lanes>(second, b + lanes);
#pragma GCC unroll 8
            for (std::int64_t n = 0; n < few_at_once; ++n) {
              auto const factor = a[n * step + t];
              left[n] += factor * first;
              right[n] += factor * second;
            }
          }
        }
        auto const some = std::min<std::int64_t>(lanes, conv.out - out);
        auto const others = std::clamp<std::int64_t>(conv.out - out - lanes, 0, lanes);
        V more{}, other_more{};
        if (work.bias != nullptr) {
          load_lanes<lanes>(more, work.bias + out, some);
          if (others > 0) load_lanes<lanes>(other_more, work.bias + out + lanes, others);
        }
#pragma GCC unroll 8
        for (std::int64_t n = 0; n < few_at_once; ++n) {
          if (n >= count) break;
          V const one = left[n] + more, other = right[n] + other_more;
          store_lanes<lanes>(to + n * conv.out + out, one, some);
          if (others > 0) store_lanes<lanes>(to + n * conv.out + out + lanes, other, others);
        }
      }
    }
  }
}

}  // namespace

std::int64_t FewInputs::weight_values() const {
  return taps() * ((out + panel() - 1) / panel() * panel());
}

void FewInputs::prepare(float const* weight, float* prepared) const {
  std::fill_n(prepared, weight_values(), 0.0F);
  auto const places = taps() / in;
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t c = 0; c < in; ++c)
      for (std::int64_t place = 0; place < places; ++place)
        prepared[(o / panel() * taps() + place * in + c) * panel() + o % panel()] =
            weight[(o * in + c) * places + place];
}

template <class T>
void FewInputs::convolve(Maps const& maps,
                         T const* x,
                         float const* prepared,
                         float const* bias,
                         T* y,
                         std::int64_t begin,
                         std::int64_t end) const {
  FewInputsWork<T> const work{*this, maps, x, prepared, bias, y, begin, end};
  switch (width) {
    case vectors::Width::avx512:
      return vectors::avx512<few_convolve<T, 16>>(&work);
    case vectors::Width::avx2:
      return vectors::avx2<few_convolve<T, 8>>(&work);
    case vectors::Width::any:
      return vectors::any<few_convolve<T, 8>>(&work);
  }
}

template void FewInputs::convolve(Maps const&,
                                  float const*,
                                  float const*,
                                  float const*,
                                  float*,
                                  std::int64_t,
                                  std::int64_t) const;
template void FewInputs::convolve(Maps const&,
                                  BFloat16 const*,
                                  float const*,
                                  float const*,
                                  BFloat16*,
                                  std::int64_t,
                                  std::int64_t) const;

}  // namespace fovea
