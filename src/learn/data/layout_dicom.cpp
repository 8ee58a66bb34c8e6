#include "learn/data/layout_dicom.hpp"

#include "base/core/pool.hpp"
#include "base/core/reader.hpp"
#include "base/core/refusal.hpp"
#include "base/core/stop.hpp"
#include "base/core/walk.hpp"
#include "base/core/words.hpp"
#include "base/dicom/tags.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/same_grid.hpp"
#include "base/io/dicom_rtstruct.hpp"
#include "base/io/dicom_seg_read.hpp"
#include "learn/data/layout_masks.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace fovea {
namespace {

constexpr std::size_t dicom_most_labels = 1000;

bool dicom_begins(fs::path const& file) {
  constexpr std::uint64_t preamble = 128;
  try {
    FileReader const reader{file};
    std::array<std::byte, 4> mark{};
    if (reader.size() < preamble + mark.size()) return false;
    reader.read(preamble, mark);
    return mark == std::array{std::byte{'D'}, std::byte{'I'}, std::byte{'C'}, std::byte{'M'}};
  } catch (Error const&) {
    return false;
  }
}

// A short look: a folder of a million pictures is not walked through for nothing.
bool dicom_here(fs::path const& root) {
  if (!fs::is_directory(root)) return false;
  constexpr int most_folders = 60, most_entries = 200, most_files = 60;
  auto files = 0;
  std::vector<fs::path> folders = {root};
  for (std::size_t at = 0; at < folders.size() && at < most_folders; ++at) {
    std::error_code fault;
    auto entries = 0;
    for (fs::directory_iterator entry{folders[at], fault}, end;
         !fault && entry != end && entries < most_entries; entry.increment(fault), ++entries) {
      std::error_code ignored;
      if (entry->is_directory(ignored)) {
        folders.push_back(entry->path());
      } else if (image_stem(entry->path()).empty() && files < most_files) {
        ++files;
        if (dicom_begins(entry->path())) return true;
      }
    }
  }
  return false;
}

// A file that holds masks, and what it says of them.
struct DicomMasks {
  fs::path file;
  bool contours = false;             // a structure set
  std::vector<std::string> names{};  // of segments or regions
  std::vector<Segment> segments{};   // of a segmentation, as `names`
  std::string frame_of_reference{};
  std::string series{};            // that it names
  std::set<std::string> images{};  // that its contours were drawn on
};

DicomMasks dicom_masks_of_seg(DicomSeries const& series) {
  auto const& slice = series.slices.front();
  DicomMasks out{.file = slice.file()};
  DicomFile const file{out.file};
  auto const root = file.scan().root();
  out.segments = segments_of(root);
  for (auto const& segment : out.segments) out.names.push_back(segment.name);
  out.frame_of_reference = slice.head->frame_of_reference;
  constexpr Tag referenced{0x00081115};
  for (auto const& item : root.items(referenced)) {
    if (out.series.empty()) out.series = item.text(Tag::series);
  }
  return out;
}

bool dicom_encloses(RtRoi const& roi) {
  return std::ranges::any_of(roi.contours,
                             [](RtContour const& one) { return one.shape == RtShape::closed; });
}

DicomMasks dicom_masks_of_rtstruct(fs::path const& path) {
  DicomMasks out{.file = path, .contours = true};
  DicomFile const file{path};
  for (auto const& roi : read_rtstruct(file).rois) {
    if (!dicom_encloses(roi)) continue;
    out.names.push_back(roi.name);
    if (out.frame_of_reference.empty()) out.frame_of_reference = roi.frame_of_reference;
    for (auto const& contour : roi.contours) {
      if (!contour.image.empty()) out.images.insert(contour.image);
    }
  }
  return out;
}

// Everything that cases are read from.
struct DicomCases {
  std::vector<DicomSeries> series;                         // of the images, by case
  std::vector<DicomMasks> masks;                           // by case
  std::unordered_map<std::string, std::int32_t> values{};  // of the names
};

bool dicom_names(DicomMasks const& masks, DicomSeries const& series) {
  if (!masks.series.empty() && masks.series == series.series) return true;
  return std::ranges::any_of(series.slices, [&](DicomSlice const& slice) {
    return masks.images.contains(slice.sop());
  });
}

// The series that masks belong to: its place, or none.
std::optional<std::size_t> dicom_series_of(DicomMasks const& masks,
                                           std::vector<DicomSeries> const& all) {
  std::vector<std::size_t> framed;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (dicom_names(masks, all[i])) return i;
    if (!masks.frame_of_reference.empty() &&
        all[i].slices.front().head->frame_of_reference == masks.frame_of_reference)
      framed.push_back(i);
  }
  // What names another series does not belong to one that merely lies in the same place.
  if (framed.size() == 1 && masks.series.empty() && masks.images.empty()) return framed.front();
  return std::nullopt;
}

