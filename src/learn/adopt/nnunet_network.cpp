#include "learn/adopt/nnunet_network.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/model/state.hpp"

namespace fovea {

Graph graph_of(RecipeConfig const& config, std::int64_t inputs, std::int64_t outputs) {
  auto const& network = config.network;
  constexpr double epsilon = 1e-5;
  if (!network.bias || network.norm_eps != epsilon)
    throw Error{Fault::input,
                text("expected convolutions with biases and norms with an epsilon of 1e-5 in ",
                     config.name, ", got ", network.bias ? "biases" : "none", " and ",
                     spelled(network.norm_eps)),
                "other networks of nnU-Net are not drawn"};
  SegmentDraw draw{
      .in = inputs, .out = outputs, .dimensions = static_cast<int>(config.patch.size())};
  for (std::size_t level = 0; level < network.stages(); ++level)
    draw.levels.push_back({.features = network.features[level],
                           .kernel = network.kernels[level],
                           .stride = network.strides[level],
                           .blocks = network.encoder[level],
                           .decoder_blocks = level + 1 < network.stages()
                                                 ? network.decoder[network.stages() - 2 - level]
                                                 : 1});
  auto const* name = network.kind == SegmentationNetwork::residual ? "nnunet-resenc" : "nnunet";
  return segmenter_named(name).draw(draw);
}

Network nnunet_network(NnunetModel const& model, NnunetModel::Fold const& fold) {
  Network network{
      graph_of(model.recipe.config(model.config), model.inputs(), model.dataset.outputs()), 0};
  load_all_weights(network, nnunet_weights(model, fold), text(fold.checkpoint));
  return network;
}

}  // namespace fovea
