#include "learn/window/blended.hpp"

#include "base/core/error.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

namespace fovea {
namespace {

constexpr float blended_floor = 1e-3F;  // MONAI's least weight

}  // namespace

WindowShares::WindowShares(std::array<std::int64_t, 3> const& size,
                           std::array<std::int64_t, 3> const& tile,
                           double step,
                           WindowPlaces places,
                           WindowBlend blend)
    : size_{size}, tile_{tile}, blend_{blend} {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto& along = axes_[axis];
    along.weights = window_weights(tile[axis], blend);
    auto const before = std::max<std::int64_t>(0, tile[axis] - size[axis]) / 2;
    for (auto const start : window_starts(size[axis], tile[axis], step, places))
      along.starts.push_back(start - before);
    along.sums.assign(static_cast<std::size_t>(size[axis]), 0);
    for (auto const start : along.starts) {
      auto const end = std::min(start + tile[axis], size[axis]);
      for (auto at = std::max<std::int64_t>(start, 0); at < end; ++at)
        along.sums[static_cast<std::size_t>(at)] +=
            along.weights[static_cast<std::size_t>(at - start)];
    }
  }
}

float WindowShares::weight(int axis, std::int64_t window, std::int64_t at) const {
  auto const& along = axes_[static_cast<std::size_t>(axis)];
  return along
      .weights[static_cast<std::size_t>(at - along.starts[static_cast<std::size_t>(window)])];
}

// A product that is never below the floor does not split into axes: all windows on the voxel
// are asked.
float WindowShares::floored_sum(std::array<std::int64_t, 3> const& kji) const {
  std::array<std::vector<float>, 3> here;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const& along = axes_[axis];
    auto const first = std::ranges::upper_bound(along.starts, kji[axis] - tile_[axis]);
    for (auto start = first; start != along.starts.end() && *start <= kji[axis]; ++start)
      here[axis].push_back(along.weights[static_cast<std::size_t>(kji[axis] - *start)]);
  }
  float sum = 0;
  for (auto const k : here[0]) {
    for (auto const j : here[1]) {
      for (auto const i : here[2]) sum += std::max(k * j * i, blended_floor);
    }
  }
  return sum;
}

void WindowShares::line(std::array<std::int64_t, 3> const& window,
                        std::array<std::int64_t, 3> const& kji,
                        std::int64_t count,
                        float* into) const {
  auto const k = weight(0, window[0], kji[0]);
  auto const j = weight(1, window[1], kji[1]);
  auto const row = k * j /
                   (axes_[0].sums[static_cast<std::size_t>(kji[0])] *
                    axes_[1].sums[static_cast<std::size_t>(kji[1])]);
  for (std::int64_t n = 0; n < count; ++n) {
    auto const at = kji[2] + n;
    auto const i = weight(2, window[2], at);
    into[n] = blend_ == WindowBlend::floored
                  ? std::max(k * j * i, blended_floor) / floored_sum({kji[0], kji[1], at})
                  : row * i / axes_[2].sums[static_cast<std::size_t>(at)];
  }
}

std::uint64_t Blended::Room::bytes() const {
  auto rows = size;
  rows[static_cast<std::size_t>(along)] = held;
  auto const values = static_cast<double>(rows[0]) * static_cast<double>(rows[1]) *
                      static_cast<double>(rows[2]) * static_cast<double>(channels);
  return static_cast<std::uint64_t>(values * (half ? sizeof(Half) : sizeof(float)));
}

Blended::Blended(Room const& room)
    : room_{room}, cleared_{room.first[static_cast<std::size_t>(room.along)]} {
  // Not cleared here: a row's memory is taken when its turn comes.
  sums_.reset(new (std::nothrow) std::byte[room.bytes()]);
  if (sums_ == nullptr)
    throw Error{Fault::resource,
                text("no memory for ", room.bytes() >> 20, " MiB of blended windows"),
                "allow less memory, so that it is done in smaller parts"};
}

