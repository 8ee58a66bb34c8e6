#include "learn/segment/budget.hpp"

#include "base/core/cpu.hpp"
#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "learn/nn/segmenter.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

// Updates below which more of them are worth more than a larger network or more patches a step:
// found on the training cases of hippocampus-3d and retina-drive.
constexpr double budget_updates = 3000;
constexpr std::int64_t budget_batch = 2;

// What is given up, the least harmful first.
struct BudgetRung {
  bool simple = false;   // one convolution where it costs most
  bool smaller = false;  // patches, where structures are thin
  double width = 1;      // of nnU-Net's channels
};
constexpr BudgetRung budget_rungs[] = {{.simple = false, .smaller = false, .width = 1},
                                       {.simple = true, .smaller = false, .width = 1},
                                       {.simple = true, .smaller = true, .width = 1},
                                       {.simple = true, .smaller = true, .width = 0.75},
                                       {.simple = true, .smaller = true, .width = 0.5}};

double budget_multiply_adds(SegmentSetup const& setup) {
  constexpr double backward_too = 3;
  auto const graph = segmenter_named(setup.network).draw(setup.draw);
  return backward_too * cost_of(graph, setup.config().patch).multiply_adds;
}

// Multiply-adds a second that training reaches with all cores, about. Not measured: a plan must
// not depend on what else the machine does just now. The engine measures what a step takes, and
// fixes their number by that. Of two machines with AVX512-BF16 the slower one's.
double budget_speed(Plan const& plan) {
  auto const features = cpu_features();
  auto const has = [&](std::string_view name) {
    return std::ranges::find(features, name) != features.end();
  };
  auto const per_core = has("AVX512-BF16") ? 125e9 : has("AVX512F") ? 80e9 : 40e9;
  auto const cores = plan.whole("threads") > 0 ? plan.whole("threads") : usable_cores();
  return per_core * static_cast<double>(cores);
}

void budget_simpler(RecipeNetwork& net) {
  net.encoder.front() = 1;
  std::ranges::fill(net.decoder, 1);
}

void budget_narrower(RecipeNetwork& net, double width) {
  constexpr std::int64_t block = 8;
  for (auto& one : net.features) {
    auto const wanted = std::llround(width * static_cast<double>(one) / block) * block;
    one = std::max<std::int64_t>(std::min(one, block), wanted);
  }
}

double budget_volume(std::vector<std::int64_t> const& patch) {
  return std::accumulate(patch.begin(), patch.end(), 1.0, [](double all, std::int64_t side) {
    return all * static_cast<double>(side);
  });
}

// Around a structure of this thickness; the whole patch by one factor, the levels that a
// smaller one cannot feed left out.
void budget_smaller(RecipeConfig& config, double thickness) {
  constexpr double around = 16;
  constexpr double least_flat = 128.0 * 128, least_solid = 64.0 * 64 * 64;
  constexpr double worthwhile = 0.75;
  constexpr std::int64_t deepest = 4;
  auto const axes = config.patch.size();
  auto factor = std::pow((axes == 2 ? least_flat : least_solid) / budget_volume(config.patch),
                         1 / static_cast<double>(axes));
  for (std::size_t a = 0; a < axes; ++a)
    factor = std::max(
        factor, around * thickness / config.spacing[a] / static_cast<double>(config.patch[a]));
  if (!(factor < worthwhile)) return;
  auto& net = config.network;
  std::vector<std::int64_t> wanted(axes);
  for (std::size_t a = 0; a < axes; ++a)
    wanted[a] = std::max<std::int64_t>(
        deepest, std::llround(factor * static_cast<double>(config.patch[a])));
  std::vector<std::int64_t> step(axes, 1);
  std::size_t levels = 1;
  for (; levels < net.stages(); ++levels) {
    auto next = step;
    auto fits = true;
    for (std::size_t a = 0; a < axes; ++a) {
      next[a] *= net.strides[levels][a];
      fits = fits && (net.strides[levels][a] == 1 || wanted[a] >= deepest * next[a]);
    }
    if (!fits) break;
    step = next;
  }
  if (levels < 2) return;
  for (std::size_t a = 0; a < axes; ++a)
    config.patch[a] = std::min(config.patch[a], (wanted[a] + step[a] - 1) / step[a] * step[a]);
  // The decoder's levels are listed from the coarsest on.
  net.decoder.erase(net.decoder.begin(),
                    net.decoder.begin() + static_cast<std::ptrdiff_t>(net.stages() - levels));
  for (auto* const lists : {&net.kernels, &net.strides}) lists->resize(levels);
  for (auto* const list : {&net.features, &net.encoder}) list->resize(levels);
}

