#pragma once

#include "learn/nn/families.hpp"

namespace fovea {

/// The stages of a ResNet behind its stem, `at`. A stage of `dilated` (none: no stage) keeps
/// the size and spreads its kernels instead (Chen et al., DeepLab, TPAMI 2018). Gives the last
/// node of each; names begin with `prefix`.
std::vector<std::size_t> add_resnet_stages(Graph& graph,
                                           std::size_t at,
                                           ResNet const& options,
                                           std::vector<bool> const& dilated,
                                           std::string const& prefix);

}  // namespace fovea
