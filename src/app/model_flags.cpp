#include "app/model_flags.hpp"

#include "base/core/walk.hpp"
#include "base/io/picture.hpp"
#include "learn/classify/foreign.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace fovea {
namespace {

[[noreturn]] void model_refuse_access(fs::path const& path) {
  throw Error{Fault::resource, text("you may not read ", path),
              "check its permissions and those of the folders above it"};
}

}  // namespace

std::vector<fs::path> pictures_below(fs::path const& folder) {
  auto found = files_below(folder, stop_on_signals());
  std::erase_if(found, [](fs::path const& file) { return !named_as_picture(file); });
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
