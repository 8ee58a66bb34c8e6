#pragma once

#include "app/command.hpp"
#include "learn/task/job.hpp"

namespace fovea {

/// The tasks of this program, in the order in which they are tried.
std::span<Task const> tasks();

int train_command(Arguments const& arguments);
int plan_command(Arguments const& arguments);
int evaluate_command(Arguments const& arguments);
int predict_command(Arguments const& arguments);
int explain_command(Arguments const& arguments);
int export_command(Arguments const& arguments);
int compare_command(Arguments const& arguments);
int demo_command(Arguments const& arguments);

/// What `plan` and `train` can be told about a run.
struct PlanFlags {
  std::string data, plan, task, network, time, precision, executor, device, init, patient_from;
  std::string epochs, seed, threads, folds;  ///< as written; the plan's keys check them
  std::vector<std::string> set;

  void offer(CLI::App& app);
  /// Plan file first, then flags, then --set: later ones win.
  std::vector<Setting> settings() const;

 private:
  std::vector<Setting> released() const;
};

/// Prints what would be done and why; `normal_too`: also the keys that nothing changes.
void show_plan(Work const& work, bool normal_too);

/// The tasks, networks and keys that `--help` lists.
std::string plan_help();

}  // namespace fovea
