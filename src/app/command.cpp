#include "app/command.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <new>

namespace fovea {
namespace {

// The deepest subcommand that was given: its flags are the ones that were meant.
CLI::App const* command_meant(CLI::App const& app) {
  auto const given = app.get_subcommands();
  return given.empty() ? &app : command_meant(*given.front());
}

// As a person writes it: "fovea data inspect".
std::string command_written(CLI::App const& app) {
  auto const* const above = app.get_parent();
  return text(above != nullptr ? command_written(*above) : "fovea", " ", app.get_name());
}

std::string command_help_hint(CLI::App const& app) {
  return text("see ", command_written(*command_meant(app)), " --help");
}

std::vector<std::string> command_known_flags(CLI::App const& app) {
  std::vector<std::string> known;
  for (auto const* option : app.get_options()) {
    for (auto const& name : option->get_lnames()) known.push_back("--" + name);
  }
  for (auto const* sub : app.get_subcommands([](CLI::App const*) { return true; }))
    known.push_back(sub->get_name());
  return known;
}

[[noreturn]] void command_refuse_extras(CLI::App const& app) {
  auto const& meant = *command_meant(app);
  auto const extras = app.remaining(true);
  auto const written = extras.empty() ? std::string{} : split(extras.front(), '=').front();
  auto const what = written.starts_with("-") ? "flag" : "argument";
  auto const help = command_help_hint(app);
  auto const near = nearest(written, command_known_flags(meant));
  throw Error{Fault::usage, text(command_written(meant), " has no ", what, " '", written, "'"),
              near ? text("did you mean '", *near, "'? (", help, ")") : help};
}

// Of a flag that is given twice the last one counts, so that a script's line can be amended at
// its end.
void command_last_counts(CLI::App& app) {
  for (auto* option : app.get_options()) {
    if (option->get_items_expected_max() == 1) option->take_last();
  }
  for (auto* sub : app.get_subcommands([](CLI::App*) { return true; }))
    command_last_counts(*sub);
}

// How wide words are on a terminal: letters of East Asia take two columns.
std::size_t command_columns(std::string_view words) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto const byte = static_cast<unsigned char>(words[i]);
    if ((byte & 0xc0) == 0x80) continue;
    auto const next = i + 1 < words.size() ? static_cast<unsigned char>(words[i + 1]) : 0U;
    // From U+2E80 on; half-width kana and signs begin at U+FF61.
    auto const wide = (byte == 0xe2 && next >= 0xba) || (byte >= 0xe3 && byte <= 0xed) ||
                      (byte == 0xef && (next == 0xa4 || next == 0xbc));
    columns += wide ? 2 : 1;
  }
  return columns;
}

}  // namespace

bool read_flags(CLI::App& app, Arguments const& arguments, std::string const& examples) {
  app.footer(examples);
  command_last_counts(app);
  auto reversed = arguments;
  std::ranges::reverse(reversed);  // CLI11 takes them from the back
  try {
    app.parse(reversed);
    return true;
  } catch (CLI::CallForHelp const&) {
    std::cout << app.help("fovea");  // of the subcommand that was given
    return false;
  } catch (CLI::ExtrasError const&) {
    command_refuse_extras(app);
  } catch (CLI::RequiredError const& fault) {
    // A misspelt subcommand is the likelier reason than a missing one.
    if (!app.remaining(true).empty()) command_refuse_extras(app);
    throw Error{Fault::usage, fault.what(), command_help_hint(app)};
  } catch (CLI::ParseError const& fault) {
    throw Error{Fault::usage, fault.what(), command_help_hint(app)};
  }
}

void print_json(Json const& json) {
  std::cout << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

std::string aligned(std::vector<std::vector<std::string>> const& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (auto const& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], command_columns(row[i]));
  }
  std::string out;
  for (auto const& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += ' ' + row[i];
      // What stands last needs no blanks behind it.
      if (i + 1 < row.size()) line += std::string(widths[i] - command_columns(row[i]) + 1, ' ');
    }
    out += line + '\n';
  }
  return out;
}

int run_guarded(std::function<int()> const& work) {
  auto const fail = [](std::string_view words, Fault fault) {
    say(text("fovea: ", words));
    return static_cast<int>(fault);
  };
  survive_file_limits();
  try {
    auto const code = work();
    std::cout.flush();
    if (!std::cout)
      return fail(
          "writing the answer to the output failed; is the disk full or the pipe closed?",
          Fault::resource);
    return code;
  } catch (Interrupted const& stop) {
    say(text("fovea: ", stop.what()));
    return 130;
  } catch (Error const& error) {
    return fail(error.what(), error.fault());
  } catch (std::bad_alloc const&) {
    return fail(
        "not enough memory; try a smaller batch_size, image_size or patch, or fewer threads",
        Fault::resource);
  } catch (std::filesystem::filesystem_error const& error) {
    return fail(text(error.what(), "; check the permissions and the room on the disk"),
                Fault::resource);
  } catch (std::exception const& error) {
    return fail(text("an error inside the program: ", error.what(),
                     "; please report it with what you ran"),
                Fault::bug);
  }
}

}  // namespace fovea
