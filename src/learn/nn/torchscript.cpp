#include "learn/nn/torchscript.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "base/core/words.hpp"
#include "learn/nn/ops.hpp"

#include <c10/core/GradMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>

namespace fovea {
namespace {

bool torchscript_is_name(std::string_view part) {
  auto const letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  auto const digit = [](char c) { return c >= '0' && c <= '9'; };
  return !part.empty() && letter(part[0]) &&
         std::ranges::all_of(part, [&](char c) { return letter(c) || digit(c); });
}

// "layer1.0.conv1.weight" is getattr(self.layer1, "0").conv1.weight in source: a number is no
// name there.
std::string torchscript_path(std::string const& name) {
  std::string path = "self";
  for (auto const& part : split(name, '.')) {
    if (part.find_first_of("\"\\\n") != std::string::npos)
      throw Error{Fault::input, text("a weight is named '", name, "'"),
                  "use letters, digits and points"};
    path = torchscript_is_name(part) ? path + "." + part
                                     : text("getattr(", path, ", \"", part, "\")");
  }
  return path;
}

// Modules in modules, as the points in the names say.
struct TorchscriptTree {
  std::map<std::string, TorchscriptTree> parts;
  std::vector<Named> learnt, kept;

  void put(Named const& tensor, bool is_learnt) {
    auto path = split(tensor.name, '.');
    auto* tree = this;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) tree = &tree->parts[path[i]];
    (is_learnt ? tree->learnt : tree->kept)
        .push_back({path.back(), tensor.value.detach().to(at::kCPU).contiguous()});
  }

  // Parts are built before they are joined: a module's type is settled when it becomes an
  // attribute of another.
  torch::jit::Module module(std::string const& name,
                            std::shared_ptr<torch::jit::CompilationUnit> const& unit) const {
    torch::jit::Module made{c10::QualifiedName{name}, unit};
    for (auto const& tensor : learnt) made.register_parameter(tensor.name, tensor.value, false);
    for (auto const& tensor : kept) made.register_buffer(tensor.name, tensor.value);
    for (auto const& [part, tree] : parts)
      made.register_module(
          part, tree.module(name + (torchscript_is_name(part) ? "_" : "_n") + part, unit));
    return made;
  }
};

// Behind batch and channels.
std::string torchscript_axes(std::vector<std::int64_t> const& axes) {
  std::vector<std::string> words;
  for (auto const axis : axes) words.push_back(text(axis + 2));
  return joined(words, ", ");
}

// A forward() that calls the network's own, which is called network().
std::string torchscript_around(std::string source, ScriptAround const& around) {
  constexpr std::string_view forward = "def forward(";
  source.replace(source.find(forward), forward.size(), "def network(");
  source += "def forward(self, x: Tensor) -> Tensor:\n";
  std::vector<std::int64_t> inverse(around.order.size());
  for (std::size_t n = 0; n < inverse.size(); ++n)
    inverse[static_cast<std::size_t>(around.order[n])] = static_cast<std::int64_t>(n);
  auto const turned = [&](std::string_view value, std::vector<std::int64_t> const& axes) {
    return axes.empty()
               ? std::string{value}
               : text("torch.permute(", value, ", [0, 1, ", torchscript_axes(axes), "])");
  };
  source += text("    y = ", turned("x", around.order), "\n    z = self.network(y)\n");
  auto const ways = 1U << around.flips.size();
  for (unsigned way = 1; way < ways; ++way) {
    std::vector<std::int64_t> axes;
    for (std::size_t n = 0; n < around.flips.size(); ++n) {
      if ((way >> n & 1U) != 0) axes.push_back(around.flips[n]);
    }
    auto const list = torchscript_axes(axes);
    source += text("    z = z + torch.flip(self.network(torch.flip(y, [", list, "])), [", list,
                   "])\n");
  }
  if (ways > 1) source += text("    z = z / ", ways, ".\n");
  return source + text("    return ", turned("z", inverse), "\n");
}

void torchscript_check(Graph const& graph, ScriptAround const& around) {
  auto const axes = static_cast<std::int64_t>(shapes_of(graph).front().size.size());
  auto sorted = around.order;
  std::sort(sorted.begin(), sorted.end());
  auto sound = sorted.empty() || std::ssize(sorted) == axes;
  for (std::size_t n = 0; n < sorted.size(); ++n)
    sound = sound && sorted[n] == static_cast<std::int64_t>(n);
  auto flips = around.flips;
  std::sort(flips.begin(), flips.end());
  sound = sound && std::adjacent_find(flips.begin(), flips.end()) == flips.end();
  for (auto const axis : flips) sound = sound && axis >= 0 && axis < axes;
  if (!sound)
    throw Error{
        Fault::usage,
        text("expected an order and mirror images of the ", axes, " axes of the network"),
        "name each axis at most once"};
}

}  // namespace

