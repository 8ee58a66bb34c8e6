#include "learn/patch/voxel_kernels.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace fovea {
namespace {

[[gnu::always_inline]] inline void voxel_shuffle4(std::uint8_t const* from,
                                                  std::uint8_t* __restrict out,
                                                  std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) {
    out[n] = from[4 * n];
    out[count + n] = from[4 * n + 1];
    out[2 * count + n] = from[4 * n + 2];
    out[3 * count + n] = from[4 * n + 3];
  }
}

[[gnu::always_inline]] inline void voxel_unshuffle4(std::uint8_t const* from,
                                                    std::uint32_t* __restrict out,
                                                    std::int64_t count) {
  auto const* const a = from;
  auto const* const b = from + count;
  auto const* const c = from + 2 * count;
  auto const* const d = from + 3 * count;
  for (std::int64_t n = 0; n < count; ++n)
    out[n] = static_cast<std::uint32_t>(a[n]) | static_cast<std::uint32_t>(b[n]) << 8 |
             static_cast<std::uint32_t>(c[n]) << 16 | static_cast<std::uint32_t>(d[n]) << 24;
}

[[gnu::always_inline]] inline void voxel_unshuffle2(std::uint8_t const* from,
                                                    std::int16_t* __restrict out,
                                                    std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n)
    out[n] = static_cast<std::int16_t>(from[n] | from[count + n] << 8);
}

[[gnu::always_inline]] inline void voxel_widen(std::int8_t const* from,
                                               std::int16_t* __restrict out,
                                               std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) out[n] = from[n];
}

constexpr std::size_t voxel_lanes = 16;

struct VoxelSums {
  std::array<double, voxel_lanes> sum;
  std::array<double, voxel_lanes> squares;
  std::array<float, voxel_lanes> least;
  std::array<float, voxel_lanes> most;
};

[[gnu::always_inline]] inline void voxel_facts(float const* values,
                                               std::int64_t blocks,
                                               VoxelSums* out) {
  auto sums = *out;
  for (std::int64_t at = 0; at < blocks; ++at) {
    auto const* const block = values + at * static_cast<std::int64_t>(voxel_lanes);
    for (std::size_t lane = 0; lane < voxel_lanes; ++lane) {
      auto const value = block[lane];
      auto const wide = static_cast<double>(value);
      sums.sum[lane] += wide;
      sums.squares[lane] += wide * wide;
      sums.least[lane] = value < sums.least[lane] ? value : sums.least[lane];
      sums.most[lane] = value > sums.most[lane] ? value : sums.most[lane];
    }
  }
  *out = sums;
}

[[gnu::always_inline]] inline void voxel_scale_and_clamp(
    float* values, std::int64_t count, float factor, float offset, float low, float high) {
  for (std::int64_t n = 0; n < count; ++n) {
    auto value = values[n] * factor + offset;
    value = value > low ? value : low;
    values[n] = value < high ? value : high;
  }
}

[[gnu::always_inline]] inline void voxel_blur1(float const* const* rows,
                                               float const* weight,
                                               float* __restrict out,
                                               std::int64_t count) {
  auto const *const a = rows[0], *const b = rows[1], *const c = rows[2];
  auto const w0 = weight[0], w1 = weight[1];
  for (std::int64_t n = 0; n < count; ++n) out[n] = w0 * b[n] + w1 * (a[n] + c[n]);
}

[[gnu::always_inline]] inline void voxel_blur2(float const* const* rows,
                                               float const* weight,
                                               float* __restrict out,
                                               std::int64_t count) {
  auto const *const a = rows[0], *const b = rows[1], *const c = rows[2], *const d = rows[3],
                    *const e = rows[4];
  auto const w0 = weight[0], w1 = weight[1], w2 = weight[2];
  for (std::int64_t n = 0; n < count; ++n)
    out[n] = w0 * c[n] + w1 * (b[n] + d[n]) + w2 * (a[n] + e[n]);
}

