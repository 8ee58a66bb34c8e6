#include "base/core/error.hpp"
#include "learn/nn/ops.hpp"
#include "learn/window/plan.hpp"

#include <algorithm>
#include <limits>

namespace fovea {
namespace {

using FactsSize = std::array<std::int64_t, 3>;

std::string facts_words(FactsSize const& size) {
  return text(size[0], " x ", size[1], " x ", size[2]);
}

void facts_check_way(WayBack const& back, WindowSource const& source) {
  if (back.prepared != source.size)
    throw Error{Fault::input,
                text("the way back begins at ", facts_words(back.prepared),
                     " voxels, the case has ", facts_words(source.size)),
                "give the way of the same case"};
  auto axes = back.axes;
  std::ranges::sort(axes);
  if (axes != std::array<int, 3>{0, 1, 2} ||
      (back.nearest && (*back.nearest < 0 || *back.nearest > 2)))
    throw Error{Fault::input, "the way back does not name each of the three axes once",
                "axes are 0, 1 and 2 in some order"};
  for (int axis = 0; axis < 3; ++axis) {
    auto const whole = back.grid.size[2 - back.axes[axis]];
    if (source.size[axis] < 1 || back.cut[axis] < 1 || back.first[axis] < 0 ||
        back.cut[axis] > whole || back.first[axis] > whole - back.cut[axis])
      throw Error{Fault::input,
                  text("a cut of ", back.cut[axis], " voxels from ", back.first[axis],
                       " on does not lie in an axis of ", whole),
                  "give the way of the same case"};
  }
}

void facts_check_options(Windows const& windows, int dimensions, std::int64_t outputs) {
  if (!std::ranges::all_of(windows.size, [](auto side) { return side >= 1; }) ||
      (dimensions == 2 && windows.size[0] != 1))
    throw Error{Fault::usage,
                text("expected a window of ", dimensions, " dimensions, got ",
                     facts_words(windows.size)),
                "the window is k x j x i voxels, k is 1 for a network of two dimensions"};
  if (windows.batch < 0)
    throw Error{Fault::usage, text("expected a batch of 1 or more, got ", windows.batch),
                "0 chooses it"};
  auto flips = windows.flips;
  std::ranges::sort(flips);
  for (std::size_t n = 0; n < flips.size(); ++n) {
    if (flips[n] < 3 - dimensions || flips[n] > 2 || (n > 0 && flips[n] == flips[n - 1]))
      throw Error{
          Fault::usage, text("cannot flip along axis ", flips[n]),
          dimensions == 3 ? "axes are 0, 1 and 2, each once" : "axes are 1 and 2, each once"};
  }
  auto const& rule = windows.labels;
  if (!rule.values.empty() && static_cast<std::int64_t>(rule.values.size()) != outputs)
    throw Error{
        Fault::usage,
        text("expected a value for each of ", outputs, " outputs, got ", rule.values.size()),
        "give as many values as the network has outputs"};
  if (outputs > std::numeric_limits<std::uint16_t>::max() - 1 ||
      (outputs == 1 && !rule.regions))
    throw Error{
        Fault::input, text("a network of ", outputs, " outputs chooses no label"),
        "two outputs or more choose a label; outputs that are regions must be called so"};
}

// The parts that are wanted, checked.
std::vector<WindowBox> facts_parts(WayBack const& back, Windows const& windows) {
  if (windows.parts.empty()) return {{{0, 0, 0}, back.cut}};
  for (auto const& part : windows.parts) {
    for (int axis = 0; axis < 3; ++axis) {
      if (part.first[axis] >= 0 && part.size[axis] >= 1 &&
          part.first[axis] <= back.cut[axis] - part.size[axis])
        continue;
      throw Error{
          Fault::usage,
          text("a part of ", facts_words(part.size), " voxels from ", facts_words(part.first),
               " on does not lie in a cut of ", facts_words(back.cut)),
          "give boxes of the cut"};
    }
  }
  return windows.parts;
}

struct FactsShape {
  int dimensions;
  std::int64_t in, out;
  bool operator==(FactsShape const&) const = default;
};

FactsShape facts_shape(Network const& network, FactsSize const& window) {
  auto const free = shapes_of(network.graph());
  auto const dimensions = static_cast<int>(free.front().size.size());
  if (dimensions != 2 && dimensions != 3)
    throw Error{Fault::input, "expected a network of 2 or 3 dimensions",
                "windows are cut from pictures and volumes"};
  std::vector<std::int64_t> const size(window.begin() + (3 - dimensions), window.end());
  auto const shapes = shapes_of(network.graph(), size);
  auto const& out = shapes.back();
  if (out.last || out.size != size)
    throw Error{Fault::input,
                text("the network does not give outputs of its input's size for a window of ",
                     facts_words(window)),
                "use a network that labels every voxel, and a window that its steps divide"};
  return {dimensions, shapes.front().channels, out.channels};
}

}  // namespace

WindowFacts window_facts(std::span<Network const> networks,
                         WindowSource const& source,
                         WayBack const& back,
                         Windows const& windows) {
  if (networks.empty())
    throw Error{Fault::usage, "no network was given", "give one, or several for their mean"};
  facts_check_way(back, source);
  if (!std::ranges::all_of(windows.size, [](auto side) { return side >= 1; }))
    throw Error{Fault::usage, text("expected sides above 0, got ", facts_words(windows.size)),
                "the window is k x j x i voxels"};
  auto const shape = facts_shape(networks.front(), windows.size);
  for (auto const& network : networks) {
    if (facts_shape(network, windows.size) != shape)
      throw Error{Fault::input, "networks differ in dimensions, channels or outputs",
                  "give networks of one kind, such as the folds of one training"};
  }
  if (shape.in != source.channels)
    throw Error{
        Fault::input,
        text("the network reads ", shape.in, " channels, the case has ", source.channels),
        "prepare the case as the network's plan says"};
  facts_check_options(windows, shape.dimensions, shape.out);

  WindowFacts facts{
      .outputs = shape.out,
      .heads = {},
      .members = static_cast<std::int64_t>(networks.size()) << windows.flips.size(),
      .input = {windows.size.begin() + (3 - shape.dimensions), windows.size.end()},
      .shares = {source.size, windows.size, windows.step, windows.places, windows.blend},
      .parts = {}};
  facts.parts = merged_parts(facts_parts(back, windows), facts.shares, taps_of(back));
  if (windows.uncertainty && facts.members < 2)
    throw Error{Fault::usage, "one network without flips cannot disagree with itself",
                "give flips or several networks, or ask for no uncertainty"};
  for (auto const& network : networks) {
    auto head = network.head();
    if (!head) break;
    facts.features += head->weight.size(1);
    facts.heads.push_back(*std::move(head));
  }
  if (facts.heads.size() < networks.size()) facts.heads.clear();
  return facts;
}

}  // namespace fovea
