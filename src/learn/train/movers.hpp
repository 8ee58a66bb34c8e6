#pragma once

#include "learn/train/fit.hpp"

#include <string>
#include <vector>

namespace fovea {

/// All groups of a learner, each with its optimiser: what update("critic", loss) reaches.
class Movers : public Update {
 public:
  /// Throws Error{bug} if two groups have one name; and as GroupMover and schedule_named do.
  Movers(std::vector<Group> const& groups, double average);

  void operator()(std::string_view group, at::Tensor const& loss) override;

  /// Where the run is: learning rates follow.
  void progress(double share) { progress_ = share; }
  double rate() const;         ///< of the first group
  void scored(bool new_best);  ///< for schedules that follow scores
  void average_buffers();
  void swap_averages();
  std::vector<Kept> state() const;  ///< tensors of all optimisers

  Json words() const;  ///< counts of updates, plateaus
  void restore(Json const& words);

 private:
  struct Player {
    GroupMover mover;
    ScheduleRow const* schedule = nullptr;
    Plateau plateau;
  };
  double rate_of(Player const& player) const;
  std::vector<Player> players_;
  double progress_ = 0;
};

}  // namespace fovea
