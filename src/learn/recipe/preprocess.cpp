#include "learn/recipe/preprocess.hpp"

#include "base/core/error.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/pick.hpp"
#include "learn/recipe/nonzero.hpp"
#include "learn/recipe/normalise.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

constexpr std::int64_t preprocess_most_voxels = std::int64_t{1} << 36;

// Axis n of the transposed array, both counted i, j, k, runs along this one of the image.
std::array<std::size_t, 3> preprocess_from(std::array<std::size_t, 3> const& forward) {
  return {2 - forward[2], 2 - forward[1], 2 - forward[0]};
}

// The box of a grid, axes in the order `from`.
Grid preprocess_grid(Grid const& grid, IndexBox const& box, std::array<std::size_t, 3> from) {
  auto const part = cropped(grid, box);
  Grid out{.size = {}, .origin = part.origin};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    out.size[axis] = part.size[from[axis]];
    out.axes[axis] = part.axes[from[axis]];
  }
  return out;
}

Volume preprocess_picked(Volume const& volume,
                         IndexBox const& box,
                         std::array<std::size_t, 3> const& from,
                         Type type,
                         int threads) {
  Volume out{preprocess_grid(volume.grid(), box, from), type, volume.unit(), volume.channels()};
  Pick which;
  which.from = from;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    which.at[axis].resize(static_cast<std::size_t>(box.size[from[axis]]));
    std::iota(which.at[axis].begin(), which.at[axis].end(), box.first[from[axis]]);
  }
  pick(volume, which, 0, out, threads);
  return out;
}

// Halves to even as Python rounds. nnU-Net's readers have the same spacing to the last bit
// where a direction's rounding differs here: a half is one to 1e-6.
std::int64_t preprocess_size(double from, double to, std::int64_t size) {
  auto const exact = from / to * static_cast<double>(size);
  auto const half = std::floor(exact) + 0.5;
  auto const near = std::abs(exact - half) < 1e-6 ? half : exact;
  if (!(near < 1e9))
    throw Error{Fault::input,
                text("at a spacing of ", to, " mm, ", size, " voxels of ", from,
                     " mm would become ", near),
                "look at the image's spacing"};
  return std::max<std::int64_t>(1, std::llrint(near));
}

Placement preprocess_placement(Grid const& grid,
                               IndexBox const& box,
                               Recipe const& recipe,
                               RecipeConfig const& config) {
  Placement out{.grid = grid, .forward = recipe.forward};
  auto const spacing = spacing_of(grid);
  auto const shape = shape_of(grid);
  for (std::size_t n = 0; n < 3; ++n) {
    auto const axis = recipe.forward[n];
    out.before[n] = shape[axis];
    out.first[n] = box.first[2 - axis];
    out.cropped[n] = box.size[2 - axis];
    out.spacing[n] = spacing[axis];
    auto const flat = config.is_2d();
    out.target[n] = flat && n == 0 ? out.spacing[0] : config.spacing[flat ? n - 1 : n];
    out.shape[n] = preprocess_size(out.spacing[n], out.target[n], out.cropped[n]);
  }
  auto const voxels = static_cast<double>(out.shape[0]) * static_cast<double>(out.shape[1]) *
                      static_cast<double>(out.shape[2]);
  if (voxels > static_cast<double>(preprocess_most_voxels))
    throw Error{Fault::input,
                text("at the plan's spacing the image would have ", out.shape[0], " x ",
                     out.shape[1], " x ", out.shape[2], " voxels"),
                "look at the image's spacing"};
  return out;
}

// i16, -1 where it is background outside of what is not zero.
Volume preprocess_labels(Volume const* labels,
                         NonzeroBox const& nonzero,
                         Grid const& grid,
                         std::array<std::size_t, 3> const& from,
                         std::optional<Volume> const& mask,
                         int threads) {
  Volume out{grid, Type::i16};
  auto const to = out.write<std::int16_t>();
  if (labels != nullptr) {
    auto const picked = preprocess_picked(*labels, nonzero.box, from, labels->type(), threads);
    with_type(picked.type(), [&](auto value) {
      auto const voxels = picked.as<decltype(value)>();
      std::transform(voxels.begin(), voxels.end(), to.begin(),
                     [](auto one) { return static_cast<std::int16_t>(one); });
    });
  }
  if (!mask) return out;
  auto const inside = mask->as<std::uint8_t>();
  for (std::size_t n = 0; n < to.size(); ++n) {
    if (to[n] == 0 && inside[n] == 0) to[n] = -1;
  }
  return out;
}

