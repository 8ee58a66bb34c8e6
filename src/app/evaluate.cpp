#include "app/full.hpp"
#include "app/model_flags.hpp"
#include "app/names.hpp"
#include "app/out.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"
#include "base/io/formats.hpp"
#include "learn/segment/segment.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <set>
#include <string_view>

namespace fovea {
namespace {

std::string_view evaluate_word(Split split) {
  return split == Split::unassigned ? "all" : name_of(split);
}

std::string evaluate_head(Split split, std::size_t cases) {
  return text(
      cases, " cases of ",
      split == Split::unassigned ? "all splits" : text("the ", name_of(split), " split"), "\n");
}

/// Writes what a model answered, on the grids of the cases and under their names.
class EvaluateMasks {
 public:
  EvaluateMasks(Dataset const& set, fs::path folder) : set_(set), folder_(std::move(folder)) {
    make_folder(folder_);
  }

  void operator()(std::size_t index, Volume const& answer) {
    auto const& one = set_.cases[index];
    auto safe = safe_in_a_name(one.id);
    if (safe.empty()) safe = "case";
    auto name = safe;
    for (int more = 2; !taken_.insert(lower(name)).second; ++more) name = text(safe, '-', more);
    write_volume(folder_ / (name + (is_picture(one) ? ".png" : ".nii.gz")), answer);
  }

 private:
  static bool is_picture(Case const& one) {
    static constexpr std::string_view endings[] = {".png",  ".jpg", ".jpeg", ".tif",
                                                   ".tiff", ".gif", ".bmp"};
    auto const ending = lower(one.image.file.extension().string());
    return !one.image.member.empty() || std::ranges::find(endings, ending) != std::end(endings);
  }

