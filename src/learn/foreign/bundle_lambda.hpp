#pragma once

#include "base/image/volume.hpp"
#include "learn/foreign/bundle_syntax.hpp"

#include <vector>

namespace fovea {

/// A function of an image as bundles write it in a Lambda: "lambda x: x[1:]", "lambda x:
/// torch.where(x[[2]] > 0, 4, 0)". A closed language of values by voxel, never Python: the
/// argument, its channels (x[1:], x[[2]]), numbers, + - * /, comparisons, torch.where and
/// conversions of type, which change nothing here.
class BundleLambda {
 public:
  /// Reads and checks it; `what` names the step in messages. Throws Error{input} naming what is
  /// not in the language.
  BundleLambda(std::string_view words, std::string_view what);

  /// In f32, any channels. Out f32 on its grid; comparisons are 0 and 1. Throws Error{input} if
  /// channels do not fit together.
  Volume operator()(Volume const& image) const;

  /// The whole numbers that torch.where chooses from: what a result may hold.
  std::vector<std::int64_t> values() const;
  /// Whether a result may hold what the argument holds: it stands somewhere beside the
  /// conditions of torch.where.
  bool keeps_argument() const;

 private:
  std::string parameter_;
  BundleSyntax body_;
};

}  // namespace fovea