Volume preprocess_narrow(Volume const& labels) {
  auto const voxels = labels.as<std::int16_t>();
  if (*std::max_element(voxels.begin(), voxels.end()) > 127) return labels;
  Volume out{labels.grid(), Type::i8};
  std::transform(voxels.begin(), voxels.end(), out.write<std::int8_t>().begin(),
                 [](std::int16_t one) { return static_cast<std::int8_t>(one); });
  return out;
}

void preprocess_normalise(Volume& image,
                          Volume const& labels,
                          Recipe const& recipe,
                          RecipeConfig const& config) {
  std::vector<std::uint8_t> mask;
  if (std::find(config.masked.begin(), config.masked.end(), true) != config.masked.end()) {
    for (auto const label : labels.as<std::int16_t>())
      mask.push_back(static_cast<std::uint8_t>(label >= 0));
  }
  for (std::size_t channel = 0; channel < config.normalisation.size(); ++channel)
    normalise(image.write_channel<float>(static_cast<std::int64_t>(channel)),
              config.masked[channel] ? std::span<std::uint8_t const>{mask}
                                     : std::span<std::uint8_t const>{},
              config.normalisation[channel], recipe.intensities[channel]);
}

void preprocess_check(Volume const& image,
                      Volume const* labels,
                      Recipe const& recipe,
                      RecipeConfig const& config) {
  auto const channels = config.normalisation.size();
  if (channels != config.masked.size() || channels != recipe.intensities.size() ||
      config.spacing.size() != config.patch.size())
    throw Error{Fault::bug, "a plan whose lists do not match", "read it with read_recipe"};
  if (image.channels() != static_cast<std::int64_t>(channels))
    throw Error{Fault::input,
                text("expected the plan's ", channels, " channels, got ", image.channels()),
                "give the images that the plan is for"};
  expect_finite(image);
  if (labels != nullptr) expect_labels(*labels, image);
}

}  // namespace

PreparedCase prepare(Volume const& image,
                     Volume const* labels,
                     Recipe const& recipe,
                     RecipeConfig const& config,
                     int threads) {
  preprocess_check(image, labels, recipe, config);
  auto const nonzero = nonzero_box(image);
  auto const placement = preprocess_placement(image.grid(), nonzero.box, recipe, config);
  auto const from = preprocess_from(recipe.forward);
  auto voxels = preprocess_picked(image, nonzero.box, from, Type::f32, threads);
  std::optional<Volume> mask;
  if (nonzero.mask)
    mask = preprocess_picked(*nonzero.mask, {{}, nonzero.box.size}, from, Type::u8, threads);
  auto marked = preprocess_labels(labels, nonzero, voxels.grid(), from, mask, threads);
  preprocess_normalise(voxels, marked, recipe, config);
  auto const along = [&](ResamplingRule const& rule) {
    return resampling_axes(rule, placement.spacing, placement.target);
  };
  auto shown = resampled(voxels, placement.shape, along(config.image), threads);
  auto labelled = resampled_labels(marked, placement.shape, along(config.labels), threads);
  return {std::move(shown), preprocess_narrow(labelled), placement};
}

Volume placed_back(Volume const& labels, Placement const& placement) {
  if (shape_of(labels.grid()) != placement.cropped)
    throw Error{Fault::bug, "labels of another shape than the crop", "resample them first"};
  Volume out{placement.grid, labels.type(), labels.unit(), labels.channels()};
  // The image's axis n, both counted i, j, k, is this one of the transposed array.
  Pick which;
  for (std::size_t n = 0; n < 3; ++n) {
    auto const axis = 2 - placement.forward[n];
    which.from[axis] = 2 - n;
    auto& at = which.at[axis];
    at.assign(static_cast<std::size_t>(placement.before[n]), -1);
    std::iota(at.begin() + placement.first[n],
              at.begin() + placement.first[n] + placement.cropped[n], std::int64_t{0});
  }
  pick(labels, which, 0, out, 1);
  return out;
}

}  // namespace fovea
