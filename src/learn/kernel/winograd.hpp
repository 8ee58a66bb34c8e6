#pragma once

#include "base/core/vectors.hpp"
#include "learn/kernel/bfloat16.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace fovea {

/// A convolution of (3 x) 3 x 3 places, stride 1, one row of zeros around, of what lies
/// channels-last, with a quarter of the products: 4 x 4 outputs of a slice from 6 x 6 products
/// instead of 144; and of a volume with a sixth: two slices from four products instead of six.
/// Values may be bfloat16, arithmetic is float32.
/// Equal to the plain sum within some dozens of roundings of float32. And its gradients: that
/// of the input is the same convolution with the weights turned, that of the weights has as few
/// products.
///
/// Source  Lavin and Gray, CVPR 2016: F(4 x 4, 3 x 3), here about the points 0, 2/3, -2/3, 3/2,
///         -3/2 and infinity, whose rounding is a third of that of 0, 1, -1, 2, -2 (Barabasz et
///         al., Error analysis and improving the accuracy of Winograd convolution, 2020); along
///         k F(2, 3) about 0, 1, -1 and infinity
struct Winograd {
  std::int64_t in = 0, out = 0;  ///< channels
  bool deep = true;              ///< 3 places along k, too; else 1: slice by slice
  /// Of vectors; at most what the CPU has. Prepared weights are of one width.
  vectors::Width width = vectors::width();

  /// A batch of maps.
  struct Maps {
    std::int64_t batch = 1;
    std::array<std::int64_t, 3> size{};  ///< k, j, i
  };
  /// Channels of such a batch: [batch, k, j, i, count], from a voxel to the next `step` values.
  /// What is read or written as one may lie in several of them: the first channels in the
  /// first, and of each but the last a multiple of `joins`.
  template <class T>
  struct Channels {
    T* values = nullptr;
    std::int64_t count = 0, step = 0;
  };
  static constexpr std::int64_t joins = 16;

  /// Where weights lie: how many values from one to the next of each axis; taps are counted
  /// along i first.
  template <class Value>
  struct Steps {
    Value* values = nullptr;
    std::int64_t out = 0, in = 0, tap = 1;
  };
  using Weights = Steps<float const>;
  /// The weights with which the gradient of the output becomes that of the input, by a
  /// Winograd whose `in` is this one's `out`.
  Weights turned(Weights const& weights) const;

  std::int64_t weight_values() const;
  /// Input channels [begin, end) of the weights as `convolve` wants them: weight_values()
  /// numbers in all, of which nobody reads those that this does not write.
  void prepare(Weights const& weights,
               float* prepared,
               std::int64_t begin,
               std::int64_t end) const;

  /// Products that a plain sum has for one of these, within a slice; whole tiles are counted.
  double saves(Maps const& maps) const;
  std::int64_t tiles(Maps const& maps) const;
  /// What each thread that works keeps.
  std::int64_t room_bytes(Maps const& maps) const;
  /// The work may be done in so many parts, in any order, by any threads; what `convolve` gives
  /// does not depend on that.
  std::int64_t parts(Maps const& maps) const;
  /// Parts [begin, end). bias: [out], or null. What is no number stays in the outputs that it
  /// belongs to, and may reach those of the same tiles.
  template <class T>
  void convolve(Maps const& maps,
                std::span<Channels<T const> const> x,
                float const* prepared,
                float const* bias,
                std::span<Channels<T> const> y,
                std::int64_t begin,
                std::int64_t end) const;

  /// Of the weights' gradient parts [begin, end), added to sum_values() numbers that begin with
  /// zeros. Sums of several threads are added up, number by number.
  std::int64_t sum_values() const;
  template <class T>
  void add_gradient(Maps const& maps,
                    Channels<T const> const& x,
                    Channels<T const> const& gradient,
                    float* sums,
                    std::int64_t begin,
                    std::int64_t end) const;
  /// The gradient of input channels [begin, end) of the weights, from the sums.
  void gradient(float const* sums,
                Steps<float> const& weights,
                std::int64_t begin,
                std::int64_t end) const;

  /// Whether this CPU has vectors that make it worth while.
  static bool pays();
};

}  // namespace fovea
