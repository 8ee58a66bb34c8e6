#include "base/io/gradients.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/image/vector3.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace fovea {
namespace {

std::array<Vector3, 3> gradient_axes(Grid const& grid) {
  std::array<Vector3, 3> out{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    out[axis] = grid.axes[axis].mm;
    auto const length = length_of(out[axis]);
    for (auto& part : out[axis]) part /= length;
  }
  return out;
}

bool gradient_right_handed(std::array<Vector3, 3> const& axes) {
  auto const& [a, b, c] = axes;
  return dot(cross(a, b), c) > 0;
}

// Why the directions cannot be written, or nothing.
std::string gradient_doubt(std::span<DicomMoment const> volumes, Grid const& grid) {
  if (grid.sheared()) return "the grid is sheared, so its axes are no frame for directions";
  constexpr double tolerance = 0.01;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    auto const& one = volumes[i];
    if (one.b_value == 0) continue;
    auto const name = text("volume ", i + 1, " of b ", spelled(*one.b_value));
    if (one.isotropic) return text(name, " is an average over directions");
    if (!one.gradient) return text(name, " does not say its direction in the patient");
    auto const length = length_of(*one.gradient);
    if (std::abs(length - 1) > tolerance)
      return text(name, " has a direction of length ", fixed(length, 3), " and not 1");
  }
  return {};
}

Vector3 gradient_along(DicomMoment const& volume,
                       std::array<Vector3, 3> const& axes,
                       bool turned) {
  if (!volume.gradient) return {};
  auto const length = length_of(*volume.gradient);
  Vector3 out{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    out[axis] = dot(*volume.gradient, axes[axis]) / length;
  if (turned) out[0] = -out[0];
  return out;
}

// The orthogonal matrix nearest to one: its polar factor. Half the sum with the inverse's
// transpose, again and again.
Affine gradient_rotation(Affine const& map) {
  auto out = map;
  out.offset = {};
  constexpr int rounds = 100;
  for (int round = 0; round < rounds; ++round) {
    auto const back = inverse(out);
    double change = 0;
    auto const before = out;
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t column = 0; column < 3; ++column) {
        auto& value = out.matrix[row][column];
        value = (before.matrix[row][column] + back.matrix[column][row]) / 2;
        change = std::max(change, std::abs(value - before.matrix[row][column]));
      }
    }
    constexpr double still = 1e-14;
    if (change < still) break;
  }
  return out;
}

std::string gradient_line(std::vector<double> const& values) {
  constexpr double digits = 1e8;
  std::vector<std::string> words;
  // No "-0".
  for (auto const value : values)
    words.push_back(spelled(std::round(value * digits) / digits + 0.0));
  return joined(words, " ") + '\n';
}

}  // namespace

std::optional<GradientTable> gradient_table(std::span<DicomMoment const> volumes,
                                            Grid const& grid) {
  std::vector<double> b_values;
  for (auto const& one : volumes) {
    if (!one.b_value) return std::nullopt;
    b_values.push_back(*one.b_value);
  }
  if (std::ranges::all_of(b_values, [](double b) { return b == 0; })) return std::nullopt;
  GradientTable out{.b_values = gradient_line(b_values),
                    .directions = {},
                    .unsure = gradient_doubt(volumes, grid)};
  if (!out.unsure.empty()) return out;
  auto const axes = gradient_axes(grid);
  auto const turned = gradient_right_handed(axes);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::vector<double> row;
    for (auto const& one : volumes) row.push_back(gradient_along(one, axes, turned)[axis]);
    out.directions += gradient_line(row);
  }
  return out;
}

std::vector<DicomMoment> moved(std::span<DicomMoment const> volumes, Affine const& map) {
  // What was at map(place) is at place now: directions go the other way.
  auto const back = inverse(gradient_rotation(map));
  std::vector<DicomMoment> out{volumes.begin(), volumes.end()};
  for (auto& one : out) {
    if (one.gradient) one.gradient = back({*one.gradient}).mm;
  }
  return out;
}

}  // namespace fovea
