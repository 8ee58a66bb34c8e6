#include "app/full.hpp"
#include "app/model_flags.hpp"
#include "app/out.hpp"
#include "base/core/words.hpp"
#include "learn/nn/torchscript.hpp"
#include "learn/segment/export_bundle.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace fovea {

int export_command(Arguments const& arguments) {
  std::string run;
  std::string out;
  std::string format = "fovea";
  CLI::App app{"Packs a finished run as one file that can be handed on.", "export"};
  app.add_option("RUN", run, "a run's folder")->required();
  app.add_option("--out", out,
                 "file to write: MODEL.fovea, or MODEL.ts for TorchScript; of monai a folder")
      ->required();
  app.add_option("--format", format,
                 "fovea (package with everything), torchscript (the network alone) or monai (a "
                 "bundle that MONAI runs)");
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea export RUN --out model.fovea\n"
                  "  fovea export RUN --format torchscript --out model.ts\n"
                  "  fovea export RUN --format monai --out bundle"))
    return 0;
  std::vector<std::string> const formats{"fovea", "torchscript", "monai"};
  if (std::ranges::find(formats, format) == formats.end())
    throw Error{Fault::usage, text("no format '", format, "'"), did_you_mean(format, formats)};
  if (format == "fovea" && lower(fs::path{out}.extension().string()) == ".ts")
    throw Error{Fault::usage,
                text("expected MODEL.fovea for a package, got ", fs::path{out},
                     ", which is called as TorchScript is"),
                "add --format torchscript, or give another name"};
  auto const monai = format == "monai";
  if (monai)
    expect_fresh_folder(out);
  else
    expect_fresh_file(out);
  expect_own_model(run);
  auto const model = open_model(run);  // checks every hash, so that nothing broken is handed on
  if (monai) {
    write_bundle(out, model.about,
                 model.about.task == "segment" ? segment_bundle(model) : bundle_parts(model));
    std::cout << out << "  MONAI bundle\n";
    return 0;
  }
  std::error_code fault;
  if (format == "fovea") {
    auto const bytes =
        read_file(fs::is_directory(run, fault) ? fs::path{run} / "model.fovea" : fs::path{run},
                  std::uint64_t{64} << 30);
    write_file(out, bytes);
  } else {
    if (model.before)
      throw Error{Fault::usage, "a cascade is two networks, TorchScript holds one",
                  "export a package, or the first stage by itself"};
    if (model.networks.size() != 1)
      throw Error{
          Fault::usage,
          text("the run holds ", model.networks.size(), " networks, TorchScript holds one"),
          "export a package, or a run of one fold"};
    write_file(out, torchscript_of(model.networks.front()));
  }
  std::cout << out << "  " << bytes_in_words(static_cast<double>(fs::file_size(out))) << '\n';
  return 0;
}

}  // namespace fovea
