#include "app/data_masks.hpp"

#include "app/command.hpp"
#include "app/data_words.hpp"
#include "app/out.hpp"
#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"
#include "learn/data/clean.hpp"

#include <algorithm>
#include <iostream>

namespace fovea {
namespace {

constexpr double inspected_mm3 = 1000;  // of a millilitre

MaskReport inspected(Dataset const& set, int threads) {
  Progress progress{"looking at images and masks"};
  auto const all = static_cast<double>(set.cases.size());
  auto const& stop = stop_on_signals();
  auto report =
      mask_quality(set, threads > 0 ? threads : usable_cores(), [&](std::size_t done) {
        if (stop.asked())
          throw Interrupted{"stopped while looking at the masks; nothing was written"};
        progress.show(static_cast<double>(done), all);
      });
  progress.clear();
  return report;
}

// Photographs have no millimetres.
bool inspected_flat(MaskReport const& report) {
  return std::ranges::all_of(report.masks,
                             [](MaskFacts const& one) { return one.size[2] <= 1; });
}

template <class Value>
std::optional<DataRange> inspected_range(MaskReport const& report, Value const& value) {
  std::vector<double> values;
  for (std::size_t i = 0; i < report.masks.size(); ++i) {
    if (!report.images[i].readable) continue;
    if (std::optional<double> const one = value(i)) values.push_back(*one);
  }
  return range_of(std::move(values));
}

// Of the cases that show it.
std::optional<DataRange> inspected_volume(MaskReport const& report, std::size_t label) {
  return inspected_range(report, [&](std::size_t i) -> std::optional<double> {
    auto const& one = report.masks[i];
    if (label >= one.volumes.size() || one.voxels[label] == 0) return std::nullopt;
    return one.volumes[label];
  });
}

struct InspectedNumber {
  std::string_view name;
  double (*value)(ImageFacts const&, MaskFacts const&);
};
constexpr InspectedNumber inspected_numbers[] = {
    {"voxels along i",
     [](auto const&, auto const& m) { return static_cast<double>(m.size[0]); }},
    {"voxels along j",
     [](auto const&, auto const& m) { return static_cast<double>(m.size[1]); }},
    {"voxels along k",
     [](auto const&, auto const& m) { return static_cast<double>(m.size[2]); }},
    {"spacing i, mm", [](auto const&, auto const& m) { return m.spacing[0]; }},
    {"spacing j, mm", [](auto const&, auto const& m) { return m.spacing[1]; }},
    {"spacing k, mm", [](auto const&, auto const& m) { return m.spacing[2]; }},
    {"channels", [](auto const& f, auto const&) { return static_cast<double>(f.channels); }},
    {"lowest", [](auto const& f, auto const&) { return f.low; }},
    {"highest", [](auto const& f, auto const&) { return f.high; }},
    {"mean", [](auto const& f, auto const&) { return f.mean; }},
    {"deviation", [](auto const& f, auto const&) { return f.deviation; }},
};

std::string inspected_labels_table(Dataset const& set, MaskReport const& report) {
  auto const flat = inspected_flat(report);
  std::vector<std::vector<std::string>> rows = {{"label"}};
  for (auto const& label : set.labels) rows.push_back({label.name});
  rows.push_back({"all cases"});
  for (auto const split : data_splits) {
    auto const cases = set.in(split).size();
    if (cases == 0) continue;
    rows.front().emplace_back(name_of(split));
    for (std::size_t label = 0; label < set.labels.size(); ++label)
      rows[label + 1].push_back(text(showing(set, report, label, split)));
    rows.back().push_back(text(cases));
  }
  for (auto const* head : {flat ? "least pixels" : "least ml", "usual", "most"})
    rows.front().emplace_back(head);
  for (std::size_t label = 0; label < set.labels.size(); ++label) {
    auto const range = inspected_volume(report, label).value_or(DataRange{});
    for (auto const volume : {range.low, range.middle, range.high})
      rows[label + 1].push_back(flat ? fixed(volume, 0) : fixed(volume / inspected_mm3, 3));
  }
  rows.back().resize(rows.front().size());
  return aligned(rows);
}

std::string inspected_cases_table(MaskReport const& report) {
  std::vector<std::vector<std::string>> rows = {{"cases", "least", "usual", "most"}};
  for (auto const& row : inspected_numbers)
    add_range(rows, std::string{row.name}, inspected_range(report, [&](std::size_t i) {
                return std::optional{row.value(report.images[i], report.masks[i])};
              }));
  add_range(rows, "edge contrast",
            inspected_range(report, [&](std::size_t i) { return report.masks[i].edges; }));
  return aligned(rows);
}

void inspected_show(Dataset const& set, MaskReport const& report) {
  std::cout << set.root.string() << ": " << set.cases.size() << " cases with masks of "
            << set.labels.size() << (set.labels.size() == 1 ? " label" : " labels")
            << ", read as " << set.form << (set.regions() ? ", as regions" : "") << '\n';
  if (!set.channels.empty()) std::cout << "  channels: " << joined(set.channels, ", ") << '\n';
  if (set.ignore) std::cout << "  the value " << *set.ignore << " in masks is ignored\n";
  auto const white = std::ranges::count_if(report.masks, &MaskFacts::white);
  if (white > 0)
    std::cout << "  note: " << white << " masks hold 0 and 255, taken as 0 and 1\n";
  std::cout << notes_in_words(set) << '\n'
            << inspected_labels_table(set, report) << '\n'
            << inspected_cases_table(report) << '\n'
            << problem_list(report.problems);
}

Json inspected_labels_json(Dataset const& set, MaskReport const& report) {
  auto out = Json::array();
  for (std::size_t label = 0; label < set.labels.size(); ++label) {
    auto const& one = set.labels[label];
    Json row = {{"name", one.name}, {"values", one.values}, {"written", one.written}};
    for (auto const split : data_splits)
      row[std::string{name_of(split)}] = showing(set, report, label, split);
    row["volume_mm3"] = range_json(inspected_volume(report, label));
    out.push_back(row);
  }
  return out;
}

Json inspected_cases_json(Dataset const& set, MaskReport const& report) {
  auto out = Json::array();
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    auto const& mask = report.masks[i];
    Json volumes = Json::object();
    for (std::size_t label = 0; label < mask.volumes.size(); ++label) {
      if (mask.voxels[label] > 0) volumes[set.labels[label].name] = mask.volumes[label];
    }
    out.push_back({{"id", set.cases[i].id},
                   {"split", name_of(set.cases[i].split)},
                   {"readable", report.images[i].readable && mask.usable()},
                   {"size", mask.size},
                   {"spacing", mask.spacing},
                   {"channels", report.images[i].channels},
                   {"volumes_mm3", volumes},
                   {"edges", mask.edges ? Json(*mask.edges) : Json{}}});
  }
  return out;
}

Json inspected_json(Dataset const& set, MaskReport const& report) {
  Json images;
  images["readable"] = std::ranges::count_if(report.images, &ImageFacts::readable);
  for (auto const& row : inspected_numbers)
    images[std::string{row.name}] = range_json(inspected_range(report, [&](std::size_t i) {
      return std::optional{row.value(report.images[i], report.masks[i])};
    }));
  return {{"root", set.root.string()},
          {"form", set.form},
          {"cases", set.cases.size()},
          {"patients", patients_in(set)},
          {"masks", true},
          {"regions", set.regions()},
          {"ignore", set.ignore ? Json(*set.ignore) : Json{}},
          {"channels", set.channels},
          {"splits", splits_json(set)},
          {"labels", inspected_labels_json(set, report)},
          {"images", images},
          {"notes", set.notes},
          {"problems", problems_json(set, report.problems)},
          {"per_case", inspected_cases_json(set, report)}};
}

Json cleaned_json(Dataset const& set,
                  std::vector<LeftOut> const& left,
                  std::vector<Doubt> const& stay,
                  fs::path const& out) {
  auto rows = Json::array();
  for (auto const& one : left)
    rows.push_back({{"id", set.cases[one.at].id}, {"kind", one.kind}, {"why", one.why}});
  auto doubtful = Json::object();
  for (auto const& doubt : stay) {
    for (auto const at : doubt.cases) doubtful[doubt.kind].push_back(set.cases[at].id);
  }
  return {{"out", out.string()},
          {"cases", set.cases.size() - left.size()},
          {"left_out", rows},
          {"doubtful", doubtful}};
}

void cleaned_show(Dataset const& set,
                  std::vector<LeftOut> const& left,
                  std::vector<Doubt> const& stay,
                  DataClean const& options,
                  fs::path const& labels) {
  std::cout << "wrote " << options.out.string() << " with " << set.cases.size() - left.size()
            << " of " << set.cases.size() << " cases, and " << labels.string()
            << " with what labels and channels are\n";
  std::cout << left_out_in_words(set, left);
  for (auto const& doubt : stay) {
    std::vector<std::string> names;
    for (auto const at : doubt.cases) names.push_back(set.cases[at].id);
    std::cout << "  stays, though doubtful: " << doubt.kind << ": " << named(names)
              << " (--also " << doubt.kind << " leaves out)\n";
  }
  std::cout << "nothing was deleted\n";
}

}  // namespace

