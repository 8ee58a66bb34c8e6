// Chains that begin with a norm, on LibTorch's tape.
#include "learn/nn/together_parts.hpp"

namespace fovea {
namespace {

NormChain together_chain(at::Tensor const& weight,
                         at::Tensor const& bias,
                         at::Tensor const& other,
                         at::Tensor const& slope,
                         AutogradContext const& context) {
  auto const number = [&](char const* name) { return context.saved_data.at(name).toDouble(); };
  return {.batch = context.saved_data.at("batch").toBool(),
          .group = context.saved_data.at("group").toInt(),
          .epsilon = number("epsilon"),
          .weight = weight,
          .bias = bias,
          .other = other,
          .slope = {slope, number("slope")}};
}

struct TogetherNorm : torch::autograd::Function<TogetherNorm> {
  // The chain's tensors are handed over once more for the tape, which counts what is there.
  static at::Tensor forward(AutogradContext* context,
                            at::Tensor const& x,
                            std::optional<at::Tensor> const&,  // weight
                            std::optional<at::Tensor> const&,  // bias
                            std::optional<at::Tensor> const&,  // other
                            std::optional<at::Tensor> const&,  // slope
                            NormChain chain,
                            std::optional<at::Tensor> const& running_mean,
                            std::optional<at::Tensor> const& running_variance,
                            double momentum) {
    auto const moments = chain.moments(x);
    if (running_mean) follow(moments, momentum, *running_mean, *running_variance);
    context->save_for_backward({x, chain.weight, chain.bias, chain.other, chain.slope.learnt,
                                moments.mean, moments.inverse});
    context->saved_data["batch"] = chain.batch;
    context->saved_data["group"] = chain.group;
    context->saved_data["epsilon"] = chain.epsilon;
    context->saved_data["slope"] = chain.slope.fixed;
    return chain.forward(x, moments);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto const saved = context->get_saved_variables();
    auto const& x = saved[0];
    auto const chain = together_chain(saved[1], saved[2], saved[3], saved[4], *context);
    auto const gradient =
        gradients[0].to(x.scalar_type()).contiguous(together_format(gradients[0]));
    auto const by =
        chain.backward(gradient, x, {.mean = saved[5], .variance = {}, .inverse = saved[6]});
    auto const given = [](at::Tensor const& of, at::Tensor const& value) {
      return of.defined() ? value : at::Tensor{};
    };
    return {by.x,
            given(chain.weight, by.weight),
            given(chain.bias, by.bias),
            by.other,
            given(chain.slope.learnt, by.slope),
            {},
            {},
            {},
            {}};
  }
};

}  // namespace

at::Tensor norm_and_more(NormChain chain,
                         at::Tensor const& x,
                         std::optional<at::Tensor> const& running_mean,
                         std::optional<at::Tensor> const& running_variance,
                         double momentum) {
  auto const optional = [](at::Tensor const& t) {
    return t.defined() ? std::optional{t} : std::nullopt;
  };
  if (chain.other.defined())
    chain.other = chain.other.to(x.scalar_type()).contiguous(together_format(x));
  return TogetherNorm::apply(x, optional(chain.weight), optional(chain.bias),
                             optional(chain.other), optional(chain.slope.learnt), chain,
                             running_mean, running_variance, momentum);
}

}  // namespace fovea
