#pragma once

#include "learn/patch/patch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

// The loops over voxels that cost time. Each is compiled three times (any x86-64, AVX2,
// AVX-512) and chosen by what the CPU can; every one gives the same bits (see
// learn/transform/kernels.hpp).

/// First bytes first, then second bytes …: what packs well.
void shuffle(std::span<std::byte const> voxels, std::size_t width, std::span<std::byte> out);
void unshuffle(std::span<std::byte const> shuffled, std::span<float> out);
/// Of one byte a voxel (signed) or of two.
void unshuffle(std::span<std::byte const> shuffled, std::span<std::int16_t> out);

struct ValueFacts {
  double mean = 0;
  double deviation = 0;  ///< of a sample: divided by count - 1; 0 of a single value
  float least = 0;
  float most = 0;
};
ValueFacts facts_of(std::span<float const> values);

/// v * factor + offset, then at least `low` and at most `high`, in place.
void scale_and_clamp(
    std::span<float> values, float factor, float offset, float low, float high);

/// out[n] = weight[0] * rows[reach][n] + sum over t = 1 … reach of
/// weight[t] * (rows[reach - t][n] + rows[reach + t][n]); reach at most 3.
void blur_row(
    float const* const* rows, float const* weight, int reach, float* out, std::int64_t count);

/// a * (1 - t) + b * t
void mix_rows(float const* a, float const* b, float t, float* out, std::int64_t count);

/// The same row from its other end.
void turn_row(float const* row, float* out, std::int64_t count);
void turn_row(std::int16_t const* row, std::int16_t* out, std::int64_t count);

/// 0 where the label is below 0.
void clear_outside(std::span<std::int16_t const> labels, std::span<float> values);
/// Labels below 0 become 0.
void clear_negative(std::span<std::int16_t> labels);

/// Voxels [k, j, i]; all sizes at least 2, or k of 1: then it is a plane. Below 2^31 voxels.
template <class T>
struct Cube {
  T const* voxels;
  Kji size;
};
/// Places at + n * step for n = 0, 1 …, in voxels along k, j, i.
struct CubeRow {
  std::array<float, 3> at;
  std::array<float, 3> step;
};

/// Linear between voxel centres; beyond them, the nearest voxel's.
void sample_cube(Cube<float> cube, CubeRow row, float* out, std::int64_t count);

/// Labels where all eight (of a plane four) around agree; at the others `out` is unspecified
/// and their n are added to `mixed`.
void sample_labels(Cube<std::int16_t> cube,
                   CubeRow row,
                   std::int16_t* out,
                   std::int64_t count,
                   std::vector<std::int32_t>& mixed);

/// The label with the most weight in linear interpolation at this place; of equal ones (up to
/// 1e-5) the nearest voxel's if it is one of them, else the lowest.
std::int16_t vote(Cube<std::int16_t> cube, CubeRow row, std::int32_t n);

}  // namespace fovea