std::string torchscript_source(Graph const& graph) {
  auto const shapes = shapes_of(graph);
  auto const weights = weights_of(graph);
  std::string source;
  std::set<std::string_view> helpers;
  for (auto const& node : graph.nodes) {
    auto const helper = op_named(node.op).helper;
    if (helpers.insert(helper).second) source += text(helper, helper.empty() ? "" : "\n");
  }
  source += "def forward(self, x: Tensor) -> Tensor:\n";
  auto const value = [](std::size_t node) {
    return node == 0 ? std::string{"x"} : text("x", node);
  };
  for (std::size_t at = 1; at < graph.nodes.size(); ++at) {
    std::vector<std::string> in, mine;
    std::vector<Shape> read;
    for (auto const from : graph.nodes[at].from) {
      in.push_back(value(from));
      read.push_back(shapes[from]);
    }
    for (auto const& row : weights[at]) mine.push_back(torchscript_path(row.name));
    auto const line =
        op_named(graph.nodes[at].op)
            .script({.node = graph.nodes[at], .in = in, .weights = mine, .shapes = read});
    source += text("    ", value(at), " = ", line, "\n");
  }
  return source + text("    return ", value(graph.nodes.size() - 1), "\n");
}

std::string torchscript_of(Network const& network, ScriptAround const& around) {
  TorchscriptTree tree;
  for (auto const& tensor : network.parameters()) tree.put(tensor, true);
  for (auto const& tensor : network.buffers()) tree.put(tensor, false);
  auto module =
      tree.module("__torch__.Network", std::make_shared<torch::jit::CompilationUnit>());
  auto source = torchscript_source(network.graph());
  if (!around.order.empty() || !around.flips.empty()) {
    torchscript_check(network.graph(), around);
    source = torchscript_around(std::move(source), around);
  }
  module.define(source);
  module.eval();
  // Into memory: LibTorch's writer ends the process when a stream that it has begun fails.
  std::ostringstream out;
  module.save(out);
  return std::move(out).str();
}

struct ForeignModule::State {
  torch::jit::Module module;
  std::mutex guard;  // a module may keep state of its own
};

ForeignModule::ForeignModule(std::filesystem::path const& file)
    : state_{std::make_shared<State>()} {
  std::ifstream in{file, std::ios::binary};
  if (!in)
    throw Error{Fault::input, text("cannot read ", file.string()),
                "check the path and its permissions"};
  try {
    state_->module = torch::jit::load(in, at::Device{at::kCPU});
    state_->module.eval();
  } catch (std::exception const& error) {
    throw Error{Fault::input,
                text("expected a TorchScript archive in ", file.string(),
                     ", got: ", split(error.what(), '\n').front()),
                "export it again with torch.jit.save"};
  }
}

at::Tensor ForeignModule::operator()(at::Tensor const& input) const {
  c10::AutoGradMode const no_tape{false};
  std::lock_guard const lock{state_->guard};
  try {
    auto out = state_->module.forward({input});
    if (out.isTuple() && !out.toTupleRef().elements().empty())
      out = out.toTupleRef().elements()[0];
    if (out.isTensorList() && !out.toTensorList().empty()) return out.toTensorList()[0];
    return out.toTensor();
  } catch (std::exception const& error) {
    throw Error{Fault::input,
                text("the TorchScript module failed: ", split(error.what(), '\n').front()),
                "check that it takes one image tensor of this size and gives one tensor"};
  }
}

}  // namespace fovea
