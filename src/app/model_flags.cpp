#include "app/model_flags.hpp"

#include "base/io/picture.hpp"
#include "learn/classify/foreign.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <unistd.h>

namespace fovea {
namespace {

[[noreturn]] void model_refuse_access(fs::path const& path) {
  throw Error{Fault::resource, text("you may not read ", path),
              "check its permissions and those of the folders above it"};
}

void model_walk(fs::path const& folder,
                std::set<fs::path>& entered,
                std::vector<fs::path>& found) {
  std::error_code fault;
  if (!entered.insert(fs::canonical(folder, fault)).second) return;  // a link that leads back
  std::vector<fs::path> below;
  for (auto const& entry : fs::directory_iterator{folder, fault}) below.push_back(entry.path());
  if (fault)
    throw Error{Fault::resource, text("cannot look into ", folder, ": ", fault.message()),
                "check its permissions"};
  std::ranges::sort(below);
  for (auto const& path : below) {
    if (path.filename().string().starts_with(".")) continue;
    if (fs::is_directory(path, fault))
      model_walk(path, entered, found);
    else if (fault == std::errc::permission_denied)
      model_refuse_access(path);
    else if (named_as_picture(path))
      found.push_back(path);
  }
}

}  // namespace

std::vector<fs::path> pictures_below(fs::path const& folder) {
  std::set<fs::path> entered;
  std::vector<fs::path> found;
  model_walk(folder, entered, found);
  return found;
}

std::vector<fs::path> pictures_in(std::vector<std::string> const& inputs) {
  std::vector<fs::path> found;
  for (auto const& input : inputs) {
    std::error_code fault;
    if (fs::is_directory(input, fault)) {
      auto const below = pictures_below(input);
      found.insert(found.end(), below.begin(), below.end());
    } else if (fs::exists(input, fault)) {
      found.emplace_back(input);
    } else {
      if (fault == std::errc::permission_denied) model_refuse_access(input);
      throw Error{Fault::input, text("there is no file or folder ", fs::path{input}),
                  "check the path"};
    }
  }
  if (found.empty())
    throw Error{Fault::input, "no picture was found in what was named",
                "give PNG, JPEG, TIFF, BMP or GIF files, or folders that hold them"};
  return found;
}

void expect_access(fs::path const& model) {
  for (auto const& part : {model, model / "run.json", model / "model.fovea"}) {
    if (::access(part.c_str(), R_OK) == 0 || errno != EACCES) continue;
    model_refuse_access(part);
  }
}

void expect_own_model(fs::path const& model) {
  expect_access(model);
  if (is_torchscript(model))
    throw Error{Fault::usage,
                text("expected a run's folder or a .fovea package, ", model, " is TorchScript"),
                "only fovea predict --trust runs those"};
}

}  // namespace fovea