std::size_t showing(Dataset const& set,
                    MaskReport const& report,
                    std::size_t label,
                    Split split) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    auto const& voxels = report.masks[i].voxels;
    count += set.cases[i].split == split && label < voxels.size() && voxels[label] > 0 ? 1 : 0;
  }
  return count;
}

int clean_masks(Dataset const& set, DataClean const& options) {
  auto labels = options.out;
  labels.replace_extension(".json");
  if (labels == options.out)
    throw Error{Fault::usage, text("expected a .csv as the list, got ", options.out),
                "LIST.json beside it says what labels and channels are"};
  expect_fresh_file(labels);
  expect_doubts(options.also);
  // What could not be written is said before the work.
  auto const folder = fs::absolute(options.out).parent_path();
  list_of(set, folder);
  labels_of(set);
  auto const report = inspected(set, options.threads);
  auto const left = unfit_masks(set, report, options.also);
  if (left.size() == set.cases.size())
    throw Error{
        Fault::input,
        text("none of the ", set.cases.size(), " cases is fit for use: ", left.front().why),
        "see fovea data inspect"};
  std::vector<std::size_t> gone;
  for (auto const& one : left) gone.push_back(one.at);
  auto const fit = without(set, gone);
  // The list last: what it names is there when it is.
  write_file(labels, labels_of(fit));
  write_file(options.out, list_of(fit, folder));
  auto const stay = doubts(report, left);
  if (options.json)
    print_json(cleaned_json(set, left, stay, options.out));
  else
    cleaned_show(set, left, stay, options, labels);
  return 0;
}

int inspect_masks(Dataset const& set, DataInspect const& options) {
  auto const report = inspected(set, options.threads);
  if (!options.html.empty()) write_file(options.html, masks_page(set, report));
  if (options.json) {
    print_json(inspected_json(set, report));
  } else {
    inspected_show(set, report);
    if (!options.html.empty()) std::cout << "\nwrote " << options.html.string() << '\n';
  }
  if (std::ranges::none_of(report.images, &ImageFacts::readable))
    throw Error{Fault::input,
                text("expected images that can be read, got ", report.images.size(),
                     " that cannot: ", report.images.front().fault),
                "check the files"};
  return 0;
}

}  // namespace fovea