std::int64_t Blended::line_at(std::int64_t k, std::int64_t j) const {
  auto const rows_j = room_.along == 1 ? room_.held : room_.size[1];
  auto const slot_k = room_.along == 0 ? k % room_.held : k - room_.first[0];
  auto const slot_j = room_.along == 1 ? j % room_.held : j - room_.first[1];
  return (slot_k * rows_j + slot_j) * room_.channels * room_.size[2];
}

void Blended::hold(std::int64_t first, std::int64_t last) {
  if (last - first > room_.held)
    throw Error{Fault::bug, text(last - first, " rows do not fit into ", room_.held),
                "plan for the rows that windows touch"};
  auto const other = static_cast<std::size_t>(1 - room_.along);
  auto const bytes = static_cast<std::size_t>(room_.channels * room_.size[2]) *
                     (room_.half ? sizeof(Half) : sizeof(float));
  auto const begin = std::max(cleared_, first);
  if (begin >= last) return;
  at::parallel_for(begin, last, 1, [&](std::int64_t from, std::int64_t to) {
    for (auto row = from; row < to; ++row) {
      for (std::int64_t n = 0; n < room_.size[other]; ++n) {
        auto const at = room_.first[other] + n;
        auto const line = room_.along == 0 ? line_at(row, at) : line_at(at, row);
        auto const place =
            static_cast<std::size_t>(line) * (room_.half ? sizeof(Half) : sizeof(float));
        std::memset(sums_.get() + place, 0, bytes);
      }
    }
  });
  cleared_ = last;
}

void Blended::add(Given const& given, WindowShares const& shares) {
  if (given.values.scalar_type() == at::kBFloat16)
    return room_.half ? add_as<Half, BFloat16>(given, shares)
                      : add_as<float, BFloat16>(given, shares);
  return room_.half ? add_as<Half, float>(given, shares) : add_as<float, float>(given, shares);
}

template <class Sum, class Value>
void Blended::add_as(Given const& given, WindowShares const& shares) {
  auto const& tile = shares.tile();
  std::array<std::int64_t, 3> start{}, begin{}, count{}, strides{};
  auto const* values = static_cast<Value const*>(given.values.const_data_ptr());
  for (std::size_t axis = 0; axis < 3; ++axis) {
    start[axis] =
        shares.starts(static_cast<int>(axis))[static_cast<std::size_t>(given.window[axis])];
    begin[axis] = std::max(start[axis], room_.first[axis]);
    count[axis] =
        std::min(start[axis] + tile[axis], room_.first[axis] + room_.size[axis]) - begin[axis];
    if (count[axis] <= 0) return;
    strides[axis] = given.values.stride(static_cast<std::int64_t>(axis) + 1);
    if (given.mirrored[axis]) {
      values += strides[axis] * (tile[axis] - 1);
      strides[axis] = -strides[axis];
    }
  }
  std::atomic<bool> fits{true};
  auto const channels = given.values.size(0);
  at::parallel_for(0, count[0] * count[1], 8, [&](std::int64_t from, std::int64_t to) {
    std::vector<float> weights(static_cast<std::size_t>(count[2]));
    LinesIn<Value> in{.step = strides[2],
                      .channel_step = given.values.stride(0),
                      .channels = channels,
                      .count = count[2],
                      .weights = weights.data()};
    for (auto n = from; n < to; ++n) {
      std::array<std::int64_t, 3> const at{begin[0] + n / count[1], begin[1] + n % count[1],
                                           begin[2]};
      shares.line(given.window, at, count[2], weights.data());
      for (auto& weight : weights) weight *= given.factor;
      in.values = values;
      for (std::size_t axis = 0; axis < 3; ++axis)
        in.values += (at[axis] - start[axis]) * strides[axis];
      auto* const sums = reinterpret_cast<Sum*>(sums_.get()) + line_at(at[0], at[1]) +
                         given.channel * room_.size[2] + (at[2] - room_.first[2]);
      if (!add_lines(sums, room_.size[2], in)) fits = false;
    }
  });
  if (!fits)
    throw Error{Fault::resource,
                "the network's values are too large to be blended in 16 bits, or no numbers",
                "allow more memory, so that they are blended in float32"};
}

}  // namespace fovea
