#pragma once

#include "learn/foreign/nnunet.hpp"
#include "learn/nn/segmenter.hpp"

namespace fovea {

/// A config's network in the words of learn/nn: PlainConvUNet is its "nnunet",
/// ResidualEncoderUNet its "nnunet-resenc". Throws Error{input} if it has no biases or another
/// epsilon in its norms than 1e-5, which these do not have.
Graph graph_of(RecipeConfig const& config, std::int64_t inputs, std::int64_t outputs);

/// The trained network of one fold.
///
/// In      [batch, channels (and the labels of a cascade's first step), (k,) j, i], prepared
///         as the model's recipe says; sides that are multiples of the patch's steps
/// Out     [batch, outputs, (k,) j, i]: logits; see NnunetDataset for what they stand for
/// Throws  Error{input} as nnunet_weights, and if weights and network do not belong together
/// Source  nnU-Net 2.8.1 with dynamic-network-architectures 0.4.4: equal outputs
Network nnunet_network(NnunetModel const& model, NnunetModel::Fold const& fold);

}  // namespace fovea
