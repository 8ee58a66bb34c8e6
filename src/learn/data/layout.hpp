#pragma once

#include "learn/data/dataset.hpp"

#include <optional>
#include <span>

namespace fovea {

struct ReadOptions {
  std::string
      patient_from;  ///< a regular expression on the file name; its first group is the patient
  ImageReader reader;  ///< as Dataset::reader
};

/// One row for each layout that is recognised without being told. Add yours in layout.cpp.
struct LayoutRow {
  std::string_view name;
  std::string_view looks_like;  ///< one line for help and docs
  /// Empty if `root` is not laid out this way; else the set, images unread. What nearly fitted,
  /// and why it did not, is added to `nearly`, a line each: it becomes part of the message if
  /// no row reads `root`. Throws Error{input} if `root` is surely meant this way and is broken.
  std::optional<Dataset> (*read)(fs::path const& root,
                                 ReadOptions const& options,
                                 std::vector<std::string>& nearly);
  /// What in `root` has this form ("labels.csv"), told by a short look; empty if nothing has.
  std::string (*also)(fs::path const& root);
};
std::span<LayoutRow const> layouts();

/// The set in `root` (a folder, an npz or a csv). Where a set lies there in two forms the first
/// row that reads it is taken and a note says so.
/// Throws Error{input} with what was seen and what is understood if no row reads it, and
/// Error{resource} if there is no permission to look.
Dataset read_dataset(fs::path const& root, ReadOptions const& options = {});

/// Throws Error{input} if nothing can be learnt or shown with this set: fewer than two classes
/// (or, with several labels a case, no label that is ever 1 and ever 0), a class with a single
/// image, a class in test or validation that train never saw, a split without a known label,
/// training images that all weigh 0. Where targets are masks: fewer than two masks, none in
/// train, a split without any, training cases that all weigh 0, or (once note_presence has
/// looked) a label that no training case shows. For sets whose splits are assigned.
void expect_trainable(Dataset const& set);

/// Splits for cases that have none: by patient and Case::together, stratified by class, by
/// seed. Given splits are kept; a missing validation split is cut from train, a missing test
/// split from train too (a set with no training cases is left as it is); a note says what was
/// done. Where targets are masks, a label that masks are known to show (note_presence) counts
/// as a class. Each class with three patients or more comes into every split, and every class
/// into train.
///
/// Method  iterative stratification, rarest class first (Sechidis et al., ECML PKDD 2011), here
///         over patients instead of cases
struct SplitShares {
  double validation = 0.15;
  double test = 0.15;
};
void assign_splits(Dataset& set, std::uint64_t seed, SplitShares shares = {});

/// K folds of the cases `among` by patient and Case::together, stratified: a number in 0 … k-1
/// for each of them; it depends on nothing but these cases.
/// Throws Error{usage} if k is below 2, Error{input} if there are fewer patients than folds.
std::vector<int> folds_of(Dataset const& set,
                          std::vector<std::size_t> const& among,
                          int k,
                          std::uint64_t seed);

}  // namespace fovea
