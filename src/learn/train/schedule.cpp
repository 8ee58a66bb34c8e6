#include "learn/train/schedule.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <string>

namespace fovea {
namespace {

double schedule_rise(double progress, double warm_up) {
  return progress < warm_up ? progress / warm_up : 1;
}

// 0 … 1 over what follows the warm-up.
double schedule_rest(double progress, double warm_up) {
  return warm_up < 1 ? std::clamp((progress - warm_up) / (1 - warm_up), 0.0, 1.0) : 0;
}

double schedule_half_wave(double share) {
  return 0.5 * (1 + std::cos(std::numbers::pi * share));
}

double schedule_cosine(double progress, double warm_up) {
  return progress < warm_up ? progress / warm_up
                            : schedule_half_wave(schedule_rest(progress, warm_up));
}

double schedule_poly(double progress, double warm_up) {
  return progress < warm_up ? progress / warm_up
                            : std::pow(1 - schedule_rest(progress, warm_up), 0.9);
}

// Smith and Topin 2019, with the shape and the numbers of PyTorch's OneCycleLR.
double schedule_one_cycle(double progress, double warm_up) {
  constexpr double start = 1.0 / 25;
  constexpr double end = start / 1e4;
  auto const rise = std::max(warm_up, 0.3);
  if (progress < rise) return 1 + (start - 1) * schedule_half_wave(progress / rise);
  return end + (1 - end) * schedule_half_wave(schedule_rest(progress, rise));
}

constexpr ScheduleRow schedule_rows[] = {
    {"constant", "stays as it is after the warm-up", schedule_rise},
    {"cosine", "falls to 0 along half a cosine (Loshchilov and Hutter 2017)", schedule_cosine},
    {"poly", "falls to 0 as (1 - progress) ^ 0.9 (nnU-Net)", schedule_poly},
    {"one-cycle",
     "rises over 30 % of the steps (or the warm-up, if longer), then falls to 0 along cosines",
     schedule_one_cycle},
    {"plateau", "stays, and is cut each time the validation score stands still", schedule_rise,
     true},
};

}  // namespace

std::span<ScheduleRow const> schedules() {
  return schedule_rows;
}

ScheduleRow const& schedule_named(std::string_view name) {
  auto const found = std::ranges::find(schedule_rows, name, &ScheduleRow::name);
  if (found != std::end(schedule_rows)) return *found;
  std::vector<std::string> known;
  for (auto const& row : schedule_rows) known.emplace_back(row.name);
  throw Error{Fault::usage, text("no schedule '", name, "'"), did_you_mean(name, known)};
}

Timeline::Timeline(std::int64_t steps, std::vector<Shortening> const& shortenings)
    : parts_{{.total = steps}} {
  if (steps < 1)
    throw Error{Fault::usage, text("expected 1 step or more, got ", steps),
                "take at least one"};
  for (auto const& [at, total] : shortenings) {
    auto const& last = parts_.back();
    if (at < last.from || at > last.total || total < at || total < 1)
      throw Error{
          Fault::usage,
          text("a shortening at step ", at, " to ", total, " steps does not fit a run of ",
               last.total),
          "write shortenings in the order of their steps, each to a total not below its "
          "step"};
    parts_.push_back({at, last.at(static_cast<double>(at)), total});
  }
}

double Timeline::Part::at(double step) const {
  if (total <= from) return 1;
  auto const share = (step - static_cast<double>(from)) / static_cast<double>(total - from);
  return progress + (1 - progress) * std::min(share, 1.0);
}

Timeline::Part const& Timeline::part(std::int64_t step) const {
  auto const after = std::ranges::upper_bound(parts_, step, {}, &Part::from);
  return *std::prev(after);
}

std::int64_t Timeline::total(std::int64_t step) const {
  return part(step).total;
}

double Timeline::progress(std::int64_t step) const {
  return part(step).at(static_cast<double>(step) + 0.5);
}

void Plateau::heard(bool new_best) {
  still = new_best ? 0 : still + 1;
  if (still < after) return;
  scale *= factor;
  still = 0;
}

}  // namespace fovea
