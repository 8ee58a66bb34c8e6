#pragma once

#include "base/image/volume.hpp"
#include "learn/foreign/bundle.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace fovea {

// What the files that do a bundle's steps share.

[[noreturn]] void step_refuse(BundleStep const& step, std::string const& happened);

/// An option of a step as a number, none if it is not given or None; throws Error{input} naming
/// the step and the option on anything else.
std::optional<double> step_number(BundleStep const& step, std::string_view name);
double step_needed(BundleStep const& step, std::string_view name);
/// Some bundles write "True" for true: in Python a text that is not empty is true as well.
bool step_flag(BundleStep const& step, std::string_view name, bool otherwise = false);
std::string step_word(BundleStep const& step, std::string_view name, std::string otherwise);
/// Numbers by axis i, j, k: one number is for all axes; none for those that a shorter list
/// leaves out.
std::array<std::optional<double>, 3> step_axes(BundleStep const& step, std::string_view name);
/// The same as whole numbers of at most `most`.
std::array<std::optional<std::int64_t>, 3> step_sizes(BundleStep const& step,
                                                      std::string_view name,
                                                      std::int64_t most = 1 << 20);
/// A number or a list of them; empty if it is not given.
std::vector<double> step_list(BundleStep const& step, std::string_view name);

/// A step that changed where voxels lie, and how it is undone.
struct BundleMove {
  enum class Kind {
    turned,  ///< axes in another order
    framed,  ///< cut out or padded
    spaced,  ///< interpolated: first voxel centres stay
    sized    ///< interpolated: outer faces stay
  };
  Kind kind = Kind::turned;
  Grid before, after;
  std::string mode = "nearest";  ///< of interpolation
};

/// Does the step if it is one of intensities, of places or of labels. False if it is not.
bool bundle_intensity(BundleStep const& step, Volume& image);
bool bundle_space(BundleStep const& step, Volume& image, std::vector<BundleMove>& moves);
bool bundle_labels(BundleStep const& step, Volume& outputs);
/// Whether a step is one of places.
bool bundle_is_spatial(std::string_view name);

/// Undoes all moves, the last one first. `nearest`: voxels are labels. Throws Error{input} if
/// the volume does not lie where the last move ended.
Volume bundle_undone(Volume volume, std::vector<BundleMove> const& moves, bool nearest);

Volume bundle_floats(Volume const& image);

/// Before a step makes a volume of a size that a config says: throws Error{resource} if the
/// machine has no memory for it.
void bundle_demand(BundleStep const& step, Grid const& grid, std::int64_t channels);

}  // namespace fovea
