#pragma once

#include "base/core/json.hpp"
#include "base/image/volume.hpp"

#include <string>

namespace fovea {

/// The masks of measures.py, by the same formulas.
inline Volume made_mask(Grid const& grid, Json const& recipe) {
  Volume out{grid, Type::u8};
  auto voxel = out.write<std::uint8_t>().begin();
  auto const& size = grid.size;
  std::array<std::int64_t, 7> number{};
  for (std::size_t n = 1; n < recipe.size(); ++n) number[n] = recipe[n];
  auto const ball = recipe[0] == "ellipsoid";
  auto const p = number[4] * number[4], q = number[5] * number[5], r = number[6] * number[6];
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        auto const x = i - number[1], y = j - number[2], z = k - number[3];
        auto n = static_cast<std::uint64_t>(i + size[0] * (j + size[1] * k) + number[1]) *
                 0x9E3779B97F4A7C15U;
        n = (n ^ (n >> 29U)) * 0xBF58476D1CE4E5B9U;
        n ^= n >> 32U;
        auto const inside = ball ? x * x * q * r + y * y * p * r + z * z * p * q <= p * q * r
                                 : n % static_cast<std::uint64_t>(number[2]) == 0;
        *voxel++ = inside ? 1 : 0;
      }
    }
  }
  return out;
}

inline Json made_measures() {
  return read_json(std::string{FOVEA_SOURCE_DIR} + "/src/base/geometry/made/measures.json");
}

inline Grid made_grid(Json const& made) {
  return upright(made["size"], {made["spacing"]}, {{-20, 7, 300}});
}

}  // namespace fovea
