#pragma once

#include "learn/segment/found.hpp"
#include "learn/task/run.hpp"

namespace fovea {

/// The finished run whose masks the second stage of a cascade sees as channels more.
class FirstStage {
 public:
  /// Throws Error{input} if there is no finished run of a model that labels voxels;
  /// Error{usage} if it has learnt from cases that the set is chosen or measured by.
  FirstStage(fs::path const& run, Dataset const& set);

  Model const& model() const { return model_; }
  /// What its masks show, by channel.
  std::vector<std::uint16_t> values() const;
  /// The model with those of its networks only that have not learnt from the case, where folds
  /// left some; else with all.
  Model unseen_by(Case const& one) const;
  /// Which of its networks that is, counted from 1; 0: all.
  std::size_t network_of(Case const& one) const;
  /// Whether it has learnt from some of the set's training cases with every network.
  bool seen_by_all(Dataset const& set) const;

 private:
  RunCase of(Case const& one) const;

  Model model_;
  std::unordered_map<std::string, RunCase> cases_;
};

}  // namespace fovea
