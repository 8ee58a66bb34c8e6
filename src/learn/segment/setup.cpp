#include "learn/segment/setup.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace fovea {
namespace {

struct SetupWord {
  Normalisation normalisation;
  std::string_view word;
};
constexpr SetupWord setup_words[] = {{Normalisation::ct, "ct"},
                                     {Normalisation::z_score, "z-score"},
                                     {Normalisation::none, "none"},
                                     {Normalisation::zero_one, "zero-one"},
                                     {Normalisation::rgb, "rgb"}};

[[noreturn]] void setup_refuse(std::string_view key, std::string const& found) {
  throw Error{Fault::usage, text("the plan's '", key, "' is ", found),
              "leave the key empty to have it planned from the data"};
}

std::int64_t setup_whole(std::string_view key, std::string_view word) {
  constexpr std::int64_t most = 1 << 20;
  auto const value = whole(word);
  if (!value || *value < 0 || *value > most)
    setup_refuse(key,
                 text("expected to hold whole numbers up to ", most, ", got '", word, "'"));
  return *value;
}

std::vector<std::int64_t> setup_wholes(Plan const& plan, std::string_view key) {
  std::vector<std::int64_t> out;
  for (auto const& word : plan.list(key)) out.push_back(setup_whole(key, word));
  return out;
}

std::vector<double> setup_numbers(Plan const& plan, std::string_view key) {
  std::vector<double> out;
  for (auto const& word : plan.list(key)) {
    auto const value = number(word);
    if (!value) setup_refuse(key, text("expected to hold numbers, got '", word, "'"));
    out.push_back(*value);
  }
  return out;
}

// 3x3x3, by level.
std::vector<std::vector<std::int64_t>> setup_levels(Plan const& plan,
                                                    std::string_view key,
                                                    std::size_t levels,
                                                    std::size_t axes) {
  std::vector<std::vector<std::int64_t>> out;
  for (auto const& word : plan.list(key)) {
    auto& level = out.emplace_back();
    for (auto const& one : split(word, 'x')) level.push_back(setup_whole(key, one));
    auto const sound = level.size() == axes &&
                       std::ranges::all_of(level, [](auto value) { return value >= 1; });
    if (!sound)
      setup_refuse(key, text("expected to hold ", axes, " numbers a level, got '", word, "'"));
  }
  if (out.size() != levels)
    setup_refuse(key,
                 text("expected to have ", levels, " levels as 'features', got ", out.size()));
  return out;
}

template <class Values>
void setup_demand(Values const& values, std::string_view key, std::size_t count) {
  if (values.size() != count)
    setup_refuse(key, text("expected to hold ", count, " values, got ", values.size()));
}

std::vector<Normalisation> setup_normalisation(Plan const& plan) {
  std::vector<Normalisation> out;
  for (auto const& word : plan.list("normalisation")) {
    auto const found = std::ranges::find(setup_words, word, &SetupWord::word);
    if (found == std::end(setup_words))
      setup_refuse("normalisation", text("unknown: '", word, "'"));
    out.push_back(found->normalisation);
  }
  return out;
}

std::vector<IntensityStatistics> setup_intensities(Plan const& plan, std::size_t channels) {
  std::vector<IntensityStatistics> out(channels);
  auto const fill = [&](std::string_view key, double IntensityStatistics::*field) {
    auto const values = setup_numbers(plan, key);
    setup_demand(values, key, channels);
    for (std::size_t c = 0; c < channels; ++c) out[c].*field = values[c];
  };
  fill("intensity_mean", &IntensityStatistics::mean);
  fill("intensity_deviation", &IntensityStatistics::deviation);
  fill("intensity_low", &IntensityStatistics::lower);
  fill("intensity_high", &IntensityStatistics::upper);
  return out;
}

RecipeConfig setup_config(Plan const& plan, std::size_t channels) {
  RecipeConfig config;
  config.name = plan.word("configuration");
  config.batch = plan.whole("batch_size");
  config.patch = setup_wholes(plan, "patch");
  auto const axes = config.patch.size();
  if (axes != 2 && axes != 3)
    setup_refuse("patch", text("expected to hold 2 or 3 numbers, got ", axes));
  config.spacing = setup_numbers(plan, "spacing");
  setup_demand(config.spacing, "spacing", axes);
  config.median_shape.assign(config.patch.begin(), config.patch.end());
  config.normalisation = setup_normalisation(plan);
  setup_demand(config.normalisation, "normalisation", channels);
  for (auto const& word : plan.list("masked")) config.masked.push_back(word == "true");
  setup_demand(config.masked, "masked", channels);
  auto& net = config.network;
  net.features = setup_wholes(plan, "features");
  if (net.features.size() < 2) setup_refuse("features", "expected to have two levels or more");
  net.kernels = setup_levels(plan, "kernels", net.stages(), axes);
  net.strides = setup_levels(plan, "strides", net.stages(), axes);
  net.encoder = setup_wholes(plan, "blocks");
  setup_demand(net.encoder, "blocks", net.stages());
  net.decoder = setup_wholes(plan, "decoder_blocks");
  setup_demand(net.decoder, "decoder_blocks", net.stages() - 1);
  net.kind = plan.word("planner") == "plain" ? SegmentationNetwork::plain
                                             : SegmentationNetwork::residual;
  config.batch_dice = plan.flag("batch_dice");
  return config;
}

SegmentDraw setup_draw(Plan const& plan,
                       RecipeConfig const& config,
                       std::int64_t channels,
                       std::int64_t outputs) {
  SegmentDraw draw{.in = channels,
                   .out = outputs,
                   .dimensions = config.is_2d() ? 2 : 3,
                   .levels = {},
                   .deep_supervision = plan.flag("deep_supervision"),
                   .dropout = plan.fraction("dropout")};
  auto const& net = config.network;
  for (std::size_t i = 0; i < net.stages(); ++i) {
    draw.levels.push_back({.features = net.features[i],
                           .kernel = net.kernels[i],
                           .stride = net.strides[i],
                           .blocks = net.encoder[i]});
    // Decoders are listed from the coarsest on.
    if (i + 1 < net.stages())
      draw.levels.back().decoder_blocks = net.decoder[net.stages() - 2 - i];
  }
  return draw;
}

std::vector<std::int64_t> setup_steps(SegmentSetup const& setup) {
  return size_steps(segmenter_named(setup.network).draw(setup.draw));
}

// Halved by the network so often, the patch must come out even.
void setup_demand_steps(SegmentSetup const& setup) {
  auto const steps = setup_steps(setup);
  auto const& patch = setup.config().patch;
  for (std::size_t a = 0; a < patch.size(); ++a) {
    if (patch[a] > 0 && patch[a] % steps[a] == 0) continue;
    setup_refuse("patch", text("expected to hold multiples of ", steps[a], " along axis ", a,
                               " for ", setup.network, ", got ", patch[a]));
  }
}

template <class Values, class Spell>
std::string setup_list(Values const& values, Spell&& spell) {
  std::vector<std::string> words;
  for (auto const& value : values) words.push_back(spell(value));
  return "[" + joined(words, ", ") + "]";
}

std::string setup_level(std::vector<std::int64_t> const& axes) {
  std::vector<std::string> words;
  for (auto const value : axes) words.push_back(text(value));
  return joined(words, "x");
}

SegmentSetup setup_before_patch(Plan const& plan, std::int64_t outputs) {
  auto const channels = std::ssize(plan.list("normalisation"));
  SegmentSetup out;
  auto& recipe = out.recipe;
  recipe.configs.push_back(setup_config(plan, static_cast<std::size_t>(channels)));
  recipe.intensities = setup_intensities(plan, static_cast<std::size_t>(channels));
  auto const axes = setup_wholes(plan, "axes");
  setup_demand(axes, "axes", 3);
  auto sorted = axes;
  std::ranges::sort(sorted);
  if (sorted != std::vector<std::int64_t>{0, 1, 2})
    setup_refuse("axes", "expected to be 0, 1 and 2 in some order");
  for (std::size_t a = 0; a < 3; ++a) {
    recipe.forward[a] = static_cast<std::size_t>(axes[a]);
    recipe.backward[recipe.forward[a]] = a;
  }
  out.network = plan.word("network");
  for (auto const value : setup_wholes(plan, "first_stage_values")) {
    if (value < 1 || value > std::numeric_limits<std::int16_t>::max())
      setup_refuse("first_stage_values", text("expected to hold values of masks, got ", value));
    out.found.push_back(static_cast<std::uint16_t>(value));
  }
  if (out.found.empty() == !plan.word("first_stage").empty())
    setup_refuse("first_stage_values", out.found.empty() ? "empty beside a first stage"
                                                         : "set without a first stage");
  out.draw =
      setup_draw(plan, recipe.configs.front(), channels + std::ssize(out.found), outputs);
  return out;
}

}  // namespace

