#include "learn/segment/model.hpp"

#include "base/core/words.hpp"
#include "learn/recipe/preprocess.hpp"
#include "learn/segment/cases.hpp"
#include "learn/segment/found.hpp"
#include "learn/task/ways.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

[[noreturn]] void model_refuse(std::string const& found) {
  throw Error{Fault::input, text("the model is no segmenter of this version: ", found),
              "use the version of fovea that made it, or a newer one"};
}

Json const& model_field(Json const& json, std::string_view key) {
  if (!json.is_object() || !json.contains(key)) model_refuse(text("it lacks '", key, "'"));
  return json[std::string{key}];
}

template <class T>
T model_number(Json const& json, std::string_view what, double low, double high) {
  if (!json.is_number()) model_refuse(text("'", what, "' is no number"));
  auto const value = json.get<double>();
  if (!(value >= low && value <= high) || (std::is_integral_v<T> && std::floor(value) != value))
    model_refuse(text("'", what, "' is ", spelled(value)));
  return static_cast<T>(value);
}

template <class T>
std::vector<T> model_numbers(Json const& json, std::string_view what, double low, double high) {
  constexpr std::size_t most = 1U << 16;
  if (!json.is_array() || json.size() > most) model_refuse(text("'", what, "' is no list"));
  std::vector<T> out;
  for (auto const& one : json) out.push_back(model_number<T>(one, what, low, high));
  return out;
}

template <class T>
std::array<T, 3> model_axes(Json const& json, std::string_view what, double low, double high) {
  auto const numbers = model_numbers<T>(json, what, low, high);
  if (numbers.size() != 3) model_refuse(text("'", what, "' is not of three axes"));
  return {numbers[0], numbers[1], numbers[2]};
}

std::vector<std::vector<std::int64_t>> model_lists(Json const& json, std::string_view what) {
  if (!json.is_array()) model_refuse(text("'", what, "' is no list"));
  std::vector<std::vector<std::int64_t>> out;
  for (auto const& one : json) out.push_back(model_numbers<std::int64_t>(one, what, 0, 65535));
  return out;
}

bool model_flag(Json const& json, std::string_view what) {
  if (!json.is_boolean()) model_refuse(text("'", what, "' is neither true nor false"));
  return json.get<bool>();
}

std::string model_millimetres(std::array<double, 3> const& mm) {
  return text(fixed(mm[0], 2), " x ", fixed(mm[1], 2), " x ", fixed(mm[2], 2));
}

// From where the networks see a prepared case.
WayBack model_way(Placement const& placement, RecipeConfig const& config) {
  auto const axes = back_axes(placement, config);
  WayBack out{.prepared = placement.shape,
              .cut = placement.cropped,
              .first = placement.first,
              .grid = placement.grid};
  for (std::size_t n = 0; n < out.axes.size(); ++n)
    out.axes[n] = static_cast<int>(placement.forward[n]);
  if (axes.z && axes.order[*axes.z] == 0) out.nearest = static_cast<int>(*axes.z);
  return out;
}

// Boxes of the image as parts of the cut.
std::vector<WindowBox> model_parts(std::vector<WindowBox> const& within, WayBack const& way) {
  std::vector<WindowBox> parts;
  for (auto const& box : within) {
    WindowBox part;
    for (int n = 0; n < 3; ++n) {
      auto const from = box.first[way.axes[n]] - way.first[n];
      part.first[n] = std::max<std::int64_t>(from, 0);
      part.size[n] = std::max<std::int64_t>(
          0, std::min(from + box.size[way.axes[n]], way.cut[n]) - part.first[n]);
    }
    if (part.voxels() > 0) parts.push_back(part);
  }
  // What is not zero lies elsewhere altogether: one corner is as good as another.
  if (parts.empty() && !within.empty()) parts.push_back({{0, 0, 0}, {1, 1, 1}});
  return parts;
}