[[gnu::always_inline]] inline void voxel_blur3(float const* const* rows,
                                               float const* weight,
                                               float* __restrict out,
                                               std::int64_t count) {
  auto const *const a = rows[0], *const b = rows[1], *const c = rows[2], *const d = rows[3],
                    *const e = rows[4], *const f = rows[5], *const g = rows[6];
  auto const w0 = weight[0], w1 = weight[1], w2 = weight[2], w3 = weight[3];
  for (std::int64_t n = 0; n < count; ++n)
    out[n] = w0 * d[n] + w1 * (c[n] + e[n]) + w2 * (b[n] + f[n]) + w3 * (a[n] + g[n]);
}

[[gnu::always_inline]] inline void voxel_mix(
    float const* a, float const* b, float t, float* __restrict out, std::int64_t count) {
  auto const rest = 1 - t;
  for (std::int64_t n = 0; n < count; ++n) out[n] = a[n] * rest + b[n] * t;
}

template <class T>
[[gnu::always_inline]] inline void voxel_turn(T const* row,
                                              T* __restrict out,
                                              std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) out[n] = row[count - 1 - n];
}

[[gnu::always_inline]] inline void voxel_clear_outside(std::int16_t const* labels,
                                                       float* __restrict values,
                                                       std::int64_t count) {
  // By bits: a choice between floats is a jump to this compiler, and no jump can be a vector.
  for (std::int64_t n = 0; n < count; ++n) {
    auto const keep = ~(static_cast<std::int32_t>(labels[n]) >> 31);
    values[n] = std::bit_cast<float>(std::bit_cast<std::int32_t>(values[n]) & keep);
  }
}

[[gnu::always_inline]] inline void voxel_clear_negative(std::int16_t* labels,
                                                        std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n)
    labels[n] = std::max(labels[n], static_cast<std::int16_t>(0));
}

// --- at any place ---

// Not a number becomes 0: an index made of it must stay inside.
[[gnu::always_inline]] inline float voxel_inside(float at, float last) {
  at = at > 0 ? at : 0.0F;
  return at < last ? at : last;
}

// From a to b; exactly a at 0 and exactly b at 1.
[[gnu::always_inline]] inline float voxel_between(float a, float b, float t) {
  return a * (1 - t) + b * t;
}

// The first of the eight around a place, and how far the place is from it.
struct VoxelCell {
  std::int32_t first;
  float w, v, u;
};

// What of a cube the loops use.
struct VoxelShape {
  float last[3];
  std::int32_t most[3];
  std::int32_t plane, width;  // to the next k, to the next j
};

VoxelShape voxel_shape(Kji const& size) {
  VoxelShape shape{};
  for (std::size_t d = 0; d < 3; ++d) {
    shape.last[d] = static_cast<float>(size[d] - 1);
    shape.most[d] = static_cast<std::int32_t>(std::max<std::int64_t>(size[d] - 2, 0));
  }
  shape.plane = size[0] > 1 ? static_cast<std::int32_t>(size[1] * size[2]) : 0;
  shape.width = static_cast<std::int32_t>(size[2]);
  return shape;
}

[[gnu::always_inline]] inline VoxelCell voxel_cell(VoxelShape const& shape,
                                                   CubeRow const& row,
                                                   float n) {
  auto const z = voxel_inside(row.at[0] + n * row.step[0], shape.last[0]);
  auto const y = voxel_inside(row.at[1] + n * row.step[1], shape.last[1]);
  auto const x = voxel_inside(row.at[2] + n * row.step[2], shape.last[2]);
  auto const k = std::min(static_cast<std::int32_t>(z), shape.most[0]);
  auto const j = std::min(static_cast<std::int32_t>(y), shape.most[1]);
  auto const i = std::min(static_cast<std::int32_t>(x), shape.most[2]);
  return {k * shape.plane + j * shape.width + i, z - static_cast<float>(k),
          y - static_cast<float>(j), x - static_cast<float>(i)};
}

