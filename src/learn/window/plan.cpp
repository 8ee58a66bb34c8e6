#include "learn/window/plan.hpp"

#include "base/core/error.hpp"
#include "base/core/memory.hpp"
#include "learn/nn/ops.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace fovea {
namespace {

// A batch of fewer voxels leaves cores waiting for each other.
constexpr std::int64_t plan_batch_voxels = 1 << 20;
constexpr std::int64_t plan_most_batch = 16;
// What 16 bits cost in exactness, counted as if it were time: a tenth more windows are rather
// computed than that.
constexpr double plan_cost_of_half = 1.1;
// Over what the graph says that a pass holds.
constexpr double plan_beside_values = 1.25;
constexpr std::uint64_t plan_spare = 32ULL << 20;

std::uint64_t plan_bytes(double values, double each) {
  return static_cast<std::uint64_t>(values * each);
}

// Values that are alive at once while a graph runs as far as node `end`, for one window.
double plan_values_alive(Graph const& graph,
                         std::vector<std::int64_t> const& size,
                         std::size_t end) {
  auto const shapes = shapes_of(graph, size);
  std::vector<std::size_t> last(graph.nodes.size(), 0);  // reader; 0 if none needs it
  last[end] = end + 1;
  for (auto node = end + 1; node-- > 1;) {
    if (last[node] == 0) continue;
    for (auto const from : graph.nodes[node].from) last[from] = std::max(last[from], node);
  }
  auto const values = [&](std::size_t node) {
    auto count = static_cast<double>(shapes[node].channels);
    for (auto const side : shapes[node].size) count *= static_cast<double>(side);
    return count;
  };
  auto alive = values(0), most = alive;
  for (std::size_t node = 1; node <= end; ++node) {
    if (last[node] == 0) continue;
    auto const& from = graph.nodes[node].from;
    auto const& op = op_named(graph.nodes[node].op);
    alive += values(node);
    // Convolutions lay out anew what they read and give, norms widen it.
    double beside = 0;
    if (op.lowers || op.name.find("norm") != std::string_view::npos) {
      beside = values(node);
      for (auto const read : from) beside += values(read);
    }
    most = std::max(most, alive + beside);
    for (auto const gone : std::set<std::size_t>(from.begin(), from.end())) {
      if (last[gone] == node) alive -= values(gone);
    }
  }
  return most;
}

std::size_t plan_end(Network const& network, bool features) {
  auto const& graph = network.graph();
  return features ? graph.marks.at("features") : graph.nodes.size() - 1;
}

// Whatever the way windows are cut: what networks hold while they run.
std::uint64_t plan_network_bytes(WindowFacts const& facts,
                                 std::span<Network const> networks,
                                 WindowSource const& source,
                                 Windows const& windows,
                                 bool features,
                                 std::int64_t batch) {
  auto const voxels = static_cast<double>(windows.size[0] * windows.size[1] * windows.size[2]) *
                      static_cast<double>(batch);
  double passing = 0, weights = 0, bytes = 4;
  for (auto const& network : networks) {
    bytes = network.execution().precision == Precision::bfloat16 ? 2 : 4;
    passing = std::max(passing, bytes * static_cast<double>(batch) * plan_beside_values *
                                    plan_values_alive(network.graph(), facts.input,
                                                      plan_end(network, features)));
    for (auto const& parameter : network.parameters())
      weights += bytes * static_cast<double>(parameter.value.numel());
    weights += static_cast<double>(network.held_bytes(facts.input));
  }
  auto const inputs = windows.flips.empty() ? 1 : 2;
  auto const given = features ? 0 : facts.outputs;
  auto const spread = windows.uncertainty ? facts.outputs + 1 : 0;
  return plan_bytes(passing + weights, 1) + plan_spare +
         plan_bytes(voxels * static_cast<double>(inputs * source.channels + given + spread),
                    sizeof(float));
}

// Windows along each axis that touch what a box of the cut needs.
std::array<std::int64_t, 3> plan_windows_on(WindowBox const& box,
                                            WindowShares const& shares,
                                            std::array<AxisTaps, 3> const& taps) {
  auto const needed = needed_by(box, taps);
  std::array<std::int64_t, 3> counts{};
  for (int axis = 0; axis < 3; ++axis)
    counts[axis] = windows_on(shares, axis, needed.first[axis], needed.size[axis]).count();
  return counts;
}

std::int64_t plan_channels(WindowFacts const& facts, Windows const& windows, bool features) {
  return (features ? facts.features : facts.outputs) + (windows.uncertainty ? 1 : 0);
}

std::vector<WindowLayers> plan_layers(WindowPlan const& plan,
                                      WindowBox const& part,
                                      WindowFacts const& facts,
                                      std::array<AxisTaps, 3> const& taps,
                                      std::int64_t at_once) {
  auto const first = part.first[plan.along];
  return window_layers(facts.shares, plan.along, taps[plan.along], first,
                       first + part.size[plan.along], at_once);
}

// The box of sums that the largest stripe needs.
Blended::Room plan_room(WindowPlan const& plan,
                        WindowFacts const& facts,
                        std::array<AxisTaps, 3> const& taps,
                        std::int64_t at_once) {
  Blended::Room largest;
  for (auto const& part : facts.parts) {
    Blended::Room room{.along = plan.along, .channels = plan.channels, .half = plan.half};
    for (auto const& stripe : window_stripes(plan, part)) {
      auto const needed = needed_by(stripe, taps);
      for (int axis = 0; axis < 3; ++axis)
        room.size[axis] = std::max(room.size[axis], needed.size[axis]);
    }
    for (auto const& layers : plan_layers(plan, part, facts, taps, at_once))
      room.held = std::max(room.held, layers.row_end - layers.row_first);
    if (room.bytes() > largest.bytes()) largest = room;
  }
  return largest;
}

std::int64_t plan_windows_in(WindowPlan const& plan,
                             WindowFacts const& facts,
                             std::array<AxisTaps, 3> const& taps,
                             std::int64_t& most_in_layer) {
  std::int64_t windows = 0;
  most_in_layer = 1;
  for (auto const& part : facts.parts) {
    for (auto const& stripe : window_stripes(plan, part)) {
      auto const counts = plan_windows_on(stripe, facts.shares, taps);
      auto const here = counts[0] * counts[1] * counts[2];
      windows += here;
      most_in_layer = std::max(most_in_layer, here / counts[plan.along]);
    }
  }
  return windows;
}

// The least box around both.
WindowBox plan_around(WindowBox const& one, WindowBox const& other) {
  WindowBox box;
  for (int axis = 0; axis < 3; ++axis) {
    box.first[axis] = std::min(one.first[axis], other.first[axis]);
    box.size[axis] =
        std::max(one.first[axis] + one.size[axis], other.first[axis] + other.size[axis]) -
        box.first[axis];
  }
  return box;
}

bool plan_overlap(WindowBox const& one, WindowBox const& other) {
  for (int axis = 0; axis < 3; ++axis) {
    if (one.first[axis] >= other.first[axis] + other.size[axis] ||
        other.first[axis] >= one.first[axis] + one.size[axis])
      return false;
  }
  return true;
}

std::int64_t plan_batch(Windows const& windows) {
  if (windows.batch > 0) return windows.batch;
  auto const voxels = windows.size[0] * windows.size[1] * windows.size[2];
  return std::clamp<std::int64_t>(plan_batch_voxels / voxels, 1, plan_most_batch);
}

// Numbers of stripes along an axis that are worth a try: one, then ever more, up to one for
// each window.
std::vector<std::int64_t> plan_counts(std::size_t windows, std::int64_t cut) {
  auto const most = std::min(static_cast<std::int64_t>(windows), cut);
  std::vector<std::int64_t> counts;
  for (std::int64_t n = 1; n <= most; n += std::max<std::int64_t>(1, n / 8))
    counts.push_back(n);
  if (counts.back() != most) counts.push_back(most);
  return counts;
}

}  // namespace

