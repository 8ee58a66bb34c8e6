#include "learn/model/bundle.hpp"

#include "base/core/error.hpp"
#include "learn/nn/torchscript.hpp"

namespace fovea {
namespace {

Json bundle_inference(ModelAbout const& about) {
  return {
      {"imports", {"$import torch"}},
      {"bundle_root", "."},
      {"device", "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')"},
      {"network_def",
       "$torch.jit.load(@bundle_root + '/models/model.ts', map_location=@device)"},
      {"network", "$@network_def.to(@device)"},
      {"inferer", {{"_target_", "SimpleInferer"}}},
      {"preprocessing_steps", about.preprocessing},
  };
}

}  // namespace

void write_bundle(fs::path const& folder, Model const& model) {
  if (model.networks.size() != 1)
    throw Error{
        Fault::usage,
        text("expected one network for a bundle, got an ensemble of ", model.networks.size()),
        "write one of its runs as a bundle, or the whole as a package"};
  make_folder(folder / "configs");
  make_folder(folder / "models");
  make_folder(folder / "docs");
  write_file(folder / "models/model.ts", torchscript_of(model.networks.front()));
  write_file(folder / "configs/metadata.json", pretty(monai_metadata(model.about)));
  write_file(folder / "configs/inference.json", pretty(bundle_inference(model.about)));
  write_file(folder / "docs/README.md", model_card(model.about));
  write_file(folder / "LICENSE", model.about.licence + "\n");
}

}  // namespace fovea
