#pragma once

#include "learn/nn/ops.hpp"

namespace fovea {

// The table of operations in parts, one file each; ops.cpp joins them.
std::span<OpRow const> spatial_ops();    ///< convolution, pooling
std::span<OpRow const> resize_ops();     ///< upsampling, unpooling
std::span<OpRow const> norm_ops();       ///< batch, instance, group, layer norm
std::span<OpRow const> pointwise_ops();  ///< activations, sums, products, dropout
std::span<OpRow const> window_ops();     ///< attention in windows of images
std::span<OpRow const>
token_ops();  ///< linear, attention, recurrent cells, and changes of shape

/// Refuses with Error{input}: the table's functions call it where inputs do not fit.
[[noreturn]] void refuse_shape(std::string const& expected, std::string const& got);
std::string in_words(Shape const& shape);                       ///< "64 channels of 7 x 7"
std::string as_list(std::vector<std::int64_t> const& numbers);  ///< "[1, 1]" in TorchScript
std::string as_real(
    double value);  ///< "1e-05", "1." in TorchScript: never read as a whole number
std::int64_t values_of(
    std::vector<std::int64_t> const& size);  ///< their product; unknown if one is
bool known(std::vector<std::int64_t> const& size);

/// Shape functions that many rows share.
Shape same_shape(Node const& node, Shapes in);

}  // namespace fovea
