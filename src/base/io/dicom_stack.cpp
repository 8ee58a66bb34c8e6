#include "base/io/dicom_stack.hpp"

#include "base/io/dicom_gate.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// The axes of the slices are true; along k one pixel is one step, which nothing looks at.
Grid dicom_stack_grid(DicomSeries const& series) {
  auto const& head = *series.slices.front().head;
  Grid grid{.size = {head.shape.columns, head.shape.rows,
                     static_cast<std::int64_t>(series.slices.size())},
            .origin = {*series.slices.front().position}};
  auto const& first = series.slices.front();
  auto const row = series_row(first);
  auto const column = series_column(first);
  auto const normal = series_normal(first);
  for (std::size_t r = 0; r < 3; ++r) {
    // The first spacing is the one between rows, so along j.
    grid.axes[0].mm[r] = row[r] * (*head.spacing)[1];
    grid.axes[1].mm[r] = column[r] * (*head.spacing)[0];
    grid.axes[2].mm[r] = normal[r] * (*head.spacing)[1];
  }
  return grid;
}

// How far slices lie beside a straight line, however far apart they are along it.
double dicom_stack_beside(std::vector<Point> const& firsts, Vector3 const& normal) {
  auto const whole = difference(firsts.back().mm, firsts.front().mm);
  double most = 0;
  for (auto const& first : firsts) {
    auto const step = difference(first.mm, firsts.front().mm);
    auto const part = dot(step, normal) / dot(whole, normal);
    most = std::max(most, std::hypot(step[0] - part * whole[0], step[1] - part * whole[1],
                                     step[2] - part * whole[2]));
  }
  return most;
}

}  // namespace

bool is_stack(DicomSeries const& series) {
  return series.verdict == Verdict::refused && !series.reasons.empty() &&
         series.reasons.front().code == "variable-spacing" && series.slices.size() > 2;
}

SliceStack load_stack(DicomSeries const& series, int threads) {
  if (!is_stack(series))
    throw Refusal{series.reasons.empty() ? "variable-spacing" : series.reasons.front().code,
                  series.reasons.empty() ? "expected slices at changing distances"
                                         : series.reasons.front().words,
                  "choose another series"};
  auto known = series;
  known.grid = dicom_stack_grid(series);
  known.verdict = Verdict::adjusted;
  std::vector<Point> firsts;
  for (auto const& slice : series.slices) firsts.push_back({*slice.position});
  auto const& k = known.grid.axes[2].mm;
  auto const length = std::hypot(k[0], k[1], k[2]);
  auto const beside = dicom_stack_beside(firsts, {k[0] / length, k[1] / length, k[2] / length});
  auto const last = firsts.size() - 1;
  auto const step =
      std::hypot(firsts[last].mm[0] - firsts[0].mm[0], firsts[last].mm[1] - firsts[0].mm[1],
                 firsts[last].mm[2] - firsts[0].mm[2]) /
      static_cast<double>(last);
  if (beside > std::max(1e-3, 0.01 * step))
    throw Refusal{"irregular-positions",
                  text("slices lie up to ", beside,
                       " mm beside the straight line through the first and the last"),
                  "choose another series"};
  return {load_series(known, threads), std::move(firsts)};
}

}  // namespace fovea
