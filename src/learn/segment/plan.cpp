#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "learn/recipe/all_cases.hpp"
#include "learn/recipe/planner.hpp"
#include "learn/segment/budget.hpp"
#include "learn/segment/cases.hpp"
#include "learn/segment/first_stage.hpp"
#include "learn/segment/plan_fit.hpp"
#include "learn/segment/segment.hpp"
#include "learn/segment/shapes.hpp"
#include "learn/task/ways.hpp"

#include <algorithm>

namespace fovea {
namespace {

struct PlanCases {
  Fingerprint fingerprint;
  std::vector<CaseShapes> shapes;
};

PlanCases plan_cases(Dataset const& set,
                     SegmentTargets const& targets,
                     std::int64_t channels,
                     int threads,
                     Stop const& stop) try {
  auto const train = set.labelled(Split::train);
  std::vector<CaseShapes> shapes(train.size());
  Progress progress{"measuring the cases"};
  auto fingerprint = fingerprint_of(
      std::ssize(train), channels,
      [&](std::int64_t at) {
        auto const& one = set.cases[train[static_cast<std::size_t>(at)]];
        auto image = segment_image(set.image(one));
        auto labels = segment_labels(set, one, image, targets);
        shapes[static_cast<std::size_t>(at)] = shapes_of(labels, targets);
        return LoadedCase{std::move(image), std::move(labels)};
      },
      {.threads = threads, .stop = &stop, .progress = [&](std::int64_t done, std::int64_t all) {
         progress.show(static_cast<double>(done), static_cast<double>(all));
       }});
  return {std::move(fingerprint), std::move(shapes)};
} catch (Interrupted const&) {
  throw Interrupted{"stopped while measuring the cases for the plan; nothing was begun"};
}

// Axes of patches that may be mirrored.
void plan_mirror(std::vector<CaseShapes> const& shapes,
                 SegmentTargets const& targets,
                 Recipe const& recipe,
                 Plan& plan) {
  if (!plan.normal("mirror")) return;
  auto const sides = sides_of(shapes);
  std::vector<std::string> kept;
  std::vector<std::string> reasons;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (auto const& pair = sides[recipe.forward[axis]]; !pair)
      kept.push_back(text(axis));
    else
      reasons.push_back(text("along axis ", axis, " '", targets.names[pair->first],
                             "' always lies before '", targets.names[pair->second], "'"));
  }
  if (reasons.empty()) return;
  plan.set("mirror", text("[", joined(kept, ", "), "]"), joined(reasons, "; "));
}

constexpr std::string_view plan_cascade = "3d_cascade_fullres";

bool plan_has(Recipe const& recipe, std::string_view name) {
  return std::ranges::any_of(recipe.configs,
                             [&](RecipeConfig const& one) { return one.name == name; });
}

// 2D pictures leave nothing else; else three dimensions at full resolution, which nnU-Net's own
// comparisons favour.
std::string plan_configuration(Recipe const& recipe, bool second_stage) {
  if (second_stage && plan_has(recipe, plan_cascade)) return std::string{plan_cascade};
  return plan_has(recipe, "3d_fullres") ? "3d_fullres" : "2d";
}

void plan_first_stage(Dataset const& set, std::int64_t channels, Plan& plan) {
  if (plan.word("first_stage").empty()) {
    if (plan.word("configuration") != plan_cascade) return;
    throw Error{Fault::usage, text(plan_cascade, " goes on from another run's masks"),
                "name that run with --set first_stage=RUN (of configuration=3d_lowres, say)"};
  }
  plan.set(
      "first_stage",
      std::string_view{fs::absolute(plan.word("first_stage")).lexically_normal().string()});
  FirstStage const first{plan, set};
  auto const& run = plan.word("first_stage");
  auto const theirs = std::ssize(first.contract().channels);
  if (theirs != channels)
    throw Error{Fault::usage,
                text("the first stage ", run, " takes images of ", theirs,
                     " channels, these have ", channels),
                "give a run of such images"};
  auto const seen = first.seen_by_all(set);
  if (plan.whole("folds") > 1 && seen)
    throw Error{Fault::usage,
                text("folds hold back cases that the first stage ", run, " has learnt from"),
                "train the first stage with folds, too, or this one without"};
  plan.set("first_stage", std::string_view{run},
           seen ? "its masks of training cases are better than of others, for it learnt from "
                  "them; a run with folds gives honest ones"
                : "its masks of each case are of networks that did not learn from it");
  std::vector<std::string> values;
  for (auto const value : found_values(first.contract())) values.push_back(text(value));
  if (plan.asked("first_stage_values") && plan.list("first_stage_values") != values)
    throw Error{Fault::usage,
                text("the masks of the first stage ", run, " show ", joined(values, ", "),
                     ", and 'first_stage_values' holds others"),
                "leave the key out"};
  plan.set("first_stage_values", std::string_view{"[" + joined(values, ", ") + "]"},
           "what the masks of the first stage show");
  plan.set("first_stage_model", std::string_view{first.model().identity});
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
  plan_first_stage(set, std::ssize(channels), plan);
  auto const cases = plan_cases(set, targets, std::ssize(channels), threads, stop);
  RecipeDataset const about{.name = set.root.filename().string(),
                            .channels = channels,
                            .labels = std::ssize(set.labels) + 1,
                            .cases = std::ssize(set.labelled(Split::train))};
  PlannerOptions const options{.preset = recipe_preset(plan.word("planner")),
                               .memory_gb = plan.fraction("plan_memory")};
  auto const recipe = plan_recipe(cases.fingerprint, about, options);
  if (plan.normal("network"))
    plan.set("network",
             std::string_view{plan.word("planner") == "plain" ? "nnunet" : "nnunet-resenc"},
             "the planner's own");
  if (plan.normal("configuration") && plan_is_flat(plan))
    plan.set("configuration", std::string_view{"2d"},
             text(plan.word("network"), " sees pictures only: slices along the first axis"));
  auto const name = plan.normal("configuration")
                        ? plan_configuration(recipe, !plan.word("first_stage").empty())
                        : plan.word("configuration");
  auto const& config = recipe.config(name);
  write_config(recipe, config, plan,
               text("nnU-Net's rules on ", about.cases, " training cases"));
  if (plan.normal("first_stage") && plan_has(recipe, plan_cascade) && name == "3d_fullres" &&
      !plan.asked("configuration"))
    plan.set("configuration", std::string_view{name},
             "a patch shows little of a case: a cascade may do better (train "
             "configuration=3d_lowres, then with first_stage=RUN)");
  plan_reasons(explained(recipe, cases.fingerprint, about, options), config, plan);
  plan_fit_patch(targets.outputs(), plan);
  plan_mirror(cases.shapes, targets, recipe, plan);
  plan_training(plan);
  plan_budget(targets, thickness_of(cases.shapes), plan);
  plan_tell_differences(recipe, config, plan);
  auto const setup = setup_of(plan, targets.outputs());
  auto const graph = segmenter_named(setup.network).draw(setup.draw);
  demand_step_memory(graph, setup.config().patch, "patch", plan);
  tell_executor(graph, plan.whole("batch_size"), setup.config().patch, plan);
}

std::vector<Candidate> segment_candidates(Dataset const&, Plan const& plan) {
  std::vector<Candidate> out;
  for (auto const factor : {0.33, 3.0})
    out.push_back({{"learning_rate", spelled(plan.fraction("learning_rate") * factor)}});
  return out;
}

}  // namespace fovea
