#include "learn/task/search.hpp"

#include "base/core/words.hpp"
#include "learn/task/planned.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

std::string search_words(Candidate const& candidate) {
  std::string out;
  for (auto const& [key, value] : candidate)
    out += text(out.empty() ? "" : ", ", key, " ", value);
  return out.empty() ? "the plan as it was" : out;
}

std::optional<Score> search_try(
    Task const& task, Dataset const& set, Plan const& plan, double seconds, Stop const* stop) {
  Stop const never;
  auto const learner = task.learner(plan, set, stop != nullptr ? *stop : never);
  auto fit_options = planned(plan, set);
  if (seconds > 0)
    fit_options.seconds = seconds;
  else
    fit_options.steps =
        std::max<std::int64_t>(1, plan.whole("epochs") / 10) * fit_options.steps_per_epoch;
  fit_options.stop = stop;
  fit_options.quiet = true;
  auto const fitted = fit(*learner, fit_options);
  if (fitted.interrupted)
    throw Interrupted{
        "stopped while searching; nothing was trained yet, begin again with --resume"};
  // Not the best of several looks: who looks more often would win by luck.
  if (fitted.last.empty() || std::isnan(fitted.last.front().value)) return std::nullopt;
  return fitted.last.front();
}

}  // namespace

Plan searched(
    Task const& task, Dataset const& set, Plan plan, double seconds, Stop const* stop) {
  auto candidates = task.candidates(set, plan);
  std::erase_if(candidates, [&](Candidate const& candidate) {
    return std::ranges::any_of(candidate,
                               [&](auto const& one) { return plan.asked(one.first); });
  });
  candidates.insert(candidates.begin(), Candidate{});
  std::optional<Score> best;
  auto chosen = plan;
  Candidate winner;
  std::string tried;
  for (auto const& candidate : candidates) {
    auto one = plan;
    for (auto const& [key, value] : candidate) one.set(key, std::string_view{value});
    std::optional<Score> score;
    std::string fault;
    try {
      score =
          search_try(task, set, one, seconds / static_cast<double>(candidates.size()), stop);
    } catch (Error const& error) {
      if (error.fault() != Fault::usage && error.fault() != Fault::input) throw;
      fault = error.what();  // a rate that diverges, a size that the network cannot have
    }
    tried += text(tried.empty() ? "" : "; ", search_words(candidate), ": ",
                  score           ? text(score->name, " ", fixed(score->value, 4))
                  : fault.empty() ? "no score"
                                  : fault);
    if (!score || (best && (score->higher_is_better ? score->value <= best->value
                                                    : score->value >= best->value)))
      continue;
    best = score;
    chosen = one;
    winner = candidate;
  }
  for (auto const& [key, value] : winner)
    chosen.set(key, std::string_view{value}, "the best of a search on the validation cases");
  // What the plan says of the executor it says of the network that was first thought of.
  if (!winner.empty()) chosen.set("executor", std::string_view{plan.word("executor")}, "");
  chosen.set("search", false, text("done: ", tried));
  return chosen;
}

}  // namespace fovea
