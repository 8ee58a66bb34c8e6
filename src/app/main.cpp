// The front of the program: starts in milliseconds, does what needs no network, and hands the
// rest to fovea-full beside it.
#include "app/command.hpp"
#include "base/core/cpu.hpp"
#include "base/core/error.hpp"
#include "base/core/memory.hpp"
#include "base/core/pool.hpp"
#include "base/core/version.hpp"
#include "base/core/words.hpp"
#include "base/io/picture.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <unistd.h>

namespace fovea {
namespace {

constexpr Command main_commands[] = {
    {"demo", "train, prove, explain and report on a sample, or on your data", nullptr},
    {"inspect", "show what images lie in a folder, and where in the patient", inspect_command},
    {"convert", "write DICOM, NIfTI, NRRD or MetaImage volumes as another format",
     convert_command},
    {"dicom", "write results as DICOM objects: segmentations, maps, structures, reports",
     dicom_command},
    {"view", "draw a slice, a projection or a montage of a volume as a picture", view_command},
    {"data", "look at a data set (inspect) or list what is fit for use (clean)", data_command},
    {"plan", "show what training would do with a data set, and why", nullptr},
    {"train", "learn from a folder of labelled images", nullptr},
    {"evaluate", "measure a run or model on labelled images", nullptr},
    {"predict", "ask a run or model about images", nullptr},
    {"explain", "show where in the image the answer comes from", nullptr},
    {"export", "pack a run as one file that can be handed on", nullptr},
    {"measure", "measure the segments of a label map in mm", measure_command},
    {"mesh", "write the surface of a mask as STL, OBJ or PLY", mesh_command},
    {"compare",
     "hold two label maps, images or folders of them, or two runs, against each other",
     compare_volumes_command},
};

void main_help() {
  std::cout << "Fovea learns from medical images, proves what it learnt, and explains "
               "it.\n\nUsage: fovea COMMAND ...\n\n";
  for (auto const& command : main_commands)
    std::cout << "  " << command.name << std::string(11 - command.name.size(), ' ')
              << command.does << '\n';
  std::cout << "\nOf the script ./fovea in the project's folder:\n"
               "  test       run the tests\n"
               "  bench      run the benchmarks beside the peers\n"
               "\nExamples:\n"
               "  fovea demo                               a whole job on made-up chest "
               "images, in three minutes\n"
               "  fovea train IMAGES --out RUN --time 10m  on your own: one folder per class, "
               "a CSV or a MedMNIST file\n"
               "  fovea predict RUN image.png --out answers.csv\n"
               "\n`fovea COMMAND --help` tells more. Exit codes: 0 done, 1 our fault, 2 wrong "
               "usage, 3 bad input,\n"
               "4 no memory, disk or permission, 130 interrupted with the work saved.\n";
}

std::string main_pictures() {
  std::vector<std::string> names;
  for (auto const& row : pictures()) names.emplace_back(row.name);
  return joined(names, ", ");
}

void main_version() {
  auto const features = cpu_features();
  std::cout << "fovea " << version << "\ncompiler   g++ " << __VERSION__ << "\nprocessor  "
            << cpu_brand() << "\nfeatures   "
            << (features.empty() ? "none that matter here" : joined(features, " "))
            << "\nthreads    " << usable_cores() << "\npictures   " << main_pictures()
            << "\nLibTorch   " << FOVEA_LIBTORCH << '\n';
}

[[noreturn]] void main_hand_over(char** argv) {
  auto const self = std::filesystem::read_symlink("/proc/self/exe");
  auto const full = self.parent_path() / "fovea-full";
  std::cout.flush();
  // A thread without work spins, for milliseconds where nothing is said: where other programs
  // run as well it takes the core from the thread that it waits for. So short a spin was twice
  // as fast on a busy machine, and as fast on a free one.
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) ::setenv("GOMP_SPINCOUNT", "1000", 0);
  ::execv(full.c_str(), argv);
  throw Error{Fault::bug,
              text("cannot start ", full, ": ",
                   std::error_code{errno, std::generic_category()}.message()),
              "build or install the program again: both files belong together"};
}

int main_run(int argc, char** argv) {
  Arguments const arguments(argv + std::min(argc, 2), argv + argc);
  std::string const name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "-h" || name == "help") return main_help(), argc > 1 ? 0 : 2;
  if (name == "--version") return main_version(), 0;
  std::vector<std::string> known;
  for (auto const& command : main_commands) {
    if (command.name != name) {
      known.emplace_back(command.name);
      continue;
    }
    auto const models = command.run == compare_volumes_command && compares_models(arguments);
    if (command.run == nullptr || models) main_hand_over(argv);
    return command.run(arguments);
  }
  auto const near = nearest(name, known);
  throw Error{Fault::usage, text("fovea has no command '", name, "'"),
              near ? text("did you mean '", *near, "'?") : "see fovea --help"};
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  fovea::keep_freed_memory();
  return fovea::run_guarded([&] { return fovea::main_run(argc, argv); });
}
