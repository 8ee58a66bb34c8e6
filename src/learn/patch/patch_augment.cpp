#include "learn/patch/patch_augment.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "learn/patch/patch_blur.hpp"
#include "learn/patch/patch_cascade.hpp"
#include "learn/patch/patch_low_resolution.hpp"
#include "learn/patch/patch_mirror.hpp"
#include "learn/patch/patch_room.hpp"
#include "learn/patch/patch_space.hpp"
#include "learn/patch/patch_values.hpp"
#include "learn/patch/voxel_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace fovea {
namespace {

// Beside seed, step and index: which augmentation draws.
enum AugmentKey : std::uint64_t {
  augment_space = 201,
  augment_noise,
  augment_blur,
  augment_brightness,
  augment_contrast,
  augment_low_resolution,
  augment_inverted_gamma,
  augment_gamma,
  augment_mirror,
  augment_morphology,
  augment_removal
};

// nnU-Net takes patches with slices so much thicker as stacks of slices.
constexpr double augment_anisotropic = 3;
// 2D patches that are longer than that by their width are turned little.
constexpr double augment_long = 1.5;
// nnU-Net's box is larger by this, for what scaling reaches.
constexpr double augment_box_scale = 0.85;

Rng augment_rng(PatchKey const& key, AugmentKey which) {
  return Rng{{key.seed, key.step, key.index, which}};
}

double augment_draw(Rng& rng, PatchRange const& range) {
  return rng.uniform(range.first, range.second);
}

// Below 1 as often as above.
double augment_around_one(Rng& rng, PatchRange const& range) {
  if (rng.chance(0.5) && range.first < 1) return rng.uniform(range.first, 1);
  return rng.uniform(std::max(range.first, 1.0), range.second);
}

// One sample on its way through the list.
struct AugmentSample {
  PatchAugment const& options;
  PatchKey const& key;
  PatchView const& view;         // of the case's own channels
  std::span<std::int16_t> seen;  // what a cascade's first stage found, or nothing

  bool flat() const { return view.size[0] == 1; }
  std::span<float> channel(std::int64_t at) const {
    auto const count = static_cast<std::size_t>(voxels_of(view.size));
    return view.image.subspan(static_cast<std::size_t>(at) * count, count);
  }
  // Calls use(channel, generator) for each channel if the augmentation is drawn.
  template <class Use>
  void each_channel(AugmentKey which, double chance, Use&& use) const {
    auto rng = augment_rng(key, which);
    if (!rng.chance(chance)) return;
    for (std::int64_t at = 0; at < view.channels; ++at) use(channel(at), rng);
  }

  void space(StoredCase const& from, StoredCase const* found, PatchPlace const& place) const {
    auto rng = augment_rng(key, augment_space);
    auto const turns = rng.chance(options.turn_chance);
    auto const scales = rng.chance(options.scale_chance);
    PatchView const of_found{view.size, 0, {}, seen};
    if (!turns && !scales) {
      cut_patch(from, place, view);
      if (!seen.empty()) cut_patch(*found, place, of_found);
      return;
    }
    std::array<double, 3> degrees{};
    if (turns)
      for (auto& angle : degrees) angle = augment_draw(rng, options.turn_degrees);
    auto const scale = scales ? augment_draw(rng, options.scale) : 1;
    auto const map = flat() || options.in_plane ? turned_in_plane(degrees[2], scale)
                                                : turned_map(degrees, scale);
    cut_turned(from, place, map, view);
    if (!seen.empty()) cut_turned(*found, place, map, of_found);
  }

  void noise() const {
    auto rng = augment_rng(key, augment_noise);
    if (!rng.chance(options.noise_chance)) return;
    auto const deviation = augment_draw(rng, options.noise);
    for (std::int64_t at = 0; at < view.channels; ++at)
      patch_noise(channel(at), deviation, rng.next());
  }

