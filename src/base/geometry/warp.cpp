#include "base/geometry/warp.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/turned.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fovea {
namespace {

using WarpReach = std::array<std::array<double, 2>, 3>;
constexpr std::int64_t warp_chunk = 256;

// x, y and z of places, or their i, j and k.
struct WarpRow {
  std::array<double*, 3> at;
  std::int64_t n;
};

void warp_turn(std::array<std::array<double, 3>, 3> const& matrix,
               std::array<double, 3> const& offset,
               WarpRow const& row) {
  for (std::int64_t x = 0; x < row.n; ++x) {
    auto const a = row.at[0][x];
    auto const b = row.at[1][x];
    auto const c = row.at[2][x];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      auto const& m = matrix[axis];
      row.at[axis][x] = m[0] * a + m[1] * b + m[2] * c + offset[axis];
    }
  }
}

// From the patient to an array.
IndexMap warp_into(Grid const& grid) {
  return index_map(upright({1, 1, 1}, {}), grid);
}

struct WarpBuffer {
  std::array<double, 6 * warp_chunk> numbers;
  double* at(std::int64_t n) { return numbers.data() + n * warp_chunk; }
};

void warp_displace(Displacement const& field, IndexMap const& map, WarpRow const& row) {
  WarpBuffer buffer;
  std::array const place{buffer.at(0), buffer.at(1), buffer.at(2)};
  std::array const by{buffer.at(3), buffer.at(4), buffer.at(5)};
  for (std::int64_t begin = 0; begin < row.n; begin += warp_chunk) {
    auto const n = std::min(warp_chunk, row.n - begin);
    for (std::size_t axis = 0; axis < 3; ++axis)
      std::copy_n(row.at[axis] + begin, n, place[axis]);
    warp_turn(map.matrix, map.offset, {place, n});
    sample_linear(field.mm(), {place[0], place[1], place[2]}, n, by.data());
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::int64_t x = 0; x < n; ++x) row.at[axis][begin + x] += by[axis][x];
    }
  }
}

// Where the voxels of a row of a grid lie.
void warp_points(
    Grid const& grid, std::int64_t i0, std::int64_t j, std::int64_t k, WarpRow const& row) {
  auto const start = grid.point_of({{0, static_cast<double>(j), static_cast<double>(k)}}).mm;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (std::int64_t x = 0; x < row.n; ++x)
      row.at[axis][x] = start[axis] + grid.axes[0].mm[axis] * static_cast<double>(i0 + x);
  }
}

WarpReach warp_reach(std::array<std::array<double, 3>, 3> const& matrix,
                     std::array<double, 3> const& offset,
                     WarpReach const& from) {
  WarpReach out{};
  for (std::size_t row = 0; row < 3; ++row) {
    out[row] = {offset[row], offset[row]};
    for (std::size_t column = 0; column < 3; ++column) {
      auto const a = matrix[row][column] * from[column][0];
      auto const b = matrix[row][column] * from[column][1];
      out[row][0] += std::min(a, b);
      out[row][1] += std::max(a, b);
    }
  }
  return out;
}

WarpReach warp_reach(Warp::Step const& step, WarpReach const& from) {
  if (auto const* affine = std::get_if<Affine>(&step))
    return warp_reach(affine->matrix, affine->offset, from);
  auto out = from;
  auto const& field = std::get<Displacement>(step).reach();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    out[axis][0] += field[axis][0];
    out[axis][1] += field[axis][1];
  }
  return out;
}

IndexMap warp_out_of(Grid const& grid) {
  IndexMap map{.matrix = {}, .offset = grid.origin.mm};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column)
      map.matrix[row][column] = grid.axes[column].mm[row];
  }
  return map;
}

// A step with what it needs at each place, found once.
struct WarpStep {
  Warp::Step const* step;
  IndexMap into;  // a field's array
};

std::vector<WarpStep> warp_ready(Warp const& map) {
  std::vector<WarpStep> out;
  for (auto const& step : map.steps()) {
    auto const* field = std::get_if<Displacement>(&step);
    out.push_back({&step, field == nullptr ? IndexMap{} : warp_into(field->mm().grid())});
  }
  return out;
}

void warp_row(std::vector<WarpStep> const& steps, WarpRow const& row) {
  for (auto const& [step, into] : steps) {
    if (auto const* affine = std::get_if<Affine>(step))
      warp_turn(affine->matrix, affine->offset, row);
    else
      warp_displace(std::get<Displacement>(*step), into, row);
  }
}