std::string_view word_of(Normalisation normalisation) {
  return std::ranges::find(setup_words, normalisation, &SetupWord::normalisation)->word;
}

LabelRule SegmentTargets::rule() const {
  LabelRule out{.values = written, .regions = regions};
  if (!regions) out.values.insert(out.values.begin(), 0);
  return out;
}

std::int16_t SegmentTargets::stored(std::int32_t value) const {
  if (ignored_value && value == *ignored_value) return *ignore;
  if (regions || value == 0) return static_cast<std::int16_t>(value);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].front() == value) return static_cast<std::int16_t>(i + 1);
  }
  throw Error{Fault::bug, text("a mask has the value ", value, ", which is not declared"), ""};
}

SegmentTargets targets_of(Dataset const& set) {
  SegmentTargets out;
  out.regions = set.regions();
  constexpr std::int32_t most = std::numeric_limits<std::int16_t>::max();
  for (auto const& label : set.labels) {
    if (label.values.back() > most)
      throw Error{Fault::input,
                  text("expected values of masks up to ", most, ", got ", label.values.back(),
                       " for '", label.name, "'"),
                  "give the label a smaller value"};
    out.names.push_back(label.name);
    out.values.push_back(label.values);
    out.written.push_back(static_cast<std::uint16_t>(label.written));
    auto& inside = out.inside.emplace_back();
    if (out.regions)
      for (auto const value : label.values) inside.push_back(static_cast<std::int16_t>(value));
    else
      inside.push_back(static_cast<std::int16_t>(out.names.size()));
  }
  if (set.ignore) {
    out.ignored_value = set.ignore;
    out.ignore = static_cast<std::int16_t>(
        out.regions ? std::min(*set.ignore, most) : static_cast<int>(out.names.size()) + 1);
  }
  return out;
}

