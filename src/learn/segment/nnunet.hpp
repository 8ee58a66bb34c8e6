#pragma once

#include "learn/model/package.hpp"

namespace fovea {

/// Whether a folder is one that nnU-Net v2 trained: plans.json and dataset.json lie in it.
bool is_nnunet(fs::path const& folder);

/// The model in it, with all its folds, as if it had been trained here: what it wants and what
/// its outputs mean stand in its contract. No code in it is run.
///
/// The second step of a cascade takes its first one from the folder that nnU-Net lays beside it
/// (nnUNetTrainer__nnUNetPlans__3d_lowres).
///
/// Throws  as read_nnunet and nnunet_network; Error{input} if that folder is not there
///         or of another data set
Model nnunet_model(fs::path const& folder);

}  // namespace fovea
