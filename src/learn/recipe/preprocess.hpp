#pragma once

#include "learn/recipe/recipe.hpp"

#include <cstdint>
#include <optional>

namespace fovea {

/// How an array that was prepared goes back onto the image it came from. Axes k, j, i.
struct Placement {
  Grid grid;  ///< of the image as it came
  /// Transposed axis n was the array's axis forward[n].
  std::array<std::size_t, 3> forward{0, 1, 2};
  Shape3 before{};     ///< shape before the crop, transposed
  Shape3 first{};      ///< of the crop's box, transposed
  Shape3 cropped{};    ///< its size: shape before resampling
  Shape3 shape{};      ///< of the prepared array
  Spacing3 spacing{};  ///< before resampling, transposed, mm
  Spacing3 target{};   ///< after, as the plan asks for, mm
};

/// A case as a network takes it.
struct PreparedCase {
  Volume image;   ///< f32, all channels, on its transposed, cropped and resampled grid
  Volume labels;  ///< i8, or i16 above 127; outside of what is not zero -1 where it was 0.
                  ///< Without labels: 0, and -1 outside
  Placement placement;
};

/// nnU-Net's DefaultPreprocessor: float, transpose, crop to what is not zero, normalise,
/// resample.
///
/// In      any type, any number of channels that the config knows; labels: one channel of whole
///         numbers 0 ... 32767 on the same voxels, or none. A 2D picture: see `as_picture`
/// Throws  Error{input} if sizes or channels do not fit, a voxel is not finite, a label is
///         none, RGB is outside 0 ... 255, or the new array would have more than 2^36 voxels
/// Source  nnU-Net 2.8.1's rules; equal within float's rounding
PreparedCase prepare(Volume const& image,
                     Volume const* labels,
                     Recipe const& recipe,
                     RecipeConfig const& config,
                     int threads = 1);

/// How an array goes from one shape to another: a spline's order along each of k, j, i.
struct ResamplingAxes {
  std::array<int, 3> order{};
  std::optional<std::size_t> z;  ///< the axis that is done apart, after the others
};
/// nnU-Net's rule: the coarsest axis of `from` apart if its spacing is more than three times
/// the finest's, else of `to`; never if two or three are as coarse.
ResamplingAxes resampling_axes(ResamplingRule const& rule,
                               Spacing3 const& from,
                               Spacing3 const& to);

/// Of logits, on the way back: from the placement's `shape` to `cropped`.
ResamplingAxes back_axes(Placement const& placement, RecipeConfig const& config);

/// Fractions brought to another shape: edges of the arrays fall together, the outermost voxels
/// go on beyond them; cubic values are held in the range of the input (of the slice, where an
/// axis is done apart). All channels; f32.
Volume resampled(Volume const& image,
                 Shape3 const& shape,
                 ResamplingAxes const& axes,
                 int threads);
/// Labels: of each voxel the label whose own mask, resampled linearly, is largest there; see
/// `resize_labels`. Orders 0 and 1, and 0 along an axis that is done apart.
Volume resampled_labels(Volume const& labels,
                        Shape3 const& shape,
                        ResamplingAxes const& axes,
                        int threads);

/// Labels on the placement's `cropped` voxels put back: 0 around them, the image's own axes,
/// its grid. Throws Error{bug} if the shape is another.
Volume placed_back(Volume const& labels, Placement const& placement);

}  // namespace fovea
