#include "base/io/dicom_series.hpp"

#include "base/core/words.hpp"
#include "base/io/dicom_rtstruct.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <numbers>
#include <set>
#include <utility>

namespace fovea {

// DICOM writes positions as decimal strings, so equal slice gaps may differ in the last digits.
double position_tolerance(double spacing) {
  return std::max(1e-3, 0.01 * spacing);
}

namespace {

using SeriesPoint = std::array<double, 3>;

constexpr double series_cosines = 1e-3;      // off a unit vector, off a right angle
constexpr double series_orientation = 1e-4;  // between slices of one volume

double series_dot(SeriesPoint const& a, SeriesPoint const& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
double series_norm(SeriesPoint const& a) {
  return std::sqrt(series_dot(a, a));
}
SeriesPoint series_minus(SeriesPoint const& a, SeriesPoint const& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
SeriesPoint series_row(DicomSlice const& slice) {
  auto const& o = *slice.orientation;
  return {o[0], o[1], o[2]};
}
SeriesPoint series_column(DicomSlice const& slice) {
  auto const& o = *slice.orientation;
  return {o[3], o[4], o[5]};
}
SeriesPoint series_normal(DicomSlice const& slice) {
  auto const r = series_row(slice);
  auto const c = series_column(slice);
  return {r[1] * c[2] - r[2] * c[1], r[2] * c[0] - r[0] * c[2], r[0] * c[1] - r[1] * c[0]};
}

// --- one group
// -----------------------------------------------------------------------------------

// By design without a place in the patient.
bool series_flat(DicomSlice const& slice) {
  constexpr std::string_view flat[] = {"CR", "DX", "MG", "XA", "RF", "US", "IO", "PX", "OT",
                                       "SC", "ES", "XC", "GM", "OP", "SM", "DG", "TG", "RG"};
  return std::ranges::find(flat, slice.modality) != std::end(flat) ||
         slice.sop_class.starts_with("1.2.840.10008.5.1.4.1.1.7");
}

DicomSeries series_of(std::vector<DicomSlice> slices) {
  DicomSeries out;
  out.series = slices.front().series;
  out.modality = slices.front().modality;
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

// Of a code that slice_of found.
void series_refuse_by_header(DicomSeries& series, std::string const& code) {
  struct Row {
    std::string_view code, words;
  };
  static constexpr Row rows[] = {
      {"multi-frame", "an object of several frames, which is not read yet"},
      {"mosaic", "a mosaic: many slices in one picture, whose places it does not say"},
      {"concatenation", "a part of a concatenation, which is not read yet"},
      {"bad-table",
       "its values stand in a modality table that is broken or none of whole values"},
      {"bad-scaling",
       "its slope or intercept is no number, the slope is 0, or a table says otherwise"},
      {"tag-twice", "an attribute stands twice, and which one is meant nobody can say"},
      {"bad-spacing", "expected two pixel spacings above 0"}};
  auto const row = std::ranges::find(rows, std::string_view{code}, &Row::code);
  series_refuse(series, row->code, std::string{row->words});
}

bool series_right_angled(DicomSlice const& slice) {
  auto const r = series_row(slice);
  auto const c = series_column(slice);
  return std::abs(series_norm(r) - 1) <= series_cosines &&
         std::abs(series_norm(c) - 1) <= series_cosines &&
         std::abs(series_dot(r, c)) <= series_cosines;
}

bool series_same_spacing(DicomSlice const& a, DicomSlice const& b) {
  constexpr double relative = 1e-4;
  return std::ranges::equal(*a.spacing, *b.spacing,
                            [](double x, double y) { return std::abs(x - y) <= relative * x; });
}

// What every slice must have, before places are compared. True if all is well.
bool series_check_slices(DicomSeries& series) {
  for (auto const& slice : series.slices) {
    if (!slice.refusal.empty()) {
      series_refuse_by_header(series, slice.refusal);
      return false;
    }
  }
  auto const& first = series.slices.front();
  for (auto const& slice : series.slices) {
    if (!slice.position || !slice.orientation) {
      series_refuse(series, "no-position", "an image does not say where it lies");
      return false;
    }
    if (!series_right_angled(slice)) {
      series_refuse(series, "not-orthogonal",
                    "expected direction cosines of length 1 at right angles");
      return false;
    }
    if (!slice.spacing) {
      series_refuse(series, "bad-spacing", "expected two pixel spacings above 0, got none");
      return false;
    }
    if (!series_same_spacing(first, slice)) {
      series_refuse(series, "pixel-spacing-differs",
                    text("expected one pixel spacing, got ", spelled((*first.spacing)[0]),
                         " and ", spelled((*slice.spacing)[0])));
      return false;
    }
  }
  return true;
}

void series_sort(DicomSeries& series) {
  auto const normal = series_normal(series.slices.front());
  std::ranges::stable_sort(series.slices, {}, [&](DicomSlice const& slice) {
    return series_dot(*slice.position, normal);
  });
}

bool series_same_place(DicomSlice const& a, DicomSlice const& b) {
  constexpr double least = 1e-3;
  return series_norm(series_minus(*a.position, *b.position)) <= least;
}

// True if images of one place are left.
bool series_doubled(std::vector<DicomSlice> const& sorted) {
  return std::ranges::adjacent_find(sorted, series_same_place) != sorted.end();
}

// Drops what is there twice byte for byte. False if one identifier names two things.
bool series_drop_copies(DicomSeries& series,
                        std::function<bool(fs::path const&, fs::path const&)> const& same) {
  std::map<std::string, std::size_t> seen;
  std::vector<DicomSlice> kept;
  std::size_t dropped = 0;
  for (auto& slice : series.slices) {
    auto const [place, fresh] = seen.try_emplace(slice.sop, kept.size());
    if (fresh) {
      kept.push_back(std::move(slice));
      continue;
    }
    if (!same(kept[place->second].file, slice.file)) {
      kept.push_back(std::move(slice));
      series.slices = std::move(kept);
      series_refuse(series, "same-uid", "two different images have one SOP instance UID");
      return false;
    }
    ++dropped;
  }
  series.slices = std::move(kept);
  if (dropped > 0) {
    series.verdict = Verdict::adjusted;
    series.reasons.push_back({"duplicate-dropped", text(dropped,
                                                        " files are there twice, byte for "
                                                        "byte; each is read once")});
  }
  return true;
}

struct SeriesGap {
  std::size_t behind = 0;  // slice
  double along = 0;        // the normal
  double z = 0;            // of the patient
};

std::vector<SeriesGap> series_gaps(DicomSeries const& series) {
  auto const normal = series_normal(series.slices.front());
  std::vector<SeriesGap> out;
  for (std::size_t i = 0; i + 1 < series.slices.size(); ++i) {
    auto const step = series_minus(*series.slices[i + 1].position, *series.slices[i].position);
    out.push_back({.behind = i, .along = series_dot(step, normal), .z = std::abs(step[2])});
  }
  return out;
}

// Gaps that are whole multiples of what lies on both sides of them: slices that never arrived.
std::vector<SeriesGap> series_holes(std::vector<SeriesGap> const& gaps) {
  std::vector<SeriesGap> out;
  auto const holds = [&](std::size_t at, std::size_t beside) {
    auto const unit = gaps[beside].along;
    auto const times = gaps[at].along / unit;
    return times > 1.5 &&
           std::abs(times - std::round(times)) * unit <= position_tolerance(unit);
  };
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    auto const before = i == 0 || holds(i, i - 1);
    auto const behind = i + 1 == gaps.size() || holds(i, i + 1);
    if (gaps.size() > 1 && before && behind) out.push_back(gaps[i]);
  }
  return out;
}

void series_refuse_gaps(DicomSeries& series, std::vector<SeriesGap> const& gaps) {
  auto const holes = series_holes(gaps);
  auto const list = [](std::vector<SeriesGap> const& some) {
    std::vector<std::string> words;
    for (auto const& gap : some)
      words.push_back(text(series_millimetres(gap.along), " behind slice ", gap.behind + 1,
                           " (", series_millimetres(gap.z), " along patient z)"));
    return joined(words, ", ");
  };
  if (!holes.empty())
    return series_refuse(
        series, "missing-slice",
        text("slices are missing: gaps of ", list(holes), ", along the normal"));
  std::vector<SeriesGap> changes;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    if (i == 0 ||
        std::abs(gaps[i].along - gaps[i - 1].along) > position_tolerance(gaps[i - 1].along))
      changes.push_back(gaps[i]);
  }
  changes.resize(std::min<std::size_t>(changes.size(), 8));
  series_refuse(
      series, "variable-spacing",
      text("the distance between slices changes: ", list(changes), ", along the normal"));
}

void series_place(DicomSeries& series, SeriesPoint const& step) {
  auto const& first = series.slices.front();
  auto& grid = series.grid;
  grid.size = {first.shape.columns, first.shape.rows,
               static_cast<std::int64_t>(series.slices.size())};
  grid.origin.mm = *first.position;
  for (std::size_t r = 0; r < 3; ++r) {
    // The first spacing is the one between rows, so along j.
    grid.axes[0].mm[r] = series_row(first)[r] * (*first.spacing)[1];
    grid.axes[1].mm[r] = series_column(first)[r] * (*first.spacing)[0];
    grid.axes[2].mm[r] = step[r];
  }
  series.placed = true;
}

void series_place_one(DicomSeries& series) {
  auto const& only = series.slices.front();
  auto const said = only.thickness > 0;
  auto step = series_normal(only);
  for (auto& part : step) part *= said ? only.thickness : 1;
  series_place(series, step);
  if (said)
    return series.reasons.push_back({"single-slice", text("one slice only; its thickness of ",
                                                          series_millimetres(only.thickness),
                                                          " is taken for the spacing")});
  series.verdict = Verdict::adjusted;
  series.reasons.push_back(
      {"no-thickness", "one slice only, which does not say how thick it is: 1 mm is assumed"});
}

void series_tilt(DicomSeries& series, SeriesPoint const& step) {
  auto const normal = series_normal(series.slices.front());
  if (!series.grid.sheared()) return;
  auto const cosine = std::clamp(
      series_dot(step, normal) / (series_norm(step) * series_norm(normal)), -1.0, 1.0);
  series.verdict = Verdict::adjusted;
  series.reasons.push_back(
      {"gantry-tilt", text("slices are shifted against each other, ",
                           fixed(std::acos(cosine) * 180 / std::numbers::pi, 2),
                           " degrees off their normal; the sheared grid is kept")});
}

// Places of slices that are sorted and all differ.
void series_regular(DicomSeries& series) {
  auto const& slices = series.slices;
  if (slices.size() == 1) return series_place_one(series);
  auto const gaps = series_gaps(series);
  auto step = series_minus(*slices.back().position, *slices.front().position);
  for (auto& part : step) part /= static_cast<double>(slices.size() - 1);
  auto const along = series_dot(step, series_normal(slices.front()));
  auto const tolerance = position_tolerance(along);
  double off_gap = 0;
  for (auto const& gap : gaps) off_gap = std::max(off_gap, std::abs(gap.along - along));
  if (off_gap > tolerance) return series_refuse_gaps(series, gaps);
  double off = off_gap;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    auto place = *slices.front().position;
    for (std::size_t r = 0; r < 3; ++r) place[r] += static_cast<double>(i) * step[r];
    off = std::max(off, series_norm(series_minus(*slices[i].position, place)));
  }
  if (off > tolerance)
    return series_refuse(series, "irregular-positions",
                         text("slices lie up to ", series_millimetres(off),
                              " beside the straight line through the first and the last"));
  series_place(series, step);
  if (off > 1e-6)
    series.reasons.push_back({"position-jitter", text("slices lie up to ", fixed(off, 6),
                                                      " mm off equal steps; up to ",
                                                      fixed(tolerance, 6), " is taken")});
  series_tilt(series, step);
}

void series_say_split(std::vector<DicomSeries>& parts, std::string const& by) {
  for (auto& part : parts)
    part.reasons.push_back(
        {"split", text("one of ", parts.size(), " volumes of this series, apart by ", by)});
}

// Images of one place that differ in acquisition or time, if that parts them evenly.
std::vector<std::vector<DicomSlice>> series_turns(std::vector<DicomSlice> const& sorted) {
  std::map<std::string, std::vector<DicomSlice>> turns;
  for (auto const& slice : sorted) turns[slice.turn].push_back(slice);
  std::vector<std::vector<DicomSlice>> out;
  for (auto& [turn, slices] : turns) {
    auto const even = slices.size() * turns.size() == sorted.size() && !series_doubled(slices);
    auto const alike =
        out.empty() || std::ranges::equal(slices, out.front(), series_same_place);
    if (!even || !alike) return {};
    out.push_back(std::move(slices));
  }
  return out;
}

std::vector<DicomSeries> series_volumes(
    std::vector<DicomSlice> slices,
    std::function<bool(fs::path const&, fs::path const&)> const& same) {
  auto series = series_of(std::move(slices));
  if (!series_drop_copies(series, same) || !series_check_slices(series)) return {series};
  series_sort(series);
  if (!series_doubled(series.slices)) {
    series_regular(series);
    return {series};
  }
  auto turns = series_turns(series.slices);
  if (turns.size() < 2) {
    series_refuse(
        series, "duplicate-position",
        "several images lie at one place, and nothing says which of them belong together");
    return {series};
  }
  std::vector<DicomSeries> out;
  for (auto& turn : turns) {
    auto part = series_of(std::move(turn));
    part.verdict = series.verdict;
    part.reasons = series.reasons;
    series_regular(part);
    out.push_back(std::move(part));
  }
  series_say_split(out, "acquisition or time");
  return out;
}

// --- a whole series
// ------------------------------------------------------------------------------

std::vector<DicomSeries> series_flats(std::vector<DicomSlice> slices) {
  std::vector<DicomSeries> out;
  for (auto& slice : slices) {
    auto one = series_of({std::move(slice)});
    auto const& only = one.slices.front();
    if (!only.refusal.empty()) {
      series_refuse_by_header(one, only.refusal);
    } else {
      auto const spacing = only.spacing.value_or(std::array<double, 2>{1, 1});
      one.grid =
          upright({only.shape.columns, only.shape.rows, 1}, {{spacing[1], spacing[0], 1}});
      one.reasons.push_back(
          {"no-position", "a picture that has no place in the patient by design"});
    }
    out.push_back(std::move(one));
  }
  return out;
}

bool series_alike(DicomSlice const& a, DicomSlice const& b) {
  if (a.split != b.split || a.orientation.has_value() != b.orientation.has_value())
    return false;
  if (!a.orientation) return true;
  return std::ranges::equal(*a.orientation, *b.orientation, [](double x, double y) {
    return std::abs(x - y) <= series_orientation;
  });
}

std::vector<std::vector<DicomSlice>> series_split(std::vector<DicomSlice> slices) {
  std::map<std::string, std::vector<std::vector<DicomSlice>>> groups;
  std::vector<std::vector<DicomSlice>> out;
  for (auto& slice : slices) {
    auto& some = groups[slice.split];
    auto const at = std::ranges::find_if(
        some, [&](auto const& group) { return series_alike(group.front(), slice); });
    if (at != some.end())
      at->push_back(std::move(slice));
    else
      some.push_back({std::move(slice)});
  }
  for (auto& [key, some] : groups) {
    for (auto& group : some) out.push_back(std::move(group));
  }
  return out;
}

template <class Value>
bool series_differ(std::vector<DicomSlice> const& slices, Value DicomSlice::*part) {
  return std::ranges::any_of(
      slices, [&](auto const& slice) { return slice.*part != slices.front().*part; });
}

std::vector<DicomSeries> series_sorted(
    std::vector<DicomSlice> slices,
    std::function<bool(fs::path const&, fs::path const&)> const& same) {
  auto const refused = [&](std::string_view code, std::string words) {
    auto series = series_of(std::move(slices));
    series_refuse(series, code, std::move(words));
    return std::vector<DicomSeries>{std::move(series)};
  };
  if (series_differ(slices, &DicomSlice::patient) || series_differ(slices, &DicomSlice::study))
    return refused("mixed-patients", "images of several patients or studies share one series");
  auto const unplaced = [](DicomSlice const& s) { return !s.position || !s.orientation; };
  auto const single = [](DicomSlice const& s) { return s.refusal.empty(); };
  if (std::ranges::all_of(slices, unplaced) && std::ranges::all_of(slices, series_flat))
    return series_flats(std::move(slices));
  if (std::ranges::any_of(slices, [&](auto const& s) { return unplaced(s) && single(s); }))
    return refused("no-position", "an image of the series does not say where it lies");
  auto groups = series_split(std::move(slices));
  std::vector<DicomSeries> out;
  for (auto& group : groups) {
    for (auto& series : series_volumes(std::move(group), same))
      out.push_back(std::move(series));
  }
  if (groups.size() > 1)
    series_say_split(out, "orientation, size, echo, time point, b-value or kernel");
  return out;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  constexpr std::string_view names[] = {"ok", "adjusted", "refused"};
  return names[static_cast<std::size_t>(verdict)];
}

std::vector<DicomSeries> sorted_series(
    std::vector<DicomSlice> slices,
    std::function<bool(fs::path const&, fs::path const&)> const& same) {
  std::map<std::string, std::vector<DicomSlice>> all;
  for (auto& slice : slices) {
    auto& group = all[slice.series];
    group.push_back(std::move(slice));
  }
  std::vector<DicomSeries> out;
  for (auto& [uid, group] : all) {
    // Whatever order they came in, the answer is the same.
    std::ranges::sort(group, [](DicomSlice const& a, DicomSlice const& b) {
      return a.sop != b.sop ? a.sop < b.sop : a.file < b.file;
    });
    for (auto& series : series_sorted(std::move(group), same)) out.push_back(std::move(series));
  }
  return out;
}

DicomFound find_series(std::vector<fs::path> const& files,
                       int threads,
                       std::function<void(std::size_t done)> const& seen) {
  enum class Kind { slice, other, damaged };
  struct Look {
    Kind kind = Kind::other;
    DicomSlice slice;
    DicomDamaged damaged;
    std::optional<DicomObject> object;
  };
  std::vector<Look> looks(files.size());
  std::mutex guard;
  std::size_t done = 0;
  in_parallel(static_cast<std::int64_t>(files.size()), threads, [&](std::int64_t i) {
    auto const at = static_cast<std::size_t>(i);
    auto& look = looks[at];
    if (seen) {
      std::scoped_lock const lock{guard};
      seen(done++);
    }
    try {
      DicomFile const file{files[at]};
      look.object = object_of(file, files[at]);
      if (look.object) return;
      look.slice = slice_of(file, files[at]);
      look.kind = Kind::slice;
    } catch (Refusal const& fault) {
      if (fault.code() == "no-pixels") return;
      look.kind = Kind::damaged;
      look.damaged = {files[at], std::string{fault.code()}, fault.at(), fault.what()};
    } catch (Error const& fault) {
      look.kind = Kind::damaged;
      look.damaged = {files[at], "unreadable", std::nullopt, fault.what()};
    }
  });
  DicomFound out;
  std::vector<DicomSlice> slices;
  for (auto& look : looks) {
    if (look.kind == Kind::slice) slices.push_back(std::move(look.slice));
    if (look.kind == Kind::damaged) out.damaged.push_back(std::move(look.damaged));
    if (look.kind == Kind::other) ++out.others;
    if (look.object) out.objects.push_back(std::move(*look.object));
  }
  out.series = sorted_series(std::move(slices), [](fs::path const& a, fs::path const& b) {
    constexpr std::uint64_t most = 4ULL << 30;
    return fs::file_size(a) == fs::file_size(b) && read_file(a, most) == read_file(b, most);
  });
  return out;
}

}  // namespace fovea
