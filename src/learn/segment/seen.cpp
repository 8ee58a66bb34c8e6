#include "learn/segment/seen.hpp"

#include "base/core/rng.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::size_t seen_most = 1 << 20;
constexpr double seen_air = -1024;  // HU

// One of each stretch of voxels, so that no row or slice counts more than another.
template <class T>
std::vector<float> seen_sample(std::span<T const> voxels) {
  std::vector<float> out;
  auto const all = voxels.size();
  auto const count = std::min(all, seen_most);
  out.reserve(count);
  Rng rng{{0x5ee, all}};
  for (std::size_t n = 0; n < count; ++n) {
    auto const first = n * all / count;
    auto const length = (n + 1) * all / count - first;
    auto const at =
        first + (length > 1
                     ? static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(length)))
                     : 0);
    auto const value = static_cast<float>(voxels[at]);
    if (std::isfinite(value)) out.push_back(value);
  }
  return out;
}

template <class T>
bool seen_flat(std::span<T const> voxels) {
  auto const finite = [](T value) { return std::isfinite(static_cast<double>(value)); };
  auto const first = std::ranges::find_if(voxels, finite);
  return std::none_of(first, voxels.end(),
                      [&](T value) { return finite(value) && value != *first; });
}

double seen_rank(std::vector<float>& values, double share) {
  auto const at = values.begin() + std::lround(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::array<double, 2> seen_pair(Json const& json) {
  auto const sound = json.is_array() && json.size() == 2 && json[0].is_number() &&
                     json[1].is_number() && json[0].get<double>() <= json[1].get<double>();
  if (!sound)
    throw Error{Fault::input, "the model's range of intensities is damaged",
                "use the version of fovea that made it, or a newer one"};
  return {json[0].get<double>(), json[1].get<double>()};
}

}  // namespace

SeenValues seen_values(Volume const& image, std::int64_t channel, Normalisation normalisation) {
  return with_type(image.type(), [&](auto zero) {
    using T = decltype(zero);
    auto const voxels = image.channel<T>(channel);
    SeenValues out{.low = 0, .high = 0, .flat = seen_flat<T>(voxels)};
    auto values = seen_sample<T>(voxels);
    if (values.empty()) return out;
    constexpr double tail = 0.005;
    out.low = seen_rank(values, tail);
    out.high = seen_rank(values, 1 - tail);
    if (normalisation == Normalisation::ct) {
      out.low = std::max(out.low, seen_air);
      out.high = std::max(out.high, seen_air);
    }
    return out;
  });
}

void SeenChannel::add(SeenValues const& values, bool first) {
  auto const widen = [&](std::array<double, 2>& range, double value) {
    range[0] = first ? value : std::min(range[0], value);
    range[1] = first ? value : std::max(range[1], value);
  };
  widen(low, values.low);
  widen(high, values.high);
  widen(contrast, values.contrast());
  flat = (!first && flat) || values.flat;
}

Json seen_json(std::vector<SeenChannel> const& seen) {
  auto out = Json::array();
  for (auto const& one : seen)
    out.push_back(
        {{"low", one.low}, {"high", one.high}, {"contrast", one.contrast}, {"flat", one.flat}});
  return out;
}

std::vector<SeenChannel> read_seen(Json const& json, std::size_t channels) {
  std::vector<SeenChannel> out;
  if (json.is_null()) return out;
  if (!json.is_array() || (!json.empty() && json.size() != channels))
    throw Error{Fault::input,
                text("expected the range of intensities of ", channels,
                     " channels in the model, got another list"),
                "use the version of fovea that made it, or a newer one"};
  for (auto const& one : json) {
    auto const flat = one.is_object() ? one.value("flat", Json{}) : Json{};
    if (!flat.is_boolean()) seen_pair({});
    out.push_back({.low = seen_pair(one.value("low", Json{})),
                   .high = seen_pair(one.value("high", Json{})),
                   .contrast = seen_pair(one.value("contrast", Json{})),
                   .flat = flat.get<bool>()});
  }
  return out;
}

std::string outside_seen(SeenValues const& values,
                         SeenChannel const* seen,
                         Normalisation normalisation) {
  if (values.flat && (seen == nullptr || !seen->flat)) return "all its voxels are the same";
  auto const ct = normalisation == Normalisation::ct;
  if (seen == nullptr || (!ct && normalisation != Normalisation::none)) return {};
  constexpr double least_hu = 500;
  auto const margin = std::max(ct ? least_hu : 0.0, (seen->high[1] - seen->low[0]) / 4);
  auto const inside = [&](double value, std::array<double, 2> const& range, bool lower_too) {
    return value <= range[1] + margin && (!lower_too || value >= range[0] - margin);
  };
  constexpr double least_contrast = 0.1;
  auto const fits = inside(values.low, seen->low, !ct) &&
                    inside(values.high, seen->high, true) &&
                    values.contrast() >= least_contrast * seen->contrast[0];
  if (fits) return {};
  auto const range = [](std::array<double, 2> const& ends) {
    return text(fixed(ends[0], 0), " to ", fixed(ends[1], 0));
  };
  return text("its values go from ", spelled(values.low), " to ", spelled(values.high),
              " (percentiles 0.5 and 99.5), those of the training images from ",
              range(seen->low), " up to ", range(seen->high),
              ct ? " HU: it is no CT like them, or not in Hounsfield units" : "");
}

std::string_view modality_of(std::string_view channel) {
  struct Row {
    std::string_view name, modality;
  };
  static constexpr Row rows[] = {{"ct", "CT"},  {"mr", "MR"},    {"mri", "MR"},  {"t1", "MR"},
                                 {"t1w", "MR"}, {"t1gd", "MR"},  {"t1ce", "MR"}, {"t2", "MR"},
                                 {"t2w", "MR"}, {"flair", "MR"}, {"adc", "MR"},  {"dwi", "MR"},
                                 {"pd", "MR"},  {"pt", "PT"},    {"pet", "PT"}};
  auto const name = lower(channel);
  auto const found = std::ranges::find(rows, std::string_view{name}, &Row::name);
  return found == std::end(rows) ? std::string_view{} : found->modality;
}

}  // namespace fovea
