#include "app/out.hpp"

#include "base/core/error.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace fovea {
namespace {

void out_expect_writable(fs::path const& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    throw Error{Fault::usage, text("there is no folder ", folder), "make it first"};
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
  throw Error{Fault::resource,
              text("cannot write into ", folder, ": ",
                   std::error_code{errno, std::generic_category()}.message()),
              "choose a folder where you may write"};
}

// What lies there; a folder on the way that may not be entered is a fault, nothing there is
// none.
fs::file_type out_kind(fs::path const& path) {
  std::error_code fault;
  auto const kind = fs::status(path, fault).type();
  if (kind == fs::file_type::none)
    throw Error{Fault::resource, text("cannot look at ", path, ": ", fault.message()),
                "choose a folder where you may write"};
  return kind;
}

fs::path out_above(fs::path const& path) {
  return fs::absolute(path).lexically_normal().parent_path();
}

}  // namespace

void expect_fresh_file(fs::path const& file) {
  auto const kind = out_kind(file);
  if (kind == fs::file_type::directory)
    throw Error{Fault::usage, text("expected the name of a file, ", file, " is a folder"),
                "give a name inside it"};
  if (kind != fs::file_type::not_found)
    throw Error{Fault::usage,
                text("expected the name of a new file, ", file, " exists already"),
                "choose another name: nothing is overwritten"};
  out_expect_writable(out_above(file));
}

void expect_fresh_folder(fs::path const& folder) {
  auto const kind = out_kind(folder);
  if (kind == fs::file_type::directory) {
    std::error_code fault;
    auto const empty = fs::is_empty(folder, fault);
    if (fault)
      throw Error{Fault::resource, text("cannot look into ", folder, ": ", fault.message()),
                  "choose a folder where you may write"};
    if (!empty)
      throw Error{Fault::usage, text(folder, " is not empty"),
                  "give a new or empty folder with --out"};
    return out_expect_writable(folder);
  }
  if (kind != fs::file_type::not_found)
    throw Error{Fault::usage, text("expected a folder, ", folder, " is a file"),
                "give a new or empty folder with --out"};
  auto above = out_above(folder);
  while (out_kind(above) == fs::file_type::not_found) above = above.parent_path();
  out_expect_writable(above);
}

fs::path fresh_folder(fs::path const& folder) {
  expect_fresh_folder(folder);
  make_folder(folder);
  return folder;
}

}  // namespace fovea
