#include "learn/segment/augment.hpp"

#include "base/core/words.hpp"

namespace fovea {

std::vector<int> segment_flips(Plan const& plan, SegmentSetup const& setup) {
  std::vector<int> out;
  for (auto const& word : plan.list("mirror")) {
    auto const axis = whole(word);
    if (!axis || *axis < 0 || *axis > 2)
      throw Error{Fault::usage,
                  text("the plan's 'mirror' holds '", word, "', which is no axis"),
                  "name axes as 0 (k), 1 (j) and 2 (i)"};
    if (setup.patch()[static_cast<std::size_t>(*axis)] > 1)
      out.push_back(static_cast<int>(*axis));
  }
  return out;
}

PatchAugment segment_augment(Plan const& plan, SegmentSetup const& setup) {
  auto out = PatchAugment::like_nnunet(setup.patch());
  out.turn_chance = plan.fraction("rotate");
  out.scale_chance = plan.fraction("scale");
  out.noise_chance = plan.fraction("noise");
  out.blur_chance = plan.fraction("blur");
  out.brightness_chance = plan.fraction("brightness");
  out.contrast_chance = plan.fraction("contrast");
  out.low_resolution_chance = plan.fraction("low_resolution");
  out.inverted_gamma_chance = plan.fraction("inverted_gamma");
  out.gamma_chance = plan.fraction("gamma");
  if (auto const degrees = plan.fraction("rotate_degrees"); degrees >= 0) {
    out.turn_degrees = {-degrees, degrees};
    out.box = box_around(out.patch, degrees, out.in_plane);
  }
  out.mirror = {false, false, false};
  for (auto const axis : segment_flips(plan, setup))
    out.mirror[static_cast<std::size_t>(axis)] = true;
  out.masked_channels = setup.config().masked;
  out.cascade_labels.assign(setup.found.begin(), setup.found.end());
  return out;
}

}  // namespace fovea
