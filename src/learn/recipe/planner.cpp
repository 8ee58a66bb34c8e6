#include "learn/recipe/planner.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/recipe/planner_rules.hpp"
#include "learn/recipe/topology.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

constexpr double planner_aniso = 3;          // from here on an axis is far coarser
constexpr double planner_full_share = 0.75;  // of voxels kept by the crop: below, masks count
constexpr double planner_low_share = 0.25;   // of the image in a patch: below, a lowres config
constexpr double planner_growth = 1.03;      // of the spacing, step by step

// numpy.median and numpy.percentile (linear); they round differently in the last bit.
double planner_median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  auto const half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double planner_percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  auto const at = percent / 100 * static_cast<double>(values.size() - 1);
  auto const low = static_cast<std::size_t>(at);
  auto const high = std::min(low + 1, values.size() - 1);
  auto const part = at - std::floor(at);
  auto const apart = values[high] - values[low];
  return part >= 0.5 ? values[high] - apart * (1 - part) : values[low] + apart * part;
}

template <class T>
std::vector<double> planner_column(std::vector<std::array<T, 3>> const& rows,
                                   std::size_t axis) {
  std::vector<double> out;
  for (auto const& row : rows) out.push_back(static_cast<double>(row[axis]));
  return out;
}

double planner_product(std::span<double const> values) {
  return std::accumulate(values.begin(), values.end(), 1.0, std::multiplies<>{});
}

// The spacing that all cases are brought to at full resolution, before transposing.
Spacing3 planner_target(Fingerprint const& fingerprint) {
  Spacing3 target{};
  std::array<double, 3> size{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    target[axis] = planner_percentile(planner_column(fingerprint.spacings, axis), 50);
    size[axis] = planner_percentile(planner_column(fingerprint.shapes, axis), 50);
  }
  auto const worst =
      static_cast<std::size_t>(std::max_element(target.begin(), target.end()) - target.begin());
  auto const one = worst == 0 ? 1 : 0;
  auto const two = worst == 2 ? 1 : 2;
  auto const coarser = std::max(target[one], target[two]);
  if (target[worst] > planner_aniso * coarser &&
      size[worst] * planner_aniso < std::min(size[one], size[two])) {
    // The median would blur the thinner slices that some cases have.
    auto fine = planner_percentile(planner_column(fingerprint.spacings, worst), 10);
    if (fine < coarser) fine = coarser + 1e-5;
    target[worst] = fine;
  }
  return target;
}

std::vector<std::int64_t> planner_stages(RecipePresetRow const& preset, std::size_t stages) {
  std::vector<std::int64_t> out(stages, preset.residual ? 6 : 2);
  if (preset.residual) {
    constexpr std::int64_t first[] = {1, 3, 4};
    std::copy_n(first, std::min<std::size_t>(stages, 3), out.begin());
  }
  return out;
}

RecipeNetwork planner_network(RecipePresetRow const& preset, RecipeTopology const& topology) {
  auto const stages = topology.strides.size();
  auto const most = topology.patch.size() == 2 ? 512 : 320;
  RecipeNetwork out;
  out.kind = preset.residual ? SegmentationNetwork::residual : SegmentationNetwork::plain;
  for (std::size_t stage = 0; stage < stages; ++stage)
    out.features.push_back(
        std::min<std::int64_t>(most, std::int64_t{32} << std::min<std::size_t>(stage, 8)));
  out.kernels = topology.kernels;
  out.strides = topology.strides;
  out.encoder = planner_stages(preset, stages);
  out.decoder.assign(stages - 1, preset.residual ? 1 : 2);
  return out;
}

// What all configs of a plan have in common.
struct PlannerWork {
  RecipePresetRow const& preset;
  RecipeDataset const& dataset;
  double memory;
  std::vector<Normalisation> normalisation;
  std::vector<bool> masked;

  double reference(std::size_t axes) const {
    return (axes == 2 ? preset.reference_2d : preset.reference_3d) *
           (memory / preset.memory_gb);
  }
};

// The patch that the spacing suggests for about 256^3 voxels (2D: 2048^2), within the image.
std::vector<double> planner_first_patch(std::span<double const> spacing,
                                        std::span<double const> median_shape) {
  auto const axes = spacing.size();
  std::vector<double> finer(axes);
  for (std::size_t axis = 0; axis < axes; ++axis) finer[axis] = 1 / spacing[axis];
  auto const voxels = axes == 3 ? 256.0 * 256 * 256 : 2048.0 * 2048;
  auto const scale = std::pow(voxels / planner_product(finer), 1 / static_cast<double>(axes));
  for (std::size_t axis = 0; axis < axes; ++axis)
    finer[axis] =
        std::min(std::max(1.0, std::nearbyint(finer[axis] * scale)), median_shape[axis]);
  return finer;
}

