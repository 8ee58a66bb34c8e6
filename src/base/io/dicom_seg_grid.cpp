#include "base/core/words.hpp"
#include "base/io/dicom_gate.hpp"

#include <set>

// Where a segmentation's frames lie: at equal steps, though empty ones are left out.
namespace fovea {
namespace {

struct SegPlaces {
  std::vector<double> along;  // the normal, each once, ascending
  std::vector<double> gaps;
};

SegPlaces seg_places(DicomSeries const& series) {
  auto normal = series_normal(series.slices.front());
  auto const length = length_of(normal);
  SegPlaces out;
  for (auto const& slice : series.slices) {
    auto const at = dot(*slice.position, normal) / length;
    if (out.along.empty() || at - out.along.back() > position_tolerance(0)) {
      if (!out.along.empty()) out.gaps.push_back(at - out.along.back());
      out.along.push_back(at);
    }
  }
  return out;
}

double seg_rest(double gap, double step) {
  return std::abs(gap - std::round(gap / step) * step);
}

bool seg_fits(std::vector<double> const& gaps, double step) {
  return std::ranges::all_of(gaps, [&](double gap) {
    return gap > step / 2 && seg_rest(gap, step) <= position_tolerance(step);
  });
}

// The largest step of which all gaps are multiples, by Euclid; 0 if it is none of the
// scanner's: far below the least gap there is one for any numbers.
double seg_common_step(std::vector<double> const& gaps) {
  auto const least = *std::ranges::min_element(gaps);
  constexpr double most = 8;
  auto step = least;
  while (!seg_fits(gaps, step)) {
    auto next = step;
    for (auto const gap : gaps) {
      auto const rest = seg_rest(gap, step);
      if (rest > position_tolerance(step)) next = std::min(next, rest);
    }
    if (next >= step || next < least / most) return 0;
    step = next;
  }
  return step;
}

// 0 if there is none.
double seg_step(DicomSeries& series, std::vector<double> const& gaps) {
  auto const said = std::abs(series.slices.front().head->between);
  if (said > 0 && seg_fits(gaps, said)) return said;
  auto const step = seg_common_step(gaps);
  if (said > 0 && step > 0)
    series.reasons.push_back(
        {"spacing-differs",
         text("the header says ", series_millimetres(said), " between slices, their positions ",
              series_millimetres(step), ", which is taken")});
  return step;
}

bool seg_doubled(DicomSeries const& series, std::vector<std::int64_t> const& places) {
  std::set<std::pair<std::int64_t, std::int32_t>> seen;
  for (std::size_t at = 0; at < places.size(); ++at) {
    if (!seen.insert({places[at], series.slices[at].segment}).second) return true;
  }
  return false;
}

void seg_place_one(DicomSeries& series) {
  auto const& head = *series.slices.front().head;
  auto const said = std::abs(head.between) > 0 ? std::abs(head.between) : head.thickness;
  auto step = series_normal(series.slices.front());
  for (auto& part : step) part *= said > 0 ? said : 1;
  series_place(series, step, 1);
  if (said > 0)
    return series.reasons.push_back(
        {"single-slice",
         text("one slice only; ", series_millimetres(said), " are taken for the spacing")});
  series.verdict = Verdict::adjusted;
  series.reasons.push_back(
      {"no-thickness", "one slice only, which does not say how thick it is: 1 mm is assumed"});
}

void seg_place(DicomSeries& series, SegPlaces const& places) {
  constexpr std::int64_t most = 65535;  // slices
  auto const step = seg_step(series, places.gaps);
  if (!(step > 0))
    return series_refuse(series, "variable-spacing",
                         "the distances between frames have no common step");
  auto const total = places.along.back() - places.along.front();
  if (total / step > static_cast<double>(most - 1))
    return series_refuse(series, "too-large",
                         text("expected at most ", most,
                              " slices between the first frame and "
                              "the last, got more"));
  auto const last = std::llround(total / step);
  auto const& first = *series.slices.front().position;
  auto move = difference(*series.slices.back().position, first);
  for (auto& part : move) part /= static_cast<double>(last);
  double off = 0;
  std::vector<std::int64_t> at;
  auto const normal = series_normal(series.slices.front());
  for (auto const& slice : series.slices) {
    auto const from = difference(*slice.position, first);
    at.push_back(std::llround(dot(from, normal) / dot(move, normal)));
    auto place = move;
    for (auto& part : place) part *= static_cast<double>(at.back());
    off = std::max(off, length_of(difference(from, place)));
  }
  if (off > position_tolerance(step))
    return series_refuse(series, "irregular-positions",
                         text("frames lie up to ", series_millimetres(off),
                              " off equal steps between the first and the last"));
  if (seg_doubled(series, at))
    return series_refuse(series, "duplicate-position",
                         "several frames of one segment lie at one place");
  series_place(series, move, last + 1);
  series_tilt(series, move);
  auto const empty = last + 1 - static_cast<std::int64_t>(places.along.size());
  if (empty > 0)
    series.reasons.push_back({"empty-slices", text(empty, " of ", last + 1,
                                                   " slices have no frame: they are empty")});
}

bool seg_one_orientation(DicomSeries const& series) {
  auto const& first = *series.slices.front().head->orientation;
  return std::ranges::all_of(series.slices, [&](DicomSlice const& slice) {
    return std::ranges::equal(*slice.head->orientation, first, [](double x, double y) {
      return std::abs(x - y) <= series_orientation;
    });
  });
}

}  // namespace

bool is_segmentation(std::string_view sop_class) {
  return sop_class == "1.2.840.10008.5.1.4.1.1.66.4" ||
         sop_class == "1.2.840.10008.5.1.4.1.1.66.7";
}

DicomSeries series_of_segments(std::vector<DicomSlice> frames, SameFiles const& same) {
  auto series = series_of(std::move(frames));
  series.labels = true;
  if (!series_drop_copies(series, same) || !series_check_slices(series)) return series;
  series.fourth = std::max(1, series.slices.front().head->fractions);
  if (!seg_one_orientation(series)) {
    series_refuse(series, "irregular-positions", "its frames have several orientations");
    return series;
  }
  series_sort(series);
  auto const places = seg_places(series);
  if (!places.gaps.empty()) {
    seg_place(series, places);
    return series;
  }
  if (seg_doubled(series, std::vector<std::int64_t>(series.slices.size(), 0)))
    series_refuse(series, "duplicate-position",
                  "several frames of one segment lie at one place");
  else
    seg_place_one(series);
  return series;
}

}  // namespace fovea