// Voxels of a row are done in blocks: places as vectors, then the voxels around them one by one
// (CPUs gather slowly), then what is between as vectors.
constexpr std::int64_t voxel_block = 64;

struct VoxelCells {
  std::array<std::int32_t, voxel_block> first;
  std::array<float, voxel_block> w, v, u;
};

[[gnu::always_inline]] inline void voxel_cells(VoxelShape const& shape,
                                               CubeRow const& row,
                                               std::int64_t from,
                                               std::int64_t count,
                                               VoxelCells& cells) {
  for (std::int64_t n = 0; n < count; ++n) {
    auto const at = static_cast<std::size_t>(n);
    auto const cell = voxel_cell(shape, row, static_cast<float>(from + n));
    cells.first[at] = cell.first;
    cells.w[at] = cell.w;
    cells.v[at] = cell.v;
    cells.u[at] = cell.u;
  }
}

// A voxel and its right neighbour: of a cell, at the next j, at the next k, at both.
template <class T>
using VoxelPairs = std::array<std::array<T, 2 * voxel_block>, 4>;

template <bool flat, class T>
[[gnu::always_inline]] inline void voxel_fetch(T const* voxels,
                                               VoxelShape const& shape,
                                               VoxelCells const& cells,
                                               std::int64_t count,
                                               VoxelPairs<T>& pairs) {
  constexpr auto pair = 2 * sizeof(T);
  for (std::int64_t n = 0; n < count; ++n) {
    auto const* const near = voxels + cells.first[static_cast<std::size_t>(n)];
    auto const to = static_cast<std::size_t>(2 * n);
    std::memcpy(&pairs[0][to], near, pair);
    std::memcpy(&pairs[1][to], near + shape.width, pair);
    if constexpr (!flat) {
      std::memcpy(&pairs[2][to], near + shape.plane, pair);
      std::memcpy(&pairs[3][to], near + shape.plane + shape.width, pair);
    }
  }
}

template <bool flat>
[[gnu::always_inline]] inline void voxel_sample(float const* voxels,
                                                VoxelShape const* of,
                                                CubeRow const* along,
                                                float* __restrict out,
                                                std::int64_t count) {
  auto const shape = *of;
  auto const row = *along;
  VoxelCells cells;
  VoxelPairs<float> pairs;
  for (std::int64_t from = 0; from < count; from += voxel_block) {
    auto const some = std::min(voxel_block, count - from);
    voxel_cells(shape, row, from, some, cells);
    voxel_fetch<flat>(voxels, shape, cells, some, pairs);
    for (std::int64_t n = 0; n < some; ++n) {
      auto const at = static_cast<std::size_t>(n);
      auto const u = cells.u[at];
      auto const along_i = [&](std::array<float, 2 * voxel_block> const& pair) {
        return voxel_between(pair[2 * at], pair[2 * at + 1], u);
      };
      auto value = voxel_between(along_i(pairs[0]), along_i(pairs[1]), cells.v[at]);
      if constexpr (!flat)
        value = voxel_between(value,
                              voxel_between(along_i(pairs[2]), along_i(pairs[3]), cells.v[at]),
                              cells.w[at]);
      out[from + n] = value;
    }
  }
}

// As above; `differ` is not 0 where the labels around are not all the same.
template <bool flat>
[[gnu::always_inline]] inline void voxel_labels(std::int16_t const* voxels,
                                                VoxelShape const* of,
                                                CubeRow const* along,
                                                std::int16_t* __restrict out,
                                                std::int16_t* __restrict differ,
                                                std::int64_t from,
                                                std::int64_t count) {
  auto const shape = *of;
  auto const row = *along;
  VoxelCells cells;
  VoxelPairs<std::int16_t> pairs;
  voxel_cells(shape, row, from, count, cells);
  voxel_fetch<flat>(voxels, shape, cells, count, pairs);
  for (std::int64_t n = 0; n < count; ++n) {
    auto const at = static_cast<std::size_t>(2 * n);
    auto const label = pairs[0][at];
    auto bits =
        (label ^ pairs[0][at + 1]) | (label ^ pairs[1][at]) | (label ^ pairs[1][at + 1]);
    if constexpr (!flat)
      bits |= (label ^ pairs[2][at]) | (label ^ pairs[2][at + 1]) | (label ^ pairs[3][at]) |
              (label ^ pairs[3][at + 1]);
    out[n] = label;
    differ[n] = static_cast<std::int16_t>(bits);
  }
}

}  // namespace

