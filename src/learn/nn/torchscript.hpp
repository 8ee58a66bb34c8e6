#pragma once

#include "learn/nn/network.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace fovea {

/// What stands around a network in TorchScript, so that others can run it as we do.
struct ScriptAround {
  /// Network axis n is axis order[n] of what comes in, counted behind batch and channels; what
  /// goes out has the order that came in. Empty: as it comes.
  std::vector<std::int64_t> order = {};
  /// Network axes, counted the same way: the output is the mean over all combinations of mirror
  /// images along them.
  std::vector<std::int64_t> flips = {};
};

/// The bytes of a TorchScript archive of the network for inference: torch.jit.load and any
/// LibTorch run it; its state_dict has our names. Sizes stay dynamic: the source says them,
/// nothing is traced. Throws Error{usage} if `around` names axes that the network has not.
std::string torchscript_of(Network const& network, ScriptAround const& around = {});

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
