#include "base/io/dicom_series.hpp"

#include "base/core/words.hpp"
#include "base/io/dicom_gate.hpp"
#include "base/io/dicom_head.hpp"
#include "base/io/dicom_rtstruct.hpp"
#include "base/io/dicom_turns.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

namespace fovea {

// DICOM writes positions as decimal strings, so equal slice gaps may differ in the last digits.
double position_tolerance(double spacing) {
  return std::max(1e-3, 0.01 * spacing);
}

namespace {

// --- one group
// -----------------------------------------------------------------------------------

// By design without a place in the patient.
bool series_flat(DicomSlice const& slice) {
  constexpr std::string_view flat[] = {"CR", "DX", "MG", "XA", "RF", "US", "IO", "PX", "OT",
                                       "SC", "ES", "XC", "GM", "OP", "SM", "DG", "TG", "RG"};
  return std::ranges::find(flat, slice.head->modality) != std::end(flat) ||
         slice.head->sop_class.starts_with("1.2.840.10008.5.1.4.1.1.7");
}

bool series_same_place(DicomSlice const& a, DicomSlice const& b) {
  constexpr double least = 1e-3;
  return length_of(difference(*a.position, *b.position)) <= least;
}

// True if images of one place are left.
bool series_doubled(std::vector<DicomSlice> const& sorted) {
  return std::ranges::adjacent_find(sorted, series_same_place) != sorted.end();
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
    auto const step = difference(*series.slices[i + 1].position, *series.slices[i].position);
    out.push_back({.behind = i, .along = dot(step, normal), .z = std::abs(step[2])});
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

// By how much the way from the first slice to the last leans, in words; empty if it does not.
std::string series_lean(DicomSeries const& series) {
  auto const& slices = series.slices;
  auto const angle = series_angle(
      slices.front(), difference(*slices.back().position, *slices.front().position));
  constexpr double least = 0.01;  // degrees, as of a sheared grid
  return angle > least
             ? text("; and they are shifted, ", fixed(angle, 2), " degrees off their normal")
             : "";
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
    return series_refuse(series, "missing-slice",
                         text("slices are missing: gaps of ", list(holes), ", along the normal",
                              series_lean(series)));
  std::vector<SeriesGap> changes;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    if (i == 0 ||
        std::abs(gaps[i].along - gaps[i - 1].along) > position_tolerance(gaps[i - 1].along))
      changes.push_back(gaps[i]);
  }
  changes.resize(std::min<std::size_t>(changes.size(), 8));
  series_refuse(series, "variable-spacing",
                text("the distance between slices changes: ", list(changes),
                     ", along the normal", series_lean(series)));
}

void series_place_one(DicomSeries& series) {
  auto const& only = series.slices.front();
  auto const said = only.head->thickness > 0;
  auto step = series_normal(only);
  for (auto& part : step) part *= said ? only.head->thickness : 1;
  series_place(series, step, static_cast<std::int64_t>(series.slices.size()));
  if (said)
    return series.reasons.push_back(
        {"single-slice",
         text("one slice only; its thickness of ", series_millimetres(only.head->thickness),
              " is taken for the spacing")});
  series.verdict = Verdict::adjusted;
  series.reasons.push_back(
      {"no-thickness", "one slice only, which does not say how thick it is: 1 mm is assumed"});
}

// Places of slices that are sorted and all differ.
void series_regular(DicomSeries& series) {
  auto const& slices = series.slices;
  if (slices.size() == 1) return series_place_one(series);
  auto const gaps = series_gaps(series);
  auto step = difference(*slices.back().position, *slices.front().position);
  for (auto& part : step) part /= static_cast<double>(slices.size() - 1);
  auto const along = dot(step, series_normal(slices.front()));
  auto const tolerance = position_tolerance(along);
  double off_gap = 0;
  for (auto const& gap : gaps) off_gap = std::max(off_gap, std::abs(gap.along - along));
  if (off_gap > tolerance) return series_refuse_gaps(series, gaps);
  double off = off_gap;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    auto place = *slices.front().position;
    for (std::size_t r = 0; r < 3; ++r) place[r] += static_cast<double>(i) * step[r];
    off = std::max(off, length_of(difference(*slices[i].position, place)));
  }
  if (off > tolerance)
    return series_refuse(series, "irregular-positions",
                         text("slices lie up to ", series_millimetres(off),
                              " beside the straight line through the first and the last"));
  series_place(series, step, static_cast<std::int64_t>(series.slices.size()));
  if (off > 1e-6)
    series.reasons.push_back({"position-jitter", text("slices lie up to ", fixed(off, 6),
                                                      " mm off equal steps; up to ",
                                                      fixed(tolerance, 6), " is taken")});
  series_tilt(series, step);
}

// What the headers of its slices have people know.
void series_say_heads(DicomSeries& series) {
  std::set<DicomHead const*> heads;
  for (auto const& slice : series.slices) {
    if (!heads.insert(slice.head.get()).second) continue;
    for (auto const& note : slice.head->notes) {
      if (std::ranges::find(series.reasons, note) == series.reasons.end())
        series.reasons.push_back(note);
    }
  }
}

void series_say_split(std::vector<DicomSeries>& parts, std::string const& by) {
  for (auto& part : parts)
    part.reasons.push_back(
        {"split", text("one of ", parts.size(), " volumes of this series, apart by ", by)});
}

std::vector<DicomSeries> series_volumes(std::vector<DicomSlice> slices, SameFiles const& same) {
  auto series = series_of(std::move(slices));
  if (!series_drop_copies(series, same) || !series_check_slices(series)) return {series};
  series_sort(series);
  if (!series_doubled(series.slices)) {
    series_regular(series);
    return {series};
  }
  auto turns = turns_of(series.slices);
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

// Pictures without a place, each file by itself: its frames lie along axis 4.
std::vector<DicomSeries> series_flats(std::vector<DicomSlice> slices) {
  std::vector<DicomSeries> out;
  for (auto from = slices.begin(); from != slices.end();) {
    auto const to = std::find_if(from, slices.end(), [&](DicomSlice const& slice) {
      return slice.object != from->object;
    });
    auto one = series_of({from, to});
    from = to;
    auto const& first = one.slices.front();
    if (series_refused_by_header(one)) {
      out.push_back(std::move(one));
      continue;
    }
    auto const spacing = first.head->spacing.value_or(std::array<double, 2>{1, 1});
    one.grid =
        upright({first.shape().columns, first.shape().rows, 1}, {{spacing[1], spacing[0], 1}});
    one.fourth = static_cast<std::int64_t>(one.slices.size());
    one.reasons.push_back(
        {"no-position", "a picture that has no place in the patient by design"});
    if (one.fourth > 1)
      one.reasons.push_back(
          {"frames", text(one.fourth, " frames without a place lie along axis 4")});
    out.push_back(std::move(one));
  }
  return out;
}

bool series_alike(DicomSlice const& a, DicomSlice const& b) {
  if (a.head->split != b.head->split ||
      a.head->orientation.has_value() != b.head->orientation.has_value())
    return false;
  if (!a.head->orientation) return true;
  return std::ranges::equal(*a.head->orientation, *b.head->orientation, [](double x, double y) {
    return std::abs(x - y) <= series_orientation;
  });
}

std::vector<std::vector<DicomSlice>> series_split(std::vector<DicomSlice> slices) {
  std::map<std::string, std::vector<std::vector<DicomSlice>>> groups;
  std::vector<std::vector<DicomSlice>> out;
  for (auto& slice : slices) {
    auto& some = groups[slice.head->split];
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

bool series_differ(std::vector<DicomSlice> const& slices, std::string DicomHead::*part) {
  auto const& first = *slices.front().head;
  return std::ranges::any_of(
      slices, [&](DicomSlice const& slice) { return (*slice.head).*part != first.*part; });
}

std::vector<DicomSeries> series_sorted(std::vector<DicomSlice> slices, SameFiles const& same);

// Each segmentation is a volume of its own; what else is in the series, a series.
std::vector<DicomSeries> series_with_segmentations(std::vector<DicomSlice> slices,
                                                   SameFiles const& same) {
  std::map<std::string_view, std::vector<DicomSlice>> objects;
  std::vector<DicomSlice> others;
  for (auto& slice : slices)
    (is_segmentation(slice.head->sop_class) ? objects[slice.sop()] : others).push_back(slice);
  std::vector<DicomSeries> out;
  for (auto& [sop, frames] : objects)
    out.push_back(series_of_segments(std::move(frames), same));
  if (!others.empty()) {
    for (auto& series : series_sorted(std::move(others), same))
      out.push_back(std::move(series));
  }
  return out;
}

std::vector<DicomSeries> series_sorted(std::vector<DicomSlice> slices, SameFiles const& same) {
  auto const refused = [&](std::string_view code, std::string words) {
    auto series = series_of(std::move(slices));
    series_refuse(series, code, std::move(words));
    return std::vector<DicomSeries>{std::move(series)};
  };
  if (series_differ(slices, &DicomHead::patient) || series_differ(slices, &DicomHead::study))
    return refused("mixed-patients", "images of several patients or studies share one series");
  auto const unplaced = [](DicomSlice const& s) { return !s.position || !s.head->orientation; };
  auto const single = [](DicomSlice const& s) { return s.head->refusal.empty(); };
  if (std::ranges::all_of(slices, unplaced) && std::ranges::all_of(slices, series_flat))
    return series_flats(std::move(slices));
  if (std::ranges::any_of(slices,
                          [](auto const& s) { return is_segmentation(s.head->sop_class); }))
    return series_with_segmentations(std::move(slices), same);
  if (std::ranges::any_of(slices, [&](auto const& s) { return unplaced(s) && single(s); }))
    return refused("no-position", "an image of the series does not say where it lies");
  auto groups = series_split(std::move(slices));
  std::vector<DicomSeries> out;
  for (auto& group : groups) {
    for (auto& series : series_volumes(std::move(group), same))
      out.push_back(std::move(series));
  }
  if (groups.size() > 1)
    series_say_split(out,
                     "orientation, size, stack, echo, time point, b-value, gradient, kernel, "
                     "quantity or dose");
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
  // Frames ask for each of them whether their files are the same.
  std::map<std::pair<fs::path, fs::path>, bool> answers;
  auto const once = [&](fs::path const& a, fs::path const& b) {
    auto const [place, fresh] = answers.try_emplace({a, b}, false);
    if (fresh) place->second = same(a, b);
    return place->second;
  };
  auto const open = opened_files();
  std::map<std::string, std::vector<DicomSlice>> all;
  for (auto& slice : slices) {
    auto& group = all[slice.head->series];
    group.push_back(std::move(slice));
  }
  std::vector<DicomSeries> out;
  for (auto& [uid, group] : all) {
    // Whatever order they came in, the answer is the same.
    std::ranges::sort(group, [](DicomSlice const& a, DicomSlice const& b) {
      return std::tie(a.object->sop, a.object->file, a.frame) <
             std::tie(b.object->sop, b.object->file, b.frame);
    });
    for (auto& series : series_sorted(std::move(group), once)) {
      series_say_heads(series);
      series.open = open;
      out.push_back(std::move(series));
    }
  }
  return out;
}

DicomFound find_series(std::vector<fs::path> const& files,
                       int threads,
                       std::function<void(std::size_t done)> const& seen) {
  enum class Kind { slice, other, damaged };
  struct Look {
    Kind kind = Kind::other;
    std::vector<DicomSlice> slices;
    DicomDamaged damaged;
    std::optional<DicomObject> object;
  };
  std::vector<Look> looks(files.size());
  std::mutex guard;
  std::size_t done = 0;
  DicomPool pool;
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
      auto found = slices_of(file, files[at]);
      std::scoped_lock const lock{guard};
      for (auto& slice : found) pool.share(slice);
      look.slices = std::move(found);
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
    if (look.kind == Kind::slice) std::ranges::move(look.slices, std::back_inserter(slices));
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
