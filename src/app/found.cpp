#include "app/found.hpp"

#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/walk.hpp"
#include "base/core/words.hpp"
#include "base/io/dicom_dir.hpp"
#include "base/io/dicom_merge.hpp"
#include "base/io/dicom_suv.hpp"
#include "base/io/formats.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <system_error>

namespace fovea {
namespace {

// Detached voxels belong to the header beside them.
bool found_is_part(fs::path const& file) {
  constexpr std::string_view parts[] = {".img", ".img.gz", ".raw", ".zraw", ".raw.gz"};
  auto const name = lower(file.filename().string());
  return std::ranges::any_of(parts, [&](auto ending) { return name.ends_with(ending); });
}

bool found_named_as_image(fs::path const& file) {
  auto const name = lower(file.filename().string());
  for (auto const& row : formats()) {
    for (auto const& ending : split(row.endings, ' ')) {
      if (name.ends_with(ending) && !found_is_part(file)) return true;
    }
  }
  return false;
}

std::vector<std::string> found_codes(std::vector<Note> const& notes) {
  std::vector<std::string> codes;
  for (auto const& note : notes) codes.emplace_back(note.code);
  return codes;
}

Json found_affine(Grid const& grid) {
  auto rows = Json::array();
  for (std::size_t row = 0; row < 3; ++row)
    rows.push_back({grid.axes[0].mm[row], grid.axes[1].mm[row], grid.axes[2].mm[row],
                    grid.origin.mm[row]});
  rows.push_back({0, 0, 0, 1});
  return rows;
}

fs::path found_folder(DicomSeries const& series) {
  auto const first = series.slices.front().file();
  return series.files() == 1 ? first : first.parent_path();
}

struct FoundInputs {
  std::vector<fs::path> files;
  std::set<fs::path> named;              // by people, or by a DICOMDIR
  std::map<fs::path, std::string> sops;  // of a DICOMDIR's records
  std::vector<DicomDamaged> damaged;
  std::vector<Note> notes;
};

void found_say_unlisted(fs::path const& dicomdir, FoundInputs& inputs, Stop const& stop) {
  auto folder = dicomdir.parent_path();
  if (folder.empty()) folder = ".";
  auto beside = files_below(folder, stop);
  std::erase_if(beside, [&](fs::path const& file) {
    return file.filename() == dicomdir.filename() || inputs.named.contains(file);
  });
  if (!beside.empty())
    inputs.notes.push_back(
        {"not-listed", text(beside.size(), " of the files beside ", dicomdir,
                            " are not listed in it, ", beside.front(), " for one")});
}

void found_follow(fs::path const& dicomdir, FoundInputs& inputs, Stop const& stop) {
  try {
    auto dir = read_dicomdir(dicomdir);
    for (std::size_t i = 0; i < dir.files.size(); ++i) {
      inputs.named.insert(dir.files[i]);
      inputs.sops.emplace(dir.files[i], std::move(dir.sops[i]));
      inputs.files.push_back(std::move(dir.files[i]));
    }
    std::ranges::move(dir.damaged, std::back_inserter(inputs.damaged));
    found_say_unlisted(dicomdir, inputs, stop);
  } catch (Refusal const& fault) {
    inputs.damaged.push_back({dicomdir, std::string{fault.code()}, fault.at(), fault.what()});
  }
}

FoundInputs found_inputs(std::vector<std::string> const& inputs, Stop const& stop) {
  FoundInputs out;
  for (auto const& input : inputs) {
    std::error_code fault;
    auto const kind = fs::status(input, fault).type();
    if (kind == fs::file_type::none) refuse_look(input, fault);
    if (kind == fs::file_type::not_found)
      throw Error{Fault::input, text("there is no file or folder ", fs::path{input}),
                  "check the path"};
    if (kind == fs::file_type::directory) {
      std::ranges::move(files_below(input, stop), std::back_inserter(out.files));
    } else if (is_dicomdir(input)) {
      found_follow(input, out, stop);
    } else {
      out.files.emplace_back(input);
      out.named.insert(input);
    }
  }
  return out;
}

// What a record says and what its file says must be one object.
void found_compare(FoundInputs& inputs, DicomFound const& dicom) {
  std::size_t differ = 0;
  for (auto const& series : dicom.series) {
    for (auto const& slice : series.slices) {
      auto const said = inputs.sops.find(slice.file());
      if (said != inputs.sops.end() && !said->second.empty() && said->second != slice.sop())
        ++differ;
    }
  }
  if (differ > 0)
    inputs.notes.push_back({"record-differs", text("of ", differ,
                                                   " files the DICOMDIR names another SOP "
                                                   "instance than the file does; the file is "
                                                   "taken")});
}

}  // namespace

Found find_images(std::vector<std::string> const& inputs, Stop const& stop) {
  auto all = found_inputs(inputs, stop);
  Found out;
  out.files = all.files.size();
  std::vector<fs::path> others;
  for (auto& file : all.files) {
    if (found_named_as_image(file))
      out.images.push_back(std::move(file));
    else
      others.push_back(std::move(file));
  }
  Progress progress{"looking at the files"};
  out.dicom = find_series(others, usable_cores(), [&](std::size_t done) {
    if (stop.asked()) throw Interrupted{"stopped while looking at the files"};
    progress.show(static_cast<double>(done), static_cast<double>(others.size()));
  });
  progress.clear();
  std::erase_if(out.dicom.damaged, [&](DicomDamaged const& one) {
    auto const ignored = one.code == "not-dicom" && !all.named.contains(one.file);
    out.ignored += ignored ? 1 : 0;
    return ignored;
  });
  found_compare(all, out.dicom);
  std::ranges::move(all.damaged, std::back_inserter(out.dicom.damaged));
  out.notes = std::move(all.notes);
  return out;
}

FoundVolume volume_of(DicomSeries const& series) {
  FoundVolume out{.source = found_folder(series),
                  .series = series.series,
                  .modality = series.modality,
                  .files = series.files(),
                  .grid = series.grid,
                  .placed = series.placed,
                  .measured = series.placed || series.slices.front().head->spacing,
                  .verdict = series.verdict,
                  .reasons = series.reasons,
                  .dicom = &series};
  auto const& first = series.slices.front();
  auto const palette = first.shape().photometric == "PALETTE COLOR" && !series.labels;
  out.channels = (palette ? 3 : first.shape().samples) * series.fourth;
  out.unit = first.head->unit;
  for (auto const& slice : series.slices) {
    if (slice.head->unit != out.unit) out.unit = Unit::arbitrary;
  }
  if (out.verdict != Verdict::refused)
    std::ranges::move(suv_notes(series), std::back_inserter(out.reasons));
  auto const slices = static_cast<std::int64_t>(series.slices.size());
  if (out.verdict == Verdict::refused)
    out.grid.size = {first.shape().columns, first.shape().rows, slices};
  return out;
}

FoundVolume volume_of(fs::path const& file) {
  auto head = look_volume(file);
  return {.source = file,
          .series = {},
          .modality = {},
          .grid = head.grid,
          .placed = head.placed(),
          .measured = head.measured,
          .channels = head.channels,
          .reasons = std::move(head.notes)};
}

bool FoundVolume::holds_labels() const {
  return dicom != nullptr && dicom->labels && dicom->slices.front().head->fractions == 0;
}

ImageFile FoundVolume::read() const {
  if (dicom == nullptr) return read_volume(source);
  auto out = image_of(load_series(*dicom));
  if (!placed) out.space = ImageSpace::none;
  if (dicom->labels) {
    if (dicom->fourth == 1 && out.volume.channels() > 1)
      out.notes.push_back({"overlap", text("segments overlap: ", out.volume.channels(),
                                           " layers lie along axis 4")});
    return out;
  }
  out.colour = out.volume.channels() == 3 * dicom->fourth;
  out.more.clear();
  if (dicom->fourth > 1) out.more.push_back(dicom->fourth);
  if (auto const padded = padded_voxels(*dicom, out.volume); padded > 0)
    out.notes.push_back({"pixel-padding", text(padded,
                                               " voxels are padding, where nothing was "
                                               "measured; they keep their value")});
  if (auto const step = step_of(dicom->moments)) {
    constexpr int seconds = 8;
    out.step = *step;
    out.step_unit = seconds;
  }
  return out;
}

std::vector<FoundVolume> volumes_of(Found& found, Stop const& stop) {
  std::vector<FoundVolume> out;
  for (auto const& series : found.dicom.series) out.push_back(volume_of(series));
  Progress progress{"looking at the images"};
  for (std::size_t i = 0; i < found.images.size(); ++i) {
    if (stop.asked()) throw Interrupted{"stopped while looking at the images"};
    progress.show(static_cast<double>(i), static_cast<double>(found.images.size()));
    auto const& file = found.images[i];
    try {
      out.push_back(volume_of(file));
    } catch (Refusal const& fault) {
      found.dicom.damaged.push_back(
          {file, std::string{fault.code()}, fault.at(), fault.what()});
    } catch (Error const& fault) {
      if (fault.fault() == Fault::bug) throw;
      found.dicom.damaged.push_back({file, "unreadable", std::nullopt, fault.what()});
    }
  }
  return out;
}

FoundVolume one_volume(std::string const& path,
                       std::string const& series,
                       Found& found,
                       Stop const& stop) {
  found = find_images({path}, stop);
  auto volumes = volumes_of(found, stop);
  if (!series.empty())
    std::erase_if(volumes, [&](FoundVolume const& one) { return one.series != series; });
  if (volumes.size() == 1) return volumes.front();
  if (volumes.empty() && !found.dicom.damaged.empty())
    throw Error{Fault::input, found.dicom.damaged.front().words, ""};
  std::vector<std::string> words;
  for (auto const& one : volumes)
    words.push_back(one.series.empty() ? one.source.string() : one.series);
  throw Error{volumes.empty() ? Fault::input : Fault::usage,
              text("expected one volume in ", fs::path{path}, ", got ", volumes.size(),
                   words.empty() ? "" : ": ", joined(words, ", ")),
              "name one file or the folder of one series; see fovea inspect"};
}

void check_voxels(std::vector<FoundVolume>& volumes, Stop const& stop) {
  Progress progress{"reading the voxels"};
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    if (stop.asked()) throw Interrupted{"stopped while reading the voxels"};
    progress.show(static_cast<double>(i), static_cast<double>(volumes.size()));
    auto& volume = volumes[i];
    if (volume.verdict == Verdict::refused) continue;
    try {
      volume.read();
    } catch (Refusal const& fault) {
      volume.verdict = Verdict::refused;
      volume.reasons.insert(volume.reasons.begin(), {fault.code(), fault.what()});
    } catch (Error const& fault) {
      if (fault.fault() != Fault::input) throw;
      volume.verdict = Verdict::refused;
      volume.reasons.insert(volume.reasons.begin(), {"unreadable", fault.what()});
    }
  }
}

