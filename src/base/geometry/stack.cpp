#include "base/geometry/stack.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/turned.hpp"
#include "base/image/vector3.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

/// What a place in the patient is in the stack's array.
class StackPlaces {
 public:
  explicit StackPlaces(SliceStack const& stack)
      : i_(stack.voxels.grid().axes[0].mm),
        j_(stack.voxels.grid().axes[1].mm),
        firsts_(stack.firsts) {
    if (stack.voxels.depth() < 2 ||
        firsts_.size() != static_cast<std::size_t>(stack.voxels.depth()))
      throw Error{Fault::input,
                  text("expected 2 or more slices, each with a place, got ",
                       stack.voxels.depth(), " with ", firsts_.size()),
                  "give every slice its own place"};
    normal_ = cross(i_, j_);
    auto const length = length_of(normal_);
    for (auto& part : normal_) part /= length;
    ii_ = dot(i_, i_);
    ij_ = dot(i_, j_);
    jj_ = dot(j_, j_);
    for (auto const& first : firsts_) heights_.push_back(dot(first.mm, normal_));
    for (std::size_t k = 0; k + 1 < heights_.size(); ++k)
      gap_ = std::min(gap_, heights_[k + 1] - heights_[k]);
    auto const known = std::ranges::all_of(heights_, [](double h) { return std::isfinite(h); });
    if (!known || !(gap_ > 0))
      throw Error{Fault::input, "expected slices that rise along their normal",
                  "sort them by their places first"};
  }

  Vector3 const& normal() const { return normal_; }
  double gap() const { return gap_; }  ///< the smallest, mm
  double height() const { return heights_.back() - heights_.front(); }

  Vector3 operator()(Vector3 const& point) const {
    auto const at = dot(point, normal_);
    auto const above = std::ranges::upper_bound(heights_, at) - heights_.begin();
    auto const most = static_cast<std::ptrdiff_t>(heights_.size()) - 2;
    auto const k = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, most));
    auto const t = (at - heights_[k]) / (heights_[k + 1] - heights_[k]);
    Vector3 off{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      off[axis] = point[axis] - firsts_[k].mm[axis] -
                  t * (firsts_[k + 1].mm[axis] - firsts_[k].mm[axis]);
    auto const a = dot(off, i_);
    auto const b = dot(off, j_);
    auto const area = ii_ * jj_ - ij_ * ij_;
    return {(a * jj_ - b * ij_) / area, (b * ii_ - a * ij_) / area, static_cast<double>(k) + t};
  }

 private:
  Vector3 i_, j_, normal_{};
  std::vector<Point> const& firsts_;
  std::vector<double> heights_;
  double ii_ = 0, ij_ = 0, jj_ = 0;
  double gap_ = std::numeric_limits<double>::infinity();
};

}  // namespace

Grid straightened(SliceStack const& stack) {
  StackPlaces const places{stack};
  auto const& grid = stack.voxels.grid();
  auto out = grid;
  auto const& i = out.axes[0].mm;
  auto& j = out.axes[1].mm;
  auto const lean = dot(j, i) / dot(i, i);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    j[axis] -= lean * i[axis];
    out.axes[2].mm[axis] = places.normal()[axis] * places.gap();
  }
  // Corners of the first slice's lattice around all of every slice's.
  std::array<double, 2> low{}, high{};
  for (auto const& first : stack.firsts) {
    for (unsigned corner = 0; corner < 4; ++corner) {
      auto at = difference(first.mm, stack.firsts.front().mm);
      for (std::size_t axis = 0; axis < 2; ++axis) {
        auto const last = static_cast<double>(grid.size[axis] - 1);
        for (std::size_t r = 0; r < 3; ++r)
          at[r] += (corner >> axis & 1U) != 0 ? last * grid.axes[axis].mm[r] : 0;
      }
      for (std::size_t axis = 0; axis < 2; ++axis) {
        auto const& along = out.axes[axis].mm;
        auto const index = dot(at, along) / dot(along, along);
        low[axis] = std::min(low[axis], index);
        high[axis] = std::max(high[axis], index);
      }
    }
  }
  // What only rounding put beyond a voxel takes no voxel more.
  constexpr auto rounding = 1e-6;
  Index begin;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    begin.ijk[axis] = std::floor(low[axis] + rounding);
    out.size[axis] =
        static_cast<std::int64_t>(std::ceil(high[axis] - rounding) - begin.ijk[axis]) + 1;
  }
  // Far above what a volume may have, far below what no integer holds.
  out.size[2] =
      static_cast<std::int64_t>(std::min(std::round(places.height() / places.gap()), 0x1p42)) +
      1;
  out.origin = stack.firsts.front();
  out.origin = out.point_of(begin);
  return out;
}

Volume resample(SliceStack const& stack, Grid const& onto, Resample const& options) {
  expect_valid(options);
  auto const one = options.interpolator;
  if (options.smooth || (one != Interpolator::nearest && one != Interpolator::linear &&
                         one != Interpolator::label_linear))
    throw Error{Fault::usage,
                "expected nearest, linear or label_linear and no smoothing between slices at "
                "distances that change",
                "choose linear, and resample the result once more if need be"};
  StackPlaces const places{stack};
  index_map(onto, onto);
  auto const& in = stack.voxels;
  Volume out{onto, options.as_f32 ? Type::f32 : in.type(), in.unit(), in.channels()};
  auto const places_of = [&](std::int64_t i0, std::int64_t n, std::int64_t j, std::int64_t k,
                             Places row) {
    for (std::int64_t x = 0; x < n; ++x) {
      auto const point = onto.point_of(
          {{static_cast<double>(i0 + x), static_cast<double>(j), static_cast<double>(k)}});
      auto const at = places(point.mm);
      row.i[x] = at[0];
      row.j[x] = at[1];
      row.k[x] = at[2];
    }
  };
  run_sampler({in, {}, in.grid().size}, places_of, options, {{}, onto.size}, out,
              options.threads > 0 ? options.threads : usable_cores());
  return out;
}

}  // namespace fovea
