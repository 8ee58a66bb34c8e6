#pragma once

#include "learn/data/dataset.hpp"

#include <optional>
#include <span>

namespace fovea {

struct ReadOptions {
  std::string patient_from;    ///< a regular expression on the file name; its first group is the patient
  ImageReader reader;          ///< empty: read_picture
};

/// One row for each layout that is recognised without being told. Add yours in layout.cpp.
struct LayoutRow {
  std::string_view name;
  std::string_view looks_like;   ///< one line for help and docs
  /// Empty if `root` is not laid out this way; else the set, unread images and all.
  std::optional<Dataset> (*read)(fs::path const& root, ReadOptions const& options);
};
std::span<LayoutRow const> layouts();

/// The set in `root` (a folder, an npz or a csv). Where a set lies there in two forms the first row that reads it is taken
/// and a note says so.
/// Throws Error{input} with what was seen and what is understood if no row reads it.
Dataset read_dataset(fs::path const& root, ReadOptions const& options = {});

/// Splits for cases that have none: by patient, stratified by class, by seed. Given splits are kept; a missing
/// validation split is cut from train, a missing test split from train too; a note says what was done.
struct SplitShares {
  double validation = 0.15;
  double test = 0.15;
};
void assign_splits(Dataset& set, std::uint64_t seed, SplitShares shares = {});

/// K folds of the training cases by patient, stratified: fold[i] in 0 … k-1 for each case of `among`.
std::vector<int> folds_of(Dataset const& set, std::vector<std::size_t> const& among, int k, std::uint64_t seed);

}  // namespace fovea
