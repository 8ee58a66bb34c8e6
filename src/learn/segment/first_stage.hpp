#pragma once

#include "learn/segment/found.hpp"
#include "learn/task/run.hpp"

namespace fovea {

/// The finished run whose masks the second stage of a cascade sees as channels more. Which
/// cases it has learnt from is told by their ids and patients: the same images under other
/// names are not recognised.
class FirstStage {
 public:
  /// Throws Error{input} if there is no finished run of a model that labels voxels, if it is a
  /// cascade itself, or is another than the plan's `first_stage_model`; Error{usage} if it has
  /// learnt from cases, or was chosen by cases, that are held back here.
  FirstStage(Plan const& plan, Dataset const& set);

  Model const& model() const { return model_; }
  SegmentContract const& contract() const { return contract_; }
  /// The model with those of its networks only that have not learnt from the case, where folds
  /// left some; else with all.
  Model unseen_by(Case const& one) const;
  /// Which of its networks that is, counted from 1; 0: all.
  std::size_t network_of(Case const& one) const;
  /// Whether it has learnt from some of the set's training cases with every network.
  bool seen_by_all(Dataset const& set) const;

 private:
  void demand_all_cases() const;
  void demand_folds() const;
  void demand_held_back(Dataset const& set) const;
  RunCase of(Case const& one) const;

  fs::path run_;
  Model model_;
  SegmentContract contract_;
  std::unordered_map<std::string, RunCase> cases_;     // by id
  std::unordered_map<std::string, RunCase> patients_;  // what they have in common
};

}  // namespace fovea
