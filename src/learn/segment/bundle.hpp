#pragma once

#include "learn/foreign/bundle_facts.hpp"
#include "learn/segment/model.hpp"

namespace fovea {

/// Whether a folder is a MONAI bundle: configs/inference.json or .yaml lies in it.
bool is_bundle(fs::path const& folder);

/// A MONAI bundle that labels voxels, ready to be asked.
struct BundleModel {
  BundleFacts facts;
  BundlePlan plan;
  std::vector<BundleLabel> labels;  ///< values of its masks beside 0
  int dimensions = 3;               ///< of a window
  /// [batch, channels, i, j(, k)] -> [batch, outputs, i, j(, k)], float32
  std::function<at::Tensor(at::Tensor const&)> network;
  std::vector<std::int64_t> steps;  ///< sides that it sees are multiples of these; or empty
};

/// Reads a bundle: its inference config by a closed vocabulary (learn/foreign), the network
/// where it is one of ours (learn/adopt) with its weights. Every other network runs as
/// TorchScript, models/model.ts, which is its maker's code: only with `trust`.
///
/// Throws  Error{input} naming all that is missing; if it does not label voxels; as
///         bundle_facts and monai_network. Error{usage} if only TorchScript is there and it is
///         not trusted
BundleModel bundle_model(fs::path const& folder, bool trust);

/// What MONAI's evaluator would write for the image: the bundle's steps before the network,
/// windows, the steps behind it; as a map of labels (bundle_label_map).
///
/// In      any type and grid, as many channels as the bundle wants; pictures of one slice for
///         networks of two dimensions, volumes for SliceInferer
/// Memory  all outputs on the network's grid twice, and on the image's where the bundle inverts
///         before it decides; `ask.memory` bounds it
/// Throws  Error{input} on another image, if the network fails or has another number of outputs
///         than the metadata says, or on a value that `labels` does not name; Error{resource}
///         with the bytes needed if they are more than `ask.memory`; Interrupted
Volume bundle_masks(BundleModel const& model, Volume const& image, SegmentAsk const& ask = {});

}  // namespace fovea