// Of the largest ones the last: what numpy's argsort ends with.
std::size_t planner_widest(std::span<std::int64_t const> patch,
                           std::span<double const> median_shape) {
  std::size_t widest = 0;
  double most = -1;
  for (std::size_t axis = 0; axis < patch.size(); ++axis) {
    auto const ratio = static_cast<double>(patch[axis]) / median_shape[axis];
    if (ratio < most) continue;
    most = ratio;
    widest = axis;
  }
  return widest;
}

RecipeTopology planner_shrunk(std::span<double const> spacing,
                              std::span<double const> median_shape,
                              RecipeTopology const& from) {
  auto const axis = planner_widest(from.patch, median_shape);
  std::vector<double> patch(from.patch.begin(), from.patch.end());
  // A step of 64 below 256 would pass by 224, which needs multiples of 32 only: the step is
  // that of the patch after it.
  auto trial = patch;
  trial[axis] -= static_cast<double>(from.multiples[axis]);
  auto const step = recipe_topology(spacing, trial).multiples[axis];
  patch[axis] -= static_cast<double>(step);
  auto smaller = patch[axis] < 1 ? RecipeTopology{} : recipe_topology(spacing, patch);
  if (smaller.strides.size() < 2)
    throw Error{Fault::input,
                "no patch is small enough for the memory that the plan is made for",
                "plan for more memory, or for fewer labels"};
  return smaller;
}

RecipeConfig planner_config(PlannerWork const& work,
                            std::string_view name,
                            std::vector<double> const& spacing,
                            std::vector<double> const& median_shape,
                            double dataset_voxels) {
  auto const axes = spacing.size();
  auto const reference_batch = axes == 2 ? 12.0 : 2.0;
  auto const reference = work.reference(axes);
  auto topology = recipe_topology(spacing, planner_first_patch(spacing, median_shape));
  RecipeConfig out;
  double estimate = 0;
  for (;;) {
    out.network = planner_network(work.preset, topology);
    estimate = static_cast<double>(
        feature_map_elements(out.network, topology.patch, work.dataset.labels));
    auto const compared = work.preset.residual ? estimate : estimate / reference_batch * 2;
    if (compared <= reference) break;
    topology = planner_shrunk(spacing, median_shape, topology);
  }
  std::vector<double> const patch(topology.patch.begin(), topology.patch.end());
  auto const fits = std::nearbyint(reference / estimate * reference_batch);
  auto const share =
      std::nearbyint(dataset_voxels * work.preset.most_of_dataset / planner_product(patch));
  out.name = name;
  out.identifier =
      text(name == "3d_lowres" ? work.preset.plans_name : "nnUNetPlans", "_", name);
  out.batch = static_cast<std::int64_t>(std::max(std::min(fits, share), 2.0));
  out.patch = topology.patch;
  out.median_shape = median_shape;
  out.spacing = spacing;
  out.normalisation = work.normalisation;
  out.masked = work.masked;
  return out;
}

// Coarser step by step until a patch sees a quarter of the image; none if it would then be
// nearly as large as at full resolution.
std::optional<RecipeConfig> planner_lowres(PlannerWork const& work,
                                           RecipeConfig const& full,
                                           std::vector<double> const& median_shape) {
  auto const all = planner_product(median_shape);
  auto voxels = all;
  std::vector<double> patch(full.patch.begin(), full.patch.end());
  auto spacing = full.spacing;
  std::optional<RecipeConfig> out;
  while (planner_product(patch) / voxels < planner_low_share) {
    auto const coarsest = *std::max_element(spacing.begin(), spacing.end());
    auto const is_fine = [&](double one) { return coarsest / one > 2; };
    auto const some = std::any_of(spacing.begin(), spacing.end(), is_fine);
    for (auto& one : spacing) one *= !some || is_fine(one) ? planner_growth : 1;
    std::vector<double> shape(3), rounded(3);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      shape[axis] = full.spacing[axis] / spacing[axis] * median_shape[axis];
      rounded[axis] = std::max(1.0, std::nearbyint(shape[axis]));
    }
    voxels = planner_product(shape);
    out = planner_config(work, "3d_lowres", spacing, rounded,
                         voxels * static_cast<double>(work.dataset.cases));
    patch.assign(out->patch.begin(), out->patch.end());
  }
  return all / voxels < 2 ? std::nullopt : out;
}

