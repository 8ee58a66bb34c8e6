#include "app/data_masks.hpp"
#include "app/data_page.hpp"
#include "app/data_words.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/report/page.hpp"
#include "learn/report/slices.hpp"

#include <algorithm>
#include <map>

namespace fovea {
namespace {

constexpr std::size_t sheet_samples = 24;
constexpr std::size_t sheet_suspicious = 60;
constexpr std::size_t sheet_rows = 1000;   // of the table of cases
constexpr std::size_t sheet_columns = 12;  // labels in it
constexpr double sheet_side = 240;  // pixels: what a page shows without shrinking outlines

std::optional<Figure> sheet_figure(Dataset const& set,
                                   MaskReport const& report,
                                   std::size_t at,
                                   std::string badge) {
  auto const& one = set.cases[at];
  try {
    auto const image = set.image(one);
    // A mask that cannot be used is shown as none: the badge says why.
    auto const mask = report.masks[at].usable() && !one.mask.file.empty()
                          ? set.mask(one, image.grid())
                          : LabelMap{Volume{image.grid(), Type::u8}, {}};
    std::vector<std::string> words = {one.id};
    if (one.split != Split::unassigned) words.emplace_back(name_of(one.split));
    return Figure{slice_picture(image, &mask.voxels, nullptr, 2, fullest_slice(mask.voxels, 2),
                                {.most = sheet_side}),
                  joined(words, " · "), std::move(badge)};
  } catch (Error const&) {
    return std::nullopt;  // unreadable: named in the table
  }
}

std::map<std::size_t, std::string> sheet_badges(MaskReport const& report) {
  std::map<std::size_t, std::string> badges;
  for (auto const& problem : report.problems) {
    for (auto const at : problem.cases) badges.try_emplace(at, problem.kind);
  }
  return badges;
}

Panel sheet_counts(Dataset const& set, MaskReport const& report) {
  std::vector<std::string> head = {"label", "values"};
  std::vector<Split> splits;
  for (auto const split : data_splits) {
    if (set.in(split).empty()) continue;
    splits.push_back(split);
    head.emplace_back(name_of(split));
  }
  std::vector<std::vector<std::string>> rows;
  for (std::size_t label = 0; label < set.labels.size(); ++label) {
    std::vector<std::string> values;
    for (auto const value : set.labels[label].values) values.push_back(text(value));
    rows.push_back({set.labels[label].name, named(values, 8)});
    for (auto const split : splits)
      rows.back().push_back(text(showing(set, report, label, split)));
  }
  std::string notes;
  for (auto const& words : set.notes) notes += note("info", words);
  return {"What is there", "Cases whose mask shows each label, by split.",
          table(head, rows) + notes, "counts"};
}

Panel sheet_suspects(Dataset const& set, MaskReport const& report) {
  std::vector<Figure> figures;
  for (auto const& [at, badge] : sheet_badges(report)) {
    if (figures.size() == sheet_suspicious) break;
    if (auto figure = sheet_figure(set, report, at, badge))
      figures.push_back(std::move(*figure));
  }
  return {"The suspicious cases",
          text("Those named above that can be shown, at most ", sheet_suspicious,
               ": the slice that shows most of the mask, its outline over it."),
          figures.empty() ? note("good", "None.") : gallery(figures, 160), "suspicious"};
}

Panel sheet_sample(Dataset const& set, MaskReport const& report) {
  std::vector<std::size_t> all(set.cases.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  Rng{{7, 1}}.shuffle(std::span{all});
  std::vector<Figure> figures;
  auto const badges = sheet_badges(report);
  for (auto const at : all) {
    if (figures.size() == sheet_samples) break;
    auto const badge = badges.find(at);
    if (auto figure = sheet_figure(set, report, at, badge == badges.end() ? "" : badge->second))
      figures.push_back(std::move(*figure));
  }
  return {"A sample", "Taken at random; the outlines should follow what they name.",
          gallery(figures, 160), "sample"};
}

// Sizes, spacings and volumes of each case, folded away.
Panel sheet_cases(Dataset const& set, MaskReport const& report) {
  std::vector<std::string> head = {"case", "split", "voxels", "spacing, mm"};
  auto const columns = std::min(set.labels.size(), sheet_columns);
  for (std::size_t label = 0; label < columns; ++label)
    head.push_back(set.labels[label].name + ", ml");
  head.emplace_back("edges");
  auto const badges = sheet_badges(report);
  head.emplace_back("look");
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < std::min(set.cases.size(), sheet_rows); ++i) {
    auto const& mask = report.masks[i];
    rows.push_back({set.cases[i].id, std::string{name_of(set.cases[i].split)},
                    text(mask.size[0], " × ", mask.size[1], " × ", mask.size[2]),
                    text(fixed(mask.spacing[0], 2), " × ", fixed(mask.spacing[1], 2), " × ",
                         fixed(mask.spacing[2], 2))});
    for (std::size_t label = 0; label < columns; ++label)
      rows.back().push_back(label < mask.volumes.size() ? fixed(mask.volumes[label] / 1000, 3)
                                                        : "");
    rows.back().push_back(mask.edges ? fixed(*mask.edges, 2) : "");
    auto const badge = badges.find(i);
    rows.back().push_back(badge == badges.end() ? "" : badge->second);
  }
  auto body = table(head, rows);
  if (rows.size() < set.cases.size() || columns < set.labels.size())
    body += paragraph("The rest: fovea data inspect --json");
  return {"Each case", "", details(text(rows.size(), " cases"), body), "cases"};
}

Panel sheet_edges(MaskReport const& report) {
  constexpr int bins = 20;
  std::vector<double> values;
  for (auto const& mask : report.masks) {
    if (mask.edges) values.push_back(*mask.edges);
  }
  if (values.size() < 2) return {"Edges", "Too few masks to compare.", "", "edges"};
  auto const [low, high] = std::ranges::minmax(values);
  std::vector<double> counts(bins);
  auto const width = std::max(high - low, 1e-9) / bins;
  for (auto const value : values)
    counts[static_cast<std::size_t>(std::clamp((value - low) / width, 0.0, bins - 1.0))] += 1;
  std::vector<std::pair<std::string, double>> bars;
  for (int b = 0; b < bins; ++b)
    bars.emplace_back(fixed(low + width * (b + 0.5), 2), counts[static_cast<std::size_t>(b)]);
  return {"Edges",
          "How much stronger the image's edges are at the surface of a mask than beside it "
          "(logarithm; 0 is chance). One far to the left of the others is suspicious.",
          bar_chart(bars, {.x = "edge contrast of a case", .y = "cases"}), "edges"};
}

}  // namespace

std::string masks_page(Dataset const& set, MaskReport const& report) {
  auto const severe = std::ranges::count_if(report.problems, &Problem::severe);
  return render({.title = "Data set " + set.root.filename().string(),
                 .subtitle = text("Read as ", set.form, ". Nothing was changed."),
                 .facts = {{"cases", text(set.cases.size())},
                           {"labels", text(set.labels.size())},
                           {"remarks", text(report.problems.size())},
                           {"severe", text(severe)}},
                 .panels = {sheet_counts(set, report), problems_panel(report.problems),
                            sheet_suspects(set, report), sheet_sample(set, report),
                            sheet_edges(report), sheet_cases(set, report)}});
}

}  // namespace fovea
