#include "app/full.hpp"
#include "base/core/stop.hpp"

#include <CLI/CLI.hpp>

namespace fovea {

int train_command(Arguments const& arguments) {
  PlanFlags flags;
  std::string out;
  bool resume = false;
  bool json = false;
  bool no_images = false;
  TrainJob job;  // its clock runs from here: reading the data is part of the time

  CLI::App app{
      "Learns from a folder of labelled images: plan, train, prove on the test split, explain, "
      "report, pack.",
      "train"};
  flags.offer(app);
  app.add_option("--out", out, "folder for the run")->required();
  app.add_flag("--resume", resume, "go on with the run in --out where it was");
  app.add_flag("--json", json, "print one JSON object at the end");
  app.add_flag("--no-images", no_images, "a report without images, paths and names");
  if (!read_flags(
          app, arguments,
          plan_help() +
              "Examples:\n"
              "  fovea train IMAGES --out RUN --time 10m\n"
              "  fovea train --out RUN --resume\n"
              "  fovea train --plan RUN/plan.yaml --out AGAIN      repeats a run\n"
              "  fovea plan IMAGES                                 shows all keys for --set"))
    return 0;

  job.tasks = tasks();
  job.settings = flags.settings();
  job.out = out;
  job.resume = resume;
  if (no_images)
    job.settings.push_back({"report_images", "false", "asked for with --no-images"});
  job.stop = &stop_on_signals();
  auto const summary = train(job);
  if (json) print_json(summary);
  return 0;
}

}  // namespace fovea
