#pragma once

#include <string_view>

// What reasons of keys begin with that `fovea plan` lists apart.
namespace fovea {

/// The plan leaves a published recipe here: "unlike nnU-Net's 0.01: AdamW learns …".
inline constexpr std::string_view reason_unlike = "unlike ";
/// What the rest of the plan says makes the key idle.
inline constexpr std::string_view reason_not_used = "not used";

}  // namespace fovea
