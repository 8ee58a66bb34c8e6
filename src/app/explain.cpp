#include "app/found.hpp"
#include "app/full.hpp"
#include "app/model_flags.hpp"
#include "app/out.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/io/npy.hpp"
#include "base/io/picture.hpp"
#include "learn/task/report.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <set>

namespace fovea {
namespace {

Array explain_array(Volume const& map) {
  return {{map.height(), map.width()}, Type::f32, map.bytes()};
}

// One name for each input: two folders may hold files of one name, and a third a file that is
// called as the second was renamed.
std::string explain_name(fs::path const& file, std::set<std::string>& used) {
  auto const stem = file.stem().string();
  auto name = stem;
  for (int i = 2; !used.insert(name).second; ++i) name = text(stem, "-", i);
  return name;
}

/// An image, read when asked for.
struct ExplainImage {
  fs::path name;
  std::function<Volume()> read;
};

std::vector<ExplainImage> explain_pictures(std::vector<std::string> const& inputs) {
  std::vector<ExplainImage> out;
  for (auto const& file : pictures_in(inputs))
    out.push_back({file, [file] { return read_picture(file); }});
  return out;
}

// Series keep what they were found in alive.
std::vector<ExplainImage> explain_volumes(std::vector<std::string> const& inputs,
                                          Stop const& stop) {
  auto const found = std::make_shared<Found>(find_images(inputs, stop));
  std::vector<ExplainImage> out;
  for (auto const& volume : volumes_of(*found, stop))
    out.push_back({volume.source, [found, volume] { return volume.read().volume; }});
  if (out.empty())
    throw Error{Fault::input, "no image was found in what was named", "check the paths"};
  return out;
}

}  // namespace

int explain_command(Arguments const& arguments) {
  std::string name;
  std::vector<std::string> inputs;
  std::string out;
  ExplainOptions options;
  bool json = false;
  CLI::App app{
      "Shows where in the image an answer comes from: a map over the image, with its scale, "
      "and as raw numbers.",
      "explain"};
  app.add_option("MODEL", name, "a run's folder or a .fovea package")->required();
  app.add_option("INPUT", inputs, "pictures, or folders that hold them")->required();
  app.add_option("--out", out,
                 "new folder for NAME.png (overlay), NAME.npy (map) and explanations.json")
      ->required();
  app.add_option("--method", options.method,
                 "gradcam, occlusion or integrated-gradients (gradcam)");
  app.add_option("--label", options.label, "the class to explain (the answer)");
  app.add_option("--layer", options.layer,
                 "of gradcam: the name of a layer (the last feature map)");
  app.add_flag("--json", json, "print one JSON object");
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea explain RUN image.png --out why\n"
                  "  fovea explain model.fovea IMAGES --out why --method occlusion"))
    return 0;
  expect_fresh_folder(out);
  expect_own_model(name);
  auto const [task, model] = open_task_model(tasks(), name);
  auto const& stop = stop_on_signals();
  auto const files =
      model.about.output.on_grid ? explain_volumes(inputs, stop) : explain_pictures(inputs);
  fs::path const folder{out};
  Json all = Json::array();
  std::size_t explained = 0;
  std::set<std::string> used;
  Progress progress{"explaining"};
  for (std::size_t i = 0; i < files.size() && !stop.asked(); ++i) {
    progress.show(static_cast<double>(i), static_cast<double>(files.size()));
    Json entry = {{"file", files[i].name.string()}};
    try {
      auto const why = task->explain(model, files[i].read(), options);
      make_folder(folder);  // only now: a misspelt method, label or layer leaves none
      auto const stem = explain_name(files[i].name, used);
      auto const values = why.map.as<float>();
      write_png(folder / (stem + ".png"), framed_picture_of(why));
      write_npy(folder / (stem + ".npy"), explain_array(why.map));
      entry.update({{"label", why.label},
                    {"method", why.method},
                    {"overlay", stem + ".png"},
                    {"map", stem + ".npy"},
                    {"low", *std::ranges::min_element(values)},
                    {"high", *std::ranges::max_element(values)}});
      ++explained;
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
      progress.clear();
      warn(text(files[i].name, ": ", error.what()));
      entry["error"] = error.what();
    }
    all.push_back(entry);
  }
  progress.clear();
  Json const whole = {{"model", name}, {"explanations", all}};
  make_folder(folder);
  write_file(folder / "explanations.json", pretty(whole));
  if (json)
    print_json(whole);
  else
    std::cout << explained << " of " << files.size() << " images explained in "
              << folder.string() << '\n';
  if (all.size() < files.size())
    throw Interrupted{text("stopped after ", all.size(), " of ", files.size(),
                           " images; their explanations are written")};
  if (explained == 0)
    throw Error{Fault::input, "none of the images could be explained",
                "the reasons stand above"};
  return 0;
}

}  // namespace fovea