// What of some boxes is outside of another one.
std::vector<WindowBox> model_without(std::vector<WindowBox> const& boxes,
                                     WindowBox const& inner) {
  std::vector<WindowBox> out;
  for (auto rest : boxes) {
    for (int a = 0; a < 3 && rest.voxels() > 0; ++a) {
      auto const end = rest.first[a] + rest.size[a];
      auto const from = std::clamp(inner.first[a], rest.first[a], end);
      auto const to = std::clamp(inner.first[a] + inner.size[a], from, end);
      auto side = rest;
      side.size[a] = from - rest.first[a];
      if (side.voxels() > 0) out.push_back(side);
      side.first[a] = to;
      side.size[a] = end - to;
      if (side.voxels() > 0) out.push_back(side);
      rest.first[a] = from;
      rest.size[a] = to - from;
    }
  }
  return out;
}

// Where nothing was looked for: the first class, or no region. Slice by slice, or by less, so
// that it takes little memory.
void model_outside(std::vector<WindowBox> const& parts,
                   WayBack const& way,
                   std::int64_t outputs,
                   SegmentAsk const& ask,
                   bool regions) {
  auto const& whole = way.grid.size;
  std::vector<WindowBox> boxes{{{0, 0, 0}, {whole[2], whole[1], whole[0]}}};
  for (auto const& part : parts) {
    WindowBox inner;
    for (int n = 0; n < 3; ++n) {
      inner.first[way.axes[n]] = way.first[n] + part.first[n];
      inner.size[way.axes[n]] = part.size[n];
    }
    boxes = model_without(boxes, inner);
  }
  constexpr std::int64_t most = 1 << 20;
  std::vector<float> values;
  for (auto const& box : boxes) {
    auto const rows = std::clamp<std::int64_t>(most / (outputs * box.size[2]), 1, box.size[1]);
    for (std::int64_t k = 0; k < box.size[0]; ++k) {
      for (std::int64_t j = 0; j < box.size[1]; j += rows) {
        WindowBox const some{{box.first[0] + k, box.first[1] + j, box.first[2]},
                             {1, std::min(rows, box.size[1] - j), box.size[2]}};
        values.assign(static_cast<std::size_t>(outputs * some.voxels()), 0.0F);
        if (!regions) std::fill_n(values.begin(), some.voxels(), 1.0F);
        ask.probabilities({some, values});
      }
    }
  }
}

void model_demand_channels(SegmentContract const& contract, Volume const& image) {
  auto const channels = std::ssize(contract.channels);
  if (image.channels() != channels)
    throw Error{
        Fault::input,
        text("expected an image of ", channels, channels == 1 ? " channel (" : " channels (",
             joined(contract.channels, ", "), "), got ", image.channels()),
        "give the channels that the model was trained with, in its order"};
}

// What a first stage's networks go on holding while the second one works.
std::uint64_t model_asleep(Model const& model) {
  if (!model.before) return 0;
  auto const first = segment_contract(model.before->about);
  auto const flat = first.config().is_2d() ? 1 : 0;
  std::vector<std::int64_t> const size{first.patch.begin() + flat, first.patch.end()};
  std::int64_t bytes = 0;
  for (auto const& network : model.before->networks) {
    bytes += network.held_bytes(size);
    for (auto const& parameter : network.parameters())
      bytes += parameter.value.numel() * std::int64_t{sizeof(float)};
  }
  return static_cast<std::uint64_t>(bytes);
}

Volume model_on(Volume const& made, Grid const& grid) {
  return {grid, made.type(), made.unit(), made.channels(), made.bytes()};
}

}  // namespace

