#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

#include <functional>
#include <span>
#include <string_view>

namespace fovea {

/// A transform is anything callable this way: a struct whose fields are its options. Those that
/// are not random ignore the generator. The result depends on the picture and the generator
/// alone, so that any thread may make it.
using Transform = std::function<Volume(Volume const&, Rng&)>;

/// One row for each transform that a plan can name. Add yours in catalogue.cpp: the contract
/// tests and the docs page read this table.
struct TransformRow {
  std::string_view name;
  std::string_view does;
  bool random = false;
  bool keeps_size = true;  ///< the result has as many pixels and channels as the input
  Transform (*with_defaults)();
};
std::span<TransformRow const> transforms();

}  // namespace fovea
