#include "learn/segment/expected.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::size_t expected_least = 3;

ExpectedLine expected_fit(std::span<SureCase const> cases, std::size_t without) {
  double x = 0;
  double y = 0;
  double count = 0;
  for (std::size_t n = 0; n < cases.size(); ++n) {
    if (n == without) continue;
    x += cases[n].sureness;
    y += cases[n].dice;
    ++count;
  }
  x /= count;
  y /= count;
  // As five cases that scatter by 0.02 about slope 1.
  constexpr double prior = 5 * 0.02 * 0.02;
  double xx = prior;
  double xy = prior;
  for (std::size_t n = 0; n < cases.size(); ++n) {
    if (n == without) continue;
    xx += (cases[n].sureness - x) * (cases[n].sureness - x);
    xy += (cases[n].sureness - x) * (cases[n].dice - y);
  }
  ExpectedLine out{.slope = std::max(0.0, xy / xx)};
  out.offset = y - out.slope * x;
  return out;
}

double expected_number(Json const& one, char const* key, double low, double high) {
  auto const value = one.is_object() ? one.value(key, Json{}) : Json{};
  if (value.is_number() && value.get<double>() >= low && value.get<double>() <= high)
    return value.get<double>();
  throw Error{Fault::input, text("the model's '", key, "' of the expected Dice is damaged"),
              "use the version of fovea that made it, or a newer one"};
}

std::vector<double> expected_ranks(std::span<SureCase const> cases, double SureCase::*of) {
  std::vector<double> out;
  for (auto const& one : cases) {
    double below = 0;
    double equal = 0;
    for (auto const& other : cases) {
      below += other.*of < one.*of;
      equal += other.*of == one.*of;
    }
    out.push_back(below + (equal + 1) / 2);
  }
  return out;
}

}  // namespace

SurenessSums::SurenessSums(std::size_t structures, bool regions)
    : regions_(regions), sums_(structures + (regions ? 0 : 1)) {}

void SurenessSums::add(ProbabilityBlock const& block) {
  auto const voxels = static_cast<std::size_t>(block.box.voxels());
  constexpr std::size_t at_once = 1024;
  float best[at_once];
  std::uint32_t which[at_once];
  for (std::size_t first = 0; first < voxels; first += at_once) {
    auto const count = std::min(at_once, voxels - first);
    std::fill_n(best, count, regions_ ? 0.5F : -1.0F);
    for (std::size_t c = 0; c < sums_.size(); ++c) {
      auto const* const p = block.values.data() + c * voxels + first;
      auto& sums = sums_[c];
      float everywhere = 0;
      for (std::size_t n = 0; n < count; ++n) everywhere += p[n];
      sums.everywhere += everywhere;
      for (std::size_t n = 0; n < count; ++n) {
        if (p[n] <= best[n]) continue;
        if (regions_) {
          sums.inside += p[n];
          ++sums.voxels;
        } else {
          best[n] = p[n];
          which[n] = static_cast<std::uint32_t>(c);
        }
      }
    }
    for (std::size_t n = 0; n < count && !regions_; ++n) {
      sums_[which[n]].inside += best[n];
      ++sums_[which[n]].voxels;
    }
  }
}

Sureness SurenessSums::values() const {
  Sureness out;
  for (std::size_t c = regions_ ? 0 : 1; c < sums_.size(); ++c) {
    auto const& sums = sums_[c];
    if (sums.voxels == 0)
      out.emplace_back();
    else
      out.emplace_back(2 * sums.inside / (static_cast<double>(sums.voxels) + sums.everywhere));
  }
  return out;
}

double ExpectedLine::at(double sureness) const {
  return std::clamp(offset + slope * sureness, 0.0, 1.0);
}

std::optional<double> ExpectedLine::of(std::optional<double> sureness) const {
  return sureness && cases > 0 ? std::optional{at(*sureness)} : std::nullopt;
}

ExpectedLine expected_line(std::span<SureCase const> cases) {
  if (cases.size() < expected_least) return {};
  auto out = expected_fit(cases, cases.size());
  double squares = 0;
  for (std::size_t n = 0; n < cases.size(); ++n) {
    auto const off = expected_fit(cases, n).at(cases[n].sureness) - cases[n].dice;
    squares += off * off;
  }
  out.error = std::sqrt(squares / static_cast<double>(cases.size()));
  out.cases = std::ssize(cases);
  return out;
}

ExpectedWorth expected_worth(std::span<SureCase const> cases) {
  ExpectedWorth out{.cases = std::ssize(cases)};
  if (cases.empty()) return out;
  auto const count = static_cast<double>(cases.size());
  for (auto const& one : cases) out.mean_error += std::abs(one.sureness - one.dice) / count;
  auto const x = expected_ranks(cases, &SureCase::sureness);
  auto const y = expected_ranks(cases, &SureCase::dice);
  auto const middle = (count + 1) / 2;
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (std::size_t n = 0; n < cases.size(); ++n) {
    xx += (x[n] - middle) * (x[n] - middle);
    yy += (y[n] - middle) * (y[n] - middle);
    xy += (x[n] - middle) * (y[n] - middle);
  }
  if (xx > 0 && yy > 0) out.spearman = xy / std::sqrt(xx * yy);
  return out;
}

Json expected_json(std::vector<ExpectedLine> const& lines) {
  auto out = Json::array();
  for (auto const& line : lines)
    out.push_back({{"slope", line.slope},
                   {"offset", line.offset},
                   {"error", line.error},
                   {"cases", line.cases}});
  return out;
}

std::vector<ExpectedLine> read_expected(Json const& json, std::size_t structures) {
  std::vector<ExpectedLine> out;
  if (json.is_null()) return out;
  if (!json.is_array() || (!json.empty() && json.size() != structures))
    throw Error{Fault::input,
                text("expected the Dice to expect of ", structures,
                     " structures in the model, got another list"),
                "use the version of fovea that made it, or a newer one"};
  constexpr double any = 1e6;
  for (auto const& one : json)
    out.push_back({.slope = expected_number(one, "slope", 0, any),
                   .offset = expected_number(one, "offset", -any, any),
                   .error = expected_number(one, "error", 0, any),
                   .cases = std::llround(expected_number(one, "cases", 0, 1e12))});
  return out;
}

}  // namespace fovea
