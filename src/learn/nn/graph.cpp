#include "learn/nn/graph.hpp"

#include "base/core/error.hpp"
#include "learn/nn/ops.hpp"

#include <algorithm>
#include <array>

namespace fovea {
namespace {

constexpr int graph_version = 1;
constexpr std::size_t graph_most_nodes = 100'000;
constexpr double graph_most_weights = 1e10;

[[noreturn]] void graph_refuse(std::string const& happened) {
  throw Error{Fault::input, happened,
              "the stored network is damaged or was written by another program"};
}

void graph_check_fields(Json const& object,
                        std::span<std::string_view const> known,
                        std::string const& where) {
  if (!object.is_object())
    graph_refuse(text("expected ", where, " to be an object, got ", object.type_name()));
  for (auto const& item : object.items()) {
    if (std::ranges::find(known, item.key()) == known.end())
      graph_refuse(text("unknown field '", item.key().substr(0, 40), "' in ", where));
  }
  for (auto const& field : known) {
    if (!object.contains(field))
      graph_refuse(text("field '", field, "' is missing in ", where));
  }
}

std::string graph_words(Json const& json, std::string const& where) {
  if (!json.is_string())
    graph_refuse(text("expected words in ", where, ", got ", json.type_name()));
  return json.get<std::string>();
}

std::int64_t graph_whole(Json const& json, std::string const& where) {
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t{INT64_MAX})
    graph_refuse(text("a number in ", where, " is too large"));
  if (!json.is_number_integer())
    graph_refuse(text("expected a whole number in ", where, ", got ", json.type_name()));
  return json.get<std::int64_t>();
}

std::size_t graph_number_of_node(Json const& json,
                                 std::size_t nodes,
                                 std::string const& where) {
  auto const number = graph_whole(json, where);
  if (number < 0 || static_cast<std::size_t>(number) >= nodes)
    graph_refuse(text(where, " names node ", number, ", which is not there"));
  return static_cast<std::size_t>(number);
}

Option graph_option(Json const& json, std::string const& where) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_float()) return json.get<double>();
  if (!json.is_array()) return graph_whole(json, where);
  if (json.size() > 8) graph_refuse(text("a list of ", json.size(), " numbers in ", where));
  std::vector<std::int64_t> list;
  for (auto const& item : json) list.push_back(graph_whole(item, where));
  return list;
}

Node graph_node(Json const& json, std::size_t at) {
  static constexpr std::array<std::string_view, 4> fields{"op", "from", "options", "name"};
  auto const where = text("node ", at);
  graph_check_fields(json, fields, where);
  if (!json["from"].is_array()) graph_refuse(text("expected a list of nodes in ", where));
  if (!json["options"].is_object()) graph_refuse(text("expected options by name in ", where));
  Node node{graph_words(json["op"], where), {}, {}, graph_words(json["name"], where)};
  for (auto const& from : json["from"])
    node.from.push_back(graph_number_of_node(from, at, where));
  for (auto const& item : json["options"].items())
    node.options[item.key()] = graph_option(item.value(), where);
  return node;
}

void graph_check_weights(Graph const& graph) {
  double count = 0;
  for (auto const& node : weights_of(graph)) {
    for (auto const& weight : node) {
      double values = 1;
      for (auto const side : weight.shape) values *= static_cast<double>(side);
      count += values;
    }
  }
  if (count > graph_most_weights)
    graph_refuse(
        text("the network has ", count, " weights; at most ", graph_most_weights, " are read"));
}

}  // namespace

std::size_t Graph::add(std::string_view op,
                       std::vector<std::size_t> from,
                       Options options,
                       std::string name) {
  for (auto const read : from) {
    if (read >= nodes.size())
      throw Error{Fault::bug, text("node ", read, " is read before it is made"),
                  "add it first"};
  }
  nodes.push_back({std::string{op}, std::move(from), std::move(options), std::move(name)});
  return nodes.size() - 1;
}

Json to_json(Graph const& graph) {
  Json json{{"version", graph_version},
            {"drawn_by", graph.drawn_by},
            {"nodes", Json::array()},
            {"marks", Json::object()}};
  for (auto const& node : graph.nodes) {
    Json options = Json::object();
    for (auto const& [name, option] : node.options)
      std::visit([&](auto const& value) { options[name] = value; }, option);
    json["nodes"].push_back(Json{{"op", node.op},
                                 {"from", node.from},
                                 {"options", std::move(options)},
                                 {"name", node.name}});
  }
  for (auto const& [name, node] : graph.marks) json["marks"][name] = node;
  return json;
}

Graph graph_from(Json const& json) {
  static constexpr std::array<std::string_view, 4> fields{"version", "drawn_by", "nodes",
                                                          "marks"};
  if (json.is_object() && json.contains("version") &&
      graph_whole(json["version"], "the version") != graph_version)
    throw Error{Fault::input,
                text("the network is stored as version ", json["version"].dump(),
                     ", this program knows version ", graph_version),
                "use a newer program"};
  graph_check_fields(json, fields, "the network");
  if (!json["nodes"].is_array() || json["nodes"].size() > graph_most_nodes)
    graph_refuse(text("expected a list of at most ", graph_most_nodes, " nodes"));
  if (!json["marks"].is_object()) graph_refuse("expected marks by name");
  Graph graph;
  graph.drawn_by = graph_words(json["drawn_by"], "drawn_by");
  for (auto const& node : json["nodes"])
    graph.nodes.push_back(graph_node(node, graph.nodes.size()));
  for (auto const& item : json["marks"].items())
    graph.marks[item.key()] = graph_number_of_node(item.value(), graph.nodes.size(), "a mark");
  graph_check_weights(graph);
  return graph;
}

}  // namespace fovea
