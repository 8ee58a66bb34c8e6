#pragma once

#include "learn/data/quality.hpp"

namespace fovea {

/// A case that a cleaned list does without.
struct LeftOut {
  std::size_t at = 0;  ///< index in the set
  std::string kind;    ///< as of the problems
  std::string why;     ///< a sentence
};

/// The cases that should not be trained on or tested with: images that cannot be read, hold
/// values that are no numbers or a single shade; equal images that are labelled differently
/// (all of them: nobody knows which label is right); copies in another split than the one that
/// is kept (test before validation before train), or, where there are no splits yet, all copies
/// but the first. Sorted by index. Near duplicates stay.
std::vector<LeftOut> unfit(Dataset const& set, std::vector<ImageFacts> const& facts);

/// The set as a table that the csv layout reads: path (relative to `folder`, where the table
/// will lie), label or a column for each label, and split, patient, weight where the set has
/// them. Throws Error{input} if a class is named as one of these columns in a set of several
/// labels.
std::string list_of(Dataset const& set, fs::path const& folder);

}  // namespace fovea