WindowRange windows_on(WindowShares const& shares,
                       int axis,
                       std::int64_t first,
                       std::int64_t size) {
  auto const& starts = shares.starts(axis);
  auto const tile = shares.tile()[axis];
  return {std::ranges::upper_bound(starts, first - tile) - starts.begin(),
          std::ranges::lower_bound(starts, first + size) - starts.begin()};
}

std::vector<WindowBox> merged_parts(std::vector<WindowBox> parts,
                                    WindowShares const& shares,
                                    std::array<AxisTaps, 3> const& taps) {
  auto const windows = [&](WindowBox const& box) {
    auto const counts = plan_windows_on(box, shares, taps);
    return counts[0] * counts[1] * counts[2];
  };
  for (std::size_t n = 0; n < parts.size();) {
    auto const cheaper = [&](WindowBox const& other) {
      return plan_overlap(parts[n], other) ||
             windows(plan_around(parts[n], other)) <= windows(parts[n]) + windows(other);
    };
    auto const next = static_cast<std::ptrdiff_t>(n) + 1;
    auto const found = std::find_if(parts.begin() + next, parts.end(), cheaper);
    if (found == parts.end()) {
      ++n;
      continue;
    }
    parts[n] = plan_around(parts[n], *found);
    parts.erase(found);
    n = 0;  // what has grown may now touch what it did not
  }
  return parts;
}

