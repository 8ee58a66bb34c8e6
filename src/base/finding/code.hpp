#pragma once

#include <string>

namespace fovea {

/// A concept of a terminology, as DICOM writes it: {"10200004", "SCT", "Liver"}.
struct Code {
  std::string value, scheme, meaning;

  bool empty() const { return value.empty(); }
  bool operator==(Code const&) const = default;
};

}  // namespace fovea
