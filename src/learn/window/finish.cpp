#include "learn/window/finish.hpp"

#include "base/core/error.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <numeric>

namespace fovea {
namespace {

// Of probabilities that are handed out at once.
constexpr std::int64_t finish_block_bytes = 16 << 20;

std::vector<std::uint16_t> finish_values(LabelRule const& rule, std::int64_t outputs) {
  auto values = rule.values;
  if (values.empty()) {
    values.resize(static_cast<std::size_t>(outputs));
    std::iota(values.begin(), values.end(), static_cast<std::uint16_t>(rule.regions ? 1 : 0));
  }
  return values;
}

Type finish_type(std::vector<std::uint16_t> const& values) {
  return std::ranges::max(values) > 255 ? Type::u16 : Type::u8;
}

}  // namespace

WindowBox needed_by(WindowBox const& part, std::array<AxisTaps, 3> const& taps) {
  WindowBox needed;
  for (int axis = 0; axis < 3; ++axis) {
    needed.first[axis] = taps[axis].low[part.first[axis]];
    needed.size[axis] =
        taps[axis].high[part.first[axis] + part.size[axis] - 1] + 1 - needed.first[axis];
  }
  return needed;
}

std::array<AxisTaps, 3> taps_of(WayBack const& back) {
  std::array<AxisTaps, 3> taps;
  for (int axis = 0; axis < 3; ++axis)
    taps[axis] = taps_of(back.prepared[axis], back.cut[axis], back.nearest == axis);
  return taps;
}

// Voxels of a line that are finished at once, and the columns of sums that they lie between.
struct WindowFinish::Chunk {
  std::int64_t first = 0, count = 0;        // of the cut
  std::int64_t in_first = 0, in_count = 0;  // of the prepared case
  std::int32_t low[line_columns]{}, high[line_columns]{};
  float part[line_columns]{};
  bool same = true;

  ColumnTaps taps() const {
    return {.low = low, .high = high, .part = part, .count = count, .same = same};
  }
};

struct WindowFinish::Scratch {
  explicit Scratch(JoinedHeads const& heads, bool spread, bool probabilities)
      : sums(static_cast<std::size_t>((heads.channels + (spread ? 1 : 0)) * line_columns)),
        outputs(heads.weight.empty() ? 0
                                     : static_cast<std::size_t>(heads.outputs * line_columns)),
        likely(probabilities ? static_cast<std::size_t>(heads.outputs * line_columns) : 0) {}

