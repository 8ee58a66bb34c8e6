#pragma once

#include "base/core/file.hpp"
#include "base/core/json.hpp"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace fovea {

/// The newest layout of checkpoints that this program reads, and the one it writes.
constexpr int checkpoint_version = 1;

/// A run on its way: words and tensors by name.
struct Checkpoint {
  Json head;
  std::map<std::string, at::Tensor, std::less<>> tensors;  ///< an undefined one stays undefined
};

/// As safetensors: the tensors, and the array "head" (JSON as bytes), and two notes:
/// "fovea-checkpoint" (version) and "sha256" of all arrays. Atomic. Throws Error{resource} if
/// there is no room; the old file stays.
void write_checkpoint(fs::path const& file, Checkpoint const& checkpoint);

/// Tensors on the CPU, with the memory format that they had. Throws Error{input} if the file is
/// no checkpoint, is damaged or cut short, or was written by a newer version.
Checkpoint read_checkpoint(fs::path const& file);

}  // namespace fovea
