#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "learn/task/job.hpp"

#include <algorithm>

namespace fovea {
namespace {

bool trial_has_splits(Dataset const& set) {
  return std::ranges::any_of(set.cases,
                             [](Case const& one) { return one.split != Split::unassigned; });
}

// The plan that made the model: of its run, or kept in the package.
Plan trial_plan(Task const& task, Model const& model) {
  Plan plan{task.keys()};
  if (!model.about.provenance.plan.empty())
    plan.read(model.about.provenance.plan, "the model's plan");
  return plan;
}

// The very data that the model was made from gets the splits of its run, also those that the
// data did not give itself.
bool trial_recognise(Dataset& set,
                     CaseFacts const& facts,
                     Task const& task,
                     Model const& model) {
  auto const plan = trial_plan(task, model);
  auto copy = set;
  assign_splits(copy, static_cast<std::uint64_t>(plan.whole("seed")),
                {plan.fraction("validation_share"), plan.fraction("test_share")});
  if (data_hash(copy, facts) != model.about.provenance.data_hash) return false;
  set = std::move(copy);
  return true;
}

Split trial_split(std::string_view name) {
  if (name == "all") return Split::unassigned;
  if (auto const found = split_named(name); found && *found != Split::unassigned) return *found;
  std::vector<std::string> const known{"test", "val", "train", "all"};
  throw Error{Fault::usage, text("no split '", name, "'"), did_you_mean(name, known)};
}

// `predict` refuses such images; here they are measured, and that is said.
void trial_warn(Trial const& trial, CaseFacts const& facts) {
  if (trial.model.about.output.on_grid) return;  // any size is answered, window by window
  std::size_t count = 0;
  std::string first;
  for (auto const index : trial.cases) {
    auto const& one = facts.images[index];
    auto const reasons =
        outside_contract(trial.model.about.input, {.channels = one.channels,
                                                   .size = {one.height, one.width},
                                                   .low = one.low,
                                                   .high = one.high,
                                                   .mean = one.mean,
                                                   .deviation = one.deviation,
                                                   .grey = one.grey});
    if (!reasons.empty() && count++ == 0)
      first = text(trial.set.cases[index].id, ": ", joined(reasons, "; "));
  }
  if (count > 0)
    warn(text(count, " of ", trial.cases.size(),
              " cases are outside of what the model was made for (", first,
              "): `fovea predict` would give them no answer"));
}

}  // namespace

Model open_model(fs::path const& run_or_package) {
  std::error_code fault;
  if (fs::status(run_or_package, fault).type() == fs::file_type::not_found)
    throw Error{Fault::input, text("there is no run or package at ", run_or_package),
                "check the path"};
  if (!fs::is_directory(run_or_package, fault)) return read_package(run_or_package);
  auto const state = read_about(run_or_package).value("state", "unknown");
  if (!fs::exists(run_or_package / "model.fovea", fault)) {
    if (state == "finished")
      throw Error{Fault::input,
                  text("the run in ", run_or_package, " has lost its model.fovea"),
                  "put the file back, or train it anew in another folder"};
    throw Error{
        Fault::input,
        text("the run in ", run_or_package, " has not finished (state: ", state, ")"),
        text("go on with it: fovea train --out ", run_or_package.string(), " --resume")};
  }
  return read_package(run_or_package / "model.fovea");
}

TaskModel open_task_model(std::span<Task const> tasks, fs::path const& run_or_package) {
  auto model = open_model(run_or_package);
  for (auto const& task : tasks) {
    if (task.name == model.about.task) return {&task, std::move(model)};
  }
  throw Error{Fault::input,
              text("the model is of the task '", model.about.task,
                   "', which this version does not know"),
              "use a newer version of fovea"};
}

Trial open_trial(std::span<Task const> tasks,
                 fs::path const& run_or_package,
                 fs::path const& data,
                 std::string_view split,
                 Stop const* stop) {
  auto const wanted = trial_split(split);
  auto [task, model] = open_task_model(tasks, run_or_package);
  auto const plan = trial_plan(*task, model);
  auto set = read_dataset(data, {.patient_from = plan.word("patient_from"), .reader = {}});
  auto const facts = usable_facts(set, usable_cores(), stop);
  Trial trial{task,
              std::move(model),
              std::move(set),
              wanted,
              {},
              static_cast<std::uint64_t>(plan.whole("seed"))};
  if (wanted != Split::unassigned && !trial_recognise(trial.set, facts, *task, trial.model) &&
      !trial_has_splits(trial.set)) {
    warn(
        "the data gives no splits and is not exactly what the model was made from: all its "
        "cases "
        "are measured; if training images are among them, the result proves nothing");
    trial.split = Split::unassigned;
  }
  for (std::size_t i = 0; i < trial.set.cases.size(); ++i) {
    if (trial.split == Split::unassigned || trial.set.cases[i].split == trial.split)
      trial.cases.push_back(i);
  }
  if (trial.cases.empty())
    throw Error{Fault::input,
                text("no readable case is in the ", name_of(trial.split), " split of ", data),
                "choose another with --split, or --split all"};
  trial_warn(trial, facts);
  return trial;
}

}  // namespace fovea
