#include "learn/recipe/fingerprint_file.hpp"

#include "learn/recipe/fingerprint.hpp"

#include <cmath>

namespace fovea {
namespace {

constexpr std::size_t fingerprint_most_cases = 1'000'000;
constexpr std::size_t fingerprint_most_channels = 10'000;
constexpr double fingerprint_most_mm = 1e6;
constexpr std::int64_t fingerprint_most_voxels = std::int64_t{1} << 31;

}  // namespace

Json intensities_json(std::vector<IntensityStatistics> const& intensities) {
  auto out = Json::object();
  for (std::size_t n = 0; n < intensities.size(); ++n) {
    auto const& one = intensities[n];
    out[std::to_string(n)] = {{"max", one.most},
                              {"mean", one.mean},
                              {"median", one.median},
                              {"min", one.least},
                              {"percentile_00_5", one.lower},
                              {"percentile_99_5", one.upper},
                              {"std", one.deviation}};
  }
  return out;
}

std::vector<IntensityStatistics> read_intensities(JsonAt const& json) {
  constexpr auto limit = 1e300;
  std::vector<IntensityStatistics> out;
  auto const count = json.members(fingerprint_most_channels).size();
  for (std::size_t n = 0; n < count; ++n) {
    auto const from = json.at(std::to_string(n));
    auto const number = [&](std::string_view key) {
      return from.at(key).number(-limit, limit);
    };
    IntensityStatistics one{.mean = number("mean"),
                            .median = number("median"),
                            .deviation = from.at("std").number(0, limit),
                            .least = number("min"),
                            .most = number("max"),
                            .lower = number("percentile_00_5"),
                            .upper = number("percentile_99_5")};
    if (one.lower > one.upper) from.refuse("percentile_00_5 at or below percentile_99_5");
    out.push_back(one);
  }
  return out;
}

Json fingerprint_json(Fingerprint const& fingerprint) {
  return {{"foreground_intensity_properties_per_channel",
           intensities_json(fingerprint.intensities)},
          {"median_relative_size_after_cropping", fingerprint.size_ratio},
          {"shapes_after_crop", fingerprint.shapes},
          {"spacings", fingerprint.spacings}};
}

Fingerprint read_fingerprint(Json const& json, std::string_view what) {
  JsonAt const file{json, std::string{what}};
  Fingerprint out;
  for (auto const& item : file.at("spacings").items(1, fingerprint_most_cases)) {
    auto const mm = item.numbers(3, 3, 1e-6, fingerprint_most_mm);
    out.spacings.push_back({mm[0], mm[1], mm[2]});
  }
  for (auto const& item :
       file.at("shapes_after_crop").items(out.spacings.size(), out.spacings.size())) {
    auto const voxels = item.wholes(3, 3, 1, fingerprint_most_voxels);
    out.shapes.push_back({voxels[0], voxels[1], voxels[2]});
  }
  out.size_ratio = file.at("median_relative_size_after_cropping").number(0, 1);
  out.intensities = read_intensities(file.at("foreground_intensity_properties_per_channel"));
  return out;
}

}  // namespace fovea
