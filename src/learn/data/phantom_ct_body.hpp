#pragma once

#include "base/core/rng.hpp"
#include "base/image/vector3.hpp"

#include <cstdint>
#include <vector>

namespace fovea {

/// What is at a place of a made-up body: its density in HU, without noise, and the structure as
/// a place in phantom_ct_structures, from 1; 0 is none of them.
struct CtTissue {
  double hu = -1000;
  std::uint8_t label = 0;
};

/// A made-up body from the heart to the kidneys. Places are mm from its middle, LPS: x to the
/// patient's left, y to the back, z to the head; from -80 to 80 there is something to see.
class CtBody {
 public:
  explicit CtBody(Rng rng);

  CtTissue at(Vector3 const& place) const;

 private:
  /// A ball pressed flat: its middle and its radii.
  struct Blob {
    Vector3 middle{}, radii{};

    /// Squared distance in radii: below 1 inside.
    double away(Vector3 const& p) const {
      double sum = 0;
      for (std::size_t a = 0; a < 3; ++a) {
        auto const d = (p[a] - middle[a]) / radii[a];
        sum += d * d;
      }
      return sum;
    }
    bool holds(Vector3 const& p) const { return away(p) < 1; }
  };
  /// A straight piece of a vessel.
  struct Vessel {
    Vector3 from{}, to{};
    double radius = 1;

    bool holds(Vector3 const& p) const;
  };
  struct Bowel {
    Blob blob;
    double inside = 0;  ///< HU of what it holds
  };

  Vector3 bent(Vector3 const& p) const;
  double diaphragm(Vector3 const& p) const;
  bool in_chest(Vector3 const& p) const { return p[2] > diaphragm(p); }
  bool in_lung(Vector3 const& p) const;
  bool in_liver(Vector3 const& p) const;
  CtTissue outside(Vector3 const& p) const;
  CtTissue wall(Vector3 const& p, double depth) const;
  bool spine(Vector3 const& p, CtTissue& out) const;
  bool great_vessels(Vector3 const& p, CtTissue& out) const;
  CtTissue chest(Vector3 const& p) const;
  bool kidney(Vector3 const& p, CtTissue& out) const;
  CtTissue belly(Vector3 const& p) const;

  void grow_vessels(Rng& rng);
  void grow_bowels(Rng& rng);
  void grow_lesions(Rng& rng);

  double wide_, thick_, fat_, spine_y_, contrast_;
  double dome_right_, dome_left_, phases_[6]{};
  Blob liver_right_, liver_left_, hollow_, spleen_, stomach_, heart_, kidney_right_,
      kidney_left_;
  double vertebra_ = 0, rib_ = 0;  ///< where along z the first ones are
  std::vector<Vessel> liver_vessels_, lung_vessels_;
  std::vector<Bowel> bowels_;
  std::vector<Blob> tumours_, nodules_;
  double tumour_hu_ = 60, nodule_hu_ = 30;
};

}  // namespace fovea
