#include "base/core/cpu.hpp"
#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "learn/recipe/all_cases.hpp"
#include "learn/recipe/planner.hpp"
#include "learn/segment/cases.hpp"
#include "learn/segment/segment.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

Fingerprint plan_fingerprint(Dataset const& set,
                             SegmentTargets const& targets,
                             std::int64_t channels,
                             int threads,
                             Stop const& stop) {
  auto const train = set.labelled(Split::train);
  Progress progress{"measuring the cases"};
  return fingerprint_of(
      std::ssize(train), channels,
      [&](std::int64_t at) {
        auto const& one = set.cases[train[static_cast<std::size_t>(at)]];
        auto image = segment_image(set.image(one));
        auto labels = segment_labels(set, one, image, targets);
        return LoadedCase{std::move(image), std::move(labels)};
      },
      {.threads = threads, .stop = &stop, .progress = [&](std::int64_t done, std::int64_t all) {
         progress.show(static_cast<double>(done), static_cast<double>(all));
       }});
}

// 2D pictures leave nothing else; else three dimensions at full resolution, which nnU-Net's own
// comparisons favour.
std::string plan_configuration(Recipe const& recipe) {
  auto const has = [&](std::string_view name) {
    return std::ranges::any_of(recipe.configs,
                               [&](RecipeConfig const& one) { return one.name == name; });
  };
  return has("3d_fullres") ? "3d_fullres" : "2d";
}

// Steps that a machine like this one makes in the time, about.
double plan_steps(Plan const& plan, SegmentSetup const& setup, double seconds) {
  auto const features = cpu_features();
  auto const has = [&](std::string_view name) {
    return std::ranges::find(features, name) != features.end();
  };
  auto const per_core = has("AMX-BF16") ? 120e9 : has("AVX512-BF16") ? 70e9 : 40e9;
  auto const cores = plan.whole("threads") > 0 ? plan.whole("threads") : usable_cores();
  auto const graph = segmenter_named(setup.network).draw(setup.draw);
  auto const& patch = setup.config().patch;
  constexpr double backward_too = 3;
  auto const step = backward_too * cost_of(graph, patch).multiply_adds *
                    static_cast<double>(setup.config().batch);
  constexpr double share_for_steps = 0.75;
  return share_for_steps * seconds * per_core * static_cast<double>(cores) / step;
}

// Narrower networks where the time would leave too few updates for the plan's own.
void plan_width(SegmentTargets const& targets, Plan& plan) {
  constexpr double enough_steps = 1500;
  constexpr std::int64_t least = 16;
  auto const seconds = plan.fraction("time");
  if (seconds <= 0 || plan.asked("features")) return;
  auto setup = setup_of(plan, targets.outputs());
  auto const wide = setup.config().network.features;
  auto features = wide;
  while (features.front() > least && plan_steps(plan, setup, seconds) < enough_steps) {
    for (std::size_t i = 0; i < features.size(); ++i) {
      features[i] = std::max<std::int64_t>(8, features[i] * 3 / 4 / 8 * 8);
      setup.draw.levels[i].features = features[i];
    }
  }
  if (features == wide) return;
  std::vector<std::string> words;
  for (auto const one : features) words.push_back(text(one));
  plan.set("features", std::string_view{"[" + joined(words, ", ") + "]"},
           text("narrower than nnU-Net's ", wide.front(),
                ": more would leave too few updates for the time"));
}

void plan_training(Plan& plan) {
  auto const suggest = [&](std::string_view key, auto value, std::string_view reason) {
    if (plan.normal(key)) plan.set(key, value, reason);
  };
  suggest("learning_rate", 0.002, "AdamW learns in few updates what SGD needs many for");
  suggest("weight_decay", 0.01, "of AdamW");
  suggest("clip", 12.0, "as nnU-Net");
  suggest("average", 0.995, "averaged weights answer more steadily");
  suggest("test_flips", true, "the mean over mirror images is worth some tenths of a point");
}

}  // namespace

double segment_fits(Dataset const& set) {
  return set.masks && !set.cases.empty() ? 1 : 0;
}

void segment_plan(Dataset const& set,
                  QualityReport const& quality,
                  Plan& plan,
                  Stop const& stop) {
  auto const targets = targets_of(set);
  auto const threads =
      plan.whole("threads") > 0 ? static_cast<int>(plan.whole("threads")) : usable_cores();
  auto const channels = channels_of(set, quality.facts);
  auto const fingerprint = plan_fingerprint(set, targets, std::ssize(channels), threads, stop);
  RecipeDataset const about{.name = set.root.filename().string(),
                            .channels = channels,
                            .labels = std::ssize(set.labels) + 1,
                            .cases = std::ssize(set.labelled(Split::train))};
  auto const recipe = plan_recipe(fingerprint, about,
                                  {.preset = recipe_preset(plan.word("planner")),
                                   .memory_gb = plan.fraction("plan_memory")});
  auto const name =
      plan.normal("configuration") ? plan_configuration(recipe) : plan.word("configuration");
  if (plan.normal("network"))
    plan.set("network",
             std::string_view{plan.word("planner") == "plain" ? "nnunet" : "nnunet-resenc"},
             "the planner's own");
  write_config(recipe, recipe.config(name), plan,
               text("nnU-Net's rules on ", about.cases, " training cases"));
  plan_training(plan);
  plan_width(targets, plan);
}

std::vector<Candidate> segment_candidates(Dataset const&, Plan const& plan) {
  std::vector<Candidate> out;
  for (auto const factor : {0.33, 3.0})
    out.push_back({{"learning_rate", spelled(plan.fraction("learning_rate") * factor)}});
  return out;
}

}  // namespace fovea
