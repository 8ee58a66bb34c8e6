#pragma once

#include "learn/kernel/bfloat16.hpp"

#include <bit>
#include <cstdint>

namespace fovea {

/// A float16 as sums are kept in when memory is short: 11 bits of precision. Below 2^-14 it is
/// 0, and nothing is above 65504.
struct Half {
  std::uint16_t bits = 0;

  static constexpr float largest = 65504;
};

[[gnu::always_inline]] inline float widened(Half value) {
  auto const bits = static_cast<std::uint32_t>(value.bits);
  auto const size = (bits & 0x7fffU) << 13;
  return std::bit_cast<float>(((bits & 0x8000U) << 16) | (size == 0 ? 0 : size + 0x38000000U));
}
/// To the nearest, ties to even. Of what is too large the caller takes care.
template <>
[[gnu::always_inline]] inline Half narrowed<Half>(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value);
  auto const size = bits & 0x7fffffffU;
  auto const rounded = (size - 0x38000000U + 0xfffU + ((size >> 13) & 1U)) >> 13;
  auto const kept = size < 0x38800000U ? 0 : rounded;
  return {static_cast<std::uint16_t>(((bits >> 16) & 0x8000U) | kept)};
}

/// Columns that are finished at once: what is between them stays in a core's cache.
constexpr std::int64_t line_columns = 64;

/// Some lines of a window, one for each channel, on their way into the sums.
template <class Value>
struct LinesIn {
  Value const* values = nullptr;
  std::int64_t step = 1;          ///< from voxel to voxel; below 0 if they were mirrored
  std::int64_t channel_step = 1;  ///< from line to line
  std::int64_t channels = 1;
  std::int64_t count = 0;          ///< voxels
  float const* weights = nullptr;  ///< of each voxel
};

/// sums[c][i] += weights[i] * values[c][i], lines of sums `sum_step` apart. False if a sum is
/// too large for Half, or no number.
template <class Sum, class Value>
bool add_lines(Sum* sums, std::int64_t sum_step, LinesIn<Value> const& in);

/// Lines of sums around one line of the output, and their parts.
template <class Sum>
struct LinesAround {
  Sum const* lines[4]{};  ///< at the first column wanted
  float part[4]{};
  int count = 0;
  std::int64_t step = 0;  ///< from channel to channel
};

/// into[c][i] = sum of part * line, lines of `into` line_columns apart, `count` columns of
/// them. False if a value is not finite.
template <class Sum>
bool blend_lines(LinesAround<Sum> const& around,
                 std::int64_t channels,
                 std::int64_t count,
                 float* into);

/// into[o][i] = bias[o] + sum over c of weight[o][c] * from[c][i], lines line_columns apart.
/// Works on whole groups of 32 columns: `from` has room, and numbers, up to there.
void head_lines(float const* weight,
                float const* bias,
                std::int64_t outputs,
                std::int64_t channels,
                std::int64_t count,
                float const* from,
                float* into);

/// Which columns of a line each voxel of the output lies between.
struct ColumnTaps {
  std::int32_t const* low = nullptr;
  std::int32_t const* high = nullptr;
  float const* part = nullptr;
  std::int64_t count = 0;  ///< at most line_columns
  bool same = false;       ///< voxel n is column n
};

/// into[c][o] between columns, lines line_columns apart.
void stretch_lines(float const* from,
                   std::int64_t channels,
                   ColumnTaps const& taps,
                   float* into);

/// The number of the line with the largest value between columns; of equal ones the first.
void largest_line(float const* from,
                  std::int64_t channels,
                  ColumnTaps const& taps,
                  std::uint16_t* largest);
/// paint[c] where line c is above 0 between columns, a later one over those before; else 0.
void painted_lines(float const* from,
                   std::int64_t channels,
                   ColumnTaps const& taps,
                   std::uint16_t const* paint,
                   std::uint16_t* into);

/// Logits to probabilities, in place: softmax over lines, or a sigmoid for each.
void softmax_lines(float* values, std::int64_t channels, std::int64_t count);
void sigmoid_lines(float* values, std::int64_t channels, std::int64_t count);

}  // namespace fovea
