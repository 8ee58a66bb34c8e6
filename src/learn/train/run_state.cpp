#include "learn/train/run_state.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

Json run_state_scores(Scores const& scores) {
  auto all = Json::array();
  for (auto const& score : scores)
    all.push_back({score.name, score.value, score.higher_is_better});
  return all;
}

Scores run_state_scores_from(Json const& json) {
  Scores scores;
  for (auto const& one : json)
    scores.push_back({one.at(0).get<std::string>(),
                      one.at(1).is_null() ? std::nan("") : one.at(1).get<double>(),
                      one.at(2).get<bool>()});
  return scores;
}

}  // namespace

Json to_json(RunState const& s) {
  auto shortenings = Json::array();
  for (auto const& [at, to] : s.shortenings) shortenings.push_back({at, to});
  return {{"run_as", s.run_as},
          {"steps", s.steps},
          {"budgeted", s.budgeted},
          {"validate_every", s.validate_every},
          {"shortenings", shortenings},
          {"step", s.step},
          {"validated", s.validated},
          {"seconds", s.seconds},
          {"training_seconds", s.training_seconds},
          {"waiting_seconds", s.waiting_seconds},
          {"pace", {s.pace.step, s.pace.validation}},
          {"learning_rate", s.last_rate},
          {"best", run_state_scores(s.best)},
          {"best_step", s.best_step},
          {"last_scores", run_state_scores(s.last_scores)},
          {"still", s.still},
          {"stopped_early", s.stopped_early},
          {"lengthened", s.lengthened}};
}

RunState run_state_from(Json const& json) {
  RunState s;
  s.run_as = json.at("run_as").get<std::string>();
  s.steps = json.at("steps").get<std::int64_t>();
  s.budgeted = json.value("budgeted", false);  // older checkpoints do not say
  s.validate_every = std::max<std::int64_t>(1, json.at("validate_every").get<std::int64_t>());
  for (auto const& one : json.at("shortenings"))
    s.shortenings.push_back({one.at(0).get<std::int64_t>(), one.at(1).get<std::int64_t>()});
  s.step = json.at("step").get<std::int64_t>();
  s.validated = json.at("validated").get<std::int64_t>();
  s.seconds = json.at("seconds").get<double>();
  s.training_seconds = json.at("training_seconds").get<double>();
  s.waiting_seconds = json.at("waiting_seconds").get<double>();
  s.pace = {json.at("pace").at(0).get<double>(), json.at("pace").at(1).get<double>()};
  s.last_rate = json.at("learning_rate").get<double>();
  s.best = run_state_scores_from(json.at("best"));
  s.best_step = json.at("best_step").get<std::int64_t>();
  s.last_scores = run_state_scores_from(json.at("last_scores"));
  s.still = json.at("still").get<std::int64_t>();
  s.stopped_early = json.at("stopped_early").get<bool>();
  s.lengthened = json.at("lengthened").get<int>();
  return s;
}

}  // namespace fovea
