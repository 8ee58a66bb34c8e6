#pragma once

#include "learn/model/package.hpp"

namespace fovea {

/// The model as a folder that MONAI takes for a bundle (MONAI 1.6, mb_specification):
///   configs/metadata.json    what goes in and comes out
///   configs/inference.json   the network (as TorchScript), its inferer; the steps before it as
///                            data under "preprocessing_steps", in Fovea's own words
///   models/model.ts          the network; PyTorch runs it with torch.jit.load
///   docs/README.md, LICENSE  for people
/// `python -m monai.bundle verify_net_in_out` passes. What was in the folder under these names
/// is overwritten.
///
/// Throws Error{usage} if the model is an ensemble, which a bundle's network cannot be;
/// Error{resource} if it cannot be written.
void write_bundle(fs::path const& folder, Model const& model);

/// The same of parts that a task has made itself.
struct BundleParts {
  Json metadata, inference;
  std::string script;  ///< bytes of models/model.ts
};
BundleParts bundle_parts(Model const& model);
void write_bundle(fs::path const& folder, ModelAbout const& about, BundleParts const& parts);

}  // namespace fovea
