#include "learn/nn/fused_kernels.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace fovea {
namespace {

// What a node says of each axis, as k, j, i.
std::array<std::int64_t, 3> few_axes(Node const& node,
                                     std::string_view name,
                                     std::size_t rank,
                                     std::int64_t none) {
  std::array<std::int64_t, 3> out{none, none, none};
  std::ranges::copy(axes_option(node, name, rank),
                    out.end() - static_cast<std::ptrdiff_t>(rank));
  return out;
}

std::array<std::int64_t, 3> few_size(at::Tensor const& map) {
  std::array<std::int64_t, 3> out{1, 1, 1};
  std::ranges::copy(map.sizes().slice(2), out.end() - (map.dim() - 2));
  return out;
}

// As the kernels read a map.
at::Tensor few_placed(at::Tensor const& map) {
  return map.contiguous(format_of(Layout::channels_last, map.dim()));
}

at::Tensor few_map(at::Tensor const& like,
                   std::int64_t channels,
                   std::array<std::int64_t, 3> const& size) {
  std::vector<std::int64_t> sizes{like.size(0), channels};
  sizes.insert(sizes.end(), size.end() - (like.dim() - 2), size.end());
  return at::empty(sizes,
                   like.options().memory_format(format_of(Layout::channels_last, like.dim())));
}

// By FewInputs or FewTransposed.
template <class Kernel>
at::Tensor few_convolved(Kernel const& kernel,
                         FewMaps const& maps,
                         at::Tensor const& weight,
                         at::Tensor const& bias,
                         at::Tensor const& x) {
  auto const prepared = at::empty({kernel.weight_values()}, at::kFloat);
  kernel.prepare(together_read<float>(weight.contiguous()), together_write<float>(prepared));
  auto const y = few_map(x, kernel.out, maps.out);
  constexpr std::int64_t rows_at_once = 4;  // of outputs, by a thread
  together_typed(x, [&]<class T>(T) {
    at::parallel_for(0, maps.rows(), rows_at_once, [&](std::int64_t begin, std::int64_t end) {
      kernel.convolve(maps, together_read<T>(x), together_read<float>(prepared),
                      together_read<float>(bias), together_write<T>(y), begin, end);
    });
  });
  return y;
}

// Calls work(cut, first, last) for parts of the rows, cut by their number alone, so that
// threads do not change sums.
template <class Work>
void few_cuts(std::int64_t rows, std::int64_t cuts, Work const& work) {
  at::parallel_for(0, cuts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto cut = begin; cut < end; ++cut)
      work(cut, cut * rows / cuts, (cut + 1) * rows / cuts);
  });
}
std::int64_t few_cuts_of(std::int64_t places) {
  constexpr std::int64_t most_cuts = 64, least_places = 512;
  return std::clamp<std::int64_t>(places / least_places, 1, most_cuts);
}

}  // namespace

std::optional<FewInputs> few_inputs_of(Node const& node, Shape const& in, Execution how) {
  auto const rank = in.size.size();
  if (!fused_may_take(node, "conv", rank, how) || fused_has_matrices(how) ||
      in.channels > FewInputs::most)
    return std::nullopt;
  FewInputs out{.in = in.channels, .out = whole_option(node, "out")};
  constexpr std::int64_t least_outputs = 8;  // fewer do not fill its vectors
  if (out.out < least_outputs) return std::nullopt;
  out.kernel = few_axes(node, "kernel", rank, 1);
  // Larger ones, as that which cuts an image into patches, have more weights than places.
  constexpr std::int64_t most_places = 7;
  if (std::ranges::max(out.kernel) > most_places) return std::nullopt;
  out.stride = few_axes(node, "stride", rank, 1);
  out.padding = few_axes(node, "padding", rank, 0);
  return out;
}

at::Tensor few_inputs_convolved(FewInputs const& kernel,
                                at::Tensor const& weight,
                                at::Tensor const& bias,
                                at::Tensor const& given) {
  auto const x = few_placed(given);
  FewMaps maps{.batch = x.size(0), .in = few_size(x)};
  for (std::size_t a = 0; a < 3; ++a)
    maps.out[a] =
        (maps.in[a] + 2 * kernel.padding[a] - kernel.kernel[a]) / kernel.stride[a] + 1;
  return few_convolved(kernel, maps, weight, bias, x);
}

