#include "app/data_page.hpp"

#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/data/shrink.hpp"
#include "learn/report/page.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fovea {
namespace {

constexpr std::size_t page_samples = 12;     // of a class
constexpr std::size_t page_classes = 30;     // that have samples
constexpr std::size_t page_suspicious = 60;  // images shown
constexpr std::size_t page_problems = 100;   // rows of the table

std::vector<Split> page_splits(Dataset const& set) {
  std::vector<Split> splits;
  for (auto const split : {Split::train, Split::validation, Split::test, Split::unassigned}) {
    if (!set.in(split).empty()) splits.push_back(split);
  }
  return splits;
}

std::optional<Figure> page_figure(Dataset const& set, std::size_t at, std::string badge) {
  auto const& one = set.cases[at];
  auto const where = one.split == Split::unassigned ? "" : text(" · ", name_of(one.split));
  try {
    return Figure{preview(set.image(one), 240),
                  text(one.id, " · ", labels_in_words(set, one), where), std::move(badge)};
  } catch (Error const&) {
    return std::nullopt;  // unreadable: named in the table
  }
}

// A case can have several faults: the picture carries the gravest word.
std::map<std::size_t, std::string> page_badges(QualityReport const& report) {
  std::map<std::size_t, std::string> badges;
  for (auto const& problem : report.problems) {
    for (auto const at : problem.cases) badges.try_emplace(at, problem.kind);
  }
  return badges;
}

Panel page_counts(Dataset const& set) {
  auto const splits = page_splits(set);
  std::vector<std::string> head = {"class"};
  for (auto const split : splits) head.emplace_back(name_of(split));
  head.emplace_back("all");
  std::vector<std::size_t> sums(set.classes.size());
  std::vector<std::vector<std::string>> rows;
  for (auto const& name : set.classes) rows.push_back({name});
  for (auto const split : splits) {
    auto const counts = class_counts(set, split);
    for (std::size_t c = 0; c < counts.size(); ++c) {
      rows[c].push_back(text(counts[c]));
      sums[c] += counts[c];
    }
  }
  for (std::size_t c = 0; c < sums.size(); ++c) rows[c].push_back(text(sums[c]));
  std::string notes;
  for (auto const& words : set.notes) notes += note("info", words);
  auto const given = set.in(Split::unassigned).size() < set.cases.size();
  return {"What is there",
          given ? "Images of each class by split, as the data set gives them."
                : "Images of each class. No splits are given: training makes them, by patient.",
          table(head, rows) + notes, "counts"};
}

Panel page_suspects(Dataset const& set, QualityReport const& report) {
  std::vector<Figure> figures;
  for (auto const& [at, badge] : page_badges(report)) {
    if (figures.size() == page_suspicious) break;
    if (auto figure = page_figure(set, at, badge)) figures.push_back(std::move(*figure));
  }
  return {"The suspicious images",
          text("Those named above that can be shown, at most ", page_suspicious, "."),
          figures.empty() ? note("good", "None.") : gallery(figures), "suspicious"};
}

std::vector<std::size_t> page_sample(Dataset const& set,
                                     QualityReport const& report,
                                     std::size_t of_class) {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    if (report.facts[i].readable && set.is(set.cases[i], of_class)) all.push_back(i);
  }
  Rng{{7, of_class}}.shuffle(std::span{all});
  all.resize(std::min(all.size(), page_samples));
  return all;
}

Panel page_sheet(Dataset const& set, QualityReport const& report, std::size_t of_class) {
  auto const badges = page_badges(report);
  std::vector<Figure> figures;
  for (auto const at : page_sample(set, report, of_class)) {
    auto const badge = badges.find(at);
    if (auto figure = page_figure(set, at, badge == badges.end() ? "" : badge->second))
      figures.push_back(std::move(*figure));
  }
  return {set.classes[of_class], "A random sample of this class.", gallery(figures),
          text("class-", of_class)};
}

// How many images have which mean brightness: a second scanner shows as a second hill.
Panel page_brightness(QualityReport const& report) {
  double low = 0;
  double high = 0;
  for (auto const& f : report.facts) {
    if (!f.readable) continue;
    low = std::min(low, f.low);
    high = std::max(high, f.high);
  }
  constexpr std::size_t bins = 32;
  std::vector<double> counts(bins);
  for (auto const& f : report.facts) {
    if (!f.readable || high <= low) continue;
    auto const bin = static_cast<std::size_t>((f.mean - low) / (high - low) * bins);
    counts[std::min(bin, bins - 1)] += 1;
  }
  std::vector<std::pair<std::string, double>> bars;
  for (std::size_t b = 0; b < bins; ++b)
    bars.emplace_back(fixed(low + (high - low) * (static_cast<double>(b) + 0.5) / bins,
                            high - low > 50 ? 0 : 3),
                      counts[b]);
  return {"Brightness", "How many images have which mean value; two hills mean two sources.",
          bar_chart(bars, {.x = "mean value of an image", .y = "images"}), "brightness"};
}

std::string page_sizes(QualityReport const& report) {
  std::set<std::pair<std::int64_t, std::int64_t>> sizes;
  for (auto const& f : report.facts) {
    if (f.readable) sizes.emplace(f.width, f.height);
  }
  if (sizes.empty()) return "none";
  auto const words = [](auto const& size) { return text(size.first, " × ", size.second); };
  return sizes.size() == 1 ? words(*sizes.begin())
                           : text(words(*sizes.begin()), " to ", words(*sizes.rbegin()), ", ",
                                  sizes.size(), " sizes");
}

}  // namespace

Panel problems_panel(std::vector<Problem> const& problems) {
  std::vector<std::vector<std::string>> rows;
  for (auto const& problem : problems) {
    if (rows.size() == page_problems) break;
    rows.push_back({problem.severe ? "severe" : "look", problem.kind, problem.message});
  }
  auto body = rows.empty() ? note("good", "Nothing suspicious was found.")
                           : table({"", "kind", "what was found"}, rows);
  if (problems.size() > rows.size())
    body += paragraph(text("and ", problems.size() - rows.size(),
                           " more; fovea data inspect --json lists all"));
  return {"What to look at",
          "Severe: a model would prove nothing with it. The rest: a person should know.", body,
          "problems"};
}

std::string labels_in_words(Dataset const& set, Case const& one) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < set.classes.size(); ++c) {
    if (set.is(one, c)) names.push_back(set.classes[c]);
  }
  return names.empty() ? "none" : joined(names, ", ");
}

std::vector<std::size_t> class_counts(Dataset const& set, Split split) {
  std::vector<std::size_t> counts(set.classes.size());
  for (auto const& one : set.cases) {
    if (one.split != split) continue;
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += set.is(one, c) ? 1 : 0;
  }
  return counts;
}

std::string data_page(Dataset const& set, QualityReport const& report) {
  auto const severe = std::ranges::count_if(report.problems, &Problem::severe);
  Page page{.title = "Data set " + set.root.filename().string(),
            .subtitle = text("Read as ", set.form, ". Nothing was changed."),
            .facts = {{"images", text(set.cases.size())},
                      {"classes", text(set.classes.size())},
                      {"size", page_sizes(report)},
                      {"remarks", text(report.problems.size())},
                      {"severe", text(severe)}},
            .panels = {page_counts(set), problems_panel(report.problems),
                       page_suspects(set, report), page_brightness(report)}};
  for (std::size_t c = 0; c < std::min(set.classes.size(), page_classes); ++c)
    page.panels.push_back(page_sheet(set, report, c));
  return render(page);
}

}  // namespace fovea
