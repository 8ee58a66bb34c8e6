#include "learn/foreign/bundle_run.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/resample.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

[[noreturn]] void run_refuse(BundleStep const& step, std::string const& happened) {
  throw Error{Fault::input, text(step.name, ": ", happened),
              "correct the bundle's config or run it with MONAI"};
}

std::optional<double> run_number(BundleStep const& step, std::string_view name) {
  auto const at = step.options.find(name);
  if (at == step.options.end() || at->second.is_none()) return std::nullopt;
  auto const& value = at->second;
  if (auto const* number = value.as<double>(); number != nullptr && std::isfinite(*number))
    return *number;
  if (auto const* number = value.as<std::int64_t>()) return static_cast<double>(*number);
  run_refuse(step, text("expected a number as ", name, ", got ", value.in_words()));
}

double run_needed(BundleStep const& step, std::string_view name) {
  auto const value = run_number(step, name);
  if (!value) run_refuse(step, text("it has no ", name));
  return *value;
}

// Some bundles write "True" for true: in Python a text that is not empty is true as well.
bool run_flag(BundleStep const& step, std::string_view name) {
  auto const at = step.options.find(name);
  if (at == step.options.end()) return false;
  if (at->second.as<BundleValue::List>() != nullptr)
    run_refuse(step, text("expected one value as ", name, ", got ", at->second.in_words()));
  return at->second.is_true();
}

std::string run_word(BundleStep const& step, std::string_view name, std::string otherwise) {
  auto const at = step.options.find(name);
  if (at == step.options.end()) return otherwise;
  auto const* value = &at->second;
  auto const* list = value->as<BundleValue::List>();
  if (list != nullptr && list->size() == 1) value = &list->front();
  if (auto const* word = value->as<std::string>()) return *word;
  run_refuse(step, text("expected a word as ", name, ", got ", value->in_words()));
}

Volume run_floats(Volume const& image) {
  Volume out{image.grid(), Type::f32, image.unit(), image.channels()};
  auto const to = out.write<float>();
  with_type(image.type(), [&](auto kind) {
    auto const from = image.as<decltype(kind)>();
    std::transform(from.begin(), from.end(), to.begin(),
                   [](auto value) { return static_cast<float>(value); });
  });
  return out;
}

// The volume with its last voxels repeated behind the end of each axis, and the first before
// it.
Volume run_extended(Volume const& image, std::array<std::int64_t, 3> const& by) {
  auto const size = image.grid().size;
  Grid grid = image.grid();
  grid.origin = grid.point_of({{-static_cast<double>(by[0]), -static_cast<double>(by[1]),
                                -static_cast<double>(by[2])}});
  for (std::size_t axis = 0; axis < 3; ++axis) grid.size[axis] += 2 * by[axis];
  Volume out{grid, Type::f32, image.unit(), image.channels()};
  for (std::int64_t c = 0; c < image.channels(); ++c) {
    auto const from = image.channel<float>(c);
    auto const to = out.write_channel<float>(c);
    std::size_t at = 0;
    for (std::int64_t k = 0; k < grid.size[2]; ++k) {
      for (std::int64_t j = 0; j < grid.size[1]; ++j) {
        auto const row = (std::clamp<std::int64_t>(k - by[2], 0, size[2] - 1) * size[1] +
                          std::clamp<std::int64_t>(j - by[1], 0, size[1] - 1)) *
                         size[0];
        for (std::int64_t i = 0; i < grid.size[0]; ++i)
          to[at++] = from[static_cast<std::size_t>(
              row + std::clamp<std::int64_t>(i - by[0], 0, size[0] - 1))];
      }
    }
  }
  return out;
}

// What the image shows on another grid whose axes run along its own; beyond its edges they go
// on.
Volume run_onto(Volume const& image, Grid const& grid, bool nearest) {
  std::array<std::int64_t, 3> by{};
  // A new voxel's centre lies at most half of it beyond the old ones.
  auto const old_spacing = image.grid().spacing().mm;
  auto const new_spacing = grid.spacing().mm;
  auto const widest = std::max({new_spacing[0], new_spacing[1], new_spacing[2]});
  for (std::size_t axis = 0; axis < 3; ++axis)
    by[axis] = static_cast<std::int64_t>(std::ceil(0.5 * widest / old_spacing[axis])) + 1;
  Resample const options{.interpolator = nearest ? Interpolator::nearest : Interpolator::linear,
                         .as_f32 = true};
  return resample(run_extended(image, by), grid, options);
}

