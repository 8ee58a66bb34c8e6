#pragma once

#include "app/predict_masks.hpp"
#include "learn/segment/bundle.hpp"
#include "learn/segment/panel.hpp"

#include <optional>
#include <utility>

namespace fovea {

/// Models of ours or of nnU-Net's.
struct MaskModels {
  std::vector<PanelMember> panel;  ///< one, or several that answer together
  /// Looks where there is something, before the panel looks there alone.
  std::optional<std::pair<Model, SegmentContract>> coarse;
};
/// As `--no-flips`, `--step` and `--no-quality` say. Throws Error{usage} if several are asked
/// how uncertain they are.
MaskMaker mask_maker(MaskModels models, MaskFlags const& flags);
/// Throws Error{usage} if a flag was given that a bundle cannot heed.
MaskMaker mask_maker(BundleModel model, MaskFlags const& flags);

}  // namespace fovea
