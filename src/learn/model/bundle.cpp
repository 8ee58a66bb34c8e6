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

BundleParts bundle_parts(Model const& model) {
  if (model.networks.size() != 1)
    throw Error{
        Fault::usage,
        text("expected one network for a bundle, got an ensemble of ", model.networks.size()),
        "write one of its runs as a bundle, or the whole as a package"};
  return {monai_metadata(model.about), bundle_inference(model.about),
          torchscript_of(model.networks.front())};
}

void write_bundle(fs::path const& folder, ModelAbout const& about, BundleParts const& parts) {
  make_folder(folder / "configs");
  make_folder(folder / "models");
  make_folder(folder / "docs");
  write_file(folder / "models/model.ts", parts.script);
  write_file(folder / "configs/metadata.json", pretty(parts.metadata));
  write_file(folder / "configs/inference.json", pretty(parts.inference));
  write_file(folder / "docs/README.md", model_card(about));
  write_file(folder / "LICENSE", about.licence + "\n");
}

void write_bundle(fs::path const& folder, Model const& model) {
  write_bundle(folder, model.about, bundle_parts(model));
}

}  // namespace fovea
