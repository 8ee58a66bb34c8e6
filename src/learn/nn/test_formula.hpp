#pragma once

#include "learn/nn/network.hpp"

#include <ATen/ops/empty.h>

#include <cmath>
#include <zlib.h>

namespace fovea {

// For tests: weights and images by the formula of torchvision_reference.py and
// segmenter_reference.py.

inline double formula_number(std::uint32_t key, std::int64_t at) {
  auto x =
      static_cast<std::uint32_t>(static_cast<std::uint64_t>(at) + (std::uint64_t{key} << 20)) *
          2654435761U +
      12345U;
  x = (x ^ (x >> 15)) * 2246822519U;
  x ^= x >> 13;
  return static_cast<double>(x & 0xFFFFU) / 32768 - 1;
}

// u * factor + shift.
inline void formula_fill(at::Tensor const& value,
                         std::uint32_t key,
                         double factor,
                         double shift) {
  auto const fresh = at::empty(value.sizes(), at::kFloat);
  auto* const data = fresh.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < fresh.numel(); ++i)
    data[i] = static_cast<float>(formula_number(key, i) * factor + shift);
  value.copy_(fresh);
}

inline void formula_fill(Named const& tensor) {
  auto const& name = tensor.name;
  auto const key = static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<Bytef const*>(name.data()), static_cast<uInt>(name.size())) &
      0x7FFFU);
  auto const ends = [&](std::string_view tail) { return name.ends_with(tail); };
  auto const& value = tensor.value;
  if (ends("running_var")) return formula_fill(value, key, 0.3, 1);
  if (ends("running_mean")) return formula_fill(value, key, 0.1, 0);
  if (value.numel() == 1 && ends(".A.weight")) return formula_fill(value, key, 0.1, 0.25);
  if (value.dim() == 1) return formula_fill(value, key, 0.1, ends("weight") ? 1 : 0);
  if (ends("layer_scale")) return formula_fill(value, key, 0.3, 0);
  if (ends("relative_position_bias_table")) return formula_fill(value, key, 0.5, 0);
  if (ends("class_token") || ends("pos_embedding")) return formula_fill(value, key, 0.5, 0);
  auto const fan_in = static_cast<double>(value.numel()) / static_cast<double>(value.size(0));
  formula_fill(value, key, std::sqrt(3 / fan_in) * 1.2, 0);
}

}  // namespace fovea