RecipeConfig budget_config(RecipeConfig config, BudgetRung const& rung, double thickness) {
  if (rung.simple) budget_simpler(config.network);
  if (rung.smaller) budget_smaller(config, thickness);
  if (rung.width < 1) budget_narrower(config.network, rung.width);
  return config;
}

// What of the network a person did not set; of some the levels are fixed.
bool budget_free(Plan const& plan) {
  if (segmenter_named(plan.word("network")).levels == nullptr) return false;
  constexpr std::string_view keys[] = {"features", "kernels", "strides", "blocks",
                                       "decoder_blocks"};
  return std::ranges::none_of(keys, [&](auto key) { return plan.asked(key); });
}

// nnU-Net's own value is said before it (plan_tell_differences).
std::string budget_reason(std::string_view key,
                          RecipeConfig const& wide,
                          RecipeConfig const& narrow,
                          double thick_voxels) {
  auto const updates = text("for more than ", budget_updates, " updates in the time");
  if (key == "features" && narrow.network.features.front() < wide.network.features.front())
    return text("fewer channels ", updates);
  if (key == "blocks" || key == "decoder_blocks")
    return text("one convolution where a second costs most, ", updates);
  if (key == "patch")
    return text("structures are ", fixed(thick_voxels, 1), " voxels thick; smaller ", updates);
  return "of a smaller patch";
}

}  // namespace

void plan_budget(SegmentTargets const& targets, double thickness, Plan& plan) {
  if (plan.fraction("time") <= 0 || plan.whole("steps") > 0 || plan.whole("epochs") > 0) return;
  auto const setup = setup_of(plan, targets.outputs());
  auto const& wide = setup.config();
  std::vector<Plan> trials;
  std::vector<RecipeConfig> configs;
  auto const thick_voxels = thickness / std::ranges::min(wide.spacing);
  for (auto rung : budget_rungs) {
    if (!budget_free(plan)) break;
    rung.smaller = rung.smaller && !plan.asked("patch");
    auto const& config = configs.emplace_back(budget_config(wide, rung, thickness));
    auto& trial = trials.emplace_back(plan);
    for (auto const& [key, value] : config_words(setup.recipe, config)) {
      if (trial.word(key) != value)
        trial.set(key, std::string_view{value}, budget_reason(key, wide, config, thick_voxels));
    }
  }
  if (trials.empty()) {
    trials.push_back(plan);
    configs.push_back(wide);
  }
  constexpr double share_for_steps = 0.75;
  auto const work = share_for_steps * plan.fraction("time") * budget_speed(plan);
  auto const batch = plan.asked("batch_size") ? wide.batch : std::min(wide.batch, budget_batch);
  std::size_t chosen = 0;
  double samples = 0;
  for (; chosen < trials.size(); ++chosen) {
    samples = work / budget_multiply_adds(setup_of(trials[chosen], targets.outputs()));
    if (samples >= budget_updates * static_cast<double>(batch)) break;
  }
  chosen = std::min(chosen, trials.size() - 1);
  plan = std::move(trials[chosen]);
  if (plan.asked("batch_size")) return;
  // As many voxels a step as nnU-Net has, if updates suffice.
  auto const most = static_cast<double>(wide.batch) * budget_volume(wide.patch) /
                    budget_volume(configs[chosen].patch);
  auto const wanted = std::llround(samples / budget_updates);
  auto const fitted = std::clamp<std::int64_t>(
      wanted, batch, std::max<std::int64_t>(batch, std::llround(most)));
  if (fitted != wide.batch)
    plan.set("batch_size", fitted,
             text("about ", budget_updates, " updates in the time teach more"));
}

}  // namespace fovea