std::array<std::int64_t, 3> SegmentSetup::patch() const {
  auto const& patch = config().patch;
  return config().is_2d() ? std::array{std::int64_t{1}, patch[0], patch[1]}
                          : std::array{patch[0], patch[1], patch[2]};
}

SegmentSetup setup_of(Plan const& plan, std::int64_t outputs) {
  auto out = setup_before_patch(plan, outputs);
  setup_demand_steps(out);
  return out;
}

std::vector<std::int64_t> patch_steps(Plan const& plan, std::int64_t outputs) {
  return setup_steps(setup_before_patch(plan, outputs));
}

std::vector<ConfigWord> config_words(Recipe const& recipe, RecipeConfig const& config) {
  auto const whole_words = [](auto value) { return text(value); };
  auto const number_words = [](double value) { return spelled(value); };
  auto const flag_words = [](bool value) { return std::string{value ? "true" : "false"}; };
  auto const of = [&](double IntensityStatistics::*field) {
    return setup_list(recipe.intensities,
                      [&](IntensityStatistics const& one) { return spelled(one.*field); });
  };
  auto const& net = config.network;
  return {{"configuration", config.name},
          {"axes", setup_list(recipe.forward, whole_words)},
          {"spacing", setup_list(config.spacing, number_words)},
          {"patch", setup_list(config.patch, whole_words)},
          {"batch_size", text(config.batch)},
          {"normalisation",
           setup_list(config.normalisation,
                      [](Normalisation one) { return std::string{word_of(one)}; })},
          {"masked", setup_list(config.masked, flag_words)},
          {"intensity_mean", of(&IntensityStatistics::mean)},
          {"intensity_deviation", of(&IntensityStatistics::deviation)},
          {"intensity_low", of(&IntensityStatistics::lower)},
          {"intensity_high", of(&IntensityStatistics::upper)},
          {"features", setup_list(net.features, whole_words)},
          {"kernels", setup_list(net.kernels, setup_level)},
          {"strides", setup_list(net.strides, setup_level)},
          {"blocks", setup_list(net.encoder, whole_words)},
          {"decoder_blocks", setup_list(net.decoder, whole_words)},
          {"batch_dice", flag_words(config.batch_dice)}};
}

void write_config(Recipe const& recipe,
                  RecipeConfig const& config,
                  Plan& plan,
                  std::string const& reason) {
  for (auto const& [key, value] : config_words(recipe, config))
    if (plan.normal(key)) plan.set(key, std::string_view{value}, reason);
}

}  // namespace fovea
