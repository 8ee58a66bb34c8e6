#include "learn/metric/bootstrap.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/core/rng.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {

std::vector<std::vector<double>> bootstrap(
    std::vector<std::size_t> const& patient,
    std::size_t values,
    std::function<void(std::span<double const> weight, std::span<double> out)> const& measure,
    BootstrapOptions const& options) {
  if (options.draws < 1)
    throw Error{Fault::usage, text("expected at least 1 draw, got ", options.draws),
                "2000 are usual"};
  auto const draws = static_cast<std::size_t>(options.draws);
  std::vector out(values, std::vector<double>(draws));
  if (patient.empty() || values == 0) return out;
  auto const count = *std::ranges::max_element(patient) + 1;
  in_parallel(options.draws, options.threads, [&](std::int64_t draw) {
    Rng rng{{options.seed, static_cast<std::uint64_t>(draw)}};
    std::vector<double> times(count);
    for (std::size_t i = 0; i < count; ++i)
      times[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(count)))] += 1;
    std::vector<double> weight(patient.size());
    std::ranges::transform(patient, weight.begin(), [&](auto who) { return times[who]; });
    std::vector<double> measured(values);
    measure(weight, measured);
    for (std::size_t v = 0; v < values; ++v)
      out[v][static_cast<std::size_t>(draw)] = measured[v];
  });
  return out;
}

Interval percentile_interval(Value const& value,
                             std::vector<double> draws,
                             std::size_t patients) {
  constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
  Interval out{value.value, nan, nan, value.defined(), value.why, {}};
  auto const all = draws.size();
  out.method = text("bootstrap by patient, ", all, " draws");
  if (!value.defined()) return out;
  std::erase_if(draws, [](double one) { return std::isnan(one); });
  auto const missing = all - draws.size();
  if (missing > 0) out.method += text(", of which ", missing, " undefined were left out");
  if (patients < 2) {
    out.why = "the interval needs two patients or more";
  } else if (2 * missing >= all) {
    out.why = text("no interval: undefined in ", missing, " of ", all, " draws");
  } else {
    std::ranges::sort(draws);
    out.low = quantile(draws, 0.025);
    out.high = quantile(draws, 0.975);
  }
  return out;
}

}  // namespace fovea
