#include "base/geometry/orient.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/pick.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace fovea {
namespace {

using OrientOrder = std::array<std::size_t, 3>;

constexpr std::string_view orient_towards = "LPS";  // where x, y and z grow to
constexpr std::string_view orient_away = "RAI";

// The direction of the patient that each axis takes: of all six ways to deal them out, the one
// with the largest cosines, so that no two axes of a grid turned by 45 degrees take the same.
OrientOrder orient_directions(Grid const& grid) {
  index_map(grid, grid);
  auto const spacing = grid.spacing().mm;
  OrientOrder order{0, 1, 2};
  OrientOrder best = order;
  double most = -1;
  do {
    double sum = 0;
    for (std::size_t axis = 0; axis < 3; ++axis)
      sum += std::abs(grid.axes[axis].mm[order[axis]]) / spacing[axis];
    // A tie that only rounding breaks goes to the first.
    if (sum > most + 1e-9) {
      most = sum;
      best = order;
    }
  } while (std::ranges::next_permutation(order).found);
  return best;
}

struct OrientSteps {
  OrientOrder from;           // the old axis that becomes each new one
  std::array<bool, 3> flips;  // of the new ones
};

OrientSteps orient_steps(Grid const& grid, std::string_view code) {
  auto const directions = orient_directions(grid);
  OrientSteps steps{};
  std::array<bool, 3> named{};
  for (std::size_t axis = 0; axis < 3 && code.size() == 3; ++axis) {
    auto const towards = orient_towards.find(code[axis]);
    auto const direction =
        towards != std::string_view::npos ? towards : orient_away.find(code[axis]);
    if (direction == std::string_view::npos) break;
    named[direction] = true;
    auto const old =
        static_cast<std::size_t>(std::ranges::find(directions, direction) - directions.begin());
    steps.from[axis] = old;
    steps.flips[axis] =
        (grid.axes[old].mm[direction] >= 0) != (towards != std::string_view::npos);
  }
  if (!std::ranges::all_of(named, [](bool is) { return is; }))
    throw Error{Fault::usage,
                text("expected an axis code such as LPS or RAS, got '", code, "'"),
                "name L or R, P or A, and S or I once each"};
  return steps;
}

std::vector<std::int64_t> orient_counted(std::int64_t first, std::int64_t count, bool flip) {
  std::vector<std::int64_t> at(static_cast<std::size_t>(count));
  std::iota(at.begin(), at.end(), first);
  if (flip) std::ranges::reverse(at);
  return at;
}

// Moves voxel 0; whole steps, taken the same way there and back.
void orient_shift(Grid& grid, std::array<std::int64_t, 3> const& by) {
  Index index;
  for (std::size_t axis = 0; axis < 3; ++axis) index.ijk[axis] = static_cast<double>(by[axis]);
  grid.origin = grid.point_of(index);
}

Volume orient_picked(Volume const& volume, Grid const& grid, Pick const& which, double value) {
  Volume out{grid, volume.type(), volume.unit(), volume.channels()};
  pick(volume, which, value, out, usable_cores());
  return out;
}

Grid orient_stepped(Grid const& grid, OrientSteps const& steps) {
  Grid out = grid;
  std::array<std::int64_t, 3> corner{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const old = steps.from[axis];
    out.size[axis] = grid.size[old];
    out.axes[axis] = grid.axes[old];
    if (!steps.flips[axis]) continue;
    corner[old] = grid.size[old] - 1;
    for (auto& mm : out.axes[axis].mm) mm = -mm;
  }
  auto moved = grid;
  orient_shift(moved, corner);
  out.origin = moved.origin;
  return out;
}

Volume orient_taken(Volume const& volume, OrientSteps const& steps) {
  Pick which{.from = steps.from};
  for (std::size_t axis = 0; axis < 3; ++axis)
    which.at[axis] = orient_counted(0, volume.grid().size[steps.from[axis]], steps.flips[axis]);
  return orient_picked(volume, orient_stepped(volume.grid(), steps), which, 0);
}

OrientSteps orient_flip(std::size_t axis) {
  if (axis > 2)
    throw Error{Fault::usage, text("expected an axis of 0, 1 and 2, got ", axis),
                "0 is i, 1 is j, 2 is k"};
  OrientSteps steps{.from = {0, 1, 2}, .flips = {}};
  steps.flips[axis] = true;
  return steps;
}

}  // namespace

