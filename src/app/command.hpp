#pragma once

#include "base/core/json.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace fovea {

using Arguments = std::vector<std::string>;  ///< after the command's name

/// A command of the program. Those that need a network live in `fovea-full`, which loads
/// LibTorch; the front program, which starts in milliseconds, hands them over.
struct Command {
  std::string_view name;
  std::string_view does;                   ///< one line of `fovea --help`
  int (*run)(Arguments const& arguments);  ///< returns the exit code; nullptr: in fovea-full
};

/// Reads the flags into the variables that `app` was given. False if help was asked for and
/// printed. `examples` stand at the end of the help. Throws Error{usage} that names the nearest
/// flag.
bool read_flags(CLI::App& app, Arguments const& arguments, std::string const& examples);

/// Runs the command, prints what went wrong, and says the exit code: 0 done, 1 our fault, 2
/// wrong usage, 3 the input is bad, 4 no memory, disk or permission, 130 interrupted and saved.
int run_guarded(std::function<int()> const& work);

/// What --json prints: one line. File names come from outside: bytes that are no UTF-8 are
/// replaced, not an error.
void print_json(Json const& json);

/// Columns that stand under each other, two blanks before each line.
std::string aligned(std::vector<std::vector<std::string>> const& rows);

/// Whether `compare` was asked about two models, which fovea-full compares: three words without
/// a dash, --split, or a run's folder or a model's file among the first two.
bool compares_models(Arguments const& arguments);
int compare_volumes_command(Arguments const& arguments);
int convert_command(Arguments const& arguments);
int data_command(Arguments const& arguments);
int dicom_command(Arguments const& arguments);
int inspect_command(Arguments const& arguments);
int measure_command(Arguments const& arguments);
int mesh_command(Arguments const& arguments);
int view_command(Arguments const& arguments);

}  // namespace fovea
