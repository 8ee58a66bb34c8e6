#include "base/core/memory.hpp"
#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/task/job.hpp"
#include "learn/task/planned.hpp"
#include "learn/task/report.hpp"
#include "learn/task/search.hpp"
#include "learn/tensor/memory.hpp"
#include "learn/tensor/tensor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

namespace fovea {
namespace {

std::string train_now() {
  auto const now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> out{};
  std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return out.data();
}

/// One training run under way: its folder, its plan, and what it will say of itself.
class TrainRun {
 public:
  TrainRun(TrainJob const& job, RunFolder folder, Work work)
      : job_(job), folder_(std::move(folder)), work_(std::move(work)) {}

  Json operator()(bool fresh);
  RunFolder const& folder() const { return folder_; }

 private:
  void search();
  std::vector<int> fold_numbers() const;
  std::vector<Dataset> fold_sets() const;
  Fold train_fold(Dataset const& set, std::size_t fold, std::size_t folds);
  Fit fit_of(Dataset const& set, std::size_t fold, std::size_t folds) const;
  void chose(std::size_t fold,
             std::string_view key,
             std::string const& value,
             std::string const& reason);
  void write_plan() const { write_file(folder_.plan(), work_.plan.yaml()); }
  void write_about(std::string_view state);
  Json prove(std::vector<Fold> const& folds);

