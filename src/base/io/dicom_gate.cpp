#include "base/io/dicom_gate.hpp"

#include "base/core/words.hpp"

#include <map>
#include <numbers>
#include <set>
#include <utility>

// What holds for any images that are to become a volume.
namespace fovea {
namespace {

// Of a code that slices_of found.
void series_refuse_by_header(DicomSeries& series, std::string_view code) {
  struct Row {
    std::string_view code, words;
  };
  static constexpr Row rows[] = {
      {"mosaic", "a mosaic: many slices in one picture, whose places it does not say"},
      {"concatenation", "a part of a concatenation, which is not read yet"},
      {"bad-table",
       "its values stand in a modality table that is broken or none of whole values"},
      {"bad-scaling",
       "its slope or intercept is no number, the slope is 0, or a table says otherwise"},
      {"tag-twice", "an attribute stands twice, and which one is meant nobody can say"},
      {"bad-frames", "what it says of its frames is not one for each of them"},
      {"tiles", "its frames are tiles of one picture, which is not read"},
      {"short-pixels", "it has fewer pixels than its frames make"},
      {"dose-unit", "expected a dose in Gy or a relative one"},
      {"bad-spacing", "expected two pixel spacings above 0"}};
  auto const row = std::ranges::find(rows, code, &Row::code);
  series_refuse(series, row->code, std::string{row->words});
}

bool series_right_angled(DicomSlice const& slice) {
  auto const r = series_row(slice);
  auto const c = series_column(slice);
  return std::abs(length_of(r) - 1) <= series_cosines &&
         std::abs(length_of(c) - 1) <= series_cosines && std::abs(dot(r, c)) <= series_cosines;
}

bool series_same_spacing(DicomSlice const& a, DicomSlice const& b) {
  constexpr double relative = 1e-4;
  return std::ranges::equal(*a.head->spacing, *b.head->spacing,
                            [](double x, double y) { return std::abs(x - y) <= relative * x; });
}

}  // namespace

DicomSeries series_of(std::vector<DicomSlice> slices) {
  DicomSeries out;
  out.series = slices.front().head->series;
  out.modality = slices.front().head->modality;
  out.slices = std::move(slices);
  return out;
}

void series_refuse(DicomSeries& series, std::string_view code, std::string words) {
  series.verdict = Verdict::refused;
  series.reasons.insert(series.reasons.begin(), {code, std::move(words)});
}

std::string series_millimetres(double value) {
  return fixed(value, 2) + " mm";
}

bool series_refused_by_header(DicomSeries& series) {
  for (auto const& slice : series.slices) {
    if (slice.head->refusal.empty()) continue;
    series_refuse_by_header(series, slice.head->refusal);
    return true;
  }
  return false;
}

bool series_check_slices(DicomSeries& series) {
  if (series_refused_by_header(series)) return false;
  auto const& first = series.slices.front();
  for (auto const& slice : series.slices) {
    if (!slice.position || !slice.head->orientation) {
      series_refuse(series, "no-position", "an image does not say where it lies");
      return false;
    }
    if (!series_right_angled(slice)) {
      series_refuse(series, "not-orthogonal",
                    "expected direction cosines of length 1 at right angles");
      return false;
    }
    if (!slice.head->spacing) {
      series_refuse(series, "bad-spacing", "expected two pixel spacings above 0, got none");
      return false;
    }
    if (!series_same_spacing(first, slice)) {
      series_refuse(series, "pixel-spacing-differs",
                    text("expected one pixel spacing, got ", spelled((*first.head->spacing)[0]),
                         " and ", spelled((*slice.head->spacing)[0])));
      return false;
    }
    if (slice.head->unit != first.head->unit) {
      series_refuse(series, "unit-differs",
                    text("expected one unit, got ", name_of(first.head->unit), " and ",
                         name_of(slice.head->unit)));
      return false;
    }
  }
  return true;
}

void series_sort(DicomSeries& series) {
  auto const normal = series_normal(series.slices.front());
  std::ranges::stable_sort(
      series.slices, {}, [&](DicomSlice const& slice) { return dot(*slice.position, normal); });
}

bool series_drop_copies(DicomSeries& series, SameFiles const& same) {
  std::map<std::pair<std::string_view, std::int32_t>, std::size_t> seen;
  std::vector<DicomSlice> kept;
  std::set<std::string_view> dropped;
  auto held = series.slices;  // the names in `seen` live here
  for (auto const& slice : held) {
    auto const [place, fresh] =
        seen.try_emplace({std::string_view{slice.sop()}, slice.frame}, kept.size());
    if (fresh) {
      kept.push_back(slice);
      continue;
    }
    if (!same(kept[place->second].file(), slice.file())) {
      kept.push_back(slice);
      series.slices = std::move(kept);
      series_refuse(series, "same-uid", "two different images have one SOP instance UID");
      return false;
    }
    dropped.insert(slice.object->file);
  }
  series.slices = std::move(kept);
  if (!dropped.empty()) {
    series.verdict = Verdict::adjusted;
    series.reasons.push_back(
        {"duplicate-dropped",
         text(dropped.size(), dropped.size() == 1 ? " file is" : " files are",
              " there twice, byte for byte; it is read once")});
  }
  return true;
}

void series_place(DicomSeries& series, Vector3 const& step, std::int64_t depth) {
  auto const& first = series.slices.front();
  auto& grid = series.grid;
  grid.size = {first.shape().columns, first.shape().rows, depth};
  grid.origin.mm = *first.position;
  for (std::size_t r = 0; r < 3; ++r) {
    // The first spacing is the one between rows, so along j.
    grid.axes[0].mm[r] = series_row(first)[r] * (*first.head->spacing)[1];
    grid.axes[1].mm[r] = series_column(first)[r] * (*first.head->spacing)[0];
    grid.axes[2].mm[r] = step[r];
  }
  series.placed = true;
}

double series_angle(DicomSlice const& slice, Vector3 const& step) {
  auto const normal = series_normal(slice);
  auto const cosine =
      std::clamp(dot(step, normal) / (length_of(step) * length_of(normal)), -1.0, 1.0);
  return std::acos(cosine) * 180 / std::numbers::pi;
}

void series_tilt(DicomSeries& series, Vector3 const& step) {
  if (!series.grid.sheared()) return;
  series.verdict = Verdict::adjusted;
  series.reasons.push_back(
      {"gantry-tilt", text("slices are shifted against each other, ",
                           fixed(series_angle(series.slices.front(), step), 2),
                           " degrees off their normal; the sheared grid is kept")});
}

std::size_t DicomSeries::files() const {
  std::set<DicomInstance const*> objects;
  for (auto const& slice : slices) objects.insert(slice.object.get());
  return objects.size();
}

}  // namespace fovea
