#pragma once

#include <string>

namespace fovea {

/// How a finding came about.
enum class MadeBy { person, both, program };

/// Who or what made a finding: every finding carries it.
struct Provenance {
  MadeBy made_by = MadeBy::program;
  std::string name;     ///< of the algorithm or model: "lung-nodules"
  std::string version;  ///< of it
  std::string hash;     ///< of its weights, SHA-256 in hexadecimal; empty if it has none

  bool operator==(Provenance const&) const = default;
};

}  // namespace fovea
