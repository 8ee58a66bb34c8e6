#pragma once

#include "base/core/file.hpp"
#include "base/image/volume.hpp"

#include <string>
#include <vector>

namespace fovea {

/// A made-up data set to try the program with: frontal chest X-rays, `normal` and `opacity` (a
/// patch of consolidated lung of any place, size and contrast). The same options give the same
/// files.
struct PhantomChest {
  int patients = 480;       ///< half of each class; at least 8
  double with_two = 0.25;   ///< share of the patients with two images
  std::int64_t size = 128;  ///< pixels along each side; 32 to 1024
  bool faults = true;       ///< plant what a real set would have
  std::uint64_t seed = 1;
};

/// What was planted, and in which files (relative to the folder): "duplicate" (the copy, the
/// original), "conflicting-labels" (likewise), "wrong-label", "constant", "unreadable".
struct PlantedFault {
  std::string kind;
  std::vector<std::string> files;
};

/// One image: u8, one channel. `patient` decides the anatomy and the finding, `take` the pose,
/// the exposure and the noise.
Volume phantom_chest(PhantomChest const& options, int patient, int take, bool opacity);

/// Writes normal/p0001_1.png … and opacity/p0002_1.png …, no splits; names begin with the
/// patient. Throws Error{usage} if the folder holds something already or the options make no
/// set, Error{resource} if it cannot be written.
std::vector<PlantedFault> write_phantom_chest(fs::path const& folder,
                                              PhantomChest const& options = {});

/// The expression that finds the patient in these names, for ReadOptions::patient_from.
inline constexpr auto phantom_chest_patient = "^(p[0-9]+)_";

}  // namespace fovea
