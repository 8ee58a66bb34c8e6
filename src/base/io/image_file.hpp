#pragma once

#include "base/core/file.hpp"
#include "base/core/refusal.hpp"
#include "base/image/volume.hpp"

#include <cstdint>
#include <vector>

namespace fovea {

/// What a file refers its places to; the numbers are NIfTI's. Formats that do not say more than
/// "the patient" are `scanner`.
enum class ImageSpace { none = 0, scanner = 1, aligned = 2, talairach = 3, mni = 4, other = 5 };

/// What an image file holds, whatever its format.
struct ImageFile {
  Volume volume;  ///< on a grid in LPS, mm; all axes behind the third are its channels
  std::vector<std::int64_t> more;  ///< sizes of axes 4 to 7, the first one fastest
  bool colour = false;  ///< red, green, blue (and alpha) are the fastest of the channels
  /// `none`: the file does not say where its voxels lie. The grid then has sizes and spacings
  /// only: left and right, front and back are unknown.
  ImageSpace space = ImageSpace::scanner;
  /// What the numbers mean, by NIfTI's codes: 1007 is a vector, along the last of `more`; 1006
  /// a displacement in mm, which NIfTI has in RAS (in_lps turns it).
  int intent = 0;
  double step = 0;       ///< between neighbours along axis 4
  int step_unit = 0;     ///< 0 unknown, 8 s, 16 ms, 24 µs, 32 Hz, 40 ppm, 48 rad/s
  bool measured = true;  ///< spacings are the image's own, not 1 for want of any
  std::vector<Note> notes;

  bool placed() const { return space != ImageSpace::none; }
};

inline constexpr int vector_intent = 1007;
inline constexpr int displacement_intent = 1006;

/// What the header of an image file says, without the voxels.
struct ImageHead {
  Grid grid;
  Type type = Type::u8;  ///< of the values when they are read
  std::int64_t channels = 1;
  ImageSpace space = ImageSpace::scanner;
  bool measured = true;  ///< as of ImageFile
  std::vector<Note> notes;

  bool placed() const { return space != ImageSpace::none; }
};
ImageHead head_of(ImageFile const& image);

/// A volume in an ImageFile with nothing special: its channels are axis 4.
ImageFile image_of(Volume const& volume);

/// NIfTI's displacements as vectors in LPS, as every other format has them: x and y change
/// their sign; integers become f64. Any other image stays as it is.
ImageFile in_lps(ImageFile image);

struct ImageLimits {
  std::uint64_t bytes = 64ULL << 30;  ///< of voxels; and never more than the memory left
};

}  // namespace fovea