  Dataset const& set_;
  fs::path folder_;
  std::set<std::string> taken_;  // in lower case: some file systems know no other
};

void evaluate_expect(Model const& model, fs::path const& name, bool masks) {
  if (!masks || model.about.output.on_grid) return;
  throw Error{Fault::usage,
              text("--masks is of models that label voxels; ", name, " answers in words"),
              "leave it out"};
}

void evaluate_print(Evaluation const& proof, Split split, std::size_t cases) {
  std::cout << evaluate_head(split, cases);
  for (auto const& fact : proof.facts())
    std::cout << "  " << fact.name
              << std::string(fact.name.size() < 22 ? 22 - fact.name.size() : 1, ' ')
              << in_words(fact) << '\n';
}

std::string compare_number(Json const& value) {
  return value.is_number() ? fixed(value.get<double>(), 3) : "undefined";
}

std::string compare_interval(Json const& interval) {
  auto const value = compare_number(interval["value"]);
  if (!interval["low"].is_number()) return value;
  return text(value, " (", compare_number(interval["low"]), " to ",
              compare_number(interval["high"]), ")");
}

// Of two segmenters; the rest of the scores stands in the JSON.
std::string compare_scores(Json const& scores) {
  static constexpr std::string_view shown[] = {
      "dice", "jaccard",     "hd95",      "assd",
      "nsd",  "sensitivity", "precision", "volume_difference"};
  std::vector<std::vector<std::string>> rows{
      {"score", "structure", "cases", "A", "B", "A - B", "p (Wilcoxon, by case)"}};
  for (auto const& row : scores) {
    auto const metric = row["metric"].get<std::string>();
    if (std::ranges::find(shown, metric) == std::end(shown)) continue;
    rows.push_back({metric, row["class"].get<std::string>(),
                    text(row["cases"].get<std::int64_t>()), compare_number(row["first"]),
                    compare_number(row["second"]), compare_interval(row["difference"]),
                    compare_number(row["wilcoxon"]["p"])});
  }
  return aligned(rows);
}

std::string compare_answers(Json const& whole) {
  std::vector<std::vector<std::string>> areas{{"AUC", "A", "B", "A - B", "p (DeLong)"}};
  for (auto const& row : whole["auc"])
    areas.push_back({row["class"].get<std::string>(), compare_interval(row["first"]),
                     compare_interval(row["second"]), compare_interval(row["difference"]),
                     row.contains("why") ? "undefined: " + row["why"].get<std::string>()
                                         : compare_number(row["p"])});
  std::vector<std::vector<std::string>> right{
      {"right answers", "only A", "only B", "p (McNemar, exact)"}};
  for (auto const& row : whole["mcnemar"])
    right.push_back(
        {row["class"].get<std::string>(), text(row["only_first_right"].get<std::int64_t>()),
         text(row["only_second_right"].get<std::int64_t>()), compare_number(row["exact_p"])});
  return aligned(areas) + '\n' + aligned(right);
}

void compare_print(Json const& whole, std::string const& head) {
  std::cout << head << "\n\n"
            << (whole.contains("scores") ? compare_scores(whole["scores"])
                                         : compare_answers(whole));
}

// Runs that cut one data set into splits by themselves have other test cases; those of one may
// be what the other learnt from.
void compare_expect_same(Trial const& a, Trial const& b) {
  std::set<std::string_view> in_a;
  for (auto const index : a.cases) in_a.insert(a.set.cases[index].id);
  std::size_t common = 0;
  for (auto const index : b.cases) common += in_a.count(b.set.cases[index].id);
  if (common == a.cases.size() && common == b.cases.size()) return;
  throw Error{
      Fault::input,
      text("expected two models that are measured on the same cases, got splits of their "
           "own: ",
           a.cases.size(), " cases of A, ", b.cases.size(), " of B, ", common, " of both"),
      "compare on data that neither has learnt from, or train both on data that states "
      "its splits (a column 'split', or folders)"};
}

}  // namespace

int evaluate_command(Arguments const& arguments) {
  std::string model;
  std::string data;
  std::string split = "test";
  std::string out;
  bool masks = false;
  bool json = false;
  CLI::App app{"Measures a run or a package on labelled images: metrics with 95 % intervals.",
               "evaluate"};
  app.add_option("MODEL", model, "a run's folder or a .fovea package")->required();
  app.add_option("DIR", data, "data set: a folder, a CSV or an npz file")->required();
  app.add_option("--split", split, "test, val, train, or all (test)");
  auto* const folder_flag =
      app.add_option("--out", out, "folder for metrics.json and predictions.csv");
  app.add_flag("--masks", masks,
               "of models that label voxels: the masks that were measured, too, in OUT/masks")
      ->needs(folder_flag);
  app.add_flag("--json", json, "print one JSON object");
  if (!read_flags(app, arguments,
                  "Data without splits is measured whole, unless it is the data of the run.\n"
                  "Examples:\n"
                  "  fovea evaluate RUN IMAGES --json\n"
                  "  fovea evaluate model.fovea OTHER_HOSPITAL --out measured\n"
                  "  fovea evaluate RUN SCANS --out measured --masks"))
    return 0;
  if (!out.empty()) expect_fresh_folder(out);
  expect_own_model(model);
  auto const& stop = stop_on_signals();
  auto const trial = open_trial(tasks(), model, data, split, &stop);
  evaluate_expect(trial.model, model, masks);
  auto const proof =
      masks ? segment_evaluate(trial.model, trial.set, trial.cases, trial.seed,
                               EvaluateMasks{trial.set, fs::path{out} / "masks"}, stop)
            : trial.task->evaluate(trial.model, trial.set, trial.cases, trial.seed, stop);
  auto whole = Json{{"task", trial.task->name},
                    {"split", evaluate_word(trial.split)},
                    {"cases", trial.cases.size()}};
  whole.update(proof->json());
  if (!out.empty()) {
    fs::path const folder{out};
    make_folder(folder);
    write_file(folder / "metrics.json", pretty(whole));
    write_file(folder / "predictions.csv", proof->predictions_csv());
  }
  if (json)
    print_json(whole);
  else
    evaluate_print(*proof, trial.split, trial.cases.size());
  return 0;
}

int compare_command(Arguments const& arguments) {
  std::string first;
  std::string second;
  std::string data;
  std::string split = "test";
  bool json = false;
  CLI::App app{
      "Holds two models against each other on the same cases: is the difference more than "
      "chance?",
      "compare"};
  app.add_option("A", first, "a run's folder or a .fovea package")->required();
  app.add_option("B", second, "another one")->required();
  app.add_option("DIR", data, "data set: a folder, a CSV or an npz file")->required();
  app.add_option("--split", split, "test, val, train, or all (test)");
  app.add_flag("--json", json, "print one JSON object");
  if (!read_flags(app, arguments, "Example:\n  fovea compare RUN1 RUN2 IMAGES")) return 0;
  expect_own_model(first);
  expect_own_model(second);
  auto const& stop = stop_on_signals();
  auto const a = open_trial(tasks(), first, data, split, &stop);
  auto const b = open_trial(tasks(), second, data, split, &stop);
  compare_expect_same(a, b);
  auto const of_a = a.task->evaluate(a.model, a.set, a.cases, a.seed, stop);
  auto const of_b = b.task->evaluate(b.model, b.set, b.cases, b.seed, stop);
  auto whole = Json{
      {"task", a.task->name}, {"split", evaluate_word(a.split)}, {"cases", a.cases.size()}};
  whole.update(of_a->against(*of_b));
  if (json)
    print_json(whole);
  else
    compare_print(whole, text(evaluate_head(a.split, a.cases.size()), "  A is ", first,
                              ", B is ", second));
  return 0;
}

}  // namespace fovea
