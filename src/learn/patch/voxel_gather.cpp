#include "learn/patch/voxel_gather.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>
#include <immintrin.h>

// The compiler's own header of AVX-512 reads undefined vectors on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace fovea {
namespace {

// A voxel and its right neighbour lie side by side: one gather fetches both. The same
// arithmetic in the same order as in voxel_kernels.cpp, so the same bits.

struct GatherCells {
  __m512i first;
  __m512 w, v, u;
};

struct GatherAxis {
  __m512 at, step, last;
  __m512i most;
};

[[gnu::target("arch=x86-64-v4")]] GatherAxis gather_axis(Kji const& size,
                                                         CubeRow const& row,
                                                         std::size_t d) {
  return {_mm512_set1_ps(row.at[d]), _mm512_set1_ps(row.step[d]),
          _mm512_set1_ps(static_cast<float>(size[d] - 1)),
          _mm512_set1_epi32(static_cast<int>(std::max<std::int64_t>(size[d] - 2, 0)))};
}

// The whole voxel below a place, and how far the place is from it.
[[gnu::target("arch=x86-64-v4")]] __m512i gather_whole(GatherAxis const& axis,
                                                       __m512 n,
                                                       __m512& rest) {
  auto const place = _mm512_add_ps(axis.at, _mm512_mul_ps(n, axis.step));
  // max returns its second operand for what is not a number: 0.
  auto const inside = _mm512_min_ps(_mm512_max_ps(place, _mm512_setzero_ps()), axis.last);
  auto const whole = _mm512_min_epi32(_mm512_cvttps_epi32(inside), axis.most);
  rest = _mm512_sub_ps(inside, _mm512_cvtepi32_ps(whole));
  return whole;
}

[[gnu::target("arch=x86-64-v4")]] __m512 gather_between(__m512 a, __m512 b, __m512 t) {
  auto const rest = _mm512_sub_ps(_mm512_set1_ps(1), t);
  return _mm512_add_ps(_mm512_mul_ps(a, rest), _mm512_mul_ps(b, t));
}

// Sixteen places, linear along i.
[[gnu::target("arch=x86-64-v4")]] __m512 gather_pairs(float const* voxels,
                                                      __m512i first,
                                                      __m512 u) {
  auto const evens =
      _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  auto const odds = _mm512_add_epi32(evens, _mm512_set1_epi32(1));
  auto const low = _mm512_i32gather_epi64(_mm512_castsi512_si256(first), voxels, 4);
  auto const high = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(first, 1), voxels, 4);
  auto const a = _mm512_castsi512_ps(_mm512_permutex2var_epi32(low, evens, high));
  auto const b = _mm512_castsi512_ps(_mm512_permutex2var_epi32(low, odds, high));
  return gather_between(a, b, u);
}

struct GatherShape {
  GatherAxis k, j, i;
  __m512i plane, width;
};

[[gnu::target("arch=x86-64-v4")]] GatherShape gather_shape(Kji const& size,
                                                           CubeRow const& row) {
  return {gather_axis(size, row, 0), gather_axis(size, row, 1), gather_axis(size, row, 2),
          _mm512_set1_epi32(size[0] > 1 ? static_cast<int>(size[1] * size[2]) : 0),
          _mm512_set1_epi32(static_cast<int>(size[2]))};
}

[[gnu::target("arch=x86-64-v4")]] __m512 gather_numbers(std::int64_t from) {
  auto const lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_cvtepi32_ps(_mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(from))));
}

[[gnu::target("arch=x86-64-v4")]] GatherCells gather_cells(GatherShape const& shape, __m512 n) {
  GatherCells cells;
  auto const k = gather_whole(shape.k, n, cells.w);
  auto const j = gather_whole(shape.j, n, cells.v);
  auto const i = gather_whole(shape.i, n, cells.u);
  cells.first = _mm512_add_epi32(
      _mm512_add_epi32(_mm512_mullo_epi32(k, shape.plane), _mm512_mullo_epi32(j, shape.width)),
      i);
  return cells;
}

[[gnu::target("arch=x86-64-v4")]] std::int64_t gather_many_values(Cube<float> const& cube,
                                                                  CubeRow const& row,
                                                                  float* out,
                                                                  std::int64_t count) {
  auto const shape = gather_shape(cube.size, row);
  auto const flat = cube.size[0] == 1;
  std::int64_t n = 0;
  for (; n + 16 <= count; n += 16) {
    auto const cells = gather_cells(shape, gather_numbers(n));
    auto const next_j = _mm512_add_epi32(cells.first, shape.width);
    auto value = gather_between(gather_pairs(cube.voxels, cells.first, cells.u),
                                gather_pairs(cube.voxels, next_j, cells.u), cells.v);
    if (!flat) {
      auto const next_k = _mm512_add_epi32(cells.first, shape.plane);
      auto const both = _mm512_add_epi32(next_j, shape.plane);
      auto const far = gather_between(gather_pairs(cube.voxels, next_k, cells.u),
                                      gather_pairs(cube.voxels, both, cells.u), cells.v);
      value = gather_between(value, far, cells.w);
    }
    _mm512_storeu_ps(out + n, value);
  }
  return n;
}

[[gnu::target("arch=x86-64-v4")]] std::int64_t gather_many_labels(
    Cube<std::int16_t> const& cube,
    CubeRow const& row,
    std::int16_t* out,
    std::int64_t count,
    std::vector<std::int32_t>& mixed) {
  auto const shape = gather_shape(cube.size, row);
  auto const flat = cube.size[0] == 1;
  std::int64_t n = 0;
  for (; n + 16 <= count; n += 16) {
    auto const first = gather_cells(shape, gather_numbers(n)).first;
    auto const next_j = _mm512_add_epi32(first, shape.width);
    auto const pair = _mm512_i32gather_epi32(first, cube.voxels, 2);
    auto differ = _mm512_xor_si512(pair, _mm512_i32gather_epi32(next_j, cube.voxels, 2));
    differ = _mm512_or_si512(differ, _mm512_xor_si512(pair, _mm512_rol_epi32(pair, 16)));
    if (!flat) {
      auto const next_k = _mm512_add_epi32(first, shape.plane);
      auto const both = _mm512_add_epi32(next_j, shape.plane);
      auto const c = _mm512_i32gather_epi32(next_k, cube.voxels, 2);
      auto const d = _mm512_i32gather_epi32(both, cube.voxels, 2);
      differ = _mm512_or_si512(differ, _mm512_xor_si512(pair, c));
      differ = _mm512_or_si512(differ, _mm512_xor_si512(pair, d));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + n), _mm512_cvtepi32_epi16(pair));
    for (unsigned lanes = _mm512_test_epi32_mask(differ, differ); lanes != 0;
         lanes &= lanes - 1)
      mixed.push_back(static_cast<std::int32_t>(n) + __builtin_ctz(lanes));
  }
  return n;
}

}  // namespace

std::int64_t gather_cube(Cube<float> const& cube,
                         CubeRow const& row,
                         float* out,
                         std::int64_t count) {
  if (vectors::width() != vectors::Width::avx512) return 0;
  return gather_many_values(cube, row, out, count);
}

std::int64_t gather_labels(Cube<std::int16_t> const& cube,
                           CubeRow const& row,
                           std::int16_t* out,
                           std::int64_t count,
                           std::vector<std::int32_t>& mixed) {
  if (vectors::width() != vectors::Width::avx512) return 0;
  return gather_many_labels(cube, row, out, count, mixed);
}

}  // namespace fovea