void shuffle(std::span<std::byte const> voxels, std::size_t width, std::span<std::byte> out) {
  auto const* const from = reinterpret_cast<std::uint8_t const*>(voxels.data());
  auto* const to = reinterpret_cast<std::uint8_t*>(out.data());
  auto const count = voxels.size() / width;
  if (width == 4) {
    with_widest_vectors<voxel_shuffle4>(from, to, static_cast<std::int64_t>(count));
    return;
  }
  for (std::size_t byte = 0; byte < width; ++byte)
    for (std::size_t n = 0; n < count; ++n) to[byte * count + n] = from[width * n + byte];
}

void unshuffle(std::span<std::byte const> shuffled, std::span<float> out) {
  with_widest_vectors<voxel_unshuffle4>(reinterpret_cast<std::uint8_t const*>(shuffled.data()),
                                        reinterpret_cast<std::uint32_t*>(out.data()),
                                        std::ssize(out));
}

void unshuffle(std::span<std::byte const> shuffled, std::span<std::int16_t> out) {
  if (shuffled.size() == out.size())
    with_widest_vectors<voxel_widen>(reinterpret_cast<std::int8_t const*>(shuffled.data()),
                                     out.data(), std::ssize(out));
  else
    with_widest_vectors<voxel_unshuffle2>(
        reinterpret_cast<std::uint8_t const*>(shuffled.data()), out.data(), std::ssize(out));
}

ValueFacts facts_of(std::span<float const> values) {
  if (values.empty()) return {};
  VoxelSums sums{};
  sums.least.fill(values[0]);
  sums.most.fill(values[0]);
  auto const blocks = std::ssize(values) / static_cast<std::int64_t>(voxel_lanes);
  with_widest_vectors<voxel_facts>(values.data(), blocks, &sums);
  for (auto at = static_cast<std::size_t>(blocks) * voxel_lanes, lane = std::size_t{0};
       at < values.size(); ++at, ++lane) {
    auto const wide = static_cast<double>(values[at]);
    sums.sum[lane] += wide;
    sums.squares[lane] += wide * wide;
    sums.least[lane] = std::min(sums.least[lane], values[at]);
    sums.most[lane] = std::max(sums.most[lane], values[at]);
  }
  double sum = 0;
  double squares = 0;
  for (std::size_t lane = 0; lane < voxel_lanes; ++lane) {
    sum += sums.sum[lane];
    squares += sums.squares[lane];
  }
  auto const count = static_cast<double>(values.size());
  auto const mean = sum / count;
  auto const spread = std::max(squares - sum * mean, 0.0);
  return {mean, values.size() > 1 ? std::sqrt(spread / (count - 1)) : 0,
          *std::ranges::min_element(sums.least), *std::ranges::max_element(sums.most)};
}

void scale_and_clamp(
    std::span<float> values, float factor, float offset, float low, float high) {
  with_widest_vectors<voxel_scale_and_clamp>(values.data(), std::ssize(values), factor, offset,
                                             low, high);
}

void blur_row(
    float const* const* rows, float const* weight, int reach, float* out, std::int64_t count) {
  if (reach == 1) return with_widest_vectors<voxel_blur1>(rows, weight, out, count);
  if (reach == 2) return with_widest_vectors<voxel_blur2>(rows, weight, out, count);
  with_widest_vectors<voxel_blur3>(rows, weight, out, count);
}