  TrainJob const& job_;
  RunFolder folder_;
  Work work_;
  Json about_ = Json::object();
  bool keeps_time_ = false;  // steps follow from the time, not from a plan that states them
  double seconds_before_folds_ = 0;  // of this process
  double seconds_before_ = 0;        // of the processes that worked on this run before
  double training_seconds_ = 0;
  double samples_per_second_ = 0;
};

void TrainRun::search() {
  constexpr double share = 0.25;
  if (!job_.quiet) say("searching for network, size and learning rate");
  auto const seconds = share * work_.plan.fraction("time");
  work_.plan = searched(*work_.task, work_.set, work_.plan, seconds, job_.stop);
  if (!job_.quiet) say(text("  ", work_.plan.reason("search")));
  write_plan();
}

// Of each case the fold that it is held back from, counted from 1; 0: it is in none. Empty
// without folds.
std::vector<int> TrainRun::fold_numbers() const {
  auto const folds = static_cast<int>(work_.plan.whole("folds"));
  if (folds == 1) return {};
  std::vector<std::size_t> among;
  for (auto const split : {Split::train, Split::validation}) {
    auto const cases = work_.set.in(split);
    among.insert(among.end(), cases.begin(), cases.end());
  }
  auto const fold_of =
      folds_of(work_.set, among, folds, static_cast<std::uint64_t>(work_.plan.whole("seed")));
  std::vector<int> out(work_.set.cases.size(), 0);
  for (std::size_t i = 0; i < among.size(); ++i) out[among[i]] = fold_of[i] + 1;
  return out;
}

// Cross-validation cuts training and validation cases anew; the test split is never touched.
std::vector<Dataset> TrainRun::fold_sets() const {
  auto const held_back = fold_numbers();
  if (held_back.empty()) return {work_.set};
  std::vector<Dataset> sets(static_cast<std::size_t>(work_.plan.whole("folds")), work_.set);
  for (std::size_t fold = 0; fold < sets.size(); ++fold) {
    for (std::size_t i = 0; i < held_back.size(); ++i) {
      if (held_back[i] > 0)
        sets[fold].cases[i].split =
            held_back[i] == static_cast<int>(fold) + 1 ? Split::validation : Split::train;
    }
  }
  return sets;
}

// Shortenings of one fold among those of all: "STEP:STEPS" of the first, "FOLD/STEP:STEPS" of
// the others.
std::string train_fold_mark(std::size_t fold) {
  return fold == 0 ? "" : text(fold + 1, "/");
}

bool train_is_of_fold(std::string_view shortening, std::size_t fold) {
  return fold == 0 ? shortening.find('/') == std::string_view::npos
                   : shortening.starts_with(train_fold_mark(fold));
}

std::vector<Shortening> train_shortenings(Plan const& plan, std::size_t fold) {
  std::vector<std::string> own;
  for (auto const& one : plan.list("shortenings")) {
    if (train_is_of_fold(one, fold)) own.push_back(one.substr(train_fold_mark(fold).size()));
  }
  return shortenings_of(joined(own, ", "));
}

Fit TrainRun::fit_of(Dataset const& set, std::size_t fold, std::size_t folds) const {
  auto const& plan = work_.plan;
  auto fit = planned(plan, set);
  fit.seed = mixed({fit.seed, fold});
  fit.steps = plan.whole("steps") > 0 ? plan.whole("steps")
                                      : plan.whole("epochs") * fit.steps_per_epoch;
  fit.shortenings = train_shortenings(plan, fold);
  if (auto const time = plan.fraction("time"); time > 0) {
    constexpr double for_writing = 3;
    auto const to_come = static_cast<double>(folds - fold);
    auto const all = static_cast<double>(folds);
    fit.seconds = std::max(1.0, time - seconds_before_folds_ - training_seconds_) / to_come;
    fit.reserve = for_writing / to_come;
    // What the proof of each fold takes (its validation cases, all test cases and the maps once
    // more) comes after the last.
    fit.reserve_validations = work_.task->reserve(set, plan) * all / to_come;
  }
  // Only the first fold's steps follow from the time; the others take as many as it took in the
  // end, or fewer.
  if (fold > 0) {
    if (auto const first = train_shortenings(plan, 0); !first.empty())
      fit.steps = first.back().steps;
    fit.shorten = keeps_time_;
  }
  fit.validate_every = plan.whole("validate_every");
  fit.patience = plan.whole("patience");
  fit.checkpoint_seconds = plan.fraction("checkpoint_seconds");
  fit.keep_best = plan.word("keep") == "best";
  fit.folder = folds == 1 ? folder_.path() : folder_.path() / text("fold-", fold + 1);
  fit.resume = job_.resume;
  fit.stop = job_.stop;
  fit.quiet = job_.quiet;
  return fit;
}

void TrainRun::chose(std::size_t fold,
                     std::string_view key,
                     std::string const& value,
                     std::string const& reason) {
  if (key == "shortenings") {
    auto all = work_.plan.list("shortenings");
    std::erase_if(all, [&](std::string const& one) { return train_is_of_fold(one, fold); });
    for (auto const& one : split(value, ','))
      all.push_back(train_fold_mark(fold) + std::string{trimmed(one)});
    work_.plan.set(key, std::string_view{"[" + joined(all, ", ") + "]"}, reason);
  } else {
    work_.plan.set(key, std::string_view{value}, reason);
  }
  write_plan();
}

Fold TrainRun::train_fold(Dataset const& set, std::size_t fold, std::size_t folds) {
  auto plan = work_.plan;
  plan.set("seed", static_cast<std::int64_t>(static_cast<std::uint64_t>(plan.whole("seed")) +
                                             1000003 * fold));
  Stop const never;
  Clock const making;
  std::unique_ptr<TaskLearner> learner;
  try {
    learner = work_.task->learner(plan, set, job_.stop != nullptr ? *job_.stop : never);
  } catch (Interrupted const&) {
    write_about("interrupted");
    throw Interrupted{text("stopped while preparing the cases; go on with: fovea train --out ",
                           folder_.path().string(), " --resume")};
  }
  // Preparing cases is a part of the time that there is.
  seconds_before_folds_ += making.seconds();
  auto fit_options = fit_of(set, fold, folds);
  if (folds > 1) make_folder(fit_options.folder);
  fit_options.chose = [&](std::string_view key, std::string const& value,
                          std::string const& reason) { chose(fold, key, value, reason); };
  auto const fitted = fit(*learner, fit_options);
  training_seconds_ += fitted.seconds;
  samples_per_second_ = fitted.samples_per_second;
  if (fitted.interrupted) {
    write_about("interrupted");
    throw Interrupted{text("stopped after ", fitted.steps,
                           " steps, all work is saved; go on with: fovea train --out ",
                           folder_.path().string(), " --resume")};
  }
  return {learner->network(), set.in(Split::validation)};
}

void TrainRun::write_about(std::string_view state) {
  about_["state"] = state;
  about_["task"] = work_.task->name;
  about_["data"] = work_.plan.word("data");
  about_["data_form"] = work_.set.form;
  about_["data_hash"] = work_.data_hash;
  about_["cases"] = {{"train", work_.set.in(Split::train).size()},
                     {"validation", work_.set.in(Split::validation).size()},
                     {"test", work_.set.in(Split::test).size()}};
  about_["classes"] = learnt_names(work_.set);
  about_["seed"] = work_.plan.whole("seed");
  about_["keeps_time"] = keeps_time_;
  about_["total_seconds"] = std::round((seconds_before_ + job_.clock.seconds()) * 10) / 10;
  about_["training_seconds"] = training_seconds_;
  about_["samples_per_second"] = samples_per_second_;
  about_["peak_memory_mib"] = peak_memory() >> 20;
  about_["surroundings"] = surroundings();
  folder_.write_about(about_);
}

// Measures on validation (where choices were made) and, once, on test.
Json TrainRun::prove(std::vector<Fold> const& folds) {
  release_kept_memory();  // what follows asks for other sizes than training did
  Stop const never;
  auto const& stop = job_.stop != nullptr ? *job_.stop : never;
  auto model = work_.task->finish(work_.plan, work_.set, work_.quality, folds, stop);
  auto& about = model.about;
  auto const seed = static_cast<std::uint64_t>(work_.plan.whole("seed"));
  auto const has_test = !work_.set.in(Split::test).empty();
  auto const split = has_test ? Split::test : Split::validation;
  auto const cases = work_.set.in(split);
  auto const proof = work_.task->evaluate(model, work_.set, cases, seed, stop);

  about.task = work_.task->name;
  about.name = joined(learnt_names(work_.set), " / ");
  about.proof = {std::string{name_of(split)}, static_cast<std::int64_t>(cases.size()), {}};
  proof->tell(about);
  about.provenance.seed = seed;
  about.provenance.data_hash = work_.data_hash;
  about.provenance.data =
      text(work_.set.in(Split::train).size(), " training, ",
           work_.set.in(Split::validation).size(), " validation and ",
           work_.set.in(Split::test).size(), " test cases, read as ", work_.set.form);
  auto const images = work_.plan.flag("report_images");
  if (auto const& init = work_.plan.word("init"); images && !init.empty())
    about.provenance.init = fs::path{init}.filename().string();
  // A package travels: where things lay on this machine is nobody's business there.
  about.provenance.plan = utf8(work_.plan.without_places().yaml());
  auto const around = surroundings();
  for (auto const& [key, value] : around.items())
    about.provenance.versions[key] =
        value.is_string() ? value.get<std::string>() : value.dump();
  write_package(folder_.model(), model);

  auto result =
      Json{{"task", work_.task->name}, {"split", name_of(split)}, {"cases", cases.size()}};
  result.update(proof->json());
  make_folder(folder_.path() / "predictions");
  write_file(folder_.path() / "predictions" / text(name_of(split), ".csv"),
             proof->predictions_csv());
  write_file(folder_.metrics(), pretty(result));

  about_["finished"] = train_now();
  write_about("reporting");
  ReportParts const parts{work_,          model,  folds,  *proof, split,
                          folder_.path(), about_, images, stop};
  write_file(folder_.report(), render(report_of(parts)));
  write_about("finished");
  if (!job_.quiet) {
    for (auto const& fact : proof->facts()) say(text("  ", fact.name, "  ", in_words(fact)));
    say(text("report: ", folder_.report().string()));
  }
  return {{"run", folder_.path().string()},    {"report", folder_.report().string()},
          {"model", folder_.model().string()}, {"seconds", job_.clock.seconds()},
          {"plan", work_.plan.json()},         {"evaluation", result}};
}

Json TrainRun::operator()(bool fresh) {
  auto const threads = static_cast<int>(work_.plan.whole("threads"));
  use_threads(threads > 0 ? threads : usable_cores());
  if (fresh) {
    // run.json comes last: a folder without it holds no run yet.
    write_plan();
    folder_.write_splits(work_.set, fold_numbers());
    about_["started"] = train_now();
    keeps_time_ = work_.plan.fraction("time") > 0 && work_.plan.whole("steps") == 0 &&
                  work_.plan.whole("epochs") == 0;
    write_about("training");
  } else {
    about_ = read_about(folder_.path());
    seconds_before_ = about_.value("total_seconds", 0.0);
    keeps_time_ = about_.value("keeps_time", false);
  }
  if (work_.plan.flag("search")) search();
  std::vector<Fold> folds;
  auto const sets = fold_sets();
  seconds_before_folds_ = job_.clock.seconds();
  for (std::size_t fold = 0; fold < sets.size(); ++fold) {
    if (sets.size() > 1 && !job_.quiet) say(text("fold ", fold + 1, " of ", sets.size()));
    folds.push_back(train_fold(sets[fold], fold, sets.size()));
  }
  try {
    return prove(folds);
  } catch (Interrupted const&) {
    about_.erase("finished");
    write_about("interrupted");
    throw Interrupted{text("stopped while proving, the trained weights are saved; go on with: ",
                           "fovea train --out ", folder_.path().string(), " --resume")};
  }
}

// What was asked for cannot be trained, and nothing was: the folder is free for another try.
void train_withdraw(fs::path const& folder) {
  std::error_code ignored;
  if (fs::exists(folder / "history.csv", ignored) || fs::exists(folder / "fold-1", ignored))
    return;
  for (auto const* const name : {"run.json", "plan.yaml", "splits.csv"})
    fs::remove(folder / name, ignored);
  fs::remove_all(folder / "checkpoints", ignored);
}

// A run that goes on keeps its plan: only where the data lies now may be said anew.
// Where things lie may have changed.
bool train_names_a_place(TrainJob const& job, std::string_view key) {
  auto const is = [&](KeyRow const& row) {
    return row.name == key && row.kind == KeyKind::place;
  };
  return std::ranges::any_of(common_keys(), is) ||
         std::ranges::any_of(
             job.tasks, [&](Task const& task) { return std::ranges::any_of(task.keys(), is); });
}

std::vector<Setting> train_resumed(TrainJob const& job, RunFolder const& folder) {
  auto settings = settings_in(folder.plan(), true);
  for (auto const& setting : job.settings) {
    if (setting.key != "report_images" && !train_names_a_place(job, setting.key))
      throw Error{Fault::usage,
                  text("'", setting.key, "' cannot be changed while going on with a run (",
                       setting.from, ")"),
                  "leave it out, or begin a new run with --plan " + folder.plan().string()};
    settings.push_back(setting);
  }
  return settings;
}

}  // namespace

Json train(TrainJob const& job) {
  if (job.resume) {
    auto folder = RunFolder::resume(job.out);
    auto work =
        prepare_work(job.tasks, train_resumed(job, folder), job.reader, &folder, job.stop);
    auto const about = read_about(folder.path());
    if (about.value("data_hash", "") != work.data_hash)
      throw Error{
          Fault::input,
          "the data is not what the run was begun with: images, labels or splits have changed",
          "restore the data as it was, or begin a new run"};
    return TrainRun{job, std::move(folder), std::move(work)}(false);
  }
  auto folder = RunFolder::begin(job.out);
  auto work = prepare_work(job.tasks, job.settings, job.reader, nullptr, job.stop);
  device_named(work.plan.word("device"));  // before the folder holds a run
  TrainRun run{job, std::move(folder), std::move(work)};
  try {
    return run(true);
  } catch (Error const& error) {
    if (error.fault() == Fault::usage || error.fault() == Fault::input) train_withdraw(job.out);
    throw;
  }
}

}  // namespace fovea
