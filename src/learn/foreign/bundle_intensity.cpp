#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/bundle_lambda.hpp"
#include "learn/foreign/bundle_parts.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// a_min … a_max become b_min … b_max.
struct IntensityRange {
  double a_min = 0, a_max = 1;
  std::optional<double> b_min, b_max;
  bool clip = false;

  void operator()(std::span<float> values) const {
    auto const width = a_max - a_min;
    for (auto& value : values) {
      auto scaled = static_cast<double>(value) - a_min;
      // Of an image without contrast MONAI makes b_min.
      if (width == 0)
        scaled += b_min.value_or(0);
      else
        scaled /= width;
      if (width != 0 && b_min && b_max) scaled = scaled * (*b_max - *b_min) + *b_min;
      if (clip && width != 0)
        scaled = std::clamp(scaled, std::min(*b_min, *b_max), std::max(*b_min, *b_max));
      value = static_cast<float>(scaled);
    }
  }
};

// Calls `work` with all values, or with those of each channel by itself.
template <class Work>
void intensity_by_channel(BundleStep const& step, Volume& image, Work const& work) {
  if (!step_flag(step, "channel_wise")) return work(image.write<float>(), 0);
  for (std::int64_t c = 0; c < image.channels(); ++c)
    work(image.write_channel<float>(c), static_cast<std::size_t>(c));
}

IntensityRange intensity_target(BundleStep const& step) {
  IntensityRange out{.b_min = step_number(step, "b_min"),
                     .b_max = step_number(step, "b_max"),
                     .clip = step_flag(step, "clip")};
  if (out.clip && (!out.b_min || !out.b_max))
    step_refuse(step, "it clips without b_min and b_max");
  return out;
}

void intensity_range(BundleStep const& step, Volume& image) {
  auto range = intensity_target(step);
  range.a_min = step_needed(step, "a_min");
  range.a_max = step_needed(step, "a_max");
  if (range.a_min == range.a_max) step_refuse(step, "a_min and a_max are equal");
  range(image.write<float>());
}

// Between the two values around it, as numpy's standard.
double intensity_percentile(std::vector<float>& values, double percent) {
  auto const place = percent / 100 * static_cast<double>(values.size() - 1);
  auto const low = static_cast<std::ptrdiff_t>(std::floor(place));
  auto const at = values.begin() + low;
  std::nth_element(values.begin(), at, values.end());
  double const below = *at;
  auto const part = place - std::floor(place);
  if (part == 0 || at + 1 == values.end()) return below;
  double const above = *std::min_element(at + 1, values.end());
  return below + part * (above - below);
}

double intensity_percent(BundleStep const& step, std::string_view name, double value) {
  constexpr double most = 100;
  if (!(value >= 0 && value <= most))
    step_refuse(step, text("expected a percentile as ", name, ", got ", spelled(value)));
  return value;
}

void intensity_percentiles(BundleStep const& step, Volume& image) {
  auto const target = intensity_target(step);
  auto const lower = intensity_percent(step, "lower", step_needed(step, "lower"));
  auto const upper = intensity_percent(step, "upper", step_needed(step, "upper"));
  auto const relative = step_flag(step, "relative");
  if (relative && (!target.b_min || !target.b_max))
    step_refuse(step, "it is relative without b_min and b_max");
  intensity_by_channel(step, image, [&](std::span<float> values, std::size_t) {
    std::vector<float> copy(values.begin(), values.end());
    auto range = target;
    range.a_min = intensity_percentile(copy, lower);
    range.a_max = intensity_percentile(copy, upper);
    if (relative) {
      auto const width = *target.b_max - *target.b_min;
      range.b_min = width * lower / 100 + *target.b_min;
      range.b_max = width * upper / 100 + *target.b_min;
    }
    range(values);
  });
}

void intensity_clip(BundleStep const& step, Volume& image) {
  if (step_number(step, "sharpness_factor")) step_refuse(step, "it clips softly");
  auto const lower = intensity_percent(step, "lower", step_number(step, "lower").value_or(0));
  auto const upper = intensity_percent(step, "upper", step_number(step, "upper").value_or(100));
  intensity_by_channel(step, image, [&](std::span<float> values, std::size_t) {
    std::vector<float> copy(values.begin(), values.end());
    auto const low = static_cast<float>(intensity_percentile(copy, lower));
    auto const high = static_cast<float>(intensity_percentile(copy, upper));
    for (auto& value : values) value = std::min(std::max(value, low), high);
  });
}

