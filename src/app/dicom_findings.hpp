#pragma once

#include "base/core/json.hpp"
#include "base/finding/measurement.hpp"

#include <vector>

namespace fovea {

/// The findings of a JSON file, each signed by `made_by`:
///
///     {"findings": [{"type": "liver tumour" | CODE, "category": CODE, "site": CODE, "side":
///     CODE,
///                    "tracking": words, "tracking_uid": UID, "segment": number,
///                    "region": [[x, y, z], ...],
///                    "measurements": [{"quantity": CODE, "value": number, "unit": "mm" | CODE,
///                                      "method": CODE, "derivation": CODE}],
///                    "evaluations": [{"what": CODE, "answer": CODE}]}]}
///
/// CODE is [value, scheme, meaning]; a name gets its codes from the table of structures; a unit
/// that is one word is UCUM's; a region is a point or a polygon in the patient, LPS, mm.
/// Throws Error{input} with what was expected, and where; as check(Finding).
std::vector<Finding> findings_of_json(Json const& file, Provenance const& made_by);

}  // namespace fovea
