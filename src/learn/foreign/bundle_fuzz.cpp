#include "base/core/error.hpp"
#include "learn/foreign/bundle_facts.hpp"
#include "learn/foreign/bundle_run.hpp"

/// JSON if it begins so, else YAML; then what it says as metadata, and as a plan, whatever that
/// names, done to a small image but for its steps of places.
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
    std::erase_if(plan.before, [](auto const& step) { return bundle_is_spatial(step.name); });
    std::erase_if(plan.after, [](auto const& step) { return bundle_is_spatial(step.name); });
    Volume image{upright({3, 2, 2}, {}), Type::i16, Unit::arbitrary, 2};
    for (std::size_t n = 0; n < image.as<std::int16_t>().size(); ++n)
      image.write<std::int16_t>()[n] = static_cast<std::int16_t>(n * 7 % 11);
    auto const seen = bundle_before(plan, image);
    bundle_label_map(plan, bundle_after(plan, seen.image, seen.moves, image.grid()));
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
