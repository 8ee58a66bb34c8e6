#include "learn/model/package.hpp"

#include "base/core/error.hpp"
#include "learn/model/state.hpp"
#include "learn/nn/torchscript.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr std::size_t package_networks = 1000;

/// Where the parts of network `at` lie.
struct PackageParts {
  std::string graph, weights, script;
};

PackageParts package_parts(std::size_t at, bool alone) {
  if (alone) return {"network.json", "weights.safetensors", "model.ts"};
  return {text("networks/", at, ".json"), text("weights/", at, ".safetensors"),
          text("models/", at, ".ts")};
}

Network package_network(Container const& package, PackageParts const& parts) {
  auto const where = [&](std::string const& member) {
    return text(member, " of ", package.name());
  };
  Network network{graph_from(parse_json(package.read_words(parts.graph), where(parts.graph))),
                  0};
  load_all_weights(network,
                   decode_safetensors(package.read(parts.weights), where(parts.weights)),
                   where(parts.weights));
  return network;
}

}  // namespace

void write_package(fs::path const& file, Model const& model) {
  if (model.networks.empty())
    throw Error{Fault::bug, "a package without a network", "pass one or more"};
  std::vector<ZipMember> members = {
      member_of("package.json", pretty(to_json(model.about))),
      member_of("card.md", model_card(model.about)),
      member_of("LICENSE", model.about.licence + "\n"),
      member_of("configs/metadata.json", pretty(monai_metadata(model.about)))};
  for (std::size_t at = 0; at < model.networks.size(); ++at) {
    auto const parts = package_parts(at, model.networks.size() == 1);
    auto const& network = model.networks[at];
    members.push_back(member_of(parts.graph, pretty(to_json(network.graph()))));
    members.push_back({parts.weights, encode_weights(network)});
    members.push_back(member_of(parts.script, torchscript_of(network)));
  }
  write_container(file, std::move(members));
}

ModelAbout read_about(Container const& package) {
  auto const name = text("package.json of ", package.name());
  return about_from(parse_json(package.read_words("package.json"), name), name);
}

Model read_package(Container const& package) {
  Model model{read_about(package), {}, package.identity()};
  std::set<std::string> known = {"package.json", "card.md", "LICENSE", "configs/metadata.json"};
  auto const alone = package.has(package_parts(0, true).graph);
  for (std::size_t at = 0; at < (alone ? 1 : package_networks); ++at) {
    auto const parts = package_parts(at, alone);
    if (at > 0 && !package.has(parts.graph)) break;
    model.networks.push_back(package_network(package, parts));
    known.insert({parts.graph, parts.weights, parts.script});
  }
  for (auto const& name : package.names()) {
    if (!known.contains(name))
      throw Error{Fault::input,
                  text(package.name(), " holds '", name.substr(0, 80),
                       "', which a package of this version does not have"),
                  "use the version of fovea that wrote it"};
  }
  return model;
}

Model read_package(fs::path const& file) {
  return read_package(Container{file});
}

}  // namespace fovea