Volume warp_bent(Volume const& in, Grid const& onto, Warp const& map, Resample const& options) {
  expect_valid(options);
  if (options.smooth)
    throw Error{Fault::usage, "expected no smoothing with a field of displacements",
                "smooth before: resample onto the image's own grid, coarser"};
  index_map(in.grid(), onto);
  auto const steps = warp_ready(map);
  auto const into = warp_into(in.grid());
  auto const out_of = warp_out_of(onto);
  Volume out{onto, options.as_f32 ? Type::f32 : in.type(), in.unit(), in.channels()};
  Turned how;
  how.places_of = [&](std::int64_t i0, std::int64_t n, std::int64_t j, std::int64_t k,
                      Places places) {
    WarpRow const row{{places.i, places.j, places.k}, n};
    warp_points(onto, i0, j, k, row);
    warp_row(steps, row);
    warp_turn(into.matrix, into.offset, row);
  };
  how.reach = [&](IndexBox const& box) {
    auto range = reach_of(out_of, box);
    for (auto const& step : map.steps()) range = warp_reach(step, range);
    return warp_reach(into.matrix, into.offset, range);
  };
  auto const whole = [&](IndexBox const&) { return VolumePart{in, {}, in.grid().size}; };
  run_turned(whole, false, in.grid().size, in.type(), how, options,
             resample_memory(options, in.byte_count(), out.byte_count()), {{}, onto.size}, out,
             options.threads > 0 ? options.threads : usable_cores());
  return out;
}

}  // namespace

Displacement::Displacement(Volume mm) : mm_(std::move(mm)) {
  if (mm_.channels() != 3 || (mm_.type() != Type::f32 && mm_.type() != Type::f64))
    throw Error{Fault::input,
                text("expected a field of displacements as 3 channels of f32 or f64, got ",
                     mm_.channels(), " of ", name_of(mm_.type())),
                "write x, y and z in mm, LPS, as the components of one volume"};
  map_ = warp_into(mm_.grid());
  auto const look = [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (auto const value : mm_.channel<T>(static_cast<std::int64_t>(axis))) {
        if (!std::isfinite(value))
          throw Error{Fault::input,
                      "expected displacements in mm, got one that is no finite number",
                      "make the field again, or put 0 where nothing is known"};
        reach_[axis][0] = std::min(reach_[axis][0], static_cast<double>(value));
        reach_[axis][1] = std::max(reach_[axis][1], static_cast<double>(value));
      }
    }
  };
  mm_.type() == Type::f32 ? look(float{}) : look(double{});
}

Point Displacement::operator()(Point point) const {
  auto& mm = point.mm;
  warp_displace(*this, map_, {{mm.data(), mm.data() + 1, mm.data() + 2}, 1});
  return point;
}

Warp::Warp(Affine const& affine) : steps_{affine} {}
Warp::Warp(Displacement field) : steps_{std::move(field)} {}

Warp& Warp::then(Warp const& next) {
  // A copy: a map may follow itself.
  auto const added = next.steps_;
  for (auto const& step : added) {
    auto const* affine = std::get_if<Affine>(&step);
    auto* last = steps_.empty() ? nullptr : std::get_if<Affine>(&steps_.back());
    if (affine != nullptr && last != nullptr)
      *last = composed(*last, *affine);
    else
      steps_.push_back(step);
  }
  return *this;
}

Point Warp::operator()(Point point) const {
  for (auto const& step : steps_)
    point = std::visit([&](auto const& map) { return map(point); }, step);
  return point;
}

std::optional<Point> Warp::source_of(Point point, double tolerance) const {
  constexpr int rounds = 200;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (auto const* affine = std::get_if<Affine>(&*step)) {
      point = inverse(*affine)(point);
      continue;
    }
    auto const& field = std::get<Displacement>(*step);
    auto at = point;
    auto found = false;
    for (int round = 0; round < rounds && !found; ++round) {
      auto const there = field(at).mm;
      double off = 0;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        auto const by = point.mm[axis] - there[axis];
        off += by * by;
        at.mm[axis] += by;
      }
      found = std::sqrt(off) < tolerance;
    }
    if (!found) return std::nullopt;
    point = at;
  }
  return point;
}

Affine affine_of(Warp const& map) {
  auto const& steps = map.steps();
  if (steps.empty()) return {};
  auto const* affine = std::get_if<Affine>(&steps.front());
  if (steps.size() > 1 || affine == nullptr)
    throw Error{Fault::usage, "expected an affine map, got one with a field of displacements",
                "use the map itself"};
  return *affine;
}

Volume warp(Volume const& volume, Grid const& onto, Warp const& map, Resample const& options) {
  auto const& steps = map.steps();
  if (std::ranges::any_of(
          steps, [](auto const& step) { return std::holds_alternative<Displacement>(step); }))
    return warp_bent(volume, onto, map, options);
  // Moving the grid there is the same as fetching the image from there.
  auto const affine = affine_of(map);
  inverse(affine);
  auto const out = resample(volume, moved(onto, affine), options);
  return {onto, out.type(), out.unit(), out.channels(), out.bytes()};
}

LabelMap warp(LabelMap const& labels,
              Grid const& onto,
              Warp const& map,
              Interpolator interpolator) {
  check(labels);
  if (interpolator != Interpolator::nearest && interpolator != Interpolator::label_linear)
    throw Error{Fault::usage, "expected nearest or label_linear for labels",
                "other ways would make labels that are not there"};
  auto out = labels;
  out.voxels = warp(labels.voxels, onto, map,
                    {.interpolator = labels.fractional ? Interpolator::linear : interpolator});
  return out;
}

