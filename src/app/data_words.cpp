#include "app/data_words.hpp"

#include "app/command.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fovea {

std::size_t patients_in(Dataset const& set) {
  std::set<std::string_view> names;
  for (auto const& one : set.cases) {
    if (!one.patient.empty()) names.insert(one.patient);
  }
  return names.size();
}

std::string left_out_in_words(Dataset const& set, std::vector<LeftOut> const& left) {
  std::string out;
  for (auto const& problem : set.problems) out += text("  ", problem.message, "\n");
  constexpr std::size_t most = 40;
  for (std::size_t i = 0; i < std::min(left.size(), most); ++i)
    out += text("  left out: ", set.cases[left[i].at].id, ": ", left[i].why, "\n");
  if (left.size() > most)
    out += text("  and ", left.size() - most, " more (--json lists all)\n");
  return out;
}

Json splits_json(Dataset const& set) {
  Json splits;
  for (auto const split : data_splits)
    splits[std::string{name_of(split)}] = set.in(split).size();
  return splits;
}

Json problems_json(Dataset const& set, std::vector<Problem> const& problems) {
  auto out = Json::array();
  for (auto const& problem : problems) {
    auto ids = Json::array();
    for (auto const at : problem.cases) ids.push_back(set.cases[at].id);
    out.push_back({{"kind", problem.kind},
                   {"severe", problem.severe},
                   {"message", problem.message},
                   {"cases", ids}});
  }
  return out;
}

std::string problem_list(std::vector<Problem> const& problems) {
  constexpr int most = 5;
  std::map<std::string, int> shown;
  std::vector<std::vector<std::string>> rows = {{"", "kind", "what was found"}};
  for (auto const& problem : problems) {
    if (++shown[problem.kind] <= most)
      rows.push_back({problem.severe ? "!" : "", problem.kind, problem.message});
  }
  std::string out = rows.size() == 1 ? "  nothing suspicious\n" : aligned(rows);
  for (auto const& [kind, count] : shown) {
    if (count > most) out += text("     and ", count - most, " more of ", kind, "\n");
  }
  if (std::ranges::any_of(problems, &Problem::severe))
    out += "  ! severe: a model would prove nothing with it\n";
  return out;
}

std::string notes_in_words(Dataset const& set) {
  std::string out;
  auto const patients = patients_in(set);
  if (patients > 0) out += text("  ", patients, " patients are named\n");
  for (auto const& words : set.notes) out += text("  note: ", words, '\n');
  if (set.in(Split::unassigned).size() == set.cases.size())
    out += "  note: no splits are given; training makes them, by patient\n";
  return out;
}

std::optional<DataRange> range_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  return DataRange{values.front(), values[values.size() / 2], values.back()};
}

Json range_json(std::optional<DataRange> const& range) {
  return range ? Json{{"low", range->low}, {"median", range->middle}, {"high", range->high}}
               : Json{};
}

void add_range(std::vector<std::vector<std::string>>& rows,
               std::string const& name,
               std::optional<DataRange> const& range) {
  if (!range) return;
  auto const words = [](double value) {
    return value == std::floor(value) ? fixed(value, 0) : fixed(value, 2);
  };
  rows.push_back({name, words(range->low), words(range->middle), words(range->high)});
}

}  // namespace fovea