  void blur() const {
    each_channel(augment_blur, options.blur_chance, [&](std::span<float> channel, Rng& rng) {
      auto const drawn = rng.chance(options.blur_channel_chance);
      std::array<double, 3> deviations{};
      for (auto& deviation : deviations) deviation = augment_draw(rng, options.blur);
      if (drawn) patch_blur(channel, view.size, deviations);
    });
  }

  void low_resolution() const {
    each_channel(augment_low_resolution, options.low_resolution_chance,
                 [&](std::span<float> channel, Rng& rng) {
                   auto const drawn = rng.chance(options.low_resolution_channel_chance);
                   auto const zoom = augment_draw(rng, options.low_resolution);
                   auto const of_k = flat() || options.in_plane ? 1 : zoom;
                   if (drawn) patch_low_resolution(channel, view.size, {of_k, zoom, zoom});
                 });
  }

  void gamma(AugmentKey which, double chance, bool inverted) const {
    each_channel(which, chance, [&](std::span<float> channel, Rng& rng) {
      patch_gamma(channel, augment_around_one(rng, options.gamma), inverted);
    });
  }

  void mirror() const {
    auto rng = augment_rng(key, augment_mirror);
    std::array<bool, 3> axes{};
    for (std::size_t d = 0; d < 3; ++d) axes[d] = rng.chance(0.5) && options.mirror[d];
    if (axes == std::array<bool, 3>{}) return;
    for (std::int64_t at = 0; at < view.channels; ++at)
      patch_mirror(channel(at), view.size, axes);
    if (!view.labels.empty()) patch_mirror(view.labels, view.size, axes);
    if (!seen.empty()) patch_mirror(seen, view.size, axes);
  }

  void values() const {
    noise();
    blur();
    each_channel(augment_brightness, options.brightness_chance,
                 [&](std::span<float> channel, Rng& rng) {
                   patch_brightness(channel, augment_around_one(rng, options.brightness));
                 });
    each_channel(augment_contrast, options.contrast_chance,
                 [&](std::span<float> channel, Rng& rng) {
                   patch_contrast(channel, augment_around_one(rng, options.contrast));
                 });
    low_resolution();
    gamma(augment_inverted_gamma, options.inverted_gamma_chance, true);
    gamma(augment_gamma, options.gamma_chance, false);
  }

  void outside() const {
    auto const& masked = options.masked_channels;
    for (std::int64_t at = 0; at < std::min(view.channels, std::ssize(masked)); ++at)
      if (masked[static_cast<std::size_t>(at)]) clear_outside(view.labels, channel(at));
    clear_negative(view.labels);
  }

  // Calls use(mask, generator) for some of the channels, in any order; what the mask gained
  // then is taken from the other channels.
  template <class Use>
  void each_found(AugmentKey which, double chance, std::span<float> channels, Use&& use) const {
    auto rng = augment_rng(key, which);
    if (!rng.chance(chance)) return;
    std::vector<std::size_t> order(options.cascade_labels.size());
    std::iota(order.begin(), order.end(), 0U);
    rng.shuffle(std::span{order});
    thread_local PatchRoom<std::uint8_t> room;
    auto const count = static_cast<std::size_t>(voxels_of(view.size));
    auto const mask = room.of(voxels_of(view.size));
    for (auto const n : order) {
      if (!rng.chance(options.cascade_label_chance)) continue;
      auto const channel = channels.subspan(n * count, count);
      for (std::size_t at = 0; at < count; ++at)
        mask[at] = static_cast<std::uint8_t>(channel[at] != 0);
      use(mask, rng);
      for (std::size_t at = 0; at < count; ++at) {
        if (mask[at] != 0 && channel[at] == 0)
          for (auto const other : order) channels[other * count + at] = 0;
        channel[at] = static_cast<float>(mask[at]);
      }
    }
  }

