#include "learn/foreign/bundle_run.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/geometry/grids.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

void run_expect_whole(BundlePlan const& plan) {
  if (plan.missing.empty()) return;
  throw Error{
      Fault::input,
      text("the bundle asks for what Fovea does not have: ", joined(plan.missing, "; ")),
      "run it with MONAI"};
}

// Where voxels lie, to a thousandth of one.
bool run_same_grid(Grid const& a, Grid const& b) {
  if (a.size != b.size) return false;
  auto const map = index_map(a, b);
  for (std::size_t corner = 0; corner < 8; ++corner) {
    Index index{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      index.ijk[axis] = (corner >> axis & 1U) != 0 ? static_cast<double>(a.size[axis] - 1) : 0;
    auto const there = map(index);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (std::abs(there.ijk[axis] - index.ijk[axis]) > 1e-3) return false;
    }
  }
  return true;
}

// Whether the channels of a result are labels, the first of them the background: the last step
// that says what channels are is "to_onehot".
bool run_is_one_hot(BundlePlan const& plan) {
  auto out = false;
  for (auto const& step : plan.after) {
    if (step.name == "AsDiscrete") out = step_number(step, "to_onehot").has_value();
    if (step.name == "Lambda") out = false;
  }
  return out;
}

}  // namespace

BundleSeen bundle_before(BundlePlan const& plan, Volume const& image) {
  run_expect_whole(plan);
  BundleSeen out{bundle_floats(image), {}};
  for (auto const& step : plan.before) {
    if (bundle_space(step, out.image, out.moves) || bundle_intensity(step, out.image)) continue;
    bundle_labels(step, out.image);
  }
  return out;
}

Volume bundle_after(BundlePlan const& plan,
                    Volume const& outputs,
                    std::vector<BundleMove> const& moves,
                    Grid const& image) {
  run_expect_whole(plan);
  auto out = bundle_floats(outputs);
  for (auto const& step : plan.after) {
    if (step.name == "Invert")
      // MONAI's default is the nearest voxel.
      out = bundle_undone(std::move(out), moves, step_flag(step, "nearest_interp", true));
    else if (!bundle_labels(step, out))
      bundle_intensity(step, out);
  }
  if (!run_same_grid(out.grid(), image))
    throw Error{Fault::input,
                "the bundle does not bring its result back to the image's grid (Invertd)",
                "add that step to its postprocessing"};
  return out;
}

Volume bundle_label_map(BundlePlan const& plan, Volume const& result) {
  auto const values = result.as<float>();
  constexpr float most = 65535;
  auto largest = static_cast<float>(result.channels());
  for (auto const value : values) {
    if (!(value >= 0 && value <= most) || value != std::floor(value) ||
        (result.channels() > 1 && value > 1))
      throw Error{Fault::input,
                  text("the bundle's result is no labels: it holds ", spelled(value)),
                  "add AsDiscreted (argmax or threshold) to its postprocessing"};
    largest = std::max(largest, value);
  }
  auto const one_hot = result.channels() > 1 && run_is_one_hot(plan);
  constexpr float byte = 255;
  Volume out{result.grid(), largest > byte ? Type::u16 : Type::u8};
  with_type(out.type(), [&](auto kind) {
    using Voxel = decltype(kind);
    auto const to = out.write<Voxel>();
    for (std::int64_t c = 0; c < result.channels(); ++c) {
      auto const from = result.channel<float>(c);
      for (std::size_t v = 0; v < to.size(); ++v) {
        if (result.channels() == 1)
          to[v] = static_cast<Voxel>(from[v]);
        else if (from[v] != 0)
          to[v] = static_cast<Voxel>(one_hot ? c : c + 1);
      }
    }
  });
  return out;
}

}  // namespace fovea
