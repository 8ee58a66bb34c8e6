#include "learn/train/movers.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>

namespace fovea {

Movers::Movers(std::vector<Group> const& groups, double average) {
  for (auto const& group : groups) {
    auto const same = std::ranges::count(groups, group.name, &Group::name);
    if (same != 1)
      throw Error{Fault::bug,
                  text("the learner has ", same, " groups called '", group.name, "'"),
                  "give each a name of its own"};
    auto const& schedule = schedule_named(group.optimiser.schedule);
    players_.push_back(
        {GroupMover{group, average},
         &schedule,
         {.after = group.optimiser.plateau_after, .factor = group.optimiser.plateau_factor}});
  }
  if (players_.empty())
    throw Error{Fault::bug, "the learner has no group of weights", "name one in groups()"};
}

void Movers::operator()(std::string_view group, at::Tensor const& loss) {
  for (auto& player : players_)
    if (player.mover.group().name == group) return player.mover.update(loss, rate_of(player));
  std::vector<std::string> known;
  for (auto const& player : players_) known.push_back(player.mover.group().name);
  throw Error{Fault::bug, text("no group '", group, "' to update"), did_you_mean(group, known)};
}

double Movers::rate_of(Player const& player) const {
  auto const& optimiser = player.mover.group().optimiser;
  auto const factor = player.schedule->factor(progress_, optimiser.warm_up);
  return optimiser.learning_rate * factor * player.plateau.scale;
}

double Movers::rate() const {
  return rate_of(players_.front());
}

void Movers::scored(bool new_best) {
  for (auto& player : players_)
    if (player.schedule->follows_scores) player.plateau.heard(new_best);
}

void Movers::average_buffers() {
  for (auto& player : players_) player.mover.average_buffers();
}

void Movers::swap_averages() {
  for (auto& player : players_) player.mover.swap_averages();
}

std::vector<Kept> Movers::state() const {
  std::vector<Kept> all;
  for (auto const& player : players_)
    for (auto const& kept : player.mover.state()) all.push_back(kept);
  return all;
}

Json Movers::words() const {
  auto all = Json::object();
  for (auto const& player : players_)
    all[player.mover.group().name] = {{"updates", player.mover.updates()},
                                      {"plateau_still", player.plateau.still},
                                      {"plateau_scale", player.plateau.scale}};
  return all;
}

void Movers::restore(Json const& words) {
  for (auto& player : players_) {
    auto const& one = words.at(player.mover.group().name);
    player.mover.updates(one.at("updates").get<std::int64_t>());
    player.plateau.still = one.at("plateau_still").get<std::int64_t>();
    player.plateau.scale = one.at("plateau_scale").get<double>();
  }
}

}  // namespace fovea
