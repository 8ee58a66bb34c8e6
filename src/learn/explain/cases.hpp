#pragma once

#include "learn/nn/network.hpp"

#include <vector>

namespace fovea {

/// What the head of the network reads (its mark "embedding"), for images [cases, channels, (k,)
/// j, i]: [cases, values] float32 on the CPU. A feature map is averaged over its places. Throws
/// Error{input} if the network has no such mark.
at::Tensor embeddings(Network const& network, at::Tensor const& images);

/// A case that looks like another to the network.
struct Neighbour {
  std::size_t index = 0;  ///< in the order of adding
  double similarity = 0;  ///< cosine of the embeddings, 1 for the same direction
};

/// Embeddings of the training cases, to find those that look like a new one.
class CaseIndex {
 public:
  /// [cases, values]. Throws Error{bug} if the number of values is another than before,
  /// Error{input} if one is not finite.
  void add(at::Tensor const& embeddings);
  std::int64_t size() const;

  /// The `count` nearest of all (fewer if there are fewer) to an embedding [values], the
  /// nearest first; of equals the earlier one. An embedding of zeros is like none: similarity
  /// 0.
  std::vector<Neighbour> nearest(at::Tensor const& embedding, std::size_t count) const;

 private:
  at::Tensor checked(at::Tensor const& rows) const;

  at::Tensor directions_;  // [cases, values], of length 1 or 0
};

}  // namespace fovea
