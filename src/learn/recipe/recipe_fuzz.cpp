#include "base/core/error.hpp"
#include "base/core/json.hpp"
#include "learn/recipe/planner.hpp"

#include <cstdint>

namespace {

// A fingerprint that was taken is planned for, or refused.
void plan_all(fovea::Json const& json) {
  auto const fingerprint = fovea::read_fingerprint(json, "fingerprint");
  if (fovea::read_fingerprint(fovea::fingerprint_json(fingerprint), "written").shapes !=
      fingerprint.shapes)
    __builtin_trap();
  fovea::RecipeDataset about;
  about.channels.assign(fingerprint.intensities.size(), "CT");
  for (auto const preset : {fovea::RecipePreset::plain, fovea::RecipePreset::resenc_l}) {
    auto const recipe = fovea::plan_recipe(fingerprint, about, {.preset = preset});
    fovea::recipe_json(recipe);
  }
}

}  // namespace

// Any bytes: a plan that reads back as itself, a fingerprint that can be planned, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const json = fovea::parse_json({reinterpret_cast<char const*>(data), size}, "input");
    try {
      auto const recipe = fovea::read_recipe(json, "plans");
      auto const again = fovea::read_recipe(fovea::recipe_json(recipe), "written");
      if (again.configs != recipe.configs) __builtin_trap();
    } catch (fovea::Error const&) {
    }
    plan_all(json);
  } catch (fovea::Error const&) {
  }
  return 0;
}