Json to_json(FoundVolume const& volume) {
  auto const spacing = volume.grid.spacing().mm;
  auto const known = volume.verdict != Verdict::refused;
  auto const measured = known && volume.measured;
  std::vector<std::string> notes;
  for (auto const& note : volume.reasons) notes.push_back(note.words);
  return {{"source", volume.source.string()},
          {"series", volume.series},
          {"modality", volume.modality},
          {"size", volume.grid.size},
          {"spacing", measured ? Json(spacing) : Json{}},
          {"affine", known && volume.placed ? found_affine(volume.grid) : Json{}},
          {"unit", name_of(volume.unit)},
          {"channels", volume.channels},
          {"files", volume.files},
          {"verdict", name_of(volume.verdict)},
          {"reasons", found_codes(volume.reasons)},
          {"notes", notes}};
}

Json to_json(DicomObject const& object) {
  std::vector<std::string> codes, notes;
  if (!object.refusal.empty()) codes.push_back(object.refusal);
  for (auto const& note : object.notes) notes.push_back(note.words);
  return {{"source", object.file.string()},
          {"kind", object.kind},
          {"series", object.series},
          {"verdict", name_of(object.refusal.empty() ? Verdict::ok : Verdict::refused)},
          {"reasons", codes},
          {"notes", notes}};
}

Json to_json(DicomDamaged const& damaged) {
  return {{"file", damaged.file.string()},
          {"reason", damaged.code},
          {"offset", damaged.at ? Json(*damaged.at) : Json{}},
          {"message", damaged.words}};
}

}  // namespace fovea
