#include "app/data.hpp"

#include "app/command.hpp"
#include "app/data_masks.hpp"
#include "app/data_page.hpp"
#include "app/data_words.hpp"
#include "app/out.hpp"
#include "base/core/error.hpp"
#include "base/core/json.hpp"
#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"
#include "learn/data/clean.hpp"
#include "learn/data/layout.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <set>

namespace fovea {
namespace {

QualityReport data_quality(Dataset const& set, int threads) {
  Progress progress{"looking at the images"};
  auto const all = static_cast<double>(set.cases.size());
  auto const& stop = stop_on_signals();
  auto report = quality(set, threads > 0 ? threads : usable_cores(), [&](std::size_t done) {
    if (stop.asked())
      throw Interrupted{"stopped while looking at the images; nothing was written"};
    progress.show(static_cast<double>(done), all);
  });
  progress.clear();
  return report;
}

// What one number of the readable images is.
std::optional<DataRange> data_range(QualityReport const& report,
                                    double (*value)(ImageFacts const&)) {
  std::vector<double> values;
  for (auto const& facts : report.facts) {
    if (facts.readable) values.push_back(value(facts));
  }
  return range_of(std::move(values));
}

struct DataNumber {
  std::string_view name;
  double (*value)(ImageFacts const&);
};

constexpr DataNumber data_numbers[] = {
    {"width", [](ImageFacts const& f) { return static_cast<double>(f.width); }},
    {"height", [](ImageFacts const& f) { return static_cast<double>(f.height); }},
    {"channels", [](ImageFacts const& f) { return static_cast<double>(f.channels); }},
    {"lowest", [](ImageFacts const& f) { return f.low; }},
    {"highest", [](ImageFacts const& f) { return f.high; }},
    {"mean", [](ImageFacts const& f) { return f.mean; }},
    {"deviation", [](ImageFacts const& f) { return f.deviation; }},
};

Json data_images_json(QualityReport const& report) {
  Json out;
  out["readable"] = std::ranges::count_if(report.facts, &ImageFacts::readable);
  for (auto const& row : data_numbers)
    out[std::string{row.name}] = range_json(data_range(report, row.value));
  std::set<std::string> types;
  for (auto const& facts : report.facts) {
    if (facts.readable) types.emplace(name_of(facts.type));
  }
  out["types"] = types;
  return out;
}

Json data_classes_json(Dataset const& set) {
  auto out = Json::array();
  for (auto const& name : set.classes) out.push_back({{"name", name}});
  for (auto const split : data_splits) {
    auto const counts = class_counts(set, split);
    for (std::size_t c = 0; c < counts.size(); ++c)
      out[c][std::string{name_of(split)}] = counts[c];
  }
  return out;
}

Json data_json(Dataset const& set, QualityReport const& report) {
  return {{"root", set.root.string()},
          {"form", set.form},
          {"cases", set.cases.size()},
          {"patients", patients_in(set)},
          {"multi_label", set.multi_label},
          {"splits", splits_json(set)},
          {"classes", data_classes_json(set)},
          {"images", data_images_json(report)},
          {"notes", set.notes},
          {"problems", problems_json(set, report.problems)}};
}

std::string data_counts_table(Dataset const& set) {
  std::vector<std::vector<std::string>> rows = {{"class"}};
  for (auto const& name : set.classes) rows.push_back({name});
  rows.push_back({"all images"});
  for (auto const split : data_splits) {
    auto const cases = set.in(split).size();
    if (cases == 0) continue;
    auto const counts = class_counts(set, split);
    rows.front().emplace_back(name_of(split));
    for (std::size_t c = 0; c < counts.size(); ++c) rows[c + 1].push_back(text(counts[c]));
    rows.back().push_back(text(cases));
  }
  return aligned(rows);
}

std::string data_images_table(QualityReport const& report) {
  std::vector<std::vector<std::string>> rows = {{"images", "least", "usual", "most"}};
  for (auto const& row : data_numbers)
    add_range(rows, std::string{row.name}, data_range(report, row.value));
  return aligned(rows);
}

void data_show(Dataset const& set, QualityReport const& report) {
  std::cout << set.root.string() << ": " << set.cases.size() << " images, "
            << set.classes.size() << " classes, read as " << set.form
            << (set.multi_label ? ", several labels an image" : "") << '\n';
  std::cout << notes_in_words(set) << '\n'
            << data_counts_table(set) << '\n'
            << data_images_table(report) << '\n'
            << problem_list(report.problems);
}

void data_expect_usable(QualityReport const& report) {
  if (std::ranges::any_of(report.facts, &ImageFacts::readable)) return;
  throw Error{Fault::input,
              text("expected images that can be read, got ", report.facts.size(),
                   " that cannot: ", report.facts.front().fault),
              "check the files"};
}

Json data_clean_json(Dataset const& set,
                     std::vector<LeftOut> const& left,
                     fs::path const& out) {
  auto rows = Json::array();
  for (auto const& one : left)
    rows.push_back({{"id", set.cases[one.at].id}, {"kind", one.kind}, {"why", one.why}});
  return {{"out", out.string()}, {"cases", set.cases.size() - left.size()}, {"left_out", rows}};
}

void data_show_clean(Dataset const& set,
                     std::vector<LeftOut> const& left,
                     fs::path const& out) {
  std::cout << "wrote " << out.string() << " with " << set.cases.size() - left.size() << " of "
            << set.cases.size() << " images\n";
  std::cout << left_out_in_words(set, left);
  std::cout << "nothing was deleted\n";
}

template <class Options>
void data_offer(CLI::App& app, Options& options) {
  app.add_option("DIR", options.dir, "a folder, an .npz or a .csv")->required();
  app.add_flag("--json", options.json, "print one JSON object");
  app.add_option("--patient-from", options.patient_from,
                 "regular expression on file names; its first group is the patient");
  app.add_option("--threads", options.threads, "0: all cores")->check(CLI::NonNegativeNumber);
}

std::string data_layouts() {
  std::string out = "Understood are, without being told:\n";
  for (auto const& row : layouts()) out += text("  ", row.looks_like, "\n");
  return out +
         "\nExamples:\n"
         "  fovea data inspect IMAGES --html sheet.html\n"
         "  fovea data clean IMAGES --out fit.csv; fovea train fit.csv --out RUN";
}

}  // namespace

int run(DataInspect const& options) {
  if (!options.html.empty()) expect_fresh_file(options.html);
  auto const set =
      read_dataset(options.dir, {.patient_from = options.patient_from, .reader = {}});
  if (set.masks) return inspect_masks(set, options);
  auto const report = data_quality(set, options.threads);
  if (!options.html.empty()) write_file(options.html, data_page(set, report));
  if (options.json) {
    print_json(data_json(set, report));
  } else {
    data_show(set, report);
    if (!options.html.empty()) std::cout << "\nwrote " << options.html.string() << '\n';
  }
  data_expect_usable(report);
  return 0;
}

int run(DataClean const& options) {
  expect_fresh_file(options.out);
  auto const set =
      read_dataset(options.dir, {.patient_from = options.patient_from, .reader = {}});
  if (set.masks) return clean_masks(set, options);
  if (!options.also.empty())
    throw Error{Fault::usage, "--also is for sets of masks", "leave it out"};
  auto const report = data_quality(set, options.threads);
  auto const left = unfit(set, report.facts);
  if (left.size() == set.cases.size())
    throw Error{Fault::input, text("none of the ", set.cases.size(), " images is fit for use"),
                "see fovea data inspect"};
  std::vector<std::size_t> gone;
  for (auto const& one : left) gone.push_back(one.at);
  write_file(options.out, list_of(without(set, gone), fs::absolute(options.out).parent_path()));
  if (options.json) {
    print_json(data_clean_json(set, left, options.out));
  } else {
    data_show_clean(set, left, options.out);
  }
  return 0;
}

int data_command(Arguments const& arguments) {
  DataInspect inspect;
  DataClean clean;
  CLI::App app{"Looks at a data set, or lists what of it is fit for use.", "data"};
  app.require_subcommand(1);
  auto* const look =
      app.add_subcommand("inspect", "show what a data set holds and what is wrong with it");
  data_offer(*look, inspect);
  look->add_option("--html", inspect.html,
                   "also write a contact sheet with the suspicious images");
  auto* const list = app.add_subcommand(
      "clean", "write a list of the cases that are fit for use; deletes nothing");
  data_offer(*list, clean);
  list->add_option("--out", clean.out, "the list (CSV), to be given to train; a new file")
      ->required();
  list->add_option("--also", clean.also,
                   "of masks: leave out doubtful cases of these kinds, too: empty-mask, "
                   "mask-off-edges, odd-spacing, …")
      ->delimiter(',');
  look->footer(data_layouts());
  list->footer(data_layouts());
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea data inspect IMAGES --html look.html\n"
                  "  fovea data clean IMAGES --out list.csv; fovea train list.csv --out RUN"))
    return 0;
  return look->parsed() ? run(inspect) : run(clean);
}

}  // namespace fovea
