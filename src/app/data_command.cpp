#include "app/command.hpp"
#include "app/data.hpp"

#include <CLI/CLI.hpp>

namespace fovea {

int data_command(Arguments const& arguments) {
  DataInspect inspect;
  DataClean clean;
  std::string dir;
  std::string html;
  std::string out;
  CLI::App app{
      "Looks at a data set, or lists what of it is fit for use. Nothing is changed or deleted.",
      "data"};
  app.require_subcommand(1);

  auto* const look = app.add_subcommand(
      "inspect", "what was recognised, counts, sizes, classes, and what is wrong");
  look->add_option("DIR", dir, "data set: a folder, a CSV or an npz file")->required();
  look->add_flag("--json", inspect.json, "print one JSON object");
  look->add_option("--html", html, "write a contact sheet with the suspicious images");
  look->add_option("--patient-from", inspect.patient_from,
                   "regular expression on the file name; its first group is the patient");
  look->add_option("--threads", inspect.threads, "CPU threads (all that may be used)")
      ->check(CLI::Range(0, 1024));

  auto* const list =
      app.add_subcommand("clean", "write a CSV list of the cases that are fit for use");
  list->add_option("DIR", dir, "data set: a folder, a CSV or an npz file")->required();
  list->add_option("--out", out, "the list to write; train takes it instead of the folder")
      ->required();
  list->add_flag("--json", clean.json, "print one JSON object");
  list->add_option("--patient-from", clean.patient_from,
                   "regular expression on the file name; its first group is the patient");
  list->add_option("--threads", clean.threads, "CPU threads (all that may be used)")
      ->check(CLI::Range(0, 1024));

  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea data inspect IMAGES --html look.html\n"
                  "  fovea data clean IMAGES --out list.csv; fovea train list.csv --out RUN"))
    return 0;
  if (look->parsed()) {
    inspect.dir = dir;
    inspect.html = html;
    return run(inspect);
  }
  clean.dir = dir;
  clean.out = out;
  return run(clean);
}

}  // namespace fovea
