#pragma once

#include "learn/data/dataset.hpp"
#include "learn/transform/augment.hpp"

#include <memory>

namespace fovea {

/// The prepared images (right size, values 0 to 1) of a data set. They stay in memory while
/// they fit into a share of what is free; the others are read anew each time. Thread-safe.
class PreparedImages {
 public:
  PreparedImages(Dataset set, Prepare prepare, std::uint64_t budget_bytes);
  ~PreparedImages();

  /// Of the case with this index. Throws Error{input} if it cannot be read.
  Volume operator()(std::size_t index) const;

 private:
  struct Cache;
  Dataset set_;
  Prepare prepare_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace fovea