void write_contract(SegmentContract const& contract, ModelAbout& about) {
  about.preprocessing =
      Json::array({{{"step", "recipe"}, {"plan", recipe_json(contract.recipe)}}});
  about.decoding = {{"patch", contract.patch},
                    {"channels", contract.channels},
                    {"values", contract.rule.values},
                    {"regions", contract.rule.regions},
                    {"structures", contract.inside},
                    {"flips", contract.flips},
                    {"step", contract.step},
                    {"run_as", contract.run_as},
                    {"largest", contract.cleanup.largest},
                    {"finest", contract.finest},
                    {"coarsest", contract.coarsest},
                    {"seen", seen_json(contract.seen)},
                    {"expected", expected_json(contract.expected)},
                    {"described", codes_json(contract.described)}};
  if (!contract.found.empty()) about.decoding["found"] = contract.found;
}

SegmentContract segment_contract(ModelAbout const& about) {
  auto const& steps = about.preprocessing;
  if (!steps.is_array() || steps.size() != 1 || model_field(steps[0], "step") != "recipe")
    model_refuse("its preprocessing is another");
  SegmentContract out;
  out.recipe = read_recipe(model_field(steps[0], "plan"), "the model's preprocessing");
  if (out.recipe.configs.size() != 1) model_refuse("it has several configurations");
  auto const& from = about.decoding;
  constexpr double most_side = 1 << 20;
  out.patch = model_axes<std::int64_t>(model_field(from, "patch"), "patch", 1, most_side);
  auto const& channels = model_field(from, "channels");
  if (!channels.is_array()) model_refuse("'channels' is no list");
  for (auto const& one : channels) {
    if (!one.is_string()) model_refuse("a channel has no name");
    out.channels.push_back(one.get<std::string>());
  }
  out.rule = {
      .values = model_numbers<std::uint16_t>(model_field(from, "values"), "values", 0, 65535),
      .regions = model_flag(model_field(from, "regions"), "regions")};
  out.inside = model_lists(model_field(from, "structures"), "structures");
  if (out.inside.size() != about.labels.size())
    model_refuse("it has other labels than structures");
  if (out.inside.empty() ||
      out.rule.values.size() != out.inside.size() + (out.rule.regions ? 0 : 1))
    model_refuse(text("it has ", out.rule.values.size(), " values for ", out.inside.size(),
                      " structures"));
  out.flips = model_numbers<int>(model_field(from, "flips"), "flips", 0, 2);
  out.step = model_number<double>(model_field(from, "step"), "step", 0.01, 1);
  auto const& run_as = model_field(from, "run_as");
  if (!run_as.is_string()) model_refuse("'run_as' is no word");
  out.run_as = run_as.get<std::string>();
  demand_way(out.run_as);
  out.cleanup = {model_lists(model_field(from, "largest"), "largest")};
  constexpr double most_mm = 1e9;
  out.finest = model_axes<double>(model_field(from, "finest"), "finest", 0, most_mm);
  out.coarsest = model_axes<double>(model_field(from, "coarsest"), "coarsest", 0, most_mm);
  auto const& config = out.config();
  auto const count = static_cast<std::size_t>(std::ssize(out.channels));
  if (config.normalisation.size() != count || config.masked.size() != count)
    model_refuse("its channels and normalisations differ in number");
  out.seen = read_seen(from.value("seen", Json{}), count);
  out.described = read_codes(from.value("described", Json{}), about.labels.size());
  out.expected = read_expected(from.value("expected", Json{}), about.labels.size());
  constexpr double most_found = 32767;  // as prepared labels are
  if (from.contains("found"))
    out.found = model_numbers<std::uint16_t>(from["found"], "found", 1, most_found);
  return out;
}

