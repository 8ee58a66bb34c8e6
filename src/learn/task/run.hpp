#pragma once

#include "base/core/file.hpp"
#include "base/core/json.hpp"
#include "learn/data/dataset.hpp"
#include "learn/plan/plan.hpp"

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace fovea {

/// The folder of one training run. Everything in it can be read by a person or by a standard
/// tool: plan.yaml · run.json (versions, seeds, hashes, state) · splits.csv · history.csv ·
/// checkpoints/ · model.fovea · predictions/ · metrics.json · explanations/ · report.html
class RunFolder {
 public:
  /// An empty or new folder for a fresh run. Throws Error{usage} if something is in it already
  /// (saying whether --resume would go on), Error{resource} if it cannot be made or another
  /// process works on it.
  static RunFolder begin(fs::path const& folder);
  /// A run that was begun. Throws Error{input} if it is none, or was written by a newer
  /// version.
  static RunFolder resume(fs::path const& folder);

  fs::path const& path() const { return path_; }
  fs::path model() const { return path_ / "model.fovea"; }
  fs::path report() const { return path_ / "report.html"; }
  fs::path plan() const { return path_ / "plan.yaml"; }
  fs::path about() const { return path_ / "run.json"; }
  fs::path splits() const { return path_ / "splits.csv"; }
  fs::path metrics() const { return path_ / "metrics.json"; }

  void write_about(Json about) const;  ///< adds the format's version
  /// `folds`: of each case the fold that it is held back from, counted from 1, or 0; empty:
  /// without folds.
  void write_splits(Dataset const& set, std::vector<int> const& folds = {}) const;
  /// Gives the cases the splits that the run was begun with. Throws Error{input} if the data
  /// has changed since.
  void apply_splits(Dataset& set) const;

 private:
  RunFolder(fs::path folder, std::unique_ptr<FileLock> lock)
      : path_(std::move(folder)), lock_(std::move(lock)) {}

  fs::path path_;
  std::unique_ptr<FileLock> lock_;
};

/// What a run did with its cases, by id.
struct RunCase {
  Split split = Split::unassigned;
  std::string patient = {};
  int fold = 0;  ///< whose network has not learnt from it, counted from 1; 0: none
};
/// Of splits.csv. Throws Error{input} if it is damaged.
std::unordered_map<std::string, RunCase> read_splits(fs::path const& folder);

/// run.json of a run, checked for its version, without locking the folder: for those who only
/// read.
Json read_about(fs::path const& folder);

/// True if the folder looks like a run.
bool is_run(fs::path const& folder);

/// What a result depends on beside plan and data: versions, CPU, threads.
Json surroundings();

}  // namespace fovea