Volume run_orientation(BundleStep const& step, Volume const& image) {
  std::string code;
  auto const at = step.options.find("axcodes");
  auto const* list = at == step.options.end() ? nullptr : at->second.as<BundleValue::List>();
  for (auto const& one : list != nullptr ? *list : BundleValue::List{}) {
    if (auto const* word = one.as<std::string>()) code += *word;
  }
  if (list == nullptr) code = run_word(step, "axcodes", "");
  constexpr std::size_t letters = 3;
  if (code.size() != letters) run_refuse(step, "expected three letters as axcodes, as \"RAS\"");
  try {
    return reorient(image, code);
  } catch (Error const& fault) {
    run_refuse(step, fault.what());
  }
}

Volume run_spacing(BundleStep const& step, Volume const& image) {
  auto const at = step.options.find("pixdim");
  if (at == step.options.end()) run_refuse(step, "it has no pixdim");
  auto const* list = at->second.as<BundleValue::List>();
  auto spacing = image.grid().spacing();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    // One number is for all axes; what is not above 0 leaves the axis as it is.
    BundleStep const one{step.name,
                         {{"pixdim", list == nullptr       ? at->second
                                     : axis < list->size() ? (*list)[axis]
                                                           : BundleValue{}}}};
    auto const wanted = run_number(one, "pixdim").value_or(0);
    if (wanted > 0) spacing.mm[axis] = wanted;
  }
  auto const mode = run_word(step, "mode", "bilinear");
  if (mode != "bilinear" && mode != "nearest") run_refuse(step, "the mode " + mode);
  auto const padding = run_word(step, "padding_mode", "border");
  if (padding != "border") run_refuse(step, "the padding " + padding);
  return run_onto(image, respaced(image.grid(), spacing, Keep::corner), mode == "nearest");
}

void run_range(BundleStep const& step, Volume& image) {
  auto const a_min = run_needed(step, "a_min");
  auto const a_max = run_needed(step, "a_max");
  auto const b_min = run_number(step, "b_min");
  auto const b_max = run_number(step, "b_max");
  if (a_min == a_max) run_refuse(step, "a_min and a_max are equal");
  auto const clip = run_flag(step, "clip");
  if (clip && (!b_min || !b_max)) run_refuse(step, "it clips without b_min and b_max");
  for (auto& value : image.write<float>()) {
    auto scaled = (static_cast<double>(value) - a_min) / (a_max - a_min);
    if (b_min && b_max) scaled = scaled * (*b_max - *b_min) + *b_min;
    if (clip) scaled = std::clamp(scaled, std::min(*b_min, *b_max), std::max(*b_min, *b_max));
    value = static_cast<float>(scaled);
  }
}

// Calls `work` with all values, or with those of each channel by itself.
template <class Work>
void run_by_channel(BundleStep const& step, Volume& image, Work const& work) {
  if (!run_flag(step, "channel_wise")) return work(image.write<float>());
  for (std::int64_t c = 0; c < image.channels(); ++c) work(image.write_channel<float>(c));
}

void run_scale(BundleStep const& step, Volume& image) {
  auto const low = run_number(step, "minv").value_or(0);
  auto const high = run_number(step, "maxv").value_or(1);
  run_by_channel(step, image, [&](std::span<float> values) {
    auto const [least, most] = std::minmax_element(values.begin(), values.end());
    double const from = *least;
    double const width = static_cast<double>(*most) - from;
    for (auto& value : values)
      value = static_cast<float>(width == 0 ? value * low
                                            : (value - from) / width * (high - low) + low);
  });
}

void run_normalise(BundleStep const& step, Volume& image) {
  auto const nonzero = run_flag(step, "nonzero");
  run_by_channel(step, image, [&](std::span<float> values) {
    auto const counts = [&](float value) { return !nonzero || value != 0; };
    double count = 0;
    double sum = 0;
    for (auto const value : values) {
      if (!counts(value)) continue;
      count += 1;
      sum += value;
    }
    if (count == 0) return;
    auto const mean = sum / count;
    double squares = 0;
    for (auto const value : values) {
      if (counts(value)) squares += (value - mean) * (value - mean);
    }
    auto const deviation = std::sqrt(squares / count);
    for (auto& value : values) {
      if (counts(value))
        value = static_cast<float>((value - mean) / (deviation == 0 ? 1 : deviation));
    }
  });
}

void run_softmax(Volume& outputs) {
  auto const voxels = static_cast<std::size_t>(outputs.voxels());
  auto const channels = static_cast<std::size_t>(outputs.channels());
  auto const values = outputs.write<float>();
  for (std::size_t v = 0; v < voxels; ++v) {
    auto most = values[v];
    for (std::size_t c = 1; c < channels; ++c) most = std::max(most, values[c * voxels + v]);
    double sum = 0;
    for (std::size_t c = 0; c < channels; ++c)
      sum += std::exp(static_cast<double>(values[c * voxels + v] - most));
    for (std::size_t c = 0; c < channels; ++c)
      values[c * voxels + v] = static_cast<float>(
          std::exp(static_cast<double>(values[c * voxels + v] - most)) / sum);
  }
}

