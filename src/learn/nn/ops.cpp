#include "learn/nn/ops.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/nn/ops_rows.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr OptionRow ops_input_options[] = {
    {.name = "channels", .low = 1, .high = 1e6, .required = true},
    {.name = "dimensions", .low = 0, .high = 3, .required = true},
};

// Its shape is what the caller hands in: shapes_of() knows it.
constexpr OpRow ops_input[] = {
    {.name = "input",
     .does = "what the caller hands in: [batch, channels, size…]; dimensions 0 is a vector",
     .least = 0,
     .most = 0,
     .options = ops_input_options,
     .shape =
         [](Node const& node, Shapes) {
           auto const rank = static_cast<std::size_t>(whole_option(node, "dimensions"));
           return Shape{whole_option(node, "channels"),
                        std::vector<std::int64_t>(rank, Shape::unknown)};
         }},
};

[[noreturn]] void ops_refuse(std::string const& expected, std::string const& got) {
  throw Error{Fault::input, text("expected ", expected, ", got ", got),
              "correct the network's graph"};
}

OptionRow const& ops_row(OpRow const& op, std::string_view name) {
  auto const found = std::ranges::find(op.options, name, &OptionRow::name);
  if (found != op.options.end()) return *found;
  std::vector<std::string> known;
  for (auto const& row : op.options) known.emplace_back(row.name);
  throw Error{Fault::input, text("'", op.name, "' has no option '", name.substr(0, 40), "'"),
              known.empty() ? "it has none" : did_you_mean(name, known)};
}

void ops_check_number(OptionRow const& row, double value) {
  if (!(value >= row.low && value <= row.high))
    ops_refuse(text("option '", row.name, "' in ", row.low, " … ", row.high), spelled(value));
}

std::string_view ops_kind(Option const& option) {
  static constexpr std::string_view words[] = {"a whole number", "a fraction", "a list",
                                               "a word"};
  return words[option.index()];
}

void ops_check_option(OptionRow const& row, Option const& option) {
  using Kind = OptionRow::Kind;
  auto const wrong = [&](std::string_view expected) {
    ops_refuse(text("option '", row.name, "' to be ", expected), std::string{ops_kind(option)});
  };
  if (row.kind == Kind::word) {
    auto const* const word = std::get_if<std::string>(&option);
    if (word == nullptr) wrong("a word");
    if (std::ranges::count(split(row.words, '|'), *word) == 0)
      ops_refuse(text("option '", row.name, "' to be one of ", row.words),
                 text("'", word->substr(0, 40), "'"));
  } else if (auto const* const number = std::get_if<std::int64_t>(&option)) {
    ops_check_number(row, static_cast<double>(*number));
  } else if (auto const* const fraction = std::get_if<double>(&option)) {
    if (row.kind != Kind::real) wrong("a whole number");
    ops_check_number(row, *fraction);
  } else if (auto const* const list = std::get_if<std::vector<std::int64_t>>(&option)) {
    if (row.kind != Kind::axes) wrong("one number");
    for (auto const value : *list) ops_check_number(row, static_cast<double>(value));
  } else {
    wrong("a number");
  }
}

void ops_check(OpRow const& op, Node const& node) {
  if (node.from.size() < op.least || node.from.size() > op.most)
    ops_refuse(text("'", op.name, "' to read ", op.least, " … ", op.most, " nodes"),
               text(node.from.size()));
  for (auto const& [name, option] : node.options) ops_check_option(ops_row(op, name), option);
  for (auto const& row : op.options) {
    if (row.required && !node.options.contains(row.name))
      ops_refuse(text("'", op.name, "' to have an option '", row.name, "'"), "none");
  }
}

Option const* ops_given(Node const& node, std::string_view name) {
  auto const found = node.options.find(name);
  return found == node.options.end() ? nullptr : &found->second;
}

Shape ops_shape(Graph const& graph,
                std::size_t at,
                std::vector<Shape> const& made,
                std::vector<std::int64_t> const& size) {
  auto const& node = graph.nodes[at];
  try {
    auto const& op = op_named(node.op);
    ops_check(op, node);
    if ((node.op == "input") != (at == 0))
      ops_refuse("the input as node 0 and nowhere else", text("'", node.op, "'"));
    std::vector<Shape> in;
    for (auto const read : node.from) {
      if (read >= at)
        ops_refuse("nodes that are made before they are read", text("node ", read));
      in.push_back(made[read]);
    }
    auto shape = op.shape(node, in);
    if (at == 0 && !size.empty()) {
      if (size.size() != shape.size.size())
        ops_refuse(text("an image of ", shape.size.size(), " dimensions"), text(size.size()));
      shape.size = size;
    }
    for (auto const side : shape.size) {
      if (side != Shape::unknown && side < 1)
        ops_refuse("an image large enough for this network", text("a side of ", side, " left"));
    }
    return shape;
  } catch (Error const& error) {
    throw Error{Fault::input, text("node ", at, " (", node.op, " ", node.name, ")"),
                error.what()};
  }
}

}  // namespace

