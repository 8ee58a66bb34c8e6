#include "learn/transform/affine.hpp"
#include "learn/transform/augment.hpp"
#include "learn/transform/blur.hpp"
#include "learn/transform/brightness.hpp"
#include "learn/transform/colour.hpp"
#include "learn/transform/contrast.hpp"
#include "learn/transform/cut_out.hpp"
#include "learn/transform/elastic.hpp"
#include "learn/transform/flip.hpp"
#include "learn/transform/gamma.hpp"
#include "learn/transform/noise.hpp"
#include "learn/transform/prepare.hpp"
#include "learn/transform/resize.hpp"
#include "learn/transform/transform.hpp"
#include "learn/transform/window.hpp"
#include "learn/transform/z_score.hpp"

namespace fovea {
namespace {

// A transform that is not random, as one that could be.
template <class Fixed>
Transform catalogue_fixed() {
  return [](Volume const& image, Rng&) { return Fixed{}(image); };
}

}  // namespace

std::span<TransformRow const> transforms() {
  static constexpr TransformRow rows[] = {
      {"prepare", "the size and values that the network wants", false, false,
       catalogue_fixed<Prepare>},
      {"resize", "another number of pixels: area, linear or cubic", false, false,
       catalogue_fixed<Resize>},
      {"window", "clamp to a range and scale it to 0 … 1", false, true,
       catalogue_fixed<Window>},
      {"z_score", "take off the mean, divide by the deviation", false, true,
       catalogue_fixed<ZScore>},
      {"grey", "one channel out of three, Rec. 601", false, false, catalogue_fixed<Grey>},
      {"colour", "three equal channels out of one", false, false, catalogue_fixed<Colour>},
      {"augment", "all that is random in one call and one interpolation", true, true,
       [] {
         return Transform{Augment{.rotate = 10,
                                  .scale = 0.1,
                                  .shift = 0.05,
                                  .brightness = 0.1,
                                  .contrast = 0.1,
                                  .noise = 0.02}};
       }},
      {"flip", "mirror left and right, or up and down", true, true,
       [] { return Transform{Flip{}}; }},
      {"rotate", "turn about the centre", true, true,
       [] { return Transform{PictureAffine{.rotate = 10}}; }},
      {"scale", "grow or shrink about the centre", true, true,
       [] { return Transform{PictureAffine{.scale = 0.1}}; }},
      {"shift", "move along both axes", true, true,
       [] { return Transform{PictureAffine{.shift = 0.05}}; }},
      {"shear", "lean to a side", true, true,
       [] { return Transform{PictureAffine{.shear = 5}}; }},
      {"elastic", "bend smoothly", true, true, [] { return Transform{Elastic{}}; }},
      {"brightness", "add one number to all pixels", true, true,
       [] { return Transform{Brightness{}}; }},
      {"contrast", "spread values about their mean", true, true,
       [] { return Transform{Contrast{}}; }},
      {"gamma", "raise values to a power", true, true, [] { return Transform{Gamma{}}; }},
      {"noise", "add Gaussian noise", true, true, [] { return Transform{Noise{}}; }},
      {"blur", "blur by a Gaussian", true, true, [] { return Transform{Blur{}}; }},
      {"cut_out", "hide a rectangle", true, true, [] { return Transform{CutOut{}}; }},
  };
  return rows;
}

}  // namespace fovea
