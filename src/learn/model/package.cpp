#include "learn/model/package.hpp"

#include "base/core/error.hpp"
#include "learn/model/state.hpp"
#include "learn/nn/torchscript.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr std::size_t package_networks = 1000;
constexpr int package_stages = 2;  // of a cascade
constexpr std::string_view package_before = "before/";

/// Where the parts of network `at` lie.
struct PackageParts {
  std::string graph, weights, script;
};

PackageParts package_parts(std::string const& below, std::size_t at, bool alone) {
  if (alone)
    return {text(below, "network.json"), text(below, "weights.safetensors"),
            text(below, "model.ts")};
  return {text(below, "networks/", at, ".json"), text(below, "weights/", at, ".safetensors"),
          text(below, "models/", at, ".ts")};
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

void package_write(Model const& model, std::string const& below, std::vector<ZipMember>& to) {
  if (model.networks.empty())
    throw Error{Fault::bug, "a package without a network", "pass one or more"};
  to.push_back(member_of(text(below, "package.json"), pretty(to_json(model.about))));
  to.push_back(member_of(text(below, "card.md"), model_card(model.about)));
  to.push_back(member_of(text(below, "LICENSE"), model.about.licence + "\n"));
  to.push_back(
      member_of(text(below, "configs/metadata.json"), pretty(monai_metadata(model.about))));
  for (std::size_t at = 0; at < model.networks.size(); ++at) {
    auto const parts = package_parts(below, at, model.networks.size() == 1);
    auto const& network = model.networks[at];
    to.push_back(member_of(parts.graph, pretty(to_json(network.graph()))));
    to.push_back({parts.weights, encode_weights(network)});
    to.push_back(member_of(parts.script, torchscript_of(network)));
  }
  if (model.before) package_write(*model.before, text(below, package_before), to);
}

ModelAbout package_about(Container const& package, std::string const& below) {
  auto const member = text(below, "package.json");
  auto const name = text(member, " of ", package.name());
  return about_from(parse_json(package.read_words(member), name), name);
}

Model package_read(Container const& package,
                   std::string const& below,
                   int stages,
                   std::set<std::string>& known) {
  Model model{package_about(package, below), {}, package.identity()};
  for (auto const* const name : {"package.json", "card.md", "LICENSE", "configs/metadata.json"})
    known.insert(text(below, name));
  auto const alone = package.has(package_parts(below, 0, true).graph);
  for (std::size_t at = 0; at < (alone ? 1 : package_networks); ++at) {
    auto const parts = package_parts(below, at, alone);
    if (at > 0 && !package.has(parts.graph)) break;
    model.networks.push_back(package_network(package, parts));
    known.insert({parts.graph, parts.weights, parts.script});
  }
  auto const next = text(below, package_before);
  if (stages > 1 && package.has(text(next, "package.json")))
    model.before =
        std::make_shared<Model const>(package_read(package, next, stages - 1, known));
  return model;
}

}  // namespace

void write_package(fs::path const& file, Model const& model) {
  if (model.before && model.before->before)
    throw Error{Fault::bug, "a package of a cascade of three stages", "pass two"};
  std::vector<ZipMember> members;
  package_write(model, "", members);
  write_container(file, std::move(members));
}

ModelAbout read_about(Container const& package) {
  return package_about(package, "");
}

Model read_package(Container const& package) {
  std::set<std::string> known;
  auto model = package_read(package, "", package_stages, known);
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