void intensity_scale(BundleStep const& step, Volume& image) {
  auto const low = step_number(step, "minv");
  auto const high = step_number(step, "maxv");
  // Python's None says that there is a factor instead.
  auto const given = step.options.contains("minv") || step.options.contains("maxv");
  if (given && !low && !high) {
    auto const factor = 1 + step_number(step, "factor").value_or(0);
    for (auto& value : image.write<float>())
      value = static_cast<float>(static_cast<double>(value) * factor);
    return;
  }
  auto const from_low = low.value_or(0);
  auto const to_high = high.value_or(1);
  intensity_by_channel(step, image, [&](std::span<float> values, std::size_t) {
    auto const [least, most] = std::minmax_element(values.begin(), values.end());
    double const from = *least;
    double const width = static_cast<double>(*most) - from;
    for (auto& value : values)
      value = static_cast<float>(width == 0 ? value * from_low
                                            : (value - from) / width * (to_high - from_low) +
                                                  from_low);
  });
}

void intensity_normalise(BundleStep const& step, Volume& image) {
  auto const nonzero = step_flag(step, "nonzero");
  auto const means = step_list(step, "subtrahend");
  auto const deviations = step_list(step, "divisor");
  auto const by_channel = step_flag(step, "channel_wise");
  auto const wanted = by_channel ? static_cast<std::size_t>(image.channels()) : 1;
  for (auto const* numbers : {&means, &deviations}) {
    if (!numbers->empty() && numbers->size() != wanted)
      step_refuse(step, text("expected ", wanted, " numbers as subtrahend and divisor, got ",
                             numbers->size()));
  }
  intensity_by_channel(step, image, [&](std::span<float> values, std::size_t channel) {
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
    auto const off = means.empty() ? mean : means[channel];
    auto const by = deviations.empty() ? std::sqrt(squares / count) : deviations[channel];
    for (auto& value : values) {
      if (counts(value)) value = static_cast<float>((value - off) / (by == 0 ? 1 : by));
    }
  });
}

void intensity_threshold(BundleStep const& step, Volume& image) {
  auto const threshold = static_cast<float>(step_needed(step, "threshold"));
  auto const above = step_flag(step, "above", true);
  auto const otherwise = static_cast<float>(step_number(step, "cval").value_or(0));
  for (auto& value : image.write<float>()) {
    if (above ? !(value > threshold) : !(value < threshold)) value = otherwise;
  }
}

void intensity_repeat(BundleStep const& step, Volume& image) {
  constexpr double most = 1000;
  auto const often = step_needed(step, "repeats");
  if (often != std::floor(often) || often < 1 || often > most)
    step_refuse(step, text("expected repeats of 1 to 1000, got ", spelled(often)));
  auto const times = static_cast<std::int64_t>(often);
  constexpr std::int64_t most_channels = 10'000;
  if (image.channels() * times > most_channels)
    step_refuse(step, text(image.channels() * times, " channels"));
  bundle_demand(step, image.grid(), image.channels() * times);
  Volume out{image.grid(), Type::f32, image.unit(), image.channels() * times};
  // MONAI repeats each channel beside itself.
  for (std::int64_t c = 0; c < out.channels(); ++c)
    std::ranges::copy(image.channel<float>(c / times), out.write_channel<float>(c).begin());
  image = std::move(out);
}

}  // namespace

bool bundle_intensity(BundleStep const& step, Volume& image) {
  struct Row {
    std::string_view name;
    void (*run)(BundleStep const&, Volume&);
  };
  static constexpr Row rows[] = {
      {"ScaleIntensityRange", intensity_range},
      {"ScaleIntensityRangePercentiles", intensity_percentiles},
      {"ClipIntensityPercentiles", intensity_clip},
      {"ScaleIntensity", intensity_scale},
      {"NormalizeIntensity", intensity_normalise},
      {"ThresholdIntensity", intensity_threshold},
      {"RepeatChannel", intensity_repeat},
      {"Lambda",
       [](BundleStep const& one, Volume& of) {
         of = BundleLambda{step_word(one, "func", ""), one.name}(of);
       }},
  };
  for (auto const& row : rows) {
    if (row.name != step.name) continue;
    row.run(step, image);
    return true;
  }
  return false;
}

}  // namespace fovea
