#include "base/core/error.hpp"
#include "base/dicom/window.hpp"
#include "base/io/dicom_suv.hpp"
#include "base/io/gradients.hpp"

#include <cmath>
#include <cstdint>

// Any bytes as a header: what its numbers mean, or a reason. Nothing that is not finite comes
// out.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    fovea::DicomFile const file{std::as_bytes(std::span{data, size}), "input"};
    auto const root = file.scan().root();
    for (auto const& display : fovea::displays_of(root)) {
      for (auto const value : {-1e9, 0.0, 1024.5, 1e9}) {
        auto const shade = display(value);
        if (!(shade >= 0 && shade <= 1)) __builtin_trap();
      }
    }
    auto const moment = fovea::moment_of(root);
    fovea::DicomMoment const moments[] = {moment, moment};
    auto const grid = fovea::upright({4, 4, 4}, {{1, 1, 1}});
    if (auto const table = fovea::gradient_table(moments, grid))
      if (table->directions.empty() != !table->unsure.empty()) __builtin_trap();
    fovea::SuvFacts const facts[] = {fovea::suv_facts(root), fovea::suv_facts(root)};
    for (auto const kind : {fovea::SuvKind::body_weight, fovea::SuvKind::lean_mass,
                            fovea::SuvKind::body_surface}) {
      try {
        for (auto const factor : fovea::suv_factors(facts, kind)) {
          if (!(factor > 0) || !std::isfinite(factor)) __builtin_trap();
        }
      } catch (fovea::Refusal const&) {
      }
    }
    if (auto const table = fovea::modality_table(root))
      if (table->entries.empty()) __builtin_trap();
  } catch (fovea::Error const&) {
  }
  return 0;
}