std::string dicom_relative(fs::path const& root, fs::path const& path) {
  return path.lexically_relative(root).generic_string();
}

void dicom_add_case(Dataset& set,
                    DicomCases& cases,
                    DicomSeries series,
                    DicomMasks masks,
                    std::set<std::string>& ids) {
  auto const folder = series.slices.front().file().parent_path();
  auto id = folder == set.root ? std::string{"series"} : dicom_relative(set.root, folder);
  auto const plain = id;
  for (int n = 2; !ids.insert(id).second; ++n) id = text(plain, " #", n);
  auto const first = dicom_relative(set.root, folder);
  auto const row = static_cast<std::int64_t>(cases.series.size());
  set.cases.push_back(
      {.id = id,
       .patient = series.slices.front().head->patient,
       .split = split_named(first.substr(0, first.find('/'))).value_or(Split::unassigned),
       .image = {.file = series.slices.front().file(), .row = row},
       .mask = {.file = masks.file, .row = row}});
  cases.series.push_back(std::move(series));
  cases.masks.push_back(std::move(masks));
}

// What the segmentations say that a structure is: its codes and its colour. Where they do not
// agree, that is told, and the first is believed.
Segment dicom_described(std::string const& name,
                        DicomCases const& cases,
                        std::vector<Problem>& problems) {
  Segment out;
  std::vector<std::size_t> others;
  for (std::size_t n = 0; n < cases.masks.size(); ++n) {
    for (auto const& segment : cases.masks[n].segments) {
      if (segment.name != name || segment.type.empty() || segment.category.empty()) continue;
      if (out.type.empty()) {
        out.category = segment.category;
        out.type = segment.type;
        out.side = segment.side;
        out.site = segment.site;
        out.colour = segment.colour;
      } else if (segment.type != out.type || segment.category != out.category ||
                 segment.side != out.side || segment.site != out.site) {
        others.push_back(n);
      }
    }
  }
  if (!others.empty())
    problems.push_back({"codes-differ",
                        text("the segmentations say different things of what '", name,
                             "' is: ", out.type.meaning, " (", out.type.value, ") is taken, ",
                             others.size(), " of them say otherwise"),
                        others, false});
  return out;
}

void dicom_name_labels(Dataset& set, DicomCases& cases) {
  std::set<std::string, NaturalLess> names;
  for (auto const& masks : cases.masks) names.insert(masks.names.begin(), masks.names.end());
  if (names.empty() || names.size() > dicom_most_labels)
    throw Error{
        Fault::input,
        text("expected 1 to ", dicom_most_labels, " names of structures, got ", names.size()),
        "check what the segmentations and structure sets hold"};
  for (auto const& name : names) {
    auto const value = static_cast<std::int32_t>(set.labels.size() + 1);
    cases.values.emplace(name, value);
    set.labels.push_back(mask_label(name.empty() ? text("unnamed ", value) : name, value));
    set.described.push_back(dicom_described(name, cases, set.problems));
  }
}

