#include "learn/recipe/nonzero.hpp"

#include "base/geometry/orient.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

namespace fovea {
namespace {

constexpr std::uint8_t nonzero_outside = 2;

std::string nonzero_place(Grid const& grid, std::size_t at) {
  auto const width = static_cast<std::size_t>(grid.size[0]);
  auto const height = static_cast<std::size_t>(grid.size[1]);
  return text("voxel (", at % width, ", ", at / width % height, ", ",
              at / width / height % static_cast<std::size_t>(grid.size[2]), ")");
}

Volume nonzero_mask(Volume const& image) {
  Volume mask{image.grid(), Type::u8};
  auto* const out = mask.write<std::uint8_t>().data();
  with_type(image.type(), [&](auto value) {
    using T = decltype(value);
    for (std::int64_t channel = 0; channel < image.channels(); ++channel) {
      auto const voxels = image.channel<T>(channel);
      // As float: what is too small for it is zero for all that follows.
      for (std::size_t n = 0; n < voxels.size(); ++n)
        out[n] |= static_cast<std::uint8_t>(static_cast<float>(voxels[n]) != 0);
    }
  });
  return mask;
}

IndexBox nonzero_bounds(Volume const& mask) {
  auto const size = mask.grid().size;
  std::array<std::int64_t, 3> low = size;
  std::array<std::int64_t, 3> end{};
  auto const* row = mask.as<std::uint8_t>().data();
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j, row += size[0]) {
      auto const first = std::find(row, row + size[0], 1) - row;
      if (first == size[0]) continue;
      auto last = size[0] - 1;
      while (row[last] == 0) --last;
      low = {std::min(low[0], first), std::min(low[1], j), std::min(low[2], k)};
      end = {std::max(end[0], last + 1), std::max(end[1], j + 1), k + 1};
    }
  }
  if (end[0] == 0) return {{}, size};
  return {low, {end[0] - low[0], end[1] - low[1], end[2] - low[2]}};
}

// Floods what is 0 from the faces, run after run along i, through faces of voxels.
class NonzeroFlood {
 public:
  explicit NonzeroFlood(Volume& mask)
      : voxels_(mask.write<std::uint8_t>().data()), size_(mask.grid().size) {}

  void run() {
    for (std::int64_t k = 0; k < size_[2]; ++k) {
      for (std::int64_t j = 0; j < size_[1]; ++j) {
        auto const edge = j == 0 || k == 0 || j + 1 == size_[1] || k + 1 == size_[2];
        if (edge) {
          visit(0, size_[0], j, k);
        } else {
          visit(0, 1, j, k);
          visit(size_[0] - 1, size_[0], j, k);
        }
        spread();
      }
    }
  }

 private:
  struct Run {
    std::int64_t begin, end, j, k;
  };

  std::uint8_t* row(std::int64_t j, std::int64_t k) const {
    return voxels_ + (k * size_[1] + j) * size_[0];
  }

  // Each run of zeros of the row that touches [begin, end): outside from now on.
  void visit(std::int64_t begin, std::int64_t end, std::int64_t j, std::int64_t k) {
    if (j < 0 || k < 0 || j >= size_[1] || k >= size_[2]) return;
    auto* const at = row(j, k);
    for (auto i = begin; i < end; ++i) {
      if (at[i] != 0) continue;
      auto first = i;
      while (first > 0 && at[first - 1] == 0) --first;
      while (i < size_[0] && at[i] == 0) ++i;
      std::fill(at + first, at + i, nonzero_outside);
      runs_.push_back({first, i, j, k});
    }
  }

  void spread() {
    while (!runs_.empty()) {
      auto const run = runs_.back();
      runs_.pop_back();
      visit(run.begin, run.end, run.j - 1, run.k);
      visit(run.begin, run.end, run.j + 1, run.k);
      visit(run.begin, run.end, run.j, run.k - 1);
      visit(run.begin, run.end, run.j, run.k + 1);
    }
  }

  std::uint8_t* voxels_;
  std::array<std::int64_t, 3> size_;
  std::vector<Run> runs_;
};

template <class T>
void nonzero_expect_labels(Volume const& labels) {
  auto const voxels = labels.as<T>();
  auto const fits = [](T value) {
    if constexpr (std::is_floating_point_v<T>)
      return value >= 0 && value <= 32767 && std::floor(value) == value;
    else
      return std::cmp_greater_equal(value, 0) && std::cmp_less_equal(value, 32767);
  };
  auto const bad = std::find_if_not(voxels.begin(), voxels.end(), fits);
  if (bad == voxels.end()) return;
  throw Error{
      Fault::input,
      text("expected labels 0 ... 32767, got ", +*bad, " at ",
           nonzero_place(labels.grid(), static_cast<std::size_t>(bad - voxels.begin()))),
      "give labels as whole numbers"};
}

}  // namespace

NonzeroBox nonzero_box(Volume const& image) {
  auto mask = nonzero_mask(image);
  NonzeroBox out{nonzero_bounds(mask), std::nullopt};
  if (out.box.size != image.grid().size) mask = crop(mask, out.box);
  auto const all = [&] {
    auto const voxels = mask.as<std::uint8_t>();
    return std::find(voxels.begin(), voxels.end(), 0) == voxels.end();
  };
  if (all()) return out;
  NonzeroFlood{mask}.run();
  std::uint8_t outside = 0;
  for (auto& voxel : mask.write<std::uint8_t>()) {
    outside |= static_cast<std::uint8_t>(voxel == nonzero_outside);
    voxel = voxel != nonzero_outside;
  }
  if (outside != 0) out.mask = mask;
  return out;
}

void expect_labels(Volume const& labels, Volume const& image) {
  auto const& size = image.grid().size;
  auto const& other = labels.grid().size;
  if (size != other)
    throw Error{Fault::input,
                text("expected labels of the image's ", size[0], " x ", size[1], " x ", size[2],
                     " voxels, got ", other[0], " x ", other[1], " x ", other[2]),
                "give the labels of this image"};
  if (labels.channels() != 1)
    throw Error{Fault::input, text("expected labels in one channel, got ", labels.channels()),
                "join them into one"};
  with_type(labels.type(), [&](auto value) { nonzero_expect_labels<decltype(value)>(labels); });
}

void expect_finite(Volume const& image) {
  if (image.type() != Type::f32 && image.type() != Type::f64) return;
  with_type(image.type(), [&](auto value) {
    auto const voxels = image.as<decltype(value)>();
    // A float's bits without its sign: from infinity on it is none or not finite.
    std::uint32_t most = 0;
    for (auto const voxel : voxels)
      most =
          std::max(most, std::bit_cast<std::uint32_t>(static_cast<float>(voxel)) & 0x7fffffff);
    if (most < 0x7f800000) return;
    auto const bad = std::find_if(voxels.begin(), voxels.end(), [](auto voxel) {
      return !std::isfinite(static_cast<float>(voxel));
    });
    throw Error{
        Fault::input,
        text("expected finite values, got ", *bad, " at ",
             nonzero_place(image.grid(), static_cast<std::size_t>(bad - voxels.begin()))),
        "replace what is not a number, or leave the case out"};
  });
}

}  // namespace fovea
