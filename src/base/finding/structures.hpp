#pragma once

#include "base/finding/label_map.hpp"

#include <span>
#include <string_view>

namespace fovea {

/// A structure that people often outline, by its common name.
struct StructureRow {
  std::string_view name;      ///< "liver"; lower case, one blank between words
  std::string_view code;      ///< SNOMED CT
  std::string_view meaning;   ///< as DICOM's context groups write it
  std::string_view category;  ///< "anatomy", "tissue", "abnormal" or "substance"
};
std::span<StructureRow const> structures();

/// The name, and category, type and side by the table: "Liver", "left kidney", "Kidney_L",
/// "kidney right", "liver tumour". A name that the table lacks gets codes of our own, scheme
/// 99FOVEA, category "Not classified".
/// Throws Error{input} if the name is empty or has more than 64 characters.
Segment segment_named(std::string_view name);

/// True if the code comes from no terminology: scheme 99FOVEA.
bool is_local(Code const& code);

}  // namespace fovea
