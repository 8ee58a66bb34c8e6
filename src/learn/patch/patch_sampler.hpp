#pragma once

#include "learn/patch/stored_case.hpp"

#include <memory>
#include <vector>

namespace fovea {

/// Which case, and where in it.
struct PatchPlace {
  std::size_t at_case = 0;
  Kji from{};         ///< corner of the patch in the case; may be negative
  int on_class = -1;  ///< the class that it is centred on, -1 if it was placed anywhere
};

struct PatchSampling {
  Kji patch{};  ///< a 2D one has patch[0] == 1: a slice along k
  Kji box{};    ///< what is cut before turning: box_around(); at least the patch
  std::int64_t batch = 2;
  double foreground = 0.33;  ///< share of a batch that is forced onto foreground: its last ones
  bool by_chance = false;    ///< each sample with that probability instead
  bool equally_often =
      true;            ///< every case once before any again; false: drawn anew, as nnU-Net
  bool inside = true;  ///< forced ones are moved in at both borders; false: at the lower only
};

/// nnU-Net's choice of patches, by key. A patch that is not forced onto foreground lies
/// anywhere where its box stays within the case and a border of half of what the box is larger
/// than the patch. A forced one is centred on a voxel of a class, which is drawn evenly from
/// the classes that the case has, and moved into those bounds; if the case has none, anywhere.
/// (nnU-Net moves it at the lower bound only, so its patches reach beyond the upper one:
/// `inside = false`.) Where a case is smaller than the box it lies in the middle.
class PatchSampler {
 public:
  /// Throws Error{bug} without cases, or if sizes are below 1 or the box is smaller than the
  /// patch.
  PatchSampler(PatchSampling const& sampling,
               std::vector<std::shared_ptr<StoredCase const>> cases);

  PatchPlace operator()(PatchKey const& key) const;
  StoredCase const& at(std::size_t at_case) const { return *cases_[at_case]; }
  std::size_t cases() const { return cases_.size(); }

 private:
  std::size_t case_of(PatchKey const& key) const;

  PatchSampling sampling_;
  std::vector<std::shared_ptr<StoredCase const>> cases_;
};

/// The voxels there, as they are: for validation.
void cut_patch(StoredCase const& from, PatchPlace const& place, PatchView const& out);

}  // namespace fovea
