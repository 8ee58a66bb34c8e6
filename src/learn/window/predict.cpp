#include "learn/window/predict.hpp"

#include "base/core/error.hpp"
#include "learn/window/plan.hpp"
#include "learn/window/spread.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/flip.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace fovea {
namespace {

JoinedHeads predict_heads(std::span<LinearHead const> heads, std::int64_t outputs) {
  JoinedHeads joined{.outputs = outputs, .channels = 0, .weight = {}, .bias = {}};
  for (auto const& head : heads) joined.channels += head.weight.size(1);
  joined.weight.resize(static_cast<std::size_t>(outputs * joined.channels));
  joined.bias.resize(static_cast<std::size_t>(outputs));
  auto const share = 1 / static_cast<float>(heads.size());
  std::int64_t before = 0;
  for (auto const& head : heads) {
    auto const weight = head.weight.to(at::kCPU, at::kFloat).contiguous();
    auto const bias = head.bias.to(at::kCPU, at::kFloat).contiguous();
    auto const* const w = weight.const_data_ptr<float>();
    auto const* const b = bias.const_data_ptr<float>();
    auto const mine = weight.size(1);
    for (std::int64_t o = 0; o < outputs; ++o) {
      joined.bias[o] += share * b[o];
      for (std::int64_t c = 0; c < mine; ++c)
        joined.weight[o * joined.channels + before + c] = share * w[o * mine + c];
    }
    before += mine;
  }
  return joined;
}

using PredictWindow = std::array<std::int64_t, 3>;  // its number along each axis

// One case on its way through the networks.
class PredictRun {
 public:
  PredictRun(std::span<Network const> networks,
             WindowSource const& source,
             WayBack const& back,
             Windows const& windows)
      : networks_{networks},
        source_{source},
        back_{back},
        windows_{windows},
        facts_{window_facts(networks, source, back, windows)},
        plan_{window_plan(facts_, networks, source, back, windows)},
        taps_{taps_of(back)},
        device_{networks.front().parameters().empty()
                    ? at::Device{at::kCPU}
                    : networks.front().parameters().front().value.device()},
        finish_{plan_.features ? predict_heads(facts_.heads, facts_.outputs)
                               : JoinedHeads{.outputs = facts_.outputs,
                                             .channels = facts_.outputs,
                                             .weight = {},
                                             .bias = {}},
                back, windows} {
    if (plan_.features && windows.uncertainty) {
      for (auto const& head : facts_.heads)
        own_heads_.push_back(predict_heads({&head, 1}, facts_.outputs));
    }
    if (own_heads_.empty()) own_heads_.resize(networks.size());
  }

  WindowPrediction done() {
    c10::NoGradGuard const no_tape;
    for (auto const& part : plan_.parts) {
      for (auto const& stripe : window_stripes(plan_, part)) one_stripe(stripe);
    }
    return {.labels = finish_.take_labels(),
            .uncertainty = finish_.take_uncertainty(),
            .plan = plan_};
  }

 private:
  void one_stripe(WindowBox const& stripe) {
    auto const along = plan_.along;
    auto const needed = needed_by(stripe, taps_);
    auto const all_layers =
        window_layers(facts_.shares, along, taps_[along], stripe.first[along],
                      stripe.first[along] + stripe.size[along], plan_.layers);
    Blended::Room room{.first = needed.first,
                       .size = needed.size,
                       .along = along,
                       .channels = plan_.channels,
                       .half = plan_.half};
    for (auto const& layers : all_layers)
      room.held = std::max(room.held, layers.row_end - layers.row_first);
    Blended sums{room};
    for (auto const& layers : all_layers) {
      sums.hold(layers.row_first, layers.row_end);
      auto const inside = windows_in(layers, needed);
      for (std::size_t at = 0; at < inside.size(); at += static_cast<std::size_t>(plan_.batch))
        one_batch(sums,
                  std::span{inside}.subspan(
                      at, std::min(static_cast<std::size_t>(plan_.batch), inside.size() - at)));
      auto rows = stripe;
      rows.first[along] = layers.out_first;
      rows.size[along] = layers.out_end - layers.out_first;
      if (rows.size[along] > 0) finish_.part(sums, rows);
    }
  }

  std::vector<PredictWindow> windows_in(WindowLayers const& layers,
                                        WindowBox const& needed) const {
    std::array<WindowRange, 3> on{};
    for (int axis = 0; axis < 3; ++axis)
      on[axis] = axis == plan_.along
                     ? layers.windows
                     : windows_on(facts_.shares, axis, needed.first[axis], needed.size[axis]);
    std::vector<PredictWindow> inside;
    for (auto k = on[0].first; k < on[0].end; ++k) {
      for (auto j = on[1].first; j < on[1].end; ++j) {
        for (auto i = on[2].first; i < on[2].end; ++i) inside.push_back({k, j, i});
      }
    }
    return inside;
  }

