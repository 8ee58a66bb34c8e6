#include "base/io/dicom_merge.hpp"

#include "base/core/words.hpp"
#include "base/io/dicom_head.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace fovea {
namespace {

constexpr Tag merge_inversion{0x00180082};
constexpr Tag merge_flip{0x00181314};

bool merge_may(DicomSeries const& series) {
  auto const& shape = series.slices.front().shape();
  return series.verdict != Verdict::refused && series.placed && !series.labels &&
         series.fourth == 1 && shape.samples == 1 && shape.photometric != "PALETTE COLOR";
}

bool merge_near(std::array<double, 3> const& a, std::array<double, 3> const& b) {
  constexpr double tolerance = 1e-3;
  return std::ranges::equal(a, b,
                            [](double x, double y) { return std::abs(x - y) <= tolerance; });
}

// The same to the last voxel, along each axis.
bool merge_one_grid(DicomSeries const& a, DicomSeries const& b) {
  if (a.grid.size != b.grid.size || !merge_near(a.grid.origin.mm, b.grid.origin.mm))
    return false;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto end = a.grid.axes[axis].mm;
    auto other = b.grid.axes[axis].mm;
    for (auto& part : end) part *= static_cast<double>(a.grid.size[axis]);
    for (auto& part : other) part *= static_cast<double>(a.grid.size[axis]);
    if (!merge_near(end, other)) return false;
  }
  return true;
}

bool merge_together(DicomSeries const& a, DicomSeries const& b) {
  auto const& first = *a.slices.front().head;
  auto const& other = *b.slices.front().head;
  return a.series == b.series && a.modality == b.modality && first.study == other.study &&
         first.patient == other.patient &&
         first.frame_of_reference == other.frame_of_reference && merge_one_grid(a, b);
}

struct MergePart {
  std::size_t at = 0;  // of the series
  DicomMoment moment;
};

// What must be alike, whatever the time is.
std::string merge_key(DicomItem const& image,
                      DicomSlice const& slice,
                      DicomMoment const& moment,
                      MergeBy by) {
  std::vector<std::string> words;
  for (auto const tag : {Tag::kernel, Tag::image_type, Tag::kvp, merge_inversion, merge_flip}) {
    auto const value = image.number(tag);
    words.push_back(value ? spelled(*value) : image.text(tag));
  }
  if (has_frame_groups(image)) words.push_back(kind_of_frame(image, slice.frame));
  if (by == MergeBy::time) {
    for (auto const& value : {moment.echo_time, moment.echo})
      words.push_back(value ? spelled(*value) : "");
  }
  return joined(words, "\n");
}

// Parts of one group of volumes that only time tells apart, each in its order.
std::vector<std::vector<MergePart>> merge_parts(std::vector<DicomSeries> const& series,
                                                std::vector<std::size_t> const& group,
                                                MergeBy by) {
  std::map<std::string, std::vector<MergePart>> parts;
  for (auto const at : group) {
    auto const& first = series[at].slices.front();
    DicomFile const file{first.file()};
    auto const image = file.scan().root();
    auto moment =
        has_frame_groups(image) ? moment_of_frame(image, first.frame) : moment_of(image);
    auto& part = parts[merge_key(image, first, moment, by)];
    part.push_back({at, std::move(moment)});
  }
  std::vector<std::vector<MergePart>> out;
  for (auto& [key, part] : parts) {
    std::ranges::sort(part, {}, &MergePart::moment);
    auto const twice = std::ranges::adjacent_find(part, {}, &MergePart::moment) != part.end();
    if (part.size() > 1 && !twice) out.push_back(std::move(part));
  }
  return out;
}

template <class Value>
bool merge_differ(std::vector<DicomMoment> const& moments, Value DicomMoment::*part) {
  return std::ranges::any_of(
      moments, [&](DicomMoment const& one) { return one.*part != moments.front().*part; });
}

