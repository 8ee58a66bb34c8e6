#include "learn/segment/plan_fit.hpp"

#include "base/core/words.hpp"
#include "learn/plan/reasons.hpp"
#include "learn/segment/segment.hpp"
#include "learn/segment/setup.hpp"

#include <algorithm>

namespace fovea {
namespace {

std::string fit_row(std::vector<RecipeRow> const& rows, std::string const& key) {
  auto const found = std::ranges::find(rows, key, &RecipeRow::key);
  return found == rows.end() ? std::string{} : found->reason;
}

// Of one channel the reason alone, of several each with its name.
std::string fit_channels(std::vector<RecipeRow> const& rows) {
  std::vector<RecipeRow> channels;
  for (auto const& row : rows) {
    if (row.key.starts_with("channel ")) channels.push_back(row);
  }
  if (channels.size() == 1) return channels.front().reason;
  std::vector<std::string> words;
  for (auto const& row : channels) words.push_back(row.key + ": " + row.reason);
  return joined(words, "; ");
}

// What nnU-Net's trainer does whatever the data is.
struct FitFixed {
  std::string_view key, value;
  std::string_view why;  // where nobody has said why the plan's value is another
};
constexpr FitFixed fit_fixed[] = {
    {"optimiser", "sgd", "AdamW learns in few updates what SGD needs many for"},
    {"learning_rate", "0.01", "of AdamW"},
    {"weight_decay", "3e-05", "of AdamW"},
    {"schedule", "poly", "falls to nothing at the end of the time"},
    {"warm_up", "0", "AdamW knows nothing of the gradients when it begins"},
    {"clip", "12", "the largest norm of the gradient"},
    {"mirror", "[0, 1, 2]", "asked for"},
    {"average", "0", "averaged weights answer more steadily"},
    {"test_flips", "true", "asked for"},
};

bool fit_uses_intensities(Plan const& plan) {
  auto const rows = plan.list("normalisation");
  return std::ranges::find(rows, word_of(Normalisation::ct)) != rows.end();
}

void fit_reason(Plan& plan, std::string_view key, std::string_view reason) {
  auto const value = plan.word(key);
  plan.set(key, std::string_view{value}, reason);
}

}  // namespace

bool plan_is_flat(Plan const& plan) {
  return !segmenter_named(plan.word("network")).volumes;
}

void plan_reasons(std::vector<RecipeRow> const& rows, RecipeConfig const& config, Plan& plan) {
  auto const give = [&](std::string_view key, std::string const& words) {
    if (!words.empty() && !plan.asked(key)) fit_reason(plan, key, words);
  };
  auto const of_config = [&](std::string_view what) {
    return fit_row(rows, text(config.name, ".", what));
  };
  give("axes", fit_row(rows, "axes"));
  give("normalisation", fit_channels(rows));
  give("spacing", of_config("spacing"));
  give("patch", of_config("patch"));
  give("batch_size", of_config("batch"));
  give("features", of_config("network"));
  give("batch_dice", of_config("batch_dice"));
}

void plan_fit_patch(std::int64_t outputs, Plan& plan) {
  if (plan.asked("patch")) return;
  auto const steps = patch_steps(plan, outputs);
  auto const sides = plan.list("patch");
  std::vector<std::string> fitted, multiples;
  for (std::size_t axis = 0; axis < sides.size(); ++axis) {
    auto const side = whole(sides[axis]).value();
    fitted.push_back(text((side + steps[axis] - 1) / steps[axis] * steps[axis]));
    multiples.push_back(text(steps[axis]));
  }
  if (fitted == sides) return;
  plan.set("patch", std::string_view{"[" + joined(fitted, ", ") + "]"},
           text("sides rounded up: ", plan.word("network"), " takes multiples of ",
                joined(multiples, " x ")));
}

void plan_tell_differences(Recipe const& recipe, RecipeConfig const& config, Plan& plan) {
  auto const tell = [&](std::string_view key, std::string_view theirs, std::string_view why) {
    auto const& given = plan.reason(key);
    if (plan.word(key) == theirs || given.starts_with(reason_unlike)) return;
    fit_reason(plan, key,
               text(reason_unlike, "nnU-Net's ", theirs, ": ", given.empty() ? why : given));
  };
  tell("network",
       config.network.kind == SegmentationNetwork::plain ? "nnunet" : "nnunet-resenc", "");
  for (auto const& [key, value] : config_words(recipe, config)) {
    if (key.starts_with("intensity_")) {
      if (!fit_uses_intensities(plan))
        fit_reason(plan, key, text(reason_not_used, " by any normalisation but ct"));
    } else {
      tell(key, value, "");
    }
  }
  for (auto const& [key, value, why] : fit_fixed) tell(key, value, why);
  if (plan.fraction("time") > 0)
    tell("time", "250000 updates, whatever they take", "as many as fit into it");
}

}  // namespace fovea
