#include "learn/kernel/relu_max_pool.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace fovea {
namespace {

at::Tensor together_empty(at::Tensor const& like, TogetherSizes const& size) {
  return at::empty(size, like.options().memory_format(together_format(like)));
}

template <class Work>
void together_each_row(std::int64_t rows, std::int64_t values, Work const& work) {
  at::parallel_for(
      0, rows, std::max<std::int64_t>(1, together_values / std::max<std::int64_t>(1, values)),
      work);
}

struct TogetherPool : torch::autograd::Function<TogetherPool> {
  static at::Tensor forward(AutogradContext* context, at::Tensor const& x, ReluMaxPool pool) {
    auto const y = together_empty(x, {x.size(0), x.size(1), pool.out_height, pool.out_width});
    auto const where =
        at::empty(y.sizes(), y.options().dtype(at::kByte).memory_format(together_format(y)));
    auto* const places = where.mutable_data_ptr<std::uint8_t>();
    together_typed(x, [&]<class T>(T) {
      auto const* const in = together_read<T>(x);
      auto* const out = together_write<T>(y);
      together_each_row(x.size(0) * pool.out_height, pool.width * pool.channels,
                        [&](std::int64_t begin, std::int64_t end) {
                          pool.forward(in, out, places, begin, end);
                        });
    });
    context->save_for_backward({where});
    context->saved_data["shape"] =
        TogetherSizes{pool.height,    pool.width,      pool.channels,  pool.out_height,
                      pool.out_width, pool.kernel[0],  pool.kernel[1], pool.stride[0],
                      pool.stride[1], pool.padding[0], pool.padding[1]};
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto const where = context->get_saved_variables()[0];
    auto const s = context->saved_data["shape"].toIntVector();
    ReluMaxPool const pool{s[0], s[1],         s[2],         s[3],
                           s[4], {s[5], s[6]}, {s[7], s[8]}, {s[9], s[10]}};
    auto const gradient = gradients[0].contiguous(together_format(gradients[0]));
    auto const out =
        together_empty(gradient, {gradient.size(0), pool.channels, pool.height, pool.width});
    auto const* const places = where.const_data_ptr<std::uint8_t>();
    together_typed(gradient, [&]<class T>(T) {
      auto const* const g = together_read<T>(gradient);
      auto* const to = together_write<T>(out);
      together_each_row(gradient.size(0) * pool.height, pool.width * pool.channels,
                        [&](std::int64_t begin, std::int64_t end) {
                          pool.backward(g, places, to, begin, end);
                        });
    });
    return {out, {}};
  }
};

}  // namespace

std::optional<at::Tensor> relu_and_max_pool(Node const& node, at::Tensor const& x) {
  auto const kernel = axes_option(node, "kernel", 2), stride = axes_option(node, "stride", 2),
             padding = axes_option(node, "padding", 2);
  auto const out =
      op_named("max_pool")
          .shape(node, std::vector<Shape>{{x.size(1), {x.size(2), x.size(3)}, false}});
  ReluMaxPool const pool{x.size(2),
                         x.size(3),
                         x.size(1),
                         out.size[0],
                         out.size[1],
                         {kernel[0], kernel[1]},
                         {stride[0], stride[1]},
                         {padding[0], padding[1]}};
  if (!pool.fits()) return std::nullopt;
  return TogetherPool::apply(x, pool);
}

}  // namespace fovea