// The voxels of `part` at their places on `whole`, the rest 0; both run the same way.
template <class T>
void dicom_paste(Volume& whole, Volume const& part, std::array<std::int64_t, 3> const& offset) {
  auto const from = part.as<T>();
  auto const to = whole.write<T>();
  auto const& size = part.grid().size;
  auto const& room = whole.grid().size;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        std::array<std::int64_t, 3> const at = {i + offset[0], j + offset[1], k + offset[2]};
        if (at[0] < 0 || at[1] < 0 || at[2] < 0 || at[0] >= room[0] || at[1] >= room[1] ||
            at[2] >= room[2])
          continue;
        to[static_cast<std::size_t>((at[2] * room[1] + at[1]) * room[0] + at[0])] =
            from[static_cast<std::size_t>((k * size[1] + j) * size[0] + i)];
      }
    }
  }
}

// A segmentation may leave out slices without a segment, and count them from the other end.
Volume dicom_onto(Volume const& mask, Grid const& image) {
  if (same_places(image, mask.grid())) return mask;
  auto const code = axis_code(image);
  auto const turned = axis_code(mask.grid()) == code ? mask : reorient(mask, code);
  auto const offset = offset_in(image, turned.grid());
  if (!offset) return mask;  // the comparison of grids says in what it differs
  Volume out{image, mask.type()};
  with_type(mask.type(), [&](auto kind) { dicom_paste<decltype(kind)>(out, turned, *offset); });
  return out;
}

// 1 where a segment is.
Volume dicom_inside(LabelMap const& map, Segment const& segment) {
  auto const mask = mask_of(map, segment);
  if (!map.fractional) return mask;
  Volume out{mask.grid(), Type::u8, Unit::one};
  std::ranges::transform(mask.as<float>(), out.write<std::uint8_t>().begin(),
                         [](float share) { return static_cast<std::uint8_t>(share >= 0.5F); });
  return out;
}

// Segments as labels of the set, the smaller over the larger.
Volume dicom_flat(LabelMap const& map,
                  std::unordered_map<std::string, std::int32_t> const& values) {
  struct Part {
    Segment const* segment;
    std::int64_t voxels;
  };
  std::vector<Part> parts;
  for (auto const& segment : map.segments) {
    auto const mask = dicom_inside(map, segment);
    parts.push_back({&segment, std::ranges::count(mask.as<std::uint8_t>(), 1)});
  }
  std::ranges::stable_sort(parts, std::greater{}, &Part::voxels);
  Volume out{map.voxels.grid(), Type::u16};
  auto const to = out.write<std::uint16_t>();
  for (auto const& part : parts) {
    auto const known = values.find(part.segment->name);
    if (known == values.end()) continue;
    auto const mask = dicom_inside(map, *part.segment);
    auto const inside = mask.as<std::uint8_t>();
    for (std::size_t at = 0; at < to.size(); ++at) {
      if (inside[at] != 0) to[at] = static_cast<std::uint16_t>(known->second);
    }
  }
  return out;
}

Volume dicom_drawn(DicomCases const& cases, std::size_t at, Grid const& grid) {
  auto const& masks = cases.masks.at(at);
  DicomFile const file{masks.file};
  if (!masks.contours)
    return dicom_onto(dicom_flat(read_dicom_seg(file, 1), cases.values), grid);
  RtTarget target{.grid = grid};
  auto const& series = cases.series.at(at);
  target.frame_of_reference = series.slices.front().head->frame_of_reference;
  if (static_cast<std::int64_t>(series.slices.size()) == grid.size[2])
    for (auto const& slice : series.slices) target.images.push_back(slice.sop());
  return dicom_flat(label_map_of(file, read_rtstruct(file), target).map, cases.values);
}

