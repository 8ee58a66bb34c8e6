#pragma once

#include <string>
#include <vector>

namespace fovea {

/// What the processor calls itself: "Intel(R) Xeon(R) …"; "unknown" if it does not say.
std::string cpu_brand();

/// Those of AVX2, FMA, AVX512F, AVX512-VNNI, AVX512-BF16, AMX-TILE, AMX-INT8 and AMX-BF16 that
/// the processor has AND the system lets programs use: what decides how fast float32, bfloat16
/// and int8 are.
std::vector<std::string> cpu_features();

}  // namespace fovea