std::string merge_words(std::vector<DicomMoment> const& moments) {
  std::vector<std::string> words;
  auto const say = [&](bool differs, char const* name) {
    if (differs) words.emplace_back(name);
  };
  say(merge_differ(moments, &DicomMoment::echo_time) ||
          merge_differ(moments, &DicomMoment::echo),
      "echo");
  say(merge_differ(moments, &DicomMoment::time_point), "time point");
  say(merge_differ(moments, &DicomMoment::acquisition), "acquisition");
  say(merge_differ(moments, &DicomMoment::trigger), "trigger time");
  say(merge_differ(moments, &DicomMoment::acquired), "acquisition time");
  say(merge_differ(moments, &DicomMoment::b_value), "b-value");
  say(merge_differ(moments, &DicomMoment::gradient), "gradient direction");
  if (words.empty()) words.emplace_back("the time of their content");
  return joined(words, ", ");
}

DicomSeries merge_joined(std::vector<DicomSeries>& series, std::vector<MergePart> parts) {
  auto out = std::move(series[parts.front().at]);
  std::erase_if(out.reasons, [](Note const& note) { return note.code == "split"; });
  out.fourth = static_cast<std::int64_t>(parts.size());
  for (auto& part : parts) out.moments.push_back(std::move(part.moment));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    auto& other = series[parts[i].at];
    std::ranges::move(other.slices, std::back_inserter(out.slices));
    out.verdict = std::max(out.verdict, other.verdict);
    other.slices.clear();
  }
  out.reasons.push_back(
      {"merged", text(parts.size(), " volumes along a fourth axis, in the order of ",
                      merge_words(out.moments))});
  return out;
}

// Those with one grid, in a series of at least two.
std::vector<std::vector<std::size_t>> merge_groups(std::vector<DicomSeries> const& series) {
  std::map<std::string, std::vector<std::vector<std::size_t>>> all;
  for (std::size_t at = 0; at < series.size(); ++at) {
    if (!merge_may(series[at])) continue;
    auto& groups = all[series[at].series];
    auto const same = std::ranges::find_if(groups, [&](auto const& group) {
      return merge_together(series[group.front()], series[at]);
    });
    if (same != groups.end())
      same->push_back(at);
    else
      groups.push_back({at});
  }
  std::vector<std::vector<std::size_t>> out;
  for (auto& [uid, groups] : all) {
    for (auto& group : groups) {
      if (group.size() > 1) out.push_back(std::move(group));
    }
  }
  return out;
}

}  // namespace

std::optional<MergeBy> merge_by_of(std::string_view name) {
  if (name == "none") return MergeBy::nothing;
  if (name == "time") return MergeBy::time;
  if (name == "all") return MergeBy::all;
  return std::nullopt;
}

std::vector<DicomSeries> merged(std::vector<DicomSeries> series, MergeBy by) {
  if (by == MergeBy::nothing) return series;
  for (auto const& group : merge_groups(series)) {
    for (auto& parts : merge_parts(series, group, by)) {
      auto const first = std::ranges::min_element(parts, {}, &MergePart::at)->at;
      auto joined_parts = merge_joined(series, std::move(parts));
      series[first] = std::move(joined_parts);
    }
  }
  std::erase_if(series, [](DicomSeries const& one) { return one.slices.empty(); });
  return series;
}

std::optional<double> step_of(std::vector<DicomMoment> const& volumes) {
  if (volumes.size() < 2) return std::nullopt;
  auto const steps = [&](auto DicomMoment::*part, double unit) -> std::optional<double> {
    auto const count = static_cast<double>(volumes.size() - 1);
    auto const& first = volumes.front().*part;
    auto const& last = volumes.back().*part;
    if (!first || !last) return std::nullopt;
    auto const mean = (*last - *first) / count;
    constexpr double tolerance = 0.05;
    for (std::size_t i = 1; i < volumes.size(); ++i) {
      auto const& before = volumes[i - 1].*part;
      auto const& here = volumes[i].*part;
      if (!before || !here || !(*here > *before) ||
          std::abs(*here - *before - mean) > tolerance * mean)
        return std::nullopt;
    }
    return mean * unit;
  };
  if (auto const step = steps(&DicomMoment::acquired, 1)) return step;
  return steps(&DicomMoment::trigger, 1e-3);
}

}  // namespace fovea