// What a look at the masks gave, with the reasons where that failed.
std::vector<DicomMasks> dicom_all_masks(fs::path const& root,
                                        DicomFound const& found,
                                        std::vector<std::string>& faults) {
  std::vector<DicomMasks> out;
  auto const add = [&](fs::path const& file, auto const& read) {
    try {
      out.push_back(read());
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
      faults.push_back(text(dicom_relative(root, file), ": ", error.what()));
    }
  };
  for (auto const& series : found.series) {
    if (!series.labels) continue;
    auto const file = series.slices.front().file();
    if (series.verdict == Verdict::refused) {
      faults.push_back(text(dicom_relative(root, file), ": ", series.reasons.front().words));
    } else {
      add(file, [&] { return dicom_masks_of_seg(series); });
    }
  }
  for (auto const& object : found.objects) {
    if (object.kind == "RTSTRUCT")
      add(object.file, [&] { return dicom_masks_of_rtstruct(object.file); });
  }
  std::ranges::sort(out, {}, &DicomMasks::file);
  return out;
}

void dicom_pair(Dataset& set,
                DicomCases& cases,
                std::vector<DicomSeries> series,
                std::vector<DicomMasks> masks) {
  MasksLeftOut left;
  std::vector<std::optional<DicomMasks>> of(series.size());
  std::vector<std::string> further;
  for (auto& one : masks) {
    auto const name = dicom_relative(set.root, one.file);
    auto const at = dicom_series_of(one, series);
    if (!at) {
      left.no_image.push_back(name);
    } else if (of[*at]) {
      further.push_back(name);
    } else {
      of[*at] = std::move(one);
    }
  }
  std::set<std::string> ids;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (of[i]) {
      dicom_add_case(set, cases, std::move(series[i]), std::move(*of[i]), ids);
    } else {
      left.no_mask.push_back(
          dicom_relative(set.root, series[i].slices.front().file().parent_path()));
    }
  }
  if (!further.empty())
    set.problems.push_back(
        {"missing",
         text(further.size(),
              " segmentations are of a series that has another one already and "
              "are left out: ",
              named(further)),
         {},
         false});
  tell_left_out(set, left);
}

}  // namespace

std::optional<Dataset> read_dicom_layout(fs::path const& root,
                                         ReadOptions const& /*options*/,
                                         std::vector<std::string>& nearly) {
  if (!dicom_here(root)) return std::nullopt;
  auto const found = find_series(files_below(root, stop_on_signals()));
  std::vector<std::string> faults;
  auto masks = dicom_all_masks(root, found, faults);
  std::vector<DicomSeries> series;
  for (auto const& one : found.series) {
    if (one.labels) continue;
    if (one.verdict == Verdict::refused || !one.placed) {
      faults.push_back(
          text(dicom_relative(root, one.slices.front().file().parent_path()), ": ",
               one.reasons.empty() ? "its place is not known" : one.reasons.front().words));
    } else {
      series.push_back(one);
    }
  }
  if (masks.empty() || series.empty()) {
    nearly.push_back(text("DICOM with ", series.size(), " usable series and ", masks.size(),
                          " segmentations or structure sets",
                          faults.empty() ? "" : " (" + named(faults) + ")"));
    return std::nullopt;
  }
  Dataset set{.root = root, .form = "dicom", .masks = true};
  auto cases = std::make_shared<DicomCases>();
  dicom_pair(set, *cases, std::move(series), std::move(masks));
  if (!faults.empty())
    set.problems.push_back(
        {"unreadable",
         text(faults.size(), " files or series cannot be used: ", named(faults)),
         {},
         false});
  if (set.cases.empty())
    throw Error{Fault::input,
                text("expected segmentations or structure sets of the series in ", root,
                     ", got none that names one of them"),
                "put each beside the series that it was made from"};
  dicom_name_labels(set, *cases);
  auto const ct = std::ranges::all_of(
      cases->series, [](DicomSeries const& one) { return one.modality == "CT"; });
  set.channels = {ct ? "CT" : cases->series.front().modality};
  set.rows = [cases](Location const& at) {
    return load_series(cases->series.at(static_cast<std::size_t>(at.row)), 1);
  };
  set.drawn = [cases](Location const& at, Grid const& grid) {
    return dicom_drawn(*cases, static_cast<std::size_t>(at.row), grid);
  };
  return set;
}

std::string also_dicom_layout(fs::path const& root) {
  return dicom_here(root) ? "DICOM files" : "";
}

}  // namespace fovea
