#pragma once

#include "learn/nn/network.hpp"

namespace fovea {

/// Where a graph begins: its input and the words that say what drew it.
Graph begun(std::string_view name, Draw const& draw);

/// Nodes that many families draw. Names are those of the weights.
std::size_t add_conv(Graph& graph,
                     std::size_t from,
                     std::int64_t out,
                     std::int64_t kernel,
                     std::int64_t stride,
                     std::string name);
std::size_t add_norm(Graph& graph, std::size_t from, std::string name);
std::size_t add_relu(Graph& graph, std::size_t from);

/// From the last feature map to the logits: marks "features" and "embedding", pools, drops out,
/// one linear layer.
void add_head(
    Graph& graph, std::size_t features, Draw const& draw, double dropout, std::string name);

/// Small images keep their pixels: at or below this size stems do not halve them.
constexpr std::int64_t small_image = 64;

}  // namespace fovea