  std::vector<float> sums, outputs, likely;
  std::uint16_t picked[line_columns]{};
};

WindowFinish::WindowFinish(JoinedHeads heads, WayBack const& back, Windows const& windows)
    : heads_{std::move(heads)},
      back_{back},
      windows_{windows},
      taps_{taps_of(back)},
      values_{finish_values(windows.labels, heads_.outputs)},
      labels_{back.grid, finish_type(values_)} {
  std::array<std::int64_t, 3> const of_input{labels_.width() * labels_.height(),
                                             labels_.width(), 1};
  for (int axis = 0; axis < 3; ++axis) strides_[axis] = of_input[back.axes[axis]];
  if (windows.uncertainty) uncertainty_ = Volume{back.grid, Type::f32, Unit::one};
}

std::uint64_t WindowFinish::bytes(std::int64_t outputs,
                                  std::int64_t channels,
                                  WayBack const& back,
                                  Windows const& windows) {
  auto const voxels =
      static_cast<std::uint64_t>(back.grid.size[0] * back.grid.size[1] * back.grid.size[2]);
  auto const type = finish_type(finish_values(windows.labels, outputs));
  auto const line = static_cast<std::uint64_t>((channels + 1 + 2 * outputs) * line_columns *
                                               static_cast<std::int64_t>(sizeof(float)));
  auto const block = std::max<std::int64_t>(
      finish_block_bytes, outputs * back.cut[2] * static_cast<std::int64_t>(sizeof(float)));
  return voxels * (bytes_of(type) + (windows.uncertainty ? sizeof(float) : 0)) +
         line * static_cast<std::uint64_t>(at::get_num_threads()) +
         (windows.probabilities ? static_cast<std::uint64_t>(block) : 0);
}

std::vector<WindowFinish::Chunk> WindowFinish::chunks_of(WindowBox const& part) const {
  auto const& taps = taps_[2];
  auto const end = part.first[2] + part.size[2];
  std::vector<Chunk> chunks;
  for (auto at = part.first[2]; at < end;) {
    auto& chunk = chunks.emplace_back();
    chunk.first = at;
    chunk.in_first = taps.low[at];
    for (; at < end && chunk.count < line_columns &&
           taps.high[at] - chunk.in_first < line_columns;
         ++at, ++chunk.count) {
      auto const n = chunk.count;
      chunk.low[n] = static_cast<std::int32_t>(taps.low[at] - chunk.in_first);
      chunk.high[n] = static_cast<std::int32_t>(taps.high[at] - chunk.in_first);
      chunk.part[n] = taps.part[at];
      chunk.in_count = chunk.high[n] + 1;
      chunk.same = chunk.same && chunk.low[n] == n && chunk.part[n] <= 0;
    }
  }
  return chunks;
}

// Of a voxel of the cut, in the input's volume.
std::int64_t WindowFinish::offset_of(std::array<std::int64_t, 3> const& kji) const {
  std::int64_t offset = 0;
  for (int axis = 0; axis < 3; ++axis)
    offset += (back_.first[axis] + kji[axis]) * strides_[axis];
  return offset;
}

template <class Sum>
bool WindowFinish::line(Blended const& sums,
                        std::array<std::int64_t, 3> const& kji,
                        Chunk const& chunk,
                        Scratch& scratch) {
  auto const wide = sums.room().size[2];
  LinesAround<Sum> around{.step = wide};
  auto const& [of_k, of_j, of_i] = taps_;
  for (int n = 0; n < 4; ++n) {
    auto const upper_k = n / 2 == 1, upper_j = n % 2 == 1;
    auto const part = (upper_k ? of_k.part[kji[0]] : 1 - of_k.part[kji[0]]) *
                      (upper_j ? of_j.part[kji[1]] : 1 - of_j.part[kji[1]]);
    if (part <= 0) continue;
    around.lines[around.count] = sums.lines<Sum>((upper_k ? of_k.high : of_k.low)[kji[0]],
                                                 (upper_j ? of_j.high : of_j.low)[kji[1]]) +
                                 chunk.in_first - sums.room().first[2];
    around.part[around.count++] = part;
  }
  auto const finite =
      blend_lines(around, sums.room().channels, chunk.in_count, scratch.sums.data());

  auto const* logits = scratch.sums.data();
  if (!heads_.weight.empty()) {
    head_lines(heads_.weight.data(), heads_.bias.data(), heads_.outputs, heads_.channels,
               chunk.in_count, scratch.sums.data(), scratch.outputs.data());
    logits = scratch.outputs.data();
  }
  auto const taps = chunk.taps();
  if (windows_.labels.regions)
    painted_lines(logits, heads_.outputs, taps, values_.data(), scratch.picked);
  else
    largest_line(logits, heads_.outputs, taps, scratch.picked);

  auto const offset = offset_of({kji[0], kji[1], chunk.first});
  auto const value = [&](std::int64_t n) {
    return windows_.labels.regions ? scratch.picked[n] : values_[scratch.picked[n]];
  };
  if (labels_.type() == Type::u8) {
    auto const labels = labels_.write<std::uint8_t>();
    for (std::int64_t n = 0; n < chunk.count; ++n)
      labels[offset + n * strides_[2]] = static_cast<std::uint8_t>(value(n));
  } else {
    auto const labels = labels_.write<std::uint16_t>();
    for (std::int64_t n = 0; n < chunk.count; ++n) labels[offset + n * strides_[2]] = value(n);
  }
  if (uncertainty_) {
    float spread[line_columns];
    stretch_lines(scratch.sums.data() + heads_.channels * line_columns, 1, taps, spread);
    auto const out = uncertainty_->write<float>();
    for (std::int64_t n = 0; n < chunk.count; ++n) out[offset + n * strides_[2]] = spread[n];
  }
  if (block_ == nullptr) return finite;
  auto* const likely = scratch.likely.data();
  stretch_lines(logits, heads_.outputs, taps, likely);
  if (windows_.labels.regions)
    sigmoid_lines(likely, heads_.outputs, chunk.count);
  else
    softmax_lines(likely, heads_.outputs, chunk.count);
  auto* const block = block_ + (kji[0] - block_first_[0]) * block_strides_[0] +
                      (kji[1] - block_first_[1]) * block_strides_[1] +
                      (chunk.first - block_first_[2]) * block_strides_[2];
  for (std::int64_t c = 0; c < heads_.outputs; ++c) {
    for (std::int64_t n = 0; n < chunk.count; ++n)
      block[c * block_voxels_ + n * block_strides_[2]] = likely[c * line_columns + n];
  }
  return finite;
}

template <class Sum>
void WindowFinish::part_as(Blended const& sums, WindowBox const& part) {
  auto const chunks = chunks_of(part);
  std::atomic<bool> finite{true};
  at::parallel_for(0, part.size[0] * part.size[1], 4, [&](std::int64_t from, std::int64_t to) {
    Scratch scratch{heads_, uncertainty_.has_value(), block_ != nullptr};
    for (auto n = from; n < to; ++n) {
      std::array<std::int64_t, 3> const at{part.first[0] + n / part.size[1],
                                           part.first[1] + n % part.size[1], 0};
      for (auto const& chunk : chunks) {
        if (!line<Sum>(sums, at, chunk, scratch)) finite = false;
      }
    }
  });
  if (!finite)
    throw Error{Fault::input, "the network gave values that are not finite",
                "look at the case's intensities, or run the network in float32"};
}

void WindowFinish::hand_out(WindowBox const& part, std::span<float const> values) const {
  ProbabilityBlock block{.box = {}, .values = values};
  for (int axis = 0; axis < 3; ++axis) {
    block.box.first[back_.axes[axis]] = back_.first[axis] + part.first[axis];
    block.box.size[back_.axes[axis]] = part.size[axis];
  }
  windows_.probabilities(block);
}

void WindowFinish::part(Blended const& sums, WindowBox const& part) {
  auto const finished = [&](WindowBox const& some) {
    sums.room().half ? part_as<Half>(sums, some) : part_as<float>(sums, some);
  };
  if (!windows_.probabilities) return finished(part);

  auto const line = heads_.outputs * part.size[2] * static_cast<std::int64_t>(sizeof(float));
  auto const lines = std::max<std::int64_t>(1, finish_block_bytes / line);
  auto const at_once_j = std::min(part.size[1], lines);
  auto const at_once_k = std::max<std::int64_t>(1, lines / part.size[1]);
  std::vector<float> values;
  for (std::int64_t k = 0; k < part.size[0]; k += at_once_k) {
    for (std::int64_t j = 0; j < part.size[1]; j += at_once_j) {
      WindowBox const some{{part.first[0] + k, part.first[1] + j, part.first[2]},
                           {std::min(at_once_k, part.size[0] - k),
                            std::min(at_once_j, part.size[1] - j), part.size[2]}};
      std::array<std::int64_t, 3> of_input{};
      for (int axis = 0; axis < 3; ++axis) of_input[back_.axes[axis]] = some.size[axis];
      std::array<std::int64_t, 3> const strides{of_input[1] * of_input[2], of_input[2], 1};
      for (int axis = 0; axis < 3; ++axis) block_strides_[axis] = strides[back_.axes[axis]];
      block_first_ = some.first;
      block_voxels_ = some.size[0] * some.size[1] * some.size[2];
      values.resize(static_cast<std::size_t>(heads_.outputs * block_voxels_));
      block_ = values.data();
      finished(some);
      hand_out(some, values);
    }
  }
  block_ = nullptr;
}

}  // namespace fovea