Displacement field_of(Warp const& map, Grid const& onto) {
  auto const steps = warp_ready(map);
  Volume out{onto, Type::f64, Unit::arbitrary, 3};
  in_parallel(out.height() * out.depth(), usable_cores(), [&](std::int64_t line) {
    auto const n = out.width();
    std::array<double*, 3> to{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      to[axis] = out.write_channel<double>(static_cast<std::int64_t>(axis)).data() + line * n;
    WarpRow const row{to, n};
    auto const j = line % out.height();
    auto const k = line / out.height();
    warp_points(onto, 0, j, k, row);
    std::vector<double> held(static_cast<std::size_t>(3 * n));
    WarpRow const start{{held.data(), held.data() + n, held.data() + 2 * n}, n};
    warp_points(onto, 0, j, k, start);
    warp_row(steps, row);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::int64_t x = 0; x < n; ++x) to[axis][x] -= start.at[axis][x];
    }
  });
  return Displacement{out};
}

FieldInverse inverse(Displacement const& field,
                     Grid const& onto,
                     FieldInversion const& options) {
  if (!(options.tolerance > 0) || options.rounds < 1 || options.threads < 0)
    throw Error{
        Fault::usage,
        text("expected a tolerance above 0, at least 1 round and 0 or more threads, got ",
             options.tolerance, ", ", options.rounds, " and ", options.threads),
        "0.001 mm and 100 rounds do for most"};
  Warp const map{field};
  Volume mm{onto, Type::f64, Unit::arbitrary, 3};
  auto const into = warp_into(field.mm().grid());
  std::vector<double> off(static_cast<std::size_t>(mm.voxels()));
  in_parallel(mm.height() * mm.depth(), options.threads > 0 ? options.threads : usable_cores(),
              [&](std::int64_t line) {
                auto const n = mm.width();
                auto const count = static_cast<std::size_t>(n);
                std::vector<double> held(6 * count);
                WarpRow const place{{held.data(), held.data() + n, held.data() + 2 * n}, n};
                WarpRow const target{
                    {held.data() + 3 * n, held.data() + 4 * n, held.data() + 5 * n}, n};
                warp_points(onto, 0, line % mm.height(), line / mm.height(), target);
                std::array<double*, 3> v{};
                for (std::size_t axis = 0; axis < 3; ++axis)
                  v[axis] = mm.write_channel<double>(static_cast<std::int64_t>(axis)).data() +
                            line * n;
                auto* const residual = off.data() + line * n;
                for (int round = 0; round < options.rounds; ++round) {
                  for (std::size_t axis = 0; axis < 3; ++axis) {
                    for (std::int64_t x = 0; x < n; ++x)
                      place.at[axis][x] = target.at[axis][x] + v[axis][x];
                  }
                  warp_displace(field, into, place);  // y + v + u(y + v), which is to be y
                  double most = 0;
                  for (std::int64_t x = 0; x < n; ++x) {
                    double square = 0;
                    for (std::size_t axis = 0; axis < 3; ++axis) {
                      auto const by = target.at[axis][x] - place.at[axis][x];
                      square += by * by;
                    }
                    residual[x] = std::sqrt(square);
                    most = std::max(most, residual[x]);
                  }
                  if (most <= options.tolerance || round + 1 == options.rounds) break;
                  for (std::size_t axis = 0; axis < 3; ++axis) {
                    for (std::int64_t x = 0; x < n; ++x) {
                      if (residual[x] > options.tolerance)
                        v[axis][x] += target.at[axis][x] - place.at[axis][x];
                    }
                  }
                }
              });
  double residual = 0;
  Point worst;
  std::int64_t open = 0;
  for (std::int64_t n = 0; n < mm.voxels(); ++n) {
    auto const one = off[static_cast<std::size_t>(n)];
    if (one > residual) {
      residual = one;
      worst = onto.point_of({{static_cast<double>(n % mm.width()),
                              static_cast<double>(n / mm.width() % mm.height()),
                              static_cast<double>(n / mm.width() / mm.height())}});
    }
    if (one <= options.tolerance) continue;
    ++open;
    for (std::int64_t axis = 0; axis < 3; ++axis)
      mm.write_channel<double>(axis)[static_cast<std::size_t>(n)] = 0;
  }
  if (open > 0 && !options.partly)
    throw Error{Fault::input,
                text("expected a field with a way back, got none for ", open, " of ",
                     mm.voxels(), " voxels: up to ", residual, " mm off at (", worst.mm[0],
                     ", ", worst.mm[1], ", ", worst.mm[2], ")"),
                "invert it where it does not fold or end, or take it partly"};
  return {Displacement{mm}, residual, worst, open};
}

}  // namespace fovea