PlannerWork planner_work(Fingerprint const& fingerprint,
                         RecipeDataset const& dataset,
                         PlannerOptions const& options) {
  auto const& preset = recipe_preset_row(options.preset);
  PlannerWork work{
      preset, dataset, options.memory_gb > 0 ? options.memory_gb : preset.memory_gb, {}, {}};
  if (work.memory < 1)
    throw Error{Fault::usage, text("expected at least 1 GB of memory, got ", work.memory),
                "plan for more"};
  if (fingerprint.spacings.empty() || fingerprint.spacings.size() != fingerprint.shapes.size())
    throw Error{Fault::input,
                text("expected a spacing and a shape for each case, got ",
                     fingerprint.spacings.size(), " and ", fingerprint.shapes.size()),
                "make the fingerprint anew"};
  if (fingerprint.intensities.size() != dataset.channels.size() || dataset.channels.empty())
    throw Error{Fault::input,
                text("expected intensities of the data set's ", dataset.channels.size(),
                     " channels, got ", fingerprint.intensities.size()),
                "make the fingerprint anew"};
  if (dataset.labels < 1 || dataset.cases < 1)
    throw Error{Fault::input,
                text("expected labels and training cases, got ", dataset.labels, " and ",
                     dataset.cases),
                "look at the data set"};
  for (auto const& channel : dataset.channels) {
    auto const one = normalisation_of_channel(channel);
    work.normalisation.push_back(one);
    // Only z-scores leave what is outside of the mask at 0.
    work.masked.push_back(one == Normalisation::z_score &&
                          fingerprint.size_ratio < planner_full_share);
  }
  return work;
}

}  // namespace

Spacing3 planner_shape_after(Fingerprint const& fingerprint, Spacing3 const& target) {
  std::vector<std::array<double, 3>> shapes;
  for (std::size_t n = 0; n < fingerprint.spacings.size(); ++n) {
    auto& shape = shapes.emplace_back();
    for (std::size_t axis = 0; axis < 3; ++axis)
      shape[axis] =
          std::max(1.0, std::nearbyint(fingerprint.spacings[n][axis] / target[axis] *
                                       static_cast<double>(fingerprint.shapes[n][axis])));
  }
  Spacing3 out{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    out[axis] = planner_median(planner_column(shapes, axis));
  return out;
}

Recipe plan_recipe(Fingerprint const& fingerprint,
                   RecipeDataset const& dataset,
                   PlannerOptions const& options) {
  auto const work = planner_work(fingerprint, dataset, options);
  auto const target = planner_target(fingerprint);
  auto const shape = planner_shape_after(fingerprint, target);
  Recipe out;
  out.dataset = dataset.name;
  out.name = work.preset.plans_name;
  out.planner = work.preset.planner;
  out.reader = dataset.reader;
  out.intensities = fingerprint.intensities;
  auto const worst =
      static_cast<std::size_t>(std::max_element(target.begin(), target.end()) - target.begin());
  out.forward = {worst, worst == 0 ? 1u : 0u, worst == 2 ? 1u : 2u};
  for (std::size_t n = 0; n < 3; ++n) out.backward[out.forward[n]] = n;

  std::vector<double> spacing(3), median_shape(3);
  for (std::size_t n = 0; n < 3; ++n) {
    auto const axis = out.forward[n];
    spacing[n] = target[axis];
    median_shape[n] = shape[axis];
    out.median_spacing[n] = planner_median(planner_column(fingerprint.spacings, axis));
    out.median_shape[n] = static_cast<std::int64_t>(
        std::nearbyint(planner_median(planner_column(fingerprint.shapes, axis))));
  }
  auto const voxels = planner_product(median_shape) * static_cast<double>(dataset.cases);

  auto flat = planner_config(work, "2d", {spacing[1], spacing[2]},
                             {median_shape[1], median_shape[2]}, voxels);
  flat.batch_dice = true;
  out.configs.push_back(std::move(flat));
  if (median_shape[0] == 1) return out;

  auto full = planner_config(work, "3d_fullres", spacing, median_shape, voxels);
  auto low = planner_lowres(work, full, median_shape);
  if (!low) {
    out.configs.push_back(std::move(full));
    return out;
  }
  low->next = "3d_cascade_fullres";
  full.batch_dice = true;
  auto cascade = full;
  cascade.name = "3d_cascade_fullres";
  cascade.previous = "3d_lowres";
  out.configs.push_back(std::move(*low));
  out.configs.push_back(std::move(full));
  out.configs.push_back(std::move(cascade));
  return out;
}

}  // namespace fovea
