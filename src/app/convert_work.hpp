#pragma once

#include "app/found.hpp"
#include "base/geometry/resample.hpp"
#include "base/geometry/stack.hpp"
#include "base/geometry/warp.hpp"
#include "base/io/dicom_suv.hpp"

#include <optional>
#include <string>

namespace fovea {

/// What is to become of a volume on its way, as flags say it.
struct ConvertChanges {
  std::string spacing, orient, like, interpolation, suv, grid_rule = "box", transform;
  bool straighten = false, inverse = false;
};

/// Is it a series of PET, of which --suv is?
bool is_pet(FoundVolume const& volume);

/// What is done to each volume between reading and writing. Holds on to the changes. Throws
/// Error{usage} if they contradict each other or name what is not there; as read_warp.
class ConvertWork {
 public:
  ConvertWork(ConvertChanges const& changes, Stop const& stop);

  /// Throws Error{input} if a direction is asked for of what has no place, or labels are to be
  /// mixed; as suv_factors, resample and warp.
  void operator()(FoundVolume const& found, ImageFile& image) const;
  /// Slices at changing distances, at once onto the grid that is wanted.
  ImageFile straight(FoundVolume const& found, SliceStack stack) const;

  /// What --transform moves, as directions see it: none if it moves nothing.
  bool moves() const { return transform_.has_value(); }
  /// As one affine map; none of a field, which turns every place another way.
  std::optional<Affine> affine() const;

 private:
  Resample of_labels() const;
  Resample of_image(Volume const& volume) const;
  Grid wanted(Grid const& grid) const;
  Volume moved_onto(Volume const& volume, Grid const& onto, Resample const& how) const;

  ConvertChanges const& options_;
  Resample resample_;
  Keep keep_;
  std::optional<Spacing> spacing_;
  std::optional<Grid> like_;
  std::optional<SuvKind> suv_;
  std::optional<Warp> transform_;
};

}  // namespace fovea