std::vector<WindowLayers> window_layers(WindowShares const& shares,
                                        int along,
                                        AxisTaps const& taps,
                                        std::int64_t first,
                                        std::int64_t end,
                                        std::int64_t at_once) {
  auto const& starts = shares.starts(along);
  auto const tile = shares.tile()[along];
  auto const needed_first = taps.low[first], needed_end = taps.high[end - 1] + 1;
  auto const on = windows_on(shares, along, needed_first, needed_end - needed_first);
  std::vector<WindowLayers> all;
  auto out = first;
  for (auto n = on.first; n < on.end; n += at_once) {
    WindowLayers layers{.windows = {n, std::min(n + at_once, on.end)}, .out_first = out};
    auto const final_rows =
        layers.windows.end < on.end ? starts[layers.windows.end] : needed_end;
    layers.row_first =
        std::min(taps.low[out], std::max(starts[layers.windows.first], needed_first));
    layers.row_end = std::min(starts[layers.windows.end - 1] + tile, needed_end);
    // Windows that end before the next one begins may not reach the first row yet.
    out = std::clamp<std::int64_t>(
        std::ranges::lower_bound(taps.high, std::max<std::int64_t>(final_rows, 0)) -
            taps.high.begin(),
        out, end);
    layers.out_end = out;
    all.push_back(layers);
    if (out == end) break;
  }
  return all;
}

std::vector<WindowBox> window_stripes(WindowPlan const& plan, WindowBox const& part) {
  std::vector<WindowBox> stripes;
  auto const& [of_k, of_j, of_i] = plan.stripes;
  std::array<std::int64_t, 3> n{};
  for (n[0] = 0; n[0] < of_k; ++n[0]) {
    for (n[1] = 0; n[1] < of_j; ++n[1]) {
      for (n[2] = 0; n[2] < of_i; ++n[2]) {
        WindowBox stripe;
        for (int axis = 0; axis < 3; ++axis) {
          auto const begin = part.size[axis] * n[axis] / plan.stripes[axis];
          stripe.first[axis] = part.first[axis] + begin;
          stripe.size[axis] = part.size[axis] * (n[axis] + 1) / plan.stripes[axis] - begin;
        }
        if (stripe.voxels() > 0) stripes.push_back(stripe);  // a small part has fewer
      }
    }
  }
  return stripes;
}

WindowPlan window_plan(WindowFacts const& facts,
                       std::span<Network const> networks,
                       WindowSource const& source,
                       WayBack const& back,
                       Windows const& windows) {
  auto const features = !facts.heads.empty() && facts.features < facts.outputs;
  auto const taps = taps_of(back);
  auto const allowed = windows.memory > 0 ? windows.memory : available_memory() / 2;
  auto const channels = plan_channels(facts, windows, features);
  auto const finish =
      WindowFinish::bytes(facts.outputs, channels, back, windows) + windows.beside;
  std::optional<WindowPlan> best;
  double best_cost = 0;
  std::uint64_t minimum = std::numeric_limits<std::uint64_t>::max();
  for (auto batch = plan_batch(windows), halved = std::int64_t{0}; batch > 0;
       batch /= 2, ++halved) {
    auto const running =
        plan_network_bytes(facts, networks, source, windows, features, batch) + finish;
    for (int along = 0; along < 2; ++along) {
      auto const other = 1 - along;
      for (auto const stripes :
           plan_counts(facts.shares.starts(other).size(), back.cut[other])) {
        for (auto const stripes_i : plan_counts(facts.shares.starts(2).size(), back.cut[2])) {
          WindowPlan plan{
              .batch = batch, .features = features, .channels = channels, .along = along};
          plan.stripes[other] = stripes;
          plan.stripes[2] = stripes_i;
          std::int64_t in_layer = 1;
          plan.windows = plan_windows_in(plan, facts, taps, in_layer);
          plan.passes = plan.windows * facts.members;
          plan.layers = (batch + in_layer - 1) / in_layer;
          for (auto const half : {false, true}) {
            plan.half = half;
            plan.memory = running + plan_room(plan, facts, taps, plan.layers).bytes();
            minimum = std::min(minimum, plan.memory);
            if (plan.memory > allowed) continue;
            auto const cost = static_cast<double>(plan.windows) *
                              (half ? plan_cost_of_half : 1) *
                              (1 + 0.05 * static_cast<double>(halved));
            if (best &&
                (cost > best_cost || (cost >= best_cost && plan.memory >= best->memory)))
              continue;
            best = plan;
            best_cost = cost;
          }
        }
      }
    }
  }
  auto const mib = [](std::uint64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; };
  if (!best)
    throw Error{
        Fault::resource,
        text("predicting this case takes at least ", mib(minimum), " MiB, and ", allowed >> 20,
             " MiB are allowed"),
        text("allow ", mib(minimum), " MiB or more, or use a network of a smaller window")};
  best->minimum = minimum;
  best->parts = facts.parts;
  return *best;
}

WindowPlan plan_windows(std::span<Network const> networks,
                        WindowSource const& source,
                        WayBack const& back,
                        Windows const& windows) {
  return window_plan(window_facts(networks, source, back, windows), networks, source, back,
                     windows);
}

}  // namespace fovea
