#pragma once

#include "base/image/volume.hpp"

#include <cstdint>
#include <span>

namespace fovea {

/// Size and values of a 2D picture as the network wants them; nothing random.
struct Prepare {
  std::int64_t width = 224;   ///< pixels
  std::int64_t height = 224;  ///< pixels
  std::int64_t channels = 1;  ///< colour becomes grey by Rec. 601; grey is repeated
  double low = 0;             ///< stored value that becomes 0
  double high = 255;          ///< stored value that becomes 1; nothing is clamped
  double mean = 0.5;          ///< of the values after that, over the training images
  double deviation = 0.25;    ///< of the same

  /// In      a 2D picture of any type and size with 1, 3 or `channels` channels
  /// Out     f32, [channels, 1, height, width], values about 0 … 1, not yet normalised;
  ///         area-averaged along an axis that shrinks, linear along one that grows
  /// Throws  Error{input} if it is not 2-D or its channels cannot become `channels`,
  ///         Error{usage} if low equals high or a size is below 1
  Volume operator()(Volume const& picture) const;

  /// (value - mean) / deviation, of a fresh copy. Throws Error{usage} if the deviation is not
  /// above 0.
  Volume normalise(Volume const& image) const;
  /// The same straight into `into`, which is as long as the image: a row of a batch, say.
  void normalise(Volume const& image, std::span<float> into) const;
};

}  // namespace fovea
