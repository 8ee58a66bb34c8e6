#pragma once

#include "base/image/volume.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace fovea {

/// Labels of which only the largest piece stays; each list is one step, in order. A list of
/// several labels is one mask: its largest piece keeps its labels, the rest becomes 0.
struct Cleanup {
  std::vector<std::vector<std::int64_t>> largest = {};
  bool operator==(Cleanup const&) const = default;
};

/// In   labels of whole numbers, one channel; pieces touch by a corner
/// Out  the same type and grid; of equally large pieces all stay
Volume cleaned(Volume const& labels, Cleanup const& cleanup);

/// A case of validation: what was predicted and what is true, read when asked for, so that not
/// all need lie in memory.
struct CleanupCase {
  std::function<Volume()> predicted, truth;
};

/// What to clean, learnt on validation: the largest piece of all labels joined if the mean Dice
/// rises and that of no structure falls; then the same for each structure by itself, in order,
/// if its own Dice rises and no other's falls. A structure is a label, or a region of several.
/// A case in which neither side has a structure does not count for it.
///
/// Source  nnU-Net, Isensee et al. 2021
/// Throws  Error{input} if a case's grids differ, Error{usage} if there is no case, or a
///         structure has no labels
Cleanup learn_cleanup(std::vector<CleanupCase> const& cases,
                      std::vector<std::vector<std::int64_t>> const& structures);

}  // namespace fovea
