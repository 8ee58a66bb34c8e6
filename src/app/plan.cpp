#include "app/full.hpp"
#include "app/out.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"
#include "learn/plan/reasons.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

namespace fovea {
namespace {

// Structures with the values of masks that belong to them.
std::string plan_structures(Dataset const& set) {
  std::vector<std::string> words;
  for (auto const& label : set.labels) {
    std::vector<std::string> values;
    for (auto const value : label.values) values.push_back(text(value));
    words.push_back(text(label.name, " (", joined(values, ", "), ")"));
  }
  return text("structures ", joined(words, ", "),
              set.ignore ? text("; ", *set.ignore, " is ignored") : "",
              set.channels.empty() ? "" : "\nchannels  " + joined(set.channels, ", "));
}

// Keys by what there is to say of them, each group under a heading of its own.
struct PlanGroups {
  std::string decided, unlike, normal;
  std::vector<std::string> idle;
};

PlanGroups plan_groups(Work const& work) {
  PlanGroups out;
  for (auto const rows : {common_keys(), work.task->keys()}) {
    for (auto const& row : rows) {
      auto const line = text("  ", row.name, ": ", work.plan.word(row.name));
      auto const& reason = work.plan.reason(row.name);
      if (work.plan.normal(row.name))
        out.normal += text(line, "  (", row.does, ")\n");
      else if (reason.starts_with(reason_not_used))
        out.idle.emplace_back(row.name);
      else if (reason.starts_with(reason_unlike))
        out.unlike += text(line, "  (", reason, ")\n");
      else
        out.decided += text(line, reason.empty() ? "" : "  (" + reason + ")", "\n");
    }
  }
  return out;
}

}  // namespace

void show_plan(Work const& work, bool normal_too) {
  auto const count = [&](Split split) { return work.set.in(split).size(); };
  std::cout << "task      " << work.task->name << ": " << work.task->does << "\ndata      "
            << work.set.form << ", " << count(Split::train) << " training, "
            << count(Split::validation) << " validation, " << count(Split::test)
            << " test cases\n"
            << (work.set.masks ? plan_structures(work.set)
                               : "classes   " + joined(work.set.classes, ", "))
            << '\n';
  auto const groups = plan_groups(work);
  std::cout << "\nDecided from the data or asked for:\n" << groups.decided;
  if (!groups.unlike.empty())
    std::cout << "\nDecided otherwise than in the published recipe:\n" << groups.unlike;
  if (!normal_too) return;
  std::cout << "\nAt their normal values:\n" << groups.normal;
  if (!groups.idle.empty())
    std::cout << "\nNot used with these: " << joined(groups.idle, ", ") << '\n';
}

int plan_command(Arguments const& arguments) {
  PlanFlags flags;
  std::string out;
  bool json = false;
  CLI::App app{"Shows what training would do with a data set, and why; trains nothing.",
               "plan"};
  flags.offer(app);
  app.add_option("--out", out,
                 "write the plan as a YAML file, to edit and to give to train --plan");
  app.add_flag("--json", json, "print the values as one JSON object");
  if (!read_flags(
          app, arguments,
          plan_help() +
              "Examples:\n"
              "  fovea plan IMAGES\n"
              "  fovea plan IMAGES --out my.yaml; fovea train --plan my.yaml --out RUN"))
    return 0;
  if (!out.empty()) expect_fresh_file(out);
  auto const work = prepare_work(tasks(), flags.settings(), {}, nullptr, &stop_on_signals());
  if (!out.empty()) write_file(out, work.plan.yaml());
  if (json)
    print_json(work.plan.json());
  else
    show_plan(work, true);
  return 0;
}

}  // namespace fovea
