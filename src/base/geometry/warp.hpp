#pragma once

#include "base/finding/label_map.hpp"
#include "base/geometry/affine.hpp"
#include "base/geometry/resample.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace fovea {

/// A field of displacements: a place moves by what the field says there, linear between its
/// voxels; up to half a voxel beyond the outermost centres the edge's, further out not at all
/// (as ITK's DisplacementFieldTransform).
class Displacement {
 public:
  /// Three channels of f32 or f64: mm along x, y and z, LPS. Throws Error{input} on anything
  /// else, on numbers that are not finite and on a grid whose axes lie in one plane.
  explicit Displacement(Volume mm);

  Volume const& mm() const { return mm_; }
  Point operator()(Point point) const;
  /// The least and the largest number along x, y and z; 0 is always between them.
  std::array<std::array<double, 2>, 3> const& reach() const { return reach_; }

 private:
  Volume mm_;
  IndexMap map_;  // from the patient to the field's array
  std::array<std::array<double, 2>, 3> reach_{};
};

/// A map of places in the patient: steps, done in this order.
class Warp {
 public:
  using Step = std::variant<Affine, Displacement>;

  Warp() = default;  ///< moves nothing
  Warp(Affine const& affine);
  Warp(Displacement field);

  /// Another map behind this one. Affine steps that follow one another become one.
  Warp& then(Warp const& next);
  std::vector<Step> const& steps() const { return steps_; }
  Point operator()(Point point) const;

  /// The place that is moved to `point`: exact for affine steps, for fields found by
  /// x = point - u(x), repeated until it moves by less than `tolerance` mm. None if that does
  /// not come to rest within 200 rounds: the field folds there, or jumps at its edge.
  std::optional<Point> source_of(Point point, double tolerance = 1e-6) const;

 private:
  std::vector<Step> steps_;
};

/// What a volume shows, drawn on `onto`: the value at a place p of `onto` is the volume's at
/// warp(p), as ITK's ResampleImageFilter takes it. To move an image by a map, give the map's
/// inverse.
///
/// In      options as resample's; `smooth` only where all steps are affine
/// Memory  as resample's
/// Throws  as resample; Error{usage} on `smooth` with a field
Volume warp(Volume const& volume,
            Grid const& onto,
            Warp const& map,
            Resample const& options = {});

/// The same of every layer: nearest, or label_linear for smoother edges; of fractions linear.
/// Segments keep names and values. Throws Error{usage} on another interpolation of labels.
LabelMap warp(LabelMap const& labels,
              Grid const& onto,
              Warp const& map,
              Interpolator interpolator = Interpolator::nearest);

/// Any map as one field on a grid: f64.
Displacement field_of(Warp const& map, Grid const& onto);

/// The way back, as a field on `onto`, by the fixed point of v(y) = -u(y + v(y)).
struct FieldInverse {
  Displacement field;
  double residual = 0;    ///< mm: the largest |v(y) + u(y + v(y))| of all voxels
  Point worst;            ///< where that is
  std::int64_t open = 0;  ///< voxels where it is above the tolerance: 0 there
};

/// Options of `inverse`.
struct FieldInversion {
  double tolerance = 0.001;  ///< mm
  int rounds = 100;
  bool partly = false;  ///< takes a field with open voxels: beyond an edge that moves, say
  int threads = 0;      ///< 0: all usable cores
};

/// Throws Error{input} if voxels stay open, with how many, the worst and where, unless
/// `partly`; Error{usage} if an option is out of range.
FieldInverse inverse(Displacement const& field,
                     Grid const& onto,
                     FieldInversion const& options = {});

/// The map as one affine. Throws Error{usage} if a step is a field.
Affine affine_of(Warp const& map);

}  // namespace fovea