void mix_rows(float const* a, float const* b, float t, float* out, std::int64_t count) {
  with_widest_vectors<voxel_mix>(a, b, t, out, count);
}

void turn_row(float const* row, float* out, std::int64_t count) {
  with_widest_vectors<voxel_turn<float>>(row, out, count);
}

void turn_row(std::int16_t const* row, std::int16_t* out, std::int64_t count) {
  with_widest_vectors<voxel_turn<std::int16_t>>(row, out, count);
}

void clear_outside(std::span<std::int16_t const> labels, std::span<float> values) {
  with_widest_vectors<voxel_clear_outside>(labels.data(), values.data(), std::ssize(values));
}

void clear_negative(std::span<std::int16_t> labels) {
  with_widest_vectors<voxel_clear_negative>(labels.data(), std::ssize(labels));
}

void sample_cube(Cube<float> cube, CubeRow row, float* out, std::int64_t count) {
  auto const shape = voxel_shape(cube.size);
  if (cube.size[0] > 1)
    with_widest_vectors<voxel_sample<false>>(cube.voxels, &shape, &row, out, count);
  else
    with_widest_vectors<voxel_sample<true>>(cube.voxels, &shape, &row, out, count);
}

void sample_labels(Cube<std::int16_t> cube,
                   CubeRow row,
                   std::int16_t* out,
                   std::int64_t count,
                   std::vector<std::int32_t>& mixed) {
  auto const shape = voxel_shape(cube.size);
  std::array<std::int16_t, voxel_block> differ{};
  for (std::int64_t from = 0; from < count; from += voxel_block) {
    auto const some = std::min(voxel_block, count - from);
    if (cube.size[0] > 1)
      with_widest_vectors<voxel_labels<false>>(cube.voxels, &shape, &row, out + from,
                                               differ.data(), from, some);
    else
      with_widest_vectors<voxel_labels<true>>(cube.voxels, &shape, &row, out + from,
                                              differ.data(), from, some);
    for (std::int64_t n = 0; n < some; ++n)
      if (differ[static_cast<std::size_t>(n)] != 0)
        mixed.push_back(static_cast<std::int32_t>(from + n));
  }
}

std::int16_t vote(Cube<std::int16_t> cube, CubeRow row, std::int32_t n) {
  auto const shape = voxel_shape(cube.size);
  auto const cell = voxel_cell(shape, row, static_cast<float>(n));
  auto const* const a = cube.voxels + cell.first;
  std::array<std::int16_t, 8> labels{};
  std::array<float, 8> weights{};
  int count = 0;
  std::int16_t nearest = 0;
  float nearest_weight = -1;
  for (int corner = 0; corner < 8; ++corner) {
    auto const far_k = (corner & 4) != 0;
    auto const far_j = (corner & 2) != 0;
    auto const far_i = (corner & 1) != 0;
    auto const weight = (far_k ? cell.w : 1 - cell.w) * (far_j ? cell.v : 1 - cell.v) *
                        (far_i ? cell.u : 1 - cell.u);
    auto const label =
        a[(far_k ? shape.plane : 0) + (far_j ? shape.width : 0) + (far_i ? 1 : 0)];
    if (weight > nearest_weight) {
      nearest_weight = weight;
      nearest = label;
    }
    int at = 0;
    while (at < count && labels[static_cast<std::size_t>(at)] != label) ++at;
    if (at == count) ++count;
    labels[static_cast<std::size_t>(at)] = label;
    weights[static_cast<std::size_t>(at)] += weight;
  }
  constexpr float tie = 1e-5F;
  auto const best = *std::max_element(weights.begin(), weights.begin() + count);
  auto winner = std::int16_t{32767};
  for (int at = 0; at < count; ++at) {
    if (weights[static_cast<std::size_t>(at)] < best - tie) continue;
    auto const label = labels[static_cast<std::size_t>(at)];
    if (label == nearest) return nearest;
    winner = std::min(winner, label);
  }
  return winner;
}

}  // namespace fovea
