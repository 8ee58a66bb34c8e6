#pragma once

#include <cstdint>

namespace fovea {

/// The most memory that this process ever held at once, in bytes (resident: what the machine
/// really gave).
std::uint64_t peak_memory();

/// What this process may still take before the machine swaps or the container's limit ends it,
/// in bytes: the smaller of the machine's available memory and of what the control groups
/// leave. 0 only if the system tells nothing.
std::uint64_t available_memory();

}  // namespace fovea
