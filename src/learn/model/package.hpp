#pragma once

#include "learn/nn/network.hpp"
#include "learn/weights/about.hpp"
#include "learn/weights/container.hpp"

#include <memory>
#include <vector>

namespace fovea {

/// What leaves a run and goes to a hospital: the networks and what must be known to use them.
struct Model {
  ModelAbout about;
  std::vector<Network> networks;  ///< one, or an ensemble whose outputs the task averages
  std::string
      identity;  ///< of the package that it was read from (Container::identity); else empty
  /// Is asked first: this one sees its answers beside the image (a cascade). Null: none.
  std::shared_ptr<Model const> before = nullptr;
};

/// One file, a zip without compression:
///   package.json            what the model is: ModelAbout
///   network.json            the graph; of an ensemble networks/0.json, networks/1.json, …
///   weights.safetensors     of an ensemble weights/0.safetensors, …
///   model.ts                the same as TorchScript, for PyTorch and LibTorch; of an ensemble
///   models/0.ts, …; not read back card.md, LICENSE        for people configs/metadata.json so
///   that the unpacked folder is a MONAI bundle manifest.json           SHA-256 of all of these
/// The model that is asked before lies in the same members, all below before/.
/// The same model gives the same package, except that LibTorch may write model.ts anew with
/// each version of its own. Throws Error{bug} if there is no network or the description is not
/// sound, Error{resource} if it cannot be written.
void write_package(fs::path const& file, Model const& model);

/// The stored graph with the stored weights: no function that draws networks is asked, so an
/// old package runs for ever. Throws Error{input} as Container does; on members that the
/// version does not have; if graph and weights do not belong together, in name, shape or
/// number; on weights that are not finite.
Model read_package(fs::path const& file);
Model read_package(Container const& package);

/// What a package says about its model, without its networks.
ModelAbout read_about(Container const& package);

}  // namespace fovea