  void cascade(std::span<float> channels) const {
    one_hot(seen, options.cascade_labels, channels);
    each_found(augment_morphology, options.morphology_chance, channels,
               [&](std::span<std::uint8_t> mask, Rng& rng) {
                 auto const which = static_cast<Morphology>(rng.below(4));
                 patch_morphology(mask, view.size, which,
                                  augment_draw(rng, options.morphology_radius));
               });
    each_found(augment_removal, options.removal_chance, channels,
               [&](std::span<std::uint8_t> mask, Rng& rng) {
                 auto const most = options.removal_most * static_cast<double>(mask.size());
                 patch_remove_part(mask, view.size, std::llrint(std::ceil(most)),
                                   rng.uniform());
               });
  }
};

}  // namespace

PatchAugment PatchAugment::like_nnunet(Kji const& patch) {
  PatchAugment augment;
  augment.patch = patch;
  auto const [least, most] = std::minmax({patch[1], patch[2]});
  auto const ratio = static_cast<double>(most) / static_cast<double>(least);
  auto const longest = static_cast<double>(std::max(patch[0], most));
  if (patch[0] == 1) {
    augment.turn_degrees = ratio > augment_long ? PatchRange{-15, 15} : PatchRange{-180, 180};
    augment.mirror[0] = false;
  } else if (longest / static_cast<double>(patch[0]) > augment_anisotropic) {
    augment.in_plane = true;
    augment.turn_degrees = {-180, 180};
  }
  augment.box = box_around(patch, augment.turn_degrees.second, augment.in_plane);
  return augment;
}

void PatchAugment::operator()(StoredCase const& from,
                              PatchPlace const& place,
                              PatchKey const& key,
                              PatchView const& out,
                              StoredCase const* found) const {
  auto const count = voxels_of(out.size);
  auto const cascades = !cascade_labels.empty();
  if (out.size != patch || out.channels != from.channels() + std::ssize(cascade_labels) ||
      std::ssize(out.image) != count * out.channels || cascades != (found != nullptr) ||
      (!out.labels.empty() && std::ssize(out.labels) != count))
    throw Error{Fault::bug, "a patch without room for it", "please report it"};
  if (cascades) expect_same_size(from, *found);
  thread_local PatchRoom<std::int16_t> unasked;
  thread_local PatchRoom<std::int16_t> seen;
  auto const own = static_cast<std::size_t>(count * from.channels());
  PatchView view{out.size, from.channels(), out.image.first(own), out.labels};
  if (view.labels.empty() && std::ranges::find(masked_channels, true) != masked_channels.end())
    view.labels = unasked.of(count);
  AugmentSample const sample{*this, key, view, seen.of(cascades ? count : 0)};
  sample.space(from, found, place);
  sample.values();
  sample.mirror();
  sample.outside();
  if (cascades) sample.cascade(out.image.subspan(own));
}

Kji box_around(Kji const& patch, double degrees, bool in_plane) {
  auto const angle = std::min(degrees, 90.0) * std::numbers::pi / 180;
  auto const c = std::cos(angle);
  auto const s = std::sin(angle);
  std::array<double, 3> reach{};
  for (std::size_t d = 0; d < 3; ++d) reach[d] = static_cast<double>(patch[d]);
  auto const edge = reach;
  // About one axis and one way, as nnU-Net does: one of the two others grows, the other does
  // not unless it is turned further than the first is long.
  auto const turn = [&](std::size_t a, std::size_t b) {
    reach[a] = std::max(reach[a], std::abs(c * edge[a] + s * edge[b]));
    reach[b] = std::max(reach[b], std::abs(c * edge[b] - s * edge[a]));
  };
  turn(1, 2);
  if (patch[0] != 1) {
    turn(2, 0);
    turn(0, 1);
  }
  Kji box{};
  for (std::size_t d = 0; d < 3; ++d)
    box[d] = static_cast<std::int64_t>(reach[d] / augment_box_scale);
  if (patch[0] == 1 || in_plane) box[0] = patch[0];
  return box;
}

}  // namespace fovea
