#include "learn/kernel/tap_matrix.hpp"
#include "learn/nn/ops_rows.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>

namespace fovea {
namespace {

// Numbers that the backward pass needs, in the one form that LibTorch keeps for it.
TogetherSizes together_numbers(TapMatrix const& m) {
  TogetherSizes numbers{m.out,    m.in,    m.in_places, m.out_places,
                        m.by_out, m.by_in, m.by_tap,    m.channels_last ? 1 : 0};
  numbers.insert(numbers.end(), m.tap.begin(), m.tap.end());
  return numbers;
}
TapMatrix together_taps(TogetherSizes const& numbers) {
  TapMatrix m{.out = numbers[0],
              .in = numbers[1],
              .in_places = numbers[2],
              .out_places = numbers[3],
              .by_out = numbers[4],
              .by_in = numbers[5],
              .by_tap = numbers[6],
              .channels_last = numbers[7] != 0};
  for (auto at = numbers.begin() + 8; at != numbers.end(); ++at)
    m.tap.push_back(static_cast<std::int32_t>(*at));
  return m;
}

// Calls work(T, first channel, last) for parts of the output channels.
template <class Work>
void together_each_channel(TapMatrix const& taps, at::Tensor const& x, Work const& work) {
  constexpr std::int64_t at_once = 8;
  together_typed(x, [&]<class T>(T type) {
    at::parallel_for(0, taps.out, at_once,
                     [&](std::int64_t begin, std::int64_t end) { work(type, begin, end); });
  });
}

struct TogetherTaps : torch::autograd::Function<TogetherTaps> {
  static at::Tensor forward(AutogradContext* context,
                            at::Tensor const& weight,
                            TogetherSizes const& numbers) {
    auto const taps = together_taps(numbers);
    auto const matrix =
        at::empty({taps.out * taps.out_places, taps.in * taps.in_places}, weight.options());
    together_each_channel(taps, weight, [&]<class T>(T, std::int64_t begin, std::int64_t end) {
      taps.spread(together_read<T>(weight), together_write<T>(matrix), begin, end);
    });
    context->save_for_backward({weight});
    context->saved_data["taps"] = numbers;
    return matrix;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto const taps = together_taps(context->saved_data["taps"].toIntVector());
    auto const weight = context->get_saved_variables()[0];
    auto const gradient = gradients[0].contiguous();
    auto const out = at::empty_like(weight);
    together_each_channel(taps, weight, [&]<class T>(T, std::int64_t begin, std::int64_t end) {
      taps.gather(together_read<T>(gradient), together_write<T>(out), begin, end);
    });
    return {out, {}};
  }
};

// Steps through the places of a map: [j][i] of a 2 x 3 map are 0 ... 5.
bool together_next(TogetherSizes& place, at::IntArrayRef size) {
  for (auto axis = place.size(); axis-- > 0;) {
    if (++place[axis] < size[axis]) return true;
    place[axis] = 0;
  }
  return false;
}

struct TogetherWindow {
  TogetherSizes kernel, stride, padding, dilation;
};

// The tap that joins place p of the input and place q of the output, or -1.
std::int32_t together_tap(TogetherWindow const& w,
                          TogetherSizes const& p,
                          TogetherSizes const& q) {
  std::int64_t tap = 0;
  for (std::size_t a = 0; a < p.size(); ++a) {
    auto const from = p[a] + w.padding[a] - q[a] * w.stride[a];
    if (from < 0 || from % w.dilation[a] != 0 || from / w.dilation[a] >= w.kernel[a]) return -1;
    tap = tap * w.kernel[a] + from / w.dilation[a];
  }
  return static_cast<std::int32_t>(tap);
}

TogetherSizes together_out(TogetherWindow const& w, at::IntArrayRef size) {
  TogetherSizes out;
  for (std::size_t a = 0; a < size.size(); ++a)
    out.push_back(
        (size[a] + 2 * w.padding[a] - w.dilation[a] * (w.kernel[a] - 1) - 1) / w.stride[a] + 1);
  return out;
}

}  // namespace

std::optional<at::Tensor> convolved_as_matrix(Node const& conv,
                                              std::span<at::Tensor const> weights,
                                              at::Tensor const& x) {
  auto const rank = static_cast<std::size_t>(x.dim()) - 2;
  auto const& weight = weights[0];
  auto const size = x.sizes().slice(2);
  auto const kernel = weight.sizes().slice(2).vec();
  auto const taps = values_of(kernel), places = values_of(size.vec());
  // Half the kernel at least would lie in the padding.
  constexpr std::int64_t most_places = 8;
  if (!x.device().is_cpu() || 2 * places > taps || places > most_places ||
      x.scalar_type() != weight.scalar_type() || whole_option(conv, "groups") != 1 ||
      (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16))
    return std::nullopt;
  auto const plain = weight.is_contiguous();
  if (!plain && !weight.is_contiguous(together_format(weight))) return std::nullopt;

  TogetherWindow const window{kernel, axes_option(conv, "stride", rank),
                              axes_option(conv, "padding", rank),
                              axes_option(conv, "dilation", rank)};
  auto const out = together_out(window, size);
  if (values_of(out) < 1 || values_of(out) > most_places) return std::nullopt;
  TapMatrix matrix{.out = weight.size(0),
                   .in = weight.size(1),
                   .in_places = places,
                   .out_places = values_of(out),
                   .by_out = weight.size(1) * taps,
                   .by_in = plain ? taps : 1,
                   .by_tap = plain ? 1 : weight.size(1),
                   .channels_last = lies_in_rows(x)};
  TogetherSizes q(rank);
  do {
    TogetherSizes p(rank);
    do matrix.tap.push_back(together_tap(window, p, q));
    while (together_next(p, size));
  } while (together_next(q, out));

  auto const spread = TogetherTaps::apply(weight, together_numbers(matrix));
  auto const batch = x.size(0);
  std::optional<at::Tensor> bias;
  if (weights.size() > 1)
    bias = matrix.channels_last ? weights[1].repeat({matrix.out_places})
                                : weights[1].repeat_interleave(matrix.out_places);
  TogetherSizes shape{batch};
  if (!matrix.channels_last) {
    auto const y = at::linear(x.reshape({batch, -1}), spread, bias);
    shape.push_back(matrix.out);
    shape.insert(shape.end(), out.begin(), out.end());
    return y.reshape(shape);
  }
  auto const y = at::linear(x.movedim(1, -1).reshape({batch, -1}), spread, bias);
  shape.insert(shape.end(), out.begin(), out.end());
  shape.push_back(matrix.out);
  return y.reshape(shape).movedim(-1, 1);
}

}  // namespace fovea