std::vector<std::string> outside_contract(SegmentContract const& contract,
                                          Volume const& image) {
  model_demand_channels(contract, image);
  std::vector<std::string> out;
  auto const spacing = spacing_of(image.grid());
  constexpr double room = 2;
  for (std::size_t a = 0; a < 3; ++a) {
    if (spacing[a] >= contract.finest[a] / room && spacing[a] <= contract.coarsest[a] * room)
      continue;
    out.push_back(text("its spacing is ", model_millimetres(spacing),
                       " mm (k, j, i), that of the training images ",
                       model_millimetres(contract.finest), " to ",
                       model_millimetres(contract.coarsest), " mm"));
    break;
  }
  for (std::int64_t c = 0; c < image.channels(); ++c) {
    auto const place = static_cast<std::size_t>(c);
    auto const how = contract.config().normalisation[place];
    auto const* const seen = contract.seen.empty() ? nullptr : &contract.seen[place];
    auto const reason = outside_seen(seen_values(image, c, how), seen, how);
    if (!reason.empty())
      out.push_back(image.channels() == 1 ? reason
                                          : text("in channel ", c + 1, " (",
                                                 contract.channels[place], ") ", reason));
  }
  return out;
}

void demand_contract(SegmentContract const& contract, Volume const& image) {
  auto const reasons = outside_contract(contract, image);
  if (reasons.empty()) return;
  throw Error{
      Fault::input,
      text("the image is outside of what the model was made for: ", joined(reasons, "; ")),
      "use a model made for such images"};
}

void demand_modality(SegmentContract const& contract, std::string_view modality) {
  // Other, secondary capture: they may hold anything.
  if (modality.empty() || modality == "OT" || modality == "SC") return;
  for (auto const& channel : contract.channels) {
    auto const wanted = modality_of(channel);
    if (wanted.empty() || wanted == modality) return;
  }
  throw Error{Fault::input,
              text("the model was made for ", joined(contract.channels, ", "),
                   ", the series is of modality ", modality),
              "use a model made for such images"};
}

Sureness expected_dice(SegmentContract const& contract, Sureness const& sureness) {
  Sureness out(sureness.size());
  for (std::size_t n = 0; n < out.size() && n < contract.expected.size(); ++n)
    out[n] = contract.expected[n].of(sureness[n]);
  return out;
}

Segmented segmented(Model const& model,
                    SegmentContract const& contract,
                    Volume const& image,
                    SegmentAsk const& ask) {
  auto const seen = segment_image(image);
  if (ask.outside)
    model_demand_channels(contract, seen);
  else
    demand_contract(contract, seen);
  // As it was proven, so that an answer is the same wherever the model goes.
  auto const how = to_answer(contract.run_as, ask.way);
  for (auto network : model.networks) network.execution(how);
  // Of a cascade each stage is a half of the work.
  auto const half = [&](int stage) -> std::function<void(double, double)> {
    if (!model.before || !ask.progress) return ask.progress;
    return [&ask, stage](double done, double all) { ask.progress(stage + done / all, 2); };
  };
  auto before = ask;
  before.progress = half(0);
  auto const input = segment_input(model, contract, seen, before);
  SurenessSums sums{contract.inside.size(), contract.rule.regions};
  auto probabilities = ask.probabilities;
  if (ask.sureness)
    probabilities = [&](ProbabilityBlock const& block) {
      sums.add(block);
      if (ask.probabilities) ask.probabilities(block);
    };
  auto const way = model_way(input.prepared.placement, contract.config());
  auto found = predict_by_windows(model.networks, input.source, way,
                                  {.size = contract.patch,
                                   .step = contract.step,
                                   .flips = contract.flips,
                                   .labels = contract.rule,
                                   .parts = model_parts(ask.within, way),
                                   .memory = ask.memory,
                                   .beside = ask.beside + model_asleep(model),
                                   .uncertainty = ask.uncertainty,
                                   .probabilities = probabilities,
                                   .progress = half(1),
                                   .stop = ask.stop});
  if (ask.probabilities)
    model_outside(found.plan.parts, way, std::ssize(contract.rule.values), ask,
                  contract.rule.regions);
  auto labels = ask.cleanup ? cleaned(found.labels, contract.cleanup) : found.labels;
  Segmented out{model_on(labels, image.grid()), std::nullopt, {}};
  if (found.uncertainty) out.uncertainty = model_on(*found.uncertainty, image.grid());
  if (ask.sureness) out.sureness = sums.values();
  return out;
}

}  // namespace fovea
