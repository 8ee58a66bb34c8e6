#pragma once

#include "learn/classify/predict.hpp"
#include "learn/nn/torchscript.hpp"

namespace fovea {

/// True if the file is a TorchScript archive and no package of ours.
bool is_torchscript(fs::path const& file);

/// A classifier that somebody else wrote as TorchScript, with what its archive does not say.
/// Making one runs its code: only with the user's word.
class ForeignClassifier {
 public:
  /// `labels`: by output; empty: "0", "1", … Throws Error{input} as ForeignModule does.
  ForeignClassifier(fs::path const& file, Contract contract, std::vector<std::string> labels);

  /// Throws Error{input} if it does not give one number for each label.
  Answer operator()(Volume const& image) const;

 private:
  ForeignModule module_;
  Contract contract_;
  std::vector<std::string> labels_;
};

}  // namespace fovea
