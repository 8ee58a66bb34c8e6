#include "learn/nn/fused_kernels.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace fovea {

std::optional<FewInputs> few_inputs_of(Node const& node, Shape const& in, Execution how) {
  auto const rank = in.size.size();
  if (!fused_may_take(node, rank, how) || fused_has_matrices(how) ||
      in.channels > FewInputs::most)
    return std::nullopt;
  FewInputs out{.in = in.channels, .out = whole_option(node, "out")};
  constexpr std::int64_t least_outputs = 8;  // fewer do not fill its vectors
  if (out.out < least_outputs) return std::nullopt;
  auto const kernel = axes_option(node, "kernel", rank);
  // Larger ones, as that which cuts an image into patches, have more weights than places.
  constexpr std::int64_t most_places = 7;
  if (std::ranges::max(kernel) > most_places) return std::nullopt;
  auto const stride = axes_option(node, "stride", rank);
  auto const padding = axes_option(node, "padding", rank);
  for (std::size_t a = 0; a < rank; ++a) {
    out.kernel[a + 3 - rank] = kernel[a];
    out.stride[a + 3 - rank] = stride[a];
    out.padding[a + 3 - rank] = padding[a];
  }
  return out;
}

at::Tensor few_inputs_convolved(FewInputs const& kernel,
                                at::Tensor const& weight,
                                at::Tensor const& bias,
                                at::Tensor const& given) {
  auto const format = format_of(Layout::channels_last, given.dim());
  auto const x = given.contiguous(format);
  auto const rank = static_cast<std::size_t>(x.dim()) - 2;
  FewInputs::Maps maps{.batch = x.size(0), .in = {1, 1, 1}, .out = {1, 1, 1}};
  std::vector<std::int64_t> sizes{x.size(0), kernel.out};
  for (std::size_t a = 3 - rank; a < 3; ++a) {
    maps.in[a] = x.size(static_cast<std::int64_t>(a + rank) - 1);
    maps.out[a] =
        (maps.in[a] + 2 * kernel.padding[a] - kernel.kernel[a]) / kernel.stride[a] + 1;
    sizes.push_back(maps.out[a]);
  }
  auto const prepared = at::empty({kernel.weight_values()}, at::kFloat);
  kernel.prepare(weight.contiguous().const_data_ptr<float>(),
                 prepared.mutable_data_ptr<float>());
  auto const y = at::empty(sizes, x.options().memory_format(format));
  constexpr std::int64_t rows_at_once = 4;
  together_typed(x, [&]<class T>(T) {
    at::parallel_for(0, maps.rows(), rows_at_once, [&](std::int64_t begin, std::int64_t end) {
      kernel.convolve(maps, together_read<T>(x), prepared.const_data_ptr<float>(),
                      together_read<float>(bias), together_write<T>(y), begin, end);
    });
  });
  return y;
}

std::optional<FewOutputs> few_outputs_of(Node const& node, Shape const& in, Execution how) {
  auto const rank = in.size.size();
  auto const are = [&](std::string_view name, std::int64_t all) {
    return axes_option(node, name, rank) == std::vector<std::int64_t>(rank, all);
  };
  if (!fused_may_take(node, rank, how) || whole_option(node, "out") > FewOutputs::most ||
      !are("kernel", 1) || !are("stride", 1) || !are("padding", 0))
    return std::nullopt;
  return FewOutputs{in.channels, whole_option(node, "out")};
}

// The rows are cut by their number alone, so that threads do not change the sums.
at::Tensor few_outputs_to_weights(FewOutputs const& few,
                                  at::Tensor const& weight,
                                  at::Tensor const& x,
                                  at::Tensor const& gradient) {
  auto const rows = x.numel() / few.in;
  constexpr std::int64_t most_cuts = 64, least_rows = 512;
  auto const cuts = std::clamp<std::int64_t>(rows / least_rows, 1, most_cuts);
  auto const sums = at::zeros({cuts, few.out, few.in}, at::kFloat);
  together_typed(x, [&]<class T>(T) {
    at::parallel_for(0, cuts, 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto cut = begin; cut < end; ++cut) {
        auto const first = cut * rows / cuts, last = (cut + 1) * rows / cuts;
        few.add_to_weights(
            together_read<T>(gradient) + first * few.out, together_read<T>(x) + first * few.in,
            sums.mutable_data_ptr<float>() + cut * few.out * few.in, last - first);
      }
    });
  });
  auto const out = at::empty_like(weight);
  out.copy_(sums.sum(0).view(weight.sizes()));
  return out;
}

at::Tensor few_outputs_to_input(FewOutputs const& few,
                                at::Tensor const& weight,
                                at::Tensor const& gradient) {
  auto const by_x = fused_map(gradient, few.in);
  auto const flat = weight.contiguous();
  together_typed(gradient, [&]<class T>(T) {
    at::parallel_for(0, gradient.numel() / few.out, together_values / few.in + 1,
                     [&](std::int64_t begin, std::int64_t end) {
                       few.to_input(together_read<T>(gradient) + begin * few.out,
                                    flat.const_data_ptr<float>(),
                                    together_write<T>(by_x) + begin * few.in, end - begin);
                     });
  });
  return by_x;
}

}  // namespace fovea
