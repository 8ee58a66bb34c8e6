#include "learn/train/rehearsal.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/train/loader.hpp"
#include "learn/train/movers.hpp"
#include "learn/train/store.hpp"
#include "learn/train/watch.hpp"

#include <ATen/Context.h>

#include <algorithm>
#include <limits>

namespace fovea {
namespace {

// bfloat16 keeps 8 bits of a number: only worth it where it saves real time.
constexpr double rehearsal_worth = 1.2;
constexpr auto rehearsal_none = std::numeric_limits<double>::infinity();

bool rehearsal_is_coarse(std::string_view way) {
  return way.find("bfloat16") != std::string_view::npos;
}

void rehearsal_step(Learner& learner,
                    Movers& movers,
                    Batch const& batch,
                    std::uint64_t seed,
                    std::int64_t step) {
  at::manual_seed(mixed({seed, static_cast<std::uint64_t>(step)}));
  learner.step(batch, movers);
}

}  // namespace

Timed const& fastest(std::vector<Timed> const& timed) {
  Timed const* fine = nullptr;
  Timed const* coarse = nullptr;
  for (auto const& one : timed) {
    auto& best = rehearsal_is_coarse(one.way) ? coarse : fine;
    if (best == nullptr || one.seconds < best->seconds) best = &one;
  }
  if (fine == nullptr) return *coarse;
  if (coarse == nullptr) return *fine;
  return fine->seconds >= rehearsal_worth * coarse->seconds ? *coarse : *fine;
}

std::string in_words(std::vector<Timed> const& timed) {
  std::vector<std::string> parts;
  for (auto const& [way, seconds] : timed)
    parts.push_back(text(way, ": ", fixed(1e3 * seconds, 2), " ms"));
  return joined(parts, ", ") + " a step";
}

Rehearsal::Rehearsal(Learner& learner,
                     Fit const& options,
                     std::function<double()> clock,
                     double seconds)
    : learner_(learner), options_(options), clock_(std::move(clock)), seconds_(seconds) {}

double Rehearsal::limit(double share, double most) const {
  return seconds_ > 0 ? std::min(most, share * seconds_) : most;
}

std::vector<Timed> Rehearsal::ways(std::vector<std::string> const& names) {
  Snapshot before{learner_};
  auto const start = clock_();
  auto const all = limit(0.1, 60);
  auto const each = all / static_cast<double>(names.size());
  auto const acts = learner_.acts();
  Batch batch;
  if (!acts)
    batch =
        Loader{learner_, options_.seed, options_.batch_size, 0, options_.loader_threads}.next();
  std::vector<Timed> timed;
  for (auto const& way : names) {
    learner_.run_as(way);
    Movers movers{learner_.groups(), options_.average};
    auto best = rehearsal_none;
    auto const begin = clock_();
    // The first step also prepares (memory, primitives), so it counts only where no other fits.
    for (std::int64_t step = 0; step < 6 && (step < 2 || clock_() - begin < each); ++step) {
      if (acts) batch = Loader{learner_, options_.seed, options_.batch_size, step, 0}.next();
      auto const from = clock_();
      rehearsal_step(learner_, movers, batch, options_.seed, step);
      auto const took = clock_() - from;
      best = step == 1 ? took : std::min(best, took);
      auto const hopeless = !timed.empty() && took > 4 * fastest(timed).seconds;
      if (stopped() || hopeless || clock_() - begin > each) break;
    }
    before.restore(learner_);
    timed.push_back({way, best});
    if (stopped() || clock_() - start > all) break;
  }
  return timed;
}

double Rehearsal::validation() {
  auto const most = limit(0.05, 60);
  auto const from = clock_();
  Watch const watch{clock_, from + most, options_.stop};
  at::manual_seed(mixed({options_.seed, 0, 1}));
  learner_.validate(watch.stop());
  auto const took = clock_() - from;
  return took >= most ? 4 * took : took;
}

Pace Rehearsal::pace() {
  Snapshot before{learner_};
  Pace pace;
  {
    Movers movers{learner_.groups(), options_.average};
    Loader loader{learner_, options_.seed, options_.batch_size, 0, options_.loader_threads};
    auto const begin = clock_();
    auto const enough = limit(0.02, 4);
    auto sum = 0.0;
    std::int64_t counted = 0;
    // The first steps prepare; they count only where there is no time for others.
    for (std::int64_t step = 0; step < 1 || (step < 1000 && clock_() - begin < enough);
         ++step) {
      auto const from = clock_();
      rehearsal_step(learner_, movers, loader.next(), options_.seed, step);
      movers.average_buffers();
      if (step == 2) sum = 0.0, counted = 0;
      sum += clock_() - from;
      ++counted;
      if (stopped()) break;
    }
    pace.step = std::max(1e-7, sum / static_cast<double>(counted));
  }
  pace.validation = validation();
  before.restore(learner_);
  return pace;
}

}  // namespace fovea
