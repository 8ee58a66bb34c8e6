#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/train/fit.hpp"

namespace fovea {

void expect_sense(Fit const& o) {
  auto const refuse = [](std::string_view what, double got, std::string_view remedy) {
    throw Error{Fault::usage, text("expected ", what, ", got ", spelled(got)),
                std::string{remedy}};
  };
  auto const count = [](std::int64_t n) { return static_cast<double>(n); };
  if (o.batch_size < 1) refuse("a batch size of 1 or more", count(o.batch_size), "take 32");
  if (o.steps_per_epoch < 1)
    refuse("1 step per epoch or more", count(o.steps_per_epoch),
           "check that there is training data");
  if (o.steps < 0)
    refuse("0 steps (as many as fit) or more", count(o.steps), "give epochs or a time");
  if (o.validate_every < 0)
    refuse("0 or more steps between validations", count(o.validate_every), "take 0");
  if (o.loader_threads < 0) refuse("0 or more loader threads", o.loader_threads, "take 1");
  if (o.patience < 0) refuse("a patience of 0 or more", count(o.patience), "take 0 for none");
  if (!(o.checkpoint_seconds >= 0))
    refuse("0 or more seconds", o.checkpoint_seconds, "take 45");
  if (!(o.seconds >= 0) || !(o.reserve >= 0))
    refuse("a time of 0 or more", o.seconds, "give a time such as 10m");
  if ((o.steps == 0 || o.shorten) && o.seconds <= 0)
    throw Error{Fault::usage, "neither a number of steps nor a time was given",
                "give epochs or a time"};
}

std::string spelled(std::vector<Shortening> const& shortenings) {
  std::vector<std::string> parts;
  for (auto const& [at, steps] : shortenings) parts.push_back(text(at, ":", steps));
  return joined(parts, ", ");
}

std::vector<Shortening> shortenings_of(std::string_view words) {
  std::vector<Shortening> all;
  if (trimmed(words).empty()) return all;
  for (auto const& part : split(words, ',')) {
    auto const sides = split(trimmed(part), ':');
    auto const at = sides.size() == 2 ? whole(sides[0]) : std::nullopt;
    auto const steps = sides.size() == 2 ? whole(sides[1]) : std::nullopt;
    if (!at || !steps || *at < 0 || *steps < 1)
      throw Error{Fault::usage,
                  text("expected shortenings as 'step:steps, …', got '", words, "'"),
                  "copy the line from the plan that a run wrote"};
    all.push_back({*at, *steps});
  }
  return all;
}

}  // namespace fovea
