#pragma once

#include "learn/window/lines.hpp"
#include "learn/window/places.hpp"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace fovea {

/// Where windows lie on a case, and what share of a voxel is each one's: over the windows on a
/// voxel, shares add up to 1. Where the case is smaller than a window it lies in its middle, as
/// nnU-Net and MONAI pad: starts are below 0 then.
class WindowShares {
 public:
  WindowShares(std::array<std::int64_t, 3> const& size,
               std::array<std::int64_t, 3> const& tile,
               double step,
               WindowPlaces places,
               WindowBlend blend);

  std::array<std::int64_t, 3> const& size() const { return size_; }
  std::array<std::int64_t, 3> const& tile() const { return tile_; }
  /// First voxels of the windows along an axis, ascending.
  std::vector<std::int64_t> const& starts(int axis) const { return axes_[axis].starts; }

  /// Shares of the window with these starts (their numbers along each axis) in voxels
  /// (k, j, i) … (k, j, i + count - 1), which lie in it and in the case.
  void line(std::array<std::int64_t, 3> const& window,
            std::array<std::int64_t, 3> const& kji,
            std::int64_t count,
            float* into) const;

 private:
  struct Along {
    std::vector<std::int64_t> starts;
    std::vector<float> weights;  // of a window's voxels
    std::vector<float> sums;     // of weights, by voxel of the case
  };
  float weight(int axis, std::int64_t window, std::int64_t at) const;
  float floored_sum(std::array<std::int64_t, 3> const& kji) const;

  std::array<std::int64_t, 3> size_, tile_;
  WindowBlend blend_;
  std::array<Along, 3> axes_;
};

/// Sums of what windows gave for a box of a case, of which along one axis only some rows are
/// held at a time: rows that are read and done with make room for others. Rows begin as zeros.
class Blended {
 public:
  /// `first`, `size`: the box; `held` rows along axis `along` (0 or 1).
  struct Room {
    std::array<std::int64_t, 3> first{}, size{};
    int along = 0;
    std::int64_t held = 0;
    std::int64_t channels = 1;
    bool half = false;

    std::uint64_t bytes() const;
  };
  /// Throws Error{resource} if there is no memory for it.
  explicit Blended(Room const& room);

  Room const& room() const { return room_; }
  /// From now on rows up to `last` may be added to; those below `first` are done with. Throws
  /// Error{bug} if that is more than it holds.
  void hold(std::int64_t first, std::int64_t last);

  /// One window of a batch.
  struct Given {
    at::Tensor values;  ///< [channels, k, j, i], float32 or bfloat16, any strides
    std::array<std::int64_t, 3> window{};  ///< its number along each axis
    std::array<bool, 3> mirrored{};        ///< its axes that run backwards
    std::int64_t channel = 0;              ///< of the sums, where its own begin
    float factor = 1;                      ///< beside its share
  };
  /// Adds what it gave inside the box. Throws Error{resource} if sums become too large for
  /// float16.
  void add(Given const& given, WindowShares const& shares);

  /// The channels of one line of the box: channel c begins at c * room().size[2].
  template <class Sum>
  Sum const* lines(std::int64_t k, std::int64_t j) const {
    return reinterpret_cast<Sum const*>(sums_.get()) + line_at(k, j);
  }

 private:
  std::int64_t line_at(std::int64_t k, std::int64_t j) const;
  template <class Sum, class Value>
  void add_as(Given const& given, WindowShares const& shares);

  Room room_;
  std::unique_ptr<std::byte[]> sums_;
  std::int64_t cleared_;  // rows below it were zeroed when they came
};

}  // namespace fovea
