#include "base/core/error.hpp"
#include "learn/foreign/bundle_facts.hpp"
#include "learn/foreign/bundle_run.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// Numbers of steps of places, small enough for a volume that fits anywhere.
void fuzz_tame(BundleValue& value) {
  constexpr std::int64_t most = 24;
  constexpr double finest = 0.25;
  if (auto* const whole = std::get_if<std::int64_t>(&value.value)) {
    *whole = std::clamp(*whole, -most, most);
  } else if (auto* const number = std::get_if<double>(&value.value)) {
    if (std::abs(*number) < finest) *number = std::copysign(finest, *number);
    if (std::abs(*number) > most) *number = std::copysign(static_cast<double>(most), *number);
  } else if (auto* const list = std::get_if<BundleValue::List>(&value.value)) {
    for (auto& one : *list) fuzz_tame(one);
  }
}

// Each step may enlarge the volume: two of them are enough.
void fuzz_tame(std::vector<BundleStep>& steps) {
  constexpr int most = 2;
  int spatial = 0;
  std::erase_if(steps, [&](BundleStep const& step) {
    return bundle_is_spatial(step.name) && ++spatial > most;
  });
  for (auto& step : steps) {
    if (!bundle_is_spatial(step.name)) continue;
    for (auto& [name, value] : step.options) fuzz_tame(value);
  }
}

}  // namespace
}  // namespace fovea

/// JSON if it begins so, else YAML; then what it says as metadata, and as a plan, whatever that
/// names, done to a small image.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  std::string_view const words{reinterpret_cast<char const*>(data), size};
  try {
    auto root =
        words.starts_with('{') ? parse_json(words, "input") : parse_bundle_yaml(words, "input");
    BundleFacts facts;
    try {
      facts = bundle_facts(root, "input");
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
    }
    BundleConfig const config{std::move(root), "input"};
    auto plan = plan_of(config);
    bundle_label_names(plan, facts);
    plan.missing.clear();
    fuzz_tame(plan.before);
    Volume image{upright({3, 2, 2}, {}), Type::i16, Unit::arbitrary, 2};
    for (std::size_t n = 0; n < image.as<std::int16_t>().size(); ++n)
      image.write<std::int16_t>()[n] = static_cast<std::int16_t>(n * 7 % 11);
    auto const seen = bundle_before(plan, image);
    bundle_label_map(plan, bundle_after(plan, seen.image, seen.moves, image.grid()));
  } catch (Error const& error) {
    if (error.fault() != Fault::input && error.fault() != Fault::resource) throw;
  }
  return 0;
}
