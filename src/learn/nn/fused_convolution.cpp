#include "learn/nn/chain.hpp"
#include "learn/nn/convolve.hpp"
#include "learn/nn/fused.hpp"

#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/record_function.h>

#include <algorithm>

namespace fovea {
FusedConvolution::FusedConvolution(Node const& node,
                                   Shape const& in,
                                   std::int64_t batch,
                                   Execution how)
    : node_{node},
      how_{how},
      winograd_{winograd_for(node, in, batch, how)},
      few_inputs_{few_inputs_of(node, in, how)},
      few_outputs_{few_outputs_of(node, in, how)},
      blocks_{FusedBlocks::of(node, in)} {
  if (!blocks_) few_transposed_ = FusedFewTransposed::of(node, in, how);
  if (winograd_) maps_ = winograd_maps(batch, in.size);
}

bool FusedConvolution::joins(std::vector<std::int64_t> const& channels) const {
  return winograd_ && std::all_of(channels.begin(), channels.end() - 1, [](std::int64_t count) {
           return count % Winograd::joins == 0;
         });
}

at::Tensor FusedConvolution::forward(std::span<at::Tensor const> weights,
                                     std::span<at::Tensor const> all) const {
  auto const& weight = weights[0];
  auto const& x = all.front();
  auto const bias = weights.size() > 1 ? weights[1] : at::Tensor{};
  RECORD_USER_SCOPE(winograd_                    ? "convolution, forward"
                    : blocks_ || few_transposed_ ? "transposed convolution, forward"
                    : few_inputs_                ? "first convolution, forward"
                                                 : "convolution by oneDNN, forward");
  if (winograd_) {
    auto const y = fused_map(x, winograd_->out);
    winograd_convolve(*winograd_, maps_, winograd_prepared(*winograd_, winograd_steps(weight)),
                      bias, all, {&y, 1});
    return y;
  }
  if (few_inputs_) return few_inputs_convolved(*few_inputs_, weight, bias, x);
  if (blocks_) return blocks_->forward(weights, x);
  if (few_transposed_) return few_transposed_->forward(weight, bias, x);
  auto const type = type_of(how_.precision);
  auto const how = Convolution::of(node_, static_cast<std::size_t>(x.dim()) - 2);
  return at::convolution(x, weight.to(type),
                         bias.defined() ? std::optional{bias.to(type)} : std::nullopt,
                         how.stride, how.padding, how.dilation, how.transposed,
                         how.output_padding, how.groups)
      .contiguous(format_of(how_.layout, x.dim()));
}

FusedConvolution::Gradients FusedConvolution::backward(std::span<at::Tensor const> weights,
                                                       std::span<at::Tensor const> all,
                                                       at::Tensor const& gradient,
                                                       Ask ask) const {
  auto const& weight = weights[0];
  auto const& x = all.front();
  Gradients out;
  if (forgets()) {
    RECORD_USER_SCOPE(winograd_      ? "convolution, to the weights"
                      : few_outputs_ ? "head, backward"
                                     : "transposed convolution, backward");
    if (winograd_)
      out.weight = winograd_weight_gradient(*winograd_, maps_, weight, all, gradient);
    else if (few_outputs_)
      out.weight = few_outputs_to_weights(*few_outputs_, weight, x, gradient);
    else
      out.weight = blocks_->to_weights(weight, x, gradient);
    if (ask.bias) out.bias = channel_sums(gradient);
    return out;
  }
  if (few_inputs_) {
    RECORD_USER_SCOPE("first convolution, backward");
    out.weight = few_inputs_weight_gradient(*few_inputs_, weight, x, gradient);
    if (ask.bias) out.bias = channel_sums(gradient);
    if (!ask.input) return out;
  }
  RECORD_USER_SCOPE("convolution by oneDNN, backward");
  auto const how = Convolution::of(node_, static_cast<std::size_t>(x.dim()) - 2);
  auto const asks_bias = ask.bias && !out.bias.defined();
  auto const [by_x, by_weight, by_bias] = at::convolution_backward(
      gradient, x, weight.to(type_of(how_.precision)),
      asks_bias ? at::OptionalIntArrayRef{weights[1].sizes()} : std::nullopt, how.stride,
      how.padding, how.dilation, how.transposed, how.output_padding, how.groups,
      {ask.input, !out.weight.defined(), asks_bias});
  if (ask.input) out.x.push_back(by_x);
  if (by_weight.defined()) out.weight = by_weight.to(at::kFloat);
  if (by_bias.defined()) out.bias = by_bias.to(at::kFloat);
  return out;
}

std::vector<at::Tensor> FusedConvolution::input_gradients(
    std::span<at::Tensor const> weights,
    at::Tensor const& gradient,
    std::vector<std::int64_t> const& channels) const {
  auto const& weight = weights[0];
  RECORD_USER_SCOPE(winograd_      ? "convolution, to the input"
                    : few_outputs_ ? "head, backward"
                                   : "transposed convolution, backward");
  if (few_outputs_) return {few_outputs_to_input(*few_outputs_, weight, gradient)};
  if (blocks_) return {blocks_->to_input(weight, gradient)};
  auto back = *winograd_;
  std::swap(back.in, back.out);
  std::vector<at::Tensor> out;
  for (auto const count : channels) out.push_back(fused_map(gradient, count));
  auto const turned = winograd_->turned(winograd_steps(weight));
  winograd_convolve(back, maps_, winograd_prepared(back, turned), {}, {&gradient, 1}, out);
  return out;
}

}  // namespace fovea
