#include "learn/window/plan.hpp"

#include "base/core/error.hpp"
#include "base/core/memory.hpp"
#include "learn/nn/ops.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace fovea {
namespace {

// A batch of fewer voxels leaves cores waiting for each other.
constexpr std::int64_t plan_batch_voxels = 1 << 20;
constexpr std::int64_t plan_most_batch = 16;
// What 16 bits cost in exactness, counted as if it were time: a tenth more windows are rather
// computed than that.
constexpr double plan_cost_of_half = 1.1;
// Of what the graph says that a pass holds: what convolutions lay out anew for themselves.
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
    alive += values(node);
    most = std::max(most, alive);
    auto const& from = graph.nodes[node].from;
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
  }
  auto const inputs = windows.flips.empty() ? 1 : 2;
  auto const given = features ? 0 : facts.outputs;
  auto const spread = windows.uncertainty ? facts.outputs + 1 : 0;
  return plan_bytes(passing + weights, 1) + plan_spare +
         plan_bytes(voxels * static_cast<double>(inputs * source.channels + given + spread),
                    sizeof(float));
}

std::int64_t plan_channels(WindowFacts const& facts, Windows const& windows, bool features) {
  return (features ? facts.features : facts.outputs) + (windows.uncertainty ? 1 : 0);
}

// The box of sums that the largest stripe needs.
Blended::Room plan_room(WindowPlan const& plan,
                        WindowFacts const& facts,
                        WayBack const& back,
                        std::array<AxisTaps, 3> const& taps,
                        std::int64_t at_once) {
  Blended::Room room{.along = plan.along, .channels = plan.channels, .half = plan.half};
  for (auto const& stripe : window_stripes(plan, back)) {
    auto const needed = needed_by(stripe, taps);
    for (int axis = 0; axis < 3; ++axis)
      room.size[axis] = std::max(room.size[axis], needed.size[axis]);
  }
  for (auto const& layers : window_layers(facts.shares, plan.along, taps[plan.along], at_once))
    room.held = std::max(room.held, layers.row_end - layers.row_first);
  return room;
}

std::int64_t plan_windows_in(WindowPlan const& plan,
                             WindowFacts const& facts,
                             WayBack const& back,
                             std::array<AxisTaps, 3> const& taps,
                             std::int64_t& most_in_layer) {
  std::int64_t windows = 0;
  most_in_layer = 1;
  for (auto const& stripe : window_stripes(plan, back)) {
    auto const needed = needed_by(stripe, taps);
    std::int64_t here = 1, in_layer = 1;
    for (int axis = 0; axis < 3; ++axis) {
      auto const count =
          windows_on(facts.shares, axis, needed.first[axis], needed.size[axis]).count();
      here *= count;
      if (axis != plan.along) in_layer *= count;
    }
    windows += here;
    most_in_layer = std::max(most_in_layer, in_layer);
  }
  return windows;
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

std::vector<WindowLayers> window_layers(WindowShares const& shares,
                                        int along,
                                        AxisTaps const& taps,
                                        std::int64_t at_once) {
  auto const& starts = shares.starts(along);
  auto const tile = shares.tile()[along];
  auto const size = shares.size()[along];
  auto const needed_end = taps.high.back() + 1;
  auto const on = windows_on(shares, along, taps.low.front(), needed_end - taps.low.front());
  std::vector<WindowLayers> all;
  std::int64_t out = 0;
  for (auto n = on.first; n < on.end; n += at_once) {
    WindowLayers layers{.windows = {n, std::min(n + at_once, on.end)}, .out_first = out};
    auto const final_rows = layers.windows.end < on.end ? starts[layers.windows.end] : size;
    layers.row_first =
        std::min(taps.low[out], std::max<std::int64_t>(starts[layers.windows.first], 0));
    layers.row_end = std::min(starts[layers.windows.end - 1] + tile, size);
    out = std::ranges::lower_bound(taps.high, std::max<std::int64_t>(final_rows, 0)) -
          taps.high.begin();
    layers.out_end = out;
    all.push_back(layers);
    if (out == taps.size()) break;
  }
  return all;
}

std::vector<WindowPart> window_stripes(WindowPlan const& plan, WayBack const& back) {
  std::vector<WindowPart> stripes;
  auto const& [of_k, of_j, of_i] = plan.stripes;
  std::array<std::int64_t, 3> n{};
  for (n[0] = 0; n[0] < of_k; ++n[0]) {
    for (n[1] = 0; n[1] < of_j; ++n[1]) {
      for (n[2] = 0; n[2] < of_i; ++n[2]) {
        auto& stripe = stripes.emplace_back();
        for (int axis = 0; axis < 3; ++axis) {
          stripe.first[axis] = back.cut[axis] * n[axis] / plan.stripes[axis];
          stripe.size[axis] =
              back.cut[axis] * (n[axis] + 1) / plan.stripes[axis] - stripe.first[axis];
        }
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
  auto const finish = WindowFinish::bytes(facts.outputs, channels, back, windows);
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
          plan.windows = plan_windows_in(plan, facts, back, taps, in_layer);
          plan.passes = plan.windows * facts.members;
          plan.layers = (batch + in_layer - 1) / in_layer;
          for (auto const half : {false, true}) {
            plan.half = half;
            plan.memory = running + plan_room(plan, facts, back, taps, plan.layers).bytes();
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
