#include "app/data.hpp"
#include "app/full.hpp"
#include "app/model_flags.hpp"
#include "app/out.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"
#include "learn/data/phantom_chest.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

namespace fovea {
namespace {

// A folder that is not there yet: fovea-demo, fovea-demo-2, …
fs::path demo_folder(std::string const& asked) {
  if (!asked.empty()) return fresh_folder(asked);
  std::error_code ignored;
  for (int i = 1;; ++i) {
    fs::path const folder = i == 1 ? "fovea-demo" : text("fovea-demo-", i);
    if (!fs::exists(folder, ignored)) return fresh_folder(folder);
  }
}

// A few pictures of the set, from all of it.
std::vector<std::string> demo_pictures(fs::path const& data) {
  constexpr std::size_t wanted = 4;
  std::error_code ignored;
  if (!fs::is_directory(data, ignored)) return {};
  auto const all = pictures_below(data);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < std::min(wanted, all.size()); ++i)
    out.push_back(all[i * all.size() / wanted].string());
  return out;
}

void demo_step(Stop const& stop, std::string_view words) {
  if (stop.asked()) throw Interrupted{"stopped between two steps; what is done is kept"};
  std::cout << "\n== " << words << std::endl;
}

}  // namespace

int demo_command(Arguments const& arguments) {
  std::string data;
  std::string out;
  std::string time;
  CLI::App app{
      "A whole job: look at the data, train, prove, explain, report. Without DIR on made-up "
      "chest images.",
      "demo"};
  app.add_option("DIR", data, "your own data set: a folder, a CSV or an npz file");
  app.add_option("--out", out, "new folder for everything (fovea-demo, fovea-demo-2, ...)");
  app.add_option("--time", time,
                 "wall time of the training with its proof (90s; on your data 3m)");
  if (!read_flags(app, arguments, "Examples:\n  fovea demo\n  fovea demo IMAGES --time 10m"))
    return 0;

  auto const& stop = stop_on_signals();
  TrainJob job;
  auto const folder = demo_folder(out);
  auto const phantoms = data.empty();
  if (phantoms) {
    demo_step(
        stop,
        "making chest images of nobody: ribs, lungs, hearts, some with an opacity; and a few "
        "planted faults");
    data = (folder / "images").string();
    write_phantom_chest(data, {});
    if (time.empty()) time = "90s";
  }
  if (time.empty()) time = "3m";

  auto const patients =
      phantoms ? text(" --patient-from '", phantom_chest_patient, "'") : std::string{};
  demo_step(stop, text("fovea data inspect ", data, " --html ",
                       (folder / "inspect.html").string(), patients));
  DataInspect inspect;
  inspect.dir = data;
  inspect.html = folder / "inspect.html";
  if (phantoms) inspect.patient_from = phantom_chest_patient;
  run(inspect);

  auto const run_folder = folder / "run";
  demo_step(stop, text("fovea train ", data, " --out ", run_folder.string(), " --time ", time,
                       patients));
  job.clock = {};
  job.tasks = tasks();
  job.settings = {{"data", data, "asked for"}, {"time", time, "asked for with --time"}};
  if (phantoms)
    job.settings.push_back(
        {"patient_from", phantom_chest_patient, "two images of one patient stay together"});
  job.out = run_folder;
  job.stop = &stop;
  auto const summary = train(job);

  auto const why = folder / "why";
  auto const pictures = demo_pictures(data);
  if (pictures.empty()) {
    demo_step(stop, text("fovea explain is left out: it takes picture files, ", data,
                         " is no folder of them; the report has maps of the worst mistakes"));
  } else {
    Arguments explain{run_folder.string()};
    explain.insert(explain.end(), pictures.begin(), pictures.end());
    explain.insert(explain.end(), {"--out", why.string()});
    demo_step(stop, text("fovea explain ", run_folder.string(), " ... --out ", why.string()));
    explain_command(explain);
  }
  auto const model = folder / "model.fovea";
  demo_step(stop, text("fovea export ", run_folder.string(), " --out ", model.string()));
  export_command({run_folder.string(), "--out", model.string()});

  std::cout
      << "\nOpen the report in a browser:  "
      << fs::absolute(run_folder / "report.html").string()
      << "\nWhat looked odd in the data:   " << fs::absolute(folder / "inspect.html").string()
      << "\n\nTry next, on your own images (one folder per class, a CSV, or a MedMNIST file):\n"
         "  fovea train IMAGES --out RUN --time 10m\n"
         "  fovea evaluate RUN IMAGES --json\n"
         "  fovea predict "
      << model.string() << " image.png\n";
  return 0;
}

}  // namespace fovea
