#include "app/full.hpp"
#include "app/out.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

namespace fovea {

void show_plan(Work const& work, bool normal_too) {
  auto const count = [&](Split split) { return work.set.in(split).size(); };
  auto names = work.set.classes;
  for (auto const& label : work.set.labels) names.push_back(label.name);
  std::cout << "task      " << work.task->name << ": " << work.task->does << "\ndata      "
            << work.set.form << ", " << count(Split::train) << " training, "
            << count(Split::validation) << " validation, " << count(Split::test)
            << " test cases\n"
            << (work.set.masks ? "labels    " : "classes   ") << joined(names, ", ")
            << "\n\nDecided from the data or asked for:\n";
  std::string rest;
  for (auto const rows : {common_keys(), work.task->keys()}) {
    for (auto const& row : rows) {
      auto const line = text("  ", row.name, ": ", work.plan.word(row.name));
      auto const& reason = work.plan.reason(row.name);
      if (work.plan.normal(row.name))
        rest += text(line, "  (", row.does, ")\n");
      else
        std::cout << line << (reason.empty() ? "" : "  (" + reason + ")") << '\n';
    }
  }
  if (normal_too) std::cout << "\nAt their normal values:\n" << rest;
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
