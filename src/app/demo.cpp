#include "app/demo.hpp"

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

std::string demo_quoted(std::string const& words) {
  return words.find_first_of(" [(^") == std::string::npos ? words : "'" + words + "'";
}

void demo_classify(DemoJob const& job) {
  demo_inspect(job);
  demo_train(job, demo_flags(job));
  auto const run = job.folder / "run";
  auto const why = job.folder / "why";
  auto const pictures = demo_pictures(job.data);
  if (pictures.empty()) {
    demo_step(text("fovea explain is left out: it takes picture files, ", job.data,
                   " is no folder of them; the report has maps of the worst mistakes"));
  } else {
    Arguments explain{run.string()};
    explain.insert(explain.end(), pictures.begin(), pictures.end());
    explain.insert(explain.end(), {"--out", why.string()});
    demo_step(text("fovea explain ", run.string(), " ... --out ", why.string()));
    explain_command(explain);
  }
  demo_export(job);
}

// Chest images, half of them with an opacity, and a few planted faults.
void demo_chest(fs::path const& folder, std::string const& time) {
  demo_step(
      "making chest images of nobody: ribs, lungs, hearts, some with an opacity; and a few "
      "planted faults");
  DemoJob job{.folder = folder,
              .data = (folder / "images").string(),
              .time = time,
              .patient_from = phantom_chest_patient,
              .set = {}};
  write_phantom_chest(job.data, {});
  demo_classify(job);
}

std::string demo_at(fs::path const& path) {
  return fs::absolute(path).string();
}

void demo_tell(fs::path const& folder) {
  std::cout << "\nOpen the report in a browser:  " << demo_at(folder / "run/report.html")
            << "\nWhat looked odd in the data:   " << demo_at(folder / "inspect.html") << '\n';
}

void demo_tell_masks(fs::path const& folder, fs::path const& masks) {
  demo_tell(folder);
  std::cout << "Masks of what was asked:       " << demo_at(masks) << '\n';
}

}  // namespace

void demo_step(std::string_view words) {
  if (stop_on_signals().asked())
    throw Interrupted{"stopped between two steps; what is done is kept"};
  std::cout << "\n== " << words << std::endl;
}

PlanFlags demo_flags(DemoJob const& job) {
  PlanFlags out;
  out.data = job.data;
  out.time = job.time;
  out.patient_from = job.patient_from;
  out.set = job.set;
  return out;
}

std::string demo_words(PlanFlags const& flags) {
  std::string out;
  auto const add = [&](std::string_view name, std::string const& value) {
    if (!value.empty()) out += text(name, demo_quoted(value));
  };
  add(" ", flags.data);
  add(" --plan ", flags.plan);
  add(" --time ", flags.time);
  add(" --patient-from ", flags.patient_from);
  for (auto const& one : flags.set) add(" --set ", one);
  return out;
}

void demo_inspect(DemoJob const& job) {
  auto const html = job.folder / "inspect.html";
  PlanFlags shown;
  shown.data = job.data;
  shown.patient_from = job.patient_from;
  demo_step(text("fovea data inspect", demo_words(shown), " --html ", html.string()));
  DataInspect inspect;
  inspect.dir = job.data;
  inspect.html = html;
  inspect.patient_from = job.patient_from;
  run(inspect);
}

void demo_train(DemoJob const& job, PlanFlags const& flags) {
  auto const out = job.folder / "run";
  demo_step(text("fovea train", demo_words(flags), " --out ", out.string()));
  TrainJob training;
  training.tasks = tasks();
  training.settings = flags.settings();
  training.out = out;
  training.stop = &stop_on_signals();
  train(training);
}

void demo_export(DemoJob const& job) {
  auto const model = (job.folder / "model.fovea").string();
  auto const run_folder = (job.folder / "run").string();
  demo_step(text("fovea export ", run_folder, " --out ", model));
  export_command({run_folder, "--out", model});
}

int demo_command(Arguments const& arguments) {
  std::string data;
  std::string out;
  std::string time;
  CLI::App app{
      "A whole job: look at the data, train, prove, explain, report; with masks also a plan "
      "and masks of new images. Without DIR on made-up data: chest images (normal or not) and "
      "a CT set in DICOM (organs and lesions outlined).",
      "demo"};
  app.add_option("DIR", data, "your own data set: a folder, a CSV or an npz file");
  app.add_option("--out", out, "new folder for everything (fovea-demo, fovea-demo-2, ...)");
  app.add_option("--time", time,
                 "wall time of each training with its proof (80s and 100s; on your data 3m)");
  if (!read_flags(app, arguments,
                  "Examples:\n  fovea demo\n  fovea demo IMAGES --time 10m\n"
                  "  fovea demo SCANS_AND_MASKS --time 20m"))
    return 0;

  stop_on_signals();
  auto const folder = demo_folder(out);
  if (data.empty()) {
    demo_chest(folder / "chest", time.empty() ? "80s" : time);
    demo_ct(folder / "ct", time.empty() ? "100s" : time);
    demo_tell(folder / "chest");
    demo_tell_masks(folder / "ct", folder / "ct/new/found");
    std::cout << "Found and true, in a picture:  " << demo_at(folder / "ct/found.png")
              << "\n\nTry next, on your own images (a folder per class, a CSV, a MedMNIST "
                 "file; or scans with masks):\n"
                 "  fovea train IMAGES --out RUN --time 10m\n"
                 "  fovea evaluate RUN IMAGES --json\n"
                 "  fovea predict "
              << (folder / "chest/model.fovea").string()
              << " image.png\n"
                 "  fovea predict "
              << (folder / "ct/model.fovea").string()
              << " SERIES --out masks\n"
                 "  fovea compare "
              << (folder / "ct/new/found/p21.dcm").string() << ' '
              << (folder / "ct/new-truth.dcm").string() << '\n';
    return 0;
  }
  DemoJob const job{.folder = folder,
                    .data = data,
                    .time = time.empty() ? "3m" : time,
                    .patient_from = {},
                    .set = {}};
  auto const set = read_dataset(data);
  if (set.masks) {
    demo_segment(job);
    demo_tell_masks(folder, folder / "found");
  } else {
    demo_classify(job);
    demo_tell(folder);
  }
  auto const run_folder = (folder / "run").string();
  auto const model = (folder / "model.fovea").string();
  std::cout << "\nTry next:\n"
               "  fovea train "
            << demo_quoted(data)
            << " --out RUN --time 20m\n"
               "  fovea evaluate "
            << run_folder
            << " OTHER_IMAGES --json\n"
               "  fovea predict "
            << model << (set.masks ? " SCANS --out masks\n" : " image.png\n");
  return 0;
}

}  // namespace fovea