  void one_batch(Blended& sums, std::span<PredictWindow const> batch) {
    if (windows_.stop != nullptr) heed(*windows_.stop);
    auto const given = read(batch);
    std::vector<WindowSpread> spreads;
    if (windows_.uncertainty) {
      for (std::size_t n = 0; n < batch.size(); ++n)
        spreads.emplace_back(facts_.outputs, windows_.size, windows_.labels.regions);
    }
    for (unsigned flips = 0; flips < 1U << windows_.flips.size(); ++flips)
      mirrored(sums, batch, given, flips, spreads);
    for (std::size_t n = 0; n < spreads.size(); ++n)
      sums.add({.values = spreads[n].take(), .window = batch[n], .channel = plan_.channels - 1},
               facts_.shares);
    windows_done_ += static_cast<double>(batch.size());
    if (windows_.progress) windows_.progress(windows_done_, static_cast<double>(plan_.windows));
  }

  // One way to mirror a batch, through all networks.
  void mirrored(Blended& sums,
                std::span<PredictWindow const> batch,
                at::Tensor const& given,
                unsigned flips,
                std::vector<WindowSpread>& spreads) {
    std::array<bool, 3> backwards{};
    std::vector<std::int64_t> axes;
    for (std::size_t n = 0; n < windows_.flips.size(); ++n) {
      if ((flips >> n & 1U) == 0) continue;
      backwards[windows_.flips[n]] = true;
      axes.push_back(windows_.flips[n] - 3);
    }
    auto const input = axes.empty() ? given : at::flip(given, axes);
    auto const ways = static_cast<float>(1U << windows_.flips.size());
    auto const of_one =
        plan_.features ? 1 / ways : 1 / (ways * static_cast<float>(networks_.size()));
    std::int64_t channel = 0;
    for (std::size_t n = 0; n < networks_.size(); ++n) {
      auto const out = output(networks_[n], input);
      for (std::size_t b = 0; b < batch.size(); ++b) {
        auto const values = out[static_cast<std::int64_t>(b)];
        sums.add({.values = values,
                  .window = batch[b],
                  .mirrored = backwards,
                  .channel = channel,
                  .factor = of_one},
                 facts_.shares);
        if (!spreads.empty()) spreads[b].add(values, backwards, own_heads_[n]);
      }
      if (plan_.features) channel += out.size(1);
    }
  }

  // [batch, channels, k, j, i] on the CPU.
  at::Tensor output(Network const& network, at::Tensor const& input) const {
    auto out = plan_.features ? network.features(input) : network(input);
    if (out.scalar_type() != at::kBFloat16) out = out.to(at::kFloat);
    out = out.to(at::kCPU);
    return out.dim() == 4 ? out.unsqueeze(2) : out;
  }

  // A batch as networks take it; outside of the case there are zeros.
  at::Tensor read(std::span<PredictWindow const> batch) {
    auto const& tile = windows_.size;
    auto const count = static_cast<std::int64_t>(batch.size());
    auto const given =
        at::empty({count, source_.channels, tile[0], tile[1], tile[2]}, at::kFloat);
    auto* into = given.mutable_data_ptr<float>();
    for (auto const& window : batch) {
      read(window, into);
      into += given.stride(0);
    }
    return (facts_.input.size() == 2 ? given.squeeze(2) : given).to(device_);
  }

  void read(PredictWindow const& window, float* into) {
    auto const& tile = windows_.size;
    WindowBox box;
    std::array<std::int64_t, 3> before{};
    for (int axis = 0; axis < 3; ++axis) {
      auto const start = facts_.shares.starts(axis)[window[axis]];
      box.first[axis] = std::max<std::int64_t>(start, 0);
      box.size[axis] = std::min(start + tile[axis], source_.size[axis]) - box.first[axis];
      before[axis] = box.first[axis] - start;
    }
    if (box.size == tile) return source_.read(box, into);
    part_.resize(static_cast<std::size_t>(source_.channels * box.voxels()));
    source_.read(box, part_.data());
    std::fill_n(into, source_.channels * tile[0] * tile[1] * tile[2], 0.0F);
    auto const* from = part_.data();
    for (std::int64_t c = 0; c < source_.channels; ++c) {
      for (std::int64_t k = 0; k < box.size[0]; ++k) {
        for (std::int64_t j = 0; j < box.size[1]; ++j, from += box.size[2])
          std::copy_n(from, box.size[2],
                      into +
                          ((c * tile[0] + k + before[0]) * tile[1] + j + before[1]) * tile[2] +
                          before[2]);
      }
    }
  }

  std::span<Network const> networks_;
  WindowSource const& source_;
  WayBack const& back_;
  Windows const& windows_;
  WindowFacts facts_;
  WindowPlan plan_;
  std::array<AxisTaps, 3> taps_;
  at::Device device_;
  std::vector<JoinedHeads> own_heads_;  // by network; empty ones if outputs are blended
  WindowFinish finish_;
  std::vector<float> part_;  // what a window holds of a smaller case
  double windows_done_ = 0;
};

}  // namespace

WindowPrediction predict_by_windows(std::span<Network const> networks,
                                    WindowSource const& source,
                                    WayBack const& back,
                                    Windows const& windows) {
  return PredictRun{networks, source, back, windows}.done();
}

}  // namespace fovea
