#include "learn/window/spread.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace fovea {

WindowSpread::WindowSpread(std::int64_t outputs,
                           std::array<std::int64_t, 3> const& size,
                           bool regions)
    : outputs_{outputs},
      regions_{regions},
      sums_{at::zeros({outputs, size[0], size[1], size[2]}, at::kFloat)},
      squares_{at::zeros({size[0], size[1], size[2]}, at::kFloat)} {}

void WindowSpread::add(at::Tensor const& values,
                       std::array<bool, 3> const& mirrored,
                       JoinedHeads const& head) {
  if (values.scalar_type() == at::kBFloat16)
    add_as<BFloat16>(values, mirrored, head);
  else
    add_as<float>(values, mirrored, head);
  ++members_;
}

template <class Value>
void WindowSpread::add_as(at::Tensor const& values,
                          std::array<bool, 3> const& mirrored,
                          JoinedHeads const& head) {
  auto const channels = values.size(0);
  std::array<std::int64_t, 3> const size{values.size(1), values.size(2), values.size(3)};
  std::array<std::int64_t, 3> strides{};
  auto const* first = static_cast<Value const*>(values.const_data_ptr());
  for (int axis = 0; axis < 3; ++axis) {
    strides[axis] = values.stride(axis + 1);
    if (!mirrored[axis]) continue;
    first += strides[axis] * (size[axis] - 1);
    strides[axis] = -strides[axis];
  }
  auto* const sums = sums_.mutable_data_ptr<float>();
  auto* const squares = squares_.mutable_data_ptr<float>();
  auto const voxels = squares_.numel();
  std::vector<float> const ones(line_columns, 1.0F);
  at::parallel_for(0, size[0] * size[1], 8, [&](std::int64_t from, std::int64_t to) {
    std::vector<float> in(static_cast<std::size_t>(channels * line_columns));
    std::vector<float> out(static_cast<std::size_t>(outputs_ * line_columns));
    for (auto n = from; n < to; ++n) {
      for (std::int64_t i = 0; i < size[2]; i += line_columns) {
        auto const count = std::min(line_columns, size[2] - i);
        std::ranges::fill(in, 0.0F);
        add_lines(in.data(), line_columns,
                  LinesIn<Value>{.values = first + n / size[1] * strides[0] +
                                           n % size[1] * strides[1] + i * strides[2],
                                 .step = strides[2],
                                 .channel_step = values.stride(0),
                                 .channels = channels,
                                 .count = count,
                                 .weights = ones.data()});
        if (!head.weight.empty())
          head_lines(head.weight.data(), head.bias.data(), outputs_, channels, count, in.data(),
                     out.data());
        auto& logits = head.weight.empty() ? in : out;
        if (regions_)
          sigmoid_lines(logits.data(), outputs_, count);
        else
          softmax_lines(logits.data(), outputs_, count);
        auto const at = n * size[2] + i;
        for (std::int64_t c = 0; c < outputs_; ++c) {
          for (std::int64_t x = 0; x < count; ++x) {
            auto const p = logits[c * line_columns + x];
            sums[c * voxels + at + x] += p;
            squares[at + x] += p * p;
          }
        }
      }
    }
  });
}

at::Tensor WindowSpread::take() {
  auto const* const sums = sums_.const_data_ptr<float>();
  auto const* const squares = squares_.const_data_ptr<float>();
  auto const voxels = squares_.numel();
  auto const members = static_cast<float>(members_);
  auto const share = regions_ ? 1.0F : 0.5F;
  auto const spread = at::zeros(squares_.unsqueeze(0).sizes(), at::kFloat);
  auto* const out = spread.mutable_data_ptr<float>();
  at::parallel_for(0, voxels, 4096, [&](std::int64_t from, std::int64_t to) {
    for (auto at = from; at < to; ++at) {
      auto variance = squares[at] / members;
      for (std::int64_t c = 0; c < outputs_; ++c) {
        auto const mean = sums[c * voxels + at] / members;
        variance -= mean * mean;
      }
      out[at] = std::sqrt(std::max(0.0F, share * variance));
    }
  });
  sums_.zero_();
  squares_.zero_();
  members_ = 0;
  return spread;
}

}  // namespace fovea
