#pragma once

#include "learn/window/finish.hpp"

namespace fovea {

/// How far the members of an ensemble disagree on one window, while they come one by one.
class WindowSpread {
 public:
  WindowSpread(std::int64_t outputs, std::array<std::int64_t, 3> const& size, bool regions);

  /// What a member gave, as Blended::add takes it; `head` makes outputs of it, if it is not
  /// empty.
  void add(at::Tensor const& values,
           std::array<bool, 3> const& mirrored,
           JoinedHeads const& head);
  /// WindowPrediction::uncertainty of this window, [1, k, j, i] float32; then begins anew.
  at::Tensor take();

 private:
  template <class Value>
  void add_as(at::Tensor const& values,
              std::array<bool, 3> const& mirrored,
              JoinedHeads const& head);

  std::int64_t outputs_, members_ = 0;
  bool regions_;
  at::Tensor sums_;     // [outputs, k, j, i] of probabilities
  at::Tensor squares_;  // [k, j, i] of their squares, over outputs too
};

}  // namespace fovea
