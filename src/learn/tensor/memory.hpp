#pragma once

namespace fovea {

/// From now on this process keeps large blocks of memory that LibTorch's CPU tensors give back,
/// and hands them out again. A training step asks for the same sizes as the one before it; the
/// system's allocator returns each of them to the kernel, and every step pays again for
/// clearing its pages. What is kept and in use together stays below a quarter more than the
/// most that was ever in use at once. Later calls change nothing.
void reuse_large_memory();

/// Gives back what is kept but not in use.
void release_kept_memory();

/// Bytes of large blocks that are kept but not in use.
unsigned long long kept_memory();

/// Most bytes of large blocks that were in use at once since the last call; those from before
/// reuse_large_memory() do not count.
unsigned long long most_tensor_memory();

}  // namespace fovea
