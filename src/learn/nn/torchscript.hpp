#pragma once

#include "learn/nn/network.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace fovea {

/// The bytes of a TorchScript archive of the network for inference: torch.jit.load and any
/// LibTorch run it; its state_dict has our names. Sizes stay dynamic: the source says them,
/// nothing is traced.
std::string torchscript_of(Network const& network);

/// Somebody else's TorchScript. Loading one runs its code: only for a file that the user
/// trusts.
class ForeignModule {
 public:
  /// Throws Error{input} if it is not TorchScript or needs what this LibTorch has not.
  explicit ForeignModule(std::filesystem::path const& file);

  /// Inference without gradient. Throws Error{input} if it fails or gives anything but one
  /// tensor (of a tuple or list: the first).
  at::Tensor operator()(at::Tensor const& input) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fovea