std::span<OpRow const> ops() {
  static std::vector<OpRow> const all = [] {
    std::vector<OpRow> rows{std::begin(ops_input), std::end(ops_input)};
    for (auto const part :
         {spatial_ops(), resize_ops(), norm_ops(), pointwise_ops(), token_ops(), window_ops()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return all;
}

OpRow const& op_named(std::string_view name) {
  static std::map<std::string_view, OpRow const*> const by_name = [] {
    std::map<std::string_view, OpRow const*> rows;
    for (auto const& row : ops()) rows[row.name] = &row;
    return rows;
  }();
  if (auto const found = by_name.find(name); found != by_name.end()) return *found->second;
  std::vector<std::string> known;
  for (auto const& row : ops()) known.emplace_back(row.name);
  throw Error{Fault::input, text("no operation '", name.substr(0, 40), "'"),
              did_you_mean(name, known)};
}

std::int64_t whole_option(Node const& node, std::string_view name) {
  auto const* const given = ops_given(node, name);
  if (given == nullptr)
    return static_cast<std::int64_t>(ops_row(op_named(node.op), name).standard);
  return std::get<std::int64_t>(*given);
}

double real_option(Node const& node, std::string_view name) {
  auto const* const given = ops_given(node, name);
  if (given == nullptr) return ops_row(op_named(node.op), name).standard;
  if (auto const* const whole = std::get_if<std::int64_t>(given))
    return static_cast<double>(*whole);
  return std::get<double>(*given);
}

std::string word_option(Node const& node, std::string_view name) {
  auto const* const given = ops_given(node, name);
  if (given == nullptr) return split(ops_row(op_named(node.op), name).words, '|').front();
  return std::get<std::string>(*given);
}

std::vector<std::int64_t> axes_option(Node const& node,
                                      std::string_view name,
                                      std::size_t rank) {
  auto const* const given = ops_given(node, name);
  if (given == nullptr || std::holds_alternative<std::int64_t>(*given))
    return std::vector<std::int64_t>(rank, whole_option(node, name));
  auto const& list = std::get<std::vector<std::int64_t>>(*given);
  if (list.size() != rank)
    ops_refuse(text("option '", name, "' with ", rank, " numbers"), text(list.size()));
  return list;
}

std::vector<Shape> shapes_of(Graph const& graph, std::vector<std::int64_t> const& size) {
  if (graph.nodes.size() < 2)
    ops_refuse("an input and at least one operation", text(graph.nodes.size(), " nodes"));
  std::vector<Shape> made;
  made.reserve(graph.nodes.size());
  for (std::size_t at = 0; at < graph.nodes.size(); ++at)
    made.push_back(ops_shape(graph, at, made, size));
  return made;
}

std::vector<std::vector<WeightRow>> weights_of(Graph const& graph) {
  auto const shapes = shapes_of(graph);
  std::set<std::string> names;
  std::vector<std::vector<WeightRow>> all;
  for (auto const& node : graph.nodes) {
    std::vector<Shape> in;
    for (auto const read : node.from) in.push_back(shapes[read]);
    auto const& op = op_named(node.op);
    auto rows = op.weights == nullptr ? std::vector<WeightRow>{} : op.weights(node, in);
    for (auto& row : rows) {
      if (!node.name.empty()) row.name = node.name + "." + row.name;
      if (!names.insert(row.name).second)
        ops_refuse("weights with names of their own", text("two '", row.name, "'"));
    }
    all.push_back(std::move(rows));
  }
  return all;
}

void refuse_shape(std::string const& expected, std::string const& got) {
  ops_refuse(expected, got);
}

std::string in_words(Shape const& shape) {
  std::string sizes;
  for (auto const side : shape.size)
    sizes +=
        (sizes.empty() ? "" : " x ") + (side == Shape::unknown ? std::string{"?"} : text(side));
  return text(shape.channels, " channels", sizes.empty() ? "" : " of ", sizes,
              shape.last ? " (channels last)" : "");
}

std::string as_list(std::vector<std::int64_t> const& numbers) {
  std::vector<std::string> words;
  for (auto const number : numbers) words.push_back(text(number));
  return "[" + joined(words, ", ") + "]";
}

std::string as_real(double value) {
  auto words = spelled(value);
  return words.find_first_of(".e") == std::string::npos ? words + "." : words;
}

std::int64_t values_of(std::vector<std::int64_t> const& size) {
  std::int64_t product = 1;
  for (auto const side : size) {
    if (side == Shape::unknown) return Shape::unknown;
    if (__builtin_mul_overflow(product, side, &product))
      refuse_shape("sizes that can be counted", "more than 2^63 values");
  }
  return product;
}

bool known(std::vector<std::int64_t> const& size) {
  return std::ranges::count(size, Shape::unknown) == 0;
}

Shape same_shape(Node const&, Shapes in) {
  return in[0];
}

}  // namespace fovea
