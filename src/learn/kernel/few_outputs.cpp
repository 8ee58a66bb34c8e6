#include "learn/kernel/few_outputs.hpp"

#include "base/core/vectors.hpp"

namespace fovea {
namespace {

// Of a number of outputs that the compiler knows, so that the channels become vectors.
template <class T, std::int64_t out>
[[gnu::always_inline]] inline void few_to_input(FewOutputs const* n,
                                                T const* gradient,
                                                float const* weight,
                                                T* __restrict by_x,
                                                std::int64_t rows) {
  auto const in = n->in;
  for (std::int64_t row = 0; row < rows; ++row, gradient += out, by_x += in) {
    float g[out];
    for (std::int64_t o = 0; o < out; ++o) g[o] = widened(gradient[o]);
    for (std::int64_t c = 0; c < in; ++c) {
      float sum = 0;
#pragma GCC unroll 8
      for (std::int64_t o = 0; o < out; ++o) sum += g[o] * weight[o * in + c];
      by_x[c] = narrowed<T>(sum);
    }
  }
}

template <class T, std::int64_t out>
void few_to_input_of(
    FewOutputs const& n, T const* gradient, float const* weight, T* by_x, std::int64_t rows) {
  if (n.out == out)
    return with_widest_vectors<few_to_input<T, out>>(&n, gradient, weight, by_x, rows);
  if constexpr (out > 1) few_to_input_of<T, out - 1>(n, gradient, weight, by_x, rows);
}

// Some rows at once, so that the sums in memory are read and written less often.
template <class T, std::int64_t at_once>
[[gnu::always_inline]] inline void few_add_rows(FewOutputs const* n,
                                                T const* gradient,
                                                T const* x,
                                                float* __restrict sums) {
  auto const in = n->in, out = n->out;
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t c = 0; c < in; ++c) {
      float sum = 0;
#pragma GCC unroll 8
      for (std::int64_t r = 0; r < at_once; ++r)
        sum += widened(gradient[r * out + o]) * widened(x[r * in + c]);
      sums[o * in + c] += sum;
    }
  }
}

template <class T>
[[gnu::always_inline]] inline void few_add_to_weights(
    FewOutputs const* n, T const* gradient, T const* x, float* sums, std::int64_t rows) {
  constexpr std::int64_t at_once = 8;
  std::int64_t row = 0;
  for (; row + at_once <= rows; row += at_once)
    few_add_rows<T, at_once>(n, gradient + row * n->out, x + row * n->in, sums);
  for (; row < rows; ++row)
    few_add_rows<T, 1>(n, gradient + row * n->out, x + row * n->in, sums);
}

}  // namespace

template <class T>
void FewOutputs::to_input(T const* gradient,
                          float const* weight,
                          T* by_x,
                          std::int64_t rows) const {
  few_to_input_of<T, most>(*this, gradient, weight, by_x, rows);
}

template <class T>
void FewOutputs::add_to_weights(T const* gradient,
                                T const* x,
                                float* sums,
                                std::int64_t rows) const {
  with_widest_vectors<few_add_to_weights<T>>(this, gradient, x, sums, rows);
}

template void FewOutputs::to_input(float const*, float const*, float*, std::int64_t) const;
template void FewOutputs::to_input(BFloat16 const*,
                                   float const*,
                                   BFloat16*,
                                   std::int64_t) const;
template void FewOutputs::add_to_weights(float const*,
                                         float const*,
                                         float*,
                                         std::int64_t) const;
template void FewOutputs::add_to_weights(BFloat16 const*,
                                         BFloat16 const*,
                                         float*,
                                         std::int64_t) const;

}  // namespace fovea