void run_activations(BundleStep const& step, Volume& outputs) {
  if (run_flag(step, "softmax")) run_softmax(outputs);
  if (!run_flag(step, "sigmoid")) return;
  for (auto& value : outputs.write<float>())
    value = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(value))));
}

Volume run_argmax(Volume const& outputs) {
  Volume out{outputs.grid(), Type::f32};
  auto const voxels = static_cast<std::size_t>(outputs.voxels());
  auto const from = outputs.as<float>();
  auto const to = out.write<float>();
  for (std::size_t v = 0; v < voxels; ++v) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < static_cast<std::size_t>(outputs.channels()); ++c) {
      if (from[c * voxels + v] > from[best * voxels + v]) best = c;
    }
    to[v] = static_cast<float>(best);
  }
  return out;
}

Volume run_one_hot(BundleStep const& step, Volume const& labels, double wanted) {
  constexpr double most = 1000;
  if (wanted < 1 || wanted > most || labels.channels() != 1)
    run_refuse(step, text("one channel for each of ", spelled(wanted), " labels"));
  Volume out{labels.grid(), Type::f32, labels.unit(), static_cast<std::int64_t>(wanted)};
  auto const from = labels.as<float>();
  for (std::int64_t c = 0; c < out.channels(); ++c) {
    auto const to = out.write_channel<float>(c);
    for (std::size_t v = 0; v < to.size(); ++v)
      to[v] = from[v] == static_cast<float>(c) ? 1.0F : 0.0F;
  }
  return out;
}

Volume run_discrete(BundleStep const& step, Volume outputs) {
  if (run_flag(step, "argmax")) outputs = run_argmax(outputs);
  if (auto const labels = run_number(step, "to_onehot"))
    outputs = run_one_hot(step, outputs, *labels);
  if (auto const threshold = run_number(step, "threshold")) {
    for (auto& value : outputs.write<float>())
      value = static_cast<double>(value) >= *threshold ? 1.0F : 0.0F;
  }
  return outputs;
}

void run_expect_whole(BundlePlan const& plan) {
  if (plan.missing.empty()) return;
  throw Error{
      Fault::input,
      text("the bundle asks for what Fovea does not have: ", joined(plan.missing, "; ")),
      "run it with MONAI"};
}

// Where voxels lie, to a thousandth of one.
bool run_same_grid(Grid const& a, Grid const& b) {
  if (a.size != b.size) return false;
  auto const map = index_map(a, b);
  for (std::size_t corner = 0; corner < 8; ++corner) {
    Index index{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      index.ijk[axis] = (corner >> axis & 1U) != 0 ? static_cast<double>(a.size[axis] - 1) : 0;
    auto const there = map(index);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (std::abs(there.ijk[axis] - index.ijk[axis]) > 1e-3) return false;
    }
  }
  return true;
}

}  // namespace

Volume bundle_before(BundlePlan const& plan, Volume const& image) {
  run_expect_whole(plan);
  auto out = run_floats(image);
  for (auto const& step : plan.before) {
    if (step.name == "Orientation") out = run_orientation(step, out);
    if (step.name == "Spacing") out = run_spacing(step, out);
    if (step.name == "ScaleIntensityRange") run_range(step, out);
    if (step.name == "ScaleIntensity") run_scale(step, out);
    if (step.name == "NormalizeIntensity") run_normalise(step, out);
  }
  return out;
}

Volume bundle_after(BundlePlan const& plan, Volume const& outputs, Grid const& image) {
  run_expect_whole(plan);
  auto out = run_floats(outputs);
  for (auto const& step : plan.after) {
    if (step.name == "Activations") run_activations(step, out);
    if (step.name == "AsDiscrete") out = run_discrete(step, std::move(out));
    if (step.name == "Invert") {
      // MONAI's default is the nearest voxel.
      auto const nearest =
          !step.options.contains("nearest_interp") || run_flag(step, "nearest_interp");
      if (!run_same_grid(out.grid(), image)) out = run_onto(out, image, nearest);
    }
  }
  if (!run_same_grid(out.grid(), image))
    throw Error{Fault::input,
                "the bundle does not bring its result back to the image's grid (Invertd)",
                "add that step to its postprocessing"};
  return out;
}

}  // namespace fovea
