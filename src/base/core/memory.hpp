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

/// From now on memory that is freed stays with the process for its next use, up to 256 MiB: for
/// programs that fill rooms of a slice's size again and again, where giving pages back and
/// taking fresh ones costs several times what is done with them.
void keep_freed_memory();

}  // namespace fovea
