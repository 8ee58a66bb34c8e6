#pragma once

#include "learn/foreign/bundle.hpp"
#include "learn/nn/segmenter.hpp"

namespace fovea {

/// A network of MONAI's in the words of learn/nn: UNet is its "monai-unet", SegResNet its
/// "segresnet", SwinUNETR its "swin-unetr"; arguments that are not given have MONAI's values.
/// What it gives for the class and its arguments as a bundle's config says them (BundlePlan).
/// Throws Error{input} naming the class, or the argument, that is not drawn here.
Graph monai_graph(BundlePlan const& plan);

/// Whether a class is one of those, whatever its arguments.
bool is_monai_network(std::string_view target);

/// The network of a bundle with its weights: of the state dict that the config names, or, where
/// that is not there, of models/model.ts, whose weights are read without running its code.
///
/// In      [batch, channels, i, j(, k)]: MONAI's order of axes
/// Out     [batch, outputs, i, j(, k)]
/// Throws  Error{input} as monai_graph and TorchCheckpoint; if there are no weights, or they
///         belong to another network
/// Source  MONAI 1.6.1: equal outputs
Network monai_network(Bundle const& bundle, BundlePlan const& plan);

}  // namespace fovea