std::string axis_code(Grid const& grid) {
  auto const directions = orient_directions(grid);
  std::string code;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const grows = grid.axes[axis].mm[directions[axis]] >= 0;
    code += (grows ? orient_towards : orient_away)[directions[axis]];
  }
  return code;
}

Grid reoriented(Grid const& grid, std::string_view code) {
  return orient_stepped(grid, orient_steps(grid, code));
}

Volume reorient(Volume const& volume, std::string_view code) {
  return orient_taken(volume, orient_steps(volume.grid(), code));
}

Grid flipped(Grid const& grid, std::size_t axis) {
  return orient_stepped(grid, orient_flip(axis));
}

Volume flip(Volume const& volume, std::size_t axis) {
  return orient_taken(volume, orient_flip(axis));
}

Volume rotate90(Volume const& volume, std::size_t from, std::size_t towards, int turns) {
  if (from > 2 || towards > 2 || from == towards)
    throw Error{Fault::usage,
                text("expected two different axes of 0, 1 and 2, got ", from, " and ", towards),
                "0 is i, 1 is j, 2 is k"};
  auto const quarters = (turns % 4 + 4) % 4;
  OrientSteps steps{.from = {0, 1, 2}, .flips = {}};
  if (quarters % 2 == 1) {
    std::swap(steps.from[from], steps.from[towards]);
    steps.flips[quarters == 1 ? from : towards] = true;
  } else if (quarters == 2) {
    steps.flips[from] = steps.flips[towards] = true;
  }
  return orient_taken(volume, steps);
}

Grid cropped(Grid const& grid, IndexBox const& box) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (box.first[axis] < 0 || box.size[axis] < 1 || box.first[axis] >= grid.size[axis] ||
        box.size[axis] > grid.size[axis] - box.first[axis])
      throw Error{Fault::usage,
                  text("expected a box within ", grid.size[axis], " voxels, got ",
                       box.size[axis], " from ", box.first[axis], " on, along ", "ijk"[axis]),
                  "cut it at the grid's edge"};
  }
  auto out = grid;
  orient_shift(out, box.first);
  out.size = box.size;
  return out;
}

Volume crop(Volume const& volume, IndexBox const& box) {
  auto const grid = cropped(volume.grid(), box);
  Pick which;
  for (std::size_t axis = 0; axis < 3; ++axis)
    which.at[axis] = orient_counted(box.first[axis], box.size[axis], false);
  return orient_picked(volume, grid, which, 0);
}

Grid padded(Grid const& grid,
            std::array<std::int64_t, 3> before,
            std::array<std::int64_t, 3> behind) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  auto out = grid;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (before[axis] < 0 || behind[axis] < 0 || before[axis] > most || behind[axis] > most)
      throw Error{Fault::usage,
                  text("expected 0 to 2^40 voxels to add along ", "ijk"[axis], ", got ",
                       before[axis], " before and ", behind[axis], " behind"),
                  "use crop to take voxels away"};
    out.size[axis] += before[axis] + behind[axis];
    before[axis] = -before[axis];
  }
  orient_shift(out, before);
  return out;
}

Volume pad(Volume const& volume,
           std::array<std::int64_t, 3> before,
           std::array<std::int64_t, 3> behind,
           double value) {
  auto const grid = padded(volume.grid(), before, behind);
  Volume out{grid, volume.type(), volume.unit(), volume.channels()};
  Pick which;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    which.at[axis].assign(static_cast<std::size_t>(grid.size[axis]), -1);
    std::iota(which.at[axis].begin() + before[axis], which.at[axis].end() - behind[axis],
              std::int64_t{0});
  }
  pick(volume, which, value, out, usable_cores());
  return out;
}

}  // namespace fovea