at::Tensor few_inputs_weight_gradient(FewInputs const& kernel,
                                      at::Tensor const& weight,
                                      at::Tensor const& of_x,
                                      at::Tensor const& of_gradient) {
  auto const x = few_placed(of_x), gradient = few_placed(of_gradient);
  FewMaps const maps{.batch = x.size(0), .in = few_size(x), .out = few_size(gradient)};
  auto const cuts = few_cuts_of(maps.rows() * maps.out[2]);
  auto const sums = at::zeros({cuts, kernel.weight_values()}, at::kFloat);
  together_typed(x, [&]<class T>(T) {
    few_cuts(maps.rows(), cuts, [&](std::int64_t cut, std::int64_t first, std::int64_t last) {
      kernel.add_to_weights(maps, together_read<T>(x), together_read<T>(gradient),
                            sums.mutable_data_ptr<float>() + cut * kernel.weight_values(),
                            first, last);
    });
  });
  auto const all = sums.sum(0);
  auto const flat = at::empty(weight.sizes(), at::kFloat);
  kernel.weights(all.const_data_ptr<float>(), flat.mutable_data_ptr<float>());
  auto const out = at::empty_like(weight);
  out.copy_(flat);
  return out;
}

std::optional<FewOutputs> few_outputs_of(Node const& node, Shape const& in, Execution how) {
  auto const rank = in.size.size();
  auto const are = [&](std::string_view name, std::int64_t all) {
    return axes_option(node, name, rank) == std::vector<std::int64_t>(rank, all);
  };
  if (!fused_may_take(node, "conv", rank, how) ||
      whole_option(node, "out") > FewOutputs::most || !are("kernel", 1) || !are("stride", 1) ||
      !are("padding", 0))
    return std::nullopt;
  return FewOutputs{in.channels, whole_option(node, "out")};
}

at::Tensor few_outputs_to_weights(FewOutputs const& few,
                                  at::Tensor const& weight,
                                  at::Tensor const& x,
                                  at::Tensor const& gradient) {
  auto const rows = x.numel() / few.in;
  auto const cuts = few_cuts_of(rows);
  auto const sums = at::zeros({cuts, few.out, few.in}, at::kFloat);
  together_typed(x, [&]<class T>(T) {
    few_cuts(rows, cuts, [&](std::int64_t cut, std::int64_t first, std::int64_t last) {
      few.add_to_weights(together_read<T>(gradient) + first * few.out,
                         together_read<T>(x) + first * few.in,
                         sums.mutable_data_ptr<float>() + cut * few.out * few.in, last - first);
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

std::optional<FusedFewTransposed> FusedFewTransposed::of(Node const& node,
                                                         Shape const& in,
                                                         Execution how) {
  auto const rank = in.size.size();
  if (!fused_may_take(node, "conv_transpose", rank, how) || fused_has_matrices(how))
    return std::nullopt;
  FusedFewTransposed out;
  auto& kernel = out.kernel_;
  kernel.in = in.channels;
  kernel.out = whole_option(node, "out");
  kernel.kernel = few_axes(node, "kernel", rank, 1);
  if (kernel.out > FewTransposed::most ||
      std::ranges::max(kernel.kernel) > FewTransposed::most_places)
    return std::nullopt;
  kernel.stride = few_axes(node, "stride", rank, 1);
  kernel.padding = few_axes(node, "padding", rank, 0);
  out.output_padding_ = few_axes(node, "output_padding", rank, 0);
  return out;
}

at::Tensor FusedFewTransposed::forward(at::Tensor const& weight,
                                       at::Tensor const& bias,
                                       at::Tensor const& given) const {
  auto const x = few_placed(given);
  FewMaps maps{.batch = x.size(0), .in = few_size(x)};
  for (std::size_t a = 0; a < 3; ++a)
    maps.out[a] = (maps.in[a] - 1) * kernel_.stride[a] - 2 * kernel_.padding[a] +
                  kernel_.kernel[a] + output_padding_[a];
  return few_convolved(kernel_, maps, weight, bias, x);
}

}  // namespace fovea
