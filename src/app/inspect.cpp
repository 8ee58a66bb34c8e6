#include "app/command.hpp"
#include "app/found.hpp"
#include "app/inspect_tags.hpp"
#include "app/series_words.hpp"
#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <set>

namespace fovea {
namespace {

// Of the DICOM files; their names stay where they are.
struct InspectCounts {
  std::size_t patients = 0, studies = 0, series = 0;
};

InspectCounts inspect_counts(DicomFound const& found) {
  std::set<std::string_view> patients, studies, series;
  for (auto const& one : found.series) {
    for (auto const& slice : one.slices) {
      patients.insert(slice.head->patient);
      studies.insert(slice.head->study);
      series.insert(slice.head->series);
    }
  }
  return {patients.size(), studies.size(), series.size()};
}

std::string inspect_counted(std::size_t count, std::string_view one, std::string_view many) {
  return text(count, " ", count == 1 ? one : many);
}

std::string inspect_size(FoundVolume const& volume) {
  auto const& size = volume.grid.size;
  auto out = text(size[0], " x ", size[1], " x ", size[2]);
  if (volume.channels > 1) out += text(", ", volume.channels, " channels");
  return out;
}

std::string inspect_spacing(FoundVolume const& volume) {
  if (volume.verdict == Verdict::refused || !volume.measured) return "";
  auto const spacing = volume.grid.spacing().mm;
  return text(fixed(spacing[0], 3), " x ", fixed(spacing[1], 3), " x ", fixed(spacing[2], 3),
              " mm");
}

// What is shown under one heading: a study of one patient, or files of other formats.
struct InspectGroup {
  std::string heading;
  std::vector<FoundVolume const*> volumes;
  std::vector<std::string> names;
};

std::string inspect_heading(SeriesWords const& words) {
  std::string out =
      "Patient " + (words.patient.empty() ? "without ID" : words.patient) + ", study";
  for (auto const& part : {words.study_date, words.study_description}) {
    if (!part.empty()) out += ' ' + part;
  }
  return printable(out, {});
}

std::vector<InspectGroup> inspect_groups(std::vector<FoundVolume> const& volumes) {
  std::vector<InspectGroup> out;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (auto const& volume : volumes) {
    auto const words = volume.dicom != nullptr ? words_of(*volume.dicom) : SeriesWords{};
    auto const [at, fresh] = places.try_emplace({words.patient, words.study}, out.size());
    if (fresh)
      out.push_back({volume.dicom != nullptr ? inspect_heading(words) : "Files", {}, {}});
    auto& group = out[at->second];
    group.volumes.push_back(&volume);
    group.names.push_back(printable(words.number + ' ' + words.description, {}));
  }
  return out;
}

void inspect_show_reasons(FoundVolume const& volume) {
  if (volume.reasons.empty()) return;
  std::cout << "\n  " << printable(volume.source.string(), {});
  if (!volume.series.empty()) std::cout << ", series " << printable(volume.series, {});
  std::cout << '\n';
  for (auto const& reason : volume.reasons)
    std::cout << "    " << reason.code << ": " << printable(reason.words) << '\n';
}

void inspect_show_group(InspectGroup const& group) {
  std::cout << '\n' << group.heading << '\n';
  std::vector<std::vector<std::string>> rows{
      {"verdict", "kind", "size", "spacing", "files", "series", "source"}};
  for (std::size_t i = 0; i < group.volumes.size(); ++i) {
    auto const& volume = *group.volumes[i];
    auto const name = trimmed(group.names[i]);
    rows.push_back({std::string{name_of(volume.verdict)},
                    volume.modality.empty() ? "-" : printable(volume.modality, {}),
                    inspect_size(volume), inspect_spacing(volume), text(volume.files),
                    name.empty() ? "-" : std::string{name},
                    printable(volume.source.string(), {})});
  }
  std::cout << aligned(rows);
  for (auto const* const volume : group.volumes) inspect_show_reasons(*volume);
}

void inspect_show(Found const& found, std::vector<FoundVolume> const& volumes) {
  auto const counts = inspect_counts(found.dicom);
  std::cout << inspect_counted(found.files, "file", "files") << ": "
            << inspect_counted(counts.patients, "patient", "patients") << ", "
            << inspect_counted(counts.studies, "study", "studies") << ", "
            << inspect_counted(counts.series, "series", "series") << " of DICOM; "
            << inspect_counted(volumes.size(), "volume", "volumes") << '\n';
  if (found.dicom.others > 0)
    std::cout << "  DICOM objects without pixels: " << found.dicom.others << '\n';
  if (found.ignored > 0) std::cout << "  files that are no images: " << found.ignored << '\n';
  for (auto const& note : found.notes)
    std::cout << "  " << note.code << ": " << printable(note.words, {}) << '\n';
  for (auto const& group : inspect_groups(volumes)) inspect_show_group(group);
  for (auto const& one : found.dicom.objects) {
    std::cout << '\n'
              << one.kind << (one.refusal.empty() ? "" : ", refused") << ": "
              << printable(one.file.string(), {}) << '\n';
    for (auto const& note : one.notes)
      std::cout << "  " << note.code << ": " << printable(note.words, {}) << '\n';
  }
  if (found.dicom.damaged.empty()) return;
  std::cout << "\nCannot be read:\n";
  for (auto const& one : found.dicom.damaged)
    std::cout << "  " << printable(one.file.string(), {}) << "\n    " << one.code << ": "
              << printable(one.words) << '\n';
}

Json inspect_json(Found const& found, std::vector<FoundVolume> const& volumes) {
  auto const counts = inspect_counts(found.dicom);
  Json out{{"volumes", Json::array()},
           {"damaged", Json::array()},
           {"objects", Json::array()},
           {"files", found.files},
           {"patients", counts.patients},
           {"studies", counts.studies},
           {"without_pixels", found.dicom.others},
           {"ignored", found.ignored},
           {"notes", Json::array()}};
  for (auto const& note : found.notes)
    out["notes"].push_back({{"code", note.code}, {"message", note.words}});
  for (auto const& volume : volumes) {
    auto one = to_json(volume);
    auto const words = volume.dicom != nullptr ? words_of(*volume.dicom) : SeriesWords{};
    one["patient"] = words.patient;
    one["study"] = words.study;
    one["description"] = words.description;
    out["volumes"].push_back(std::move(one));
  }
  for (auto const& one : found.dicom.damaged) out["damaged"].push_back(to_json(one));
  for (auto const& one : found.dicom.objects) out["objects"].push_back(to_json(one));
  return out;
}

// Nothing that a model or a person could use is a fault of the input.
void inspect_expect_usable(Found const& found, std::vector<FoundVolume> const& volumes) {
  auto const usable = [](FoundVolume const& one) { return one.verdict != Verdict::refused; };
  if (std::ranges::any_of(volumes, usable) || found.dicom.others > 0) return;
  throw Error{Fault::input,
              text("expected an image that can be used, got none among ",
                   inspect_counted(found.files, "file", "files")),
              volumes.empty() && found.dicom.damaged.empty() ? "name a folder that holds images"
                                                             : "the reasons stand above"};
}

}  // namespace

int inspect_command(Arguments const& arguments) {
  std::vector<std::string> inputs;
  bool json = false;
  bool tags = false;
  bool check = false;
  CLI::App app{
      "Shows what lies in files and folders: DICOM series and images of other formats, each "
      "with its place in the patient, or the reason why it has none.",
      "inspect"};
  app.add_option("PATH", inputs, "files, or folders that hold them")->required();
  app.add_flag("--json", json, "print one JSON object");
  app.add_flag("--check", check,
               "read every voxel, too: headers alone do not show damage behind");
  app.add_flag("--tags", tags, "of DICOM files: print their attributes instead");
  if (!read_flags(app, arguments,
                  "Verdicts: ok; adjusted (used, with what was repaired); refused (with the "
                  "reason). docs/gate.md lists the codes.\n"
                  "Examples:\n"
                  "  fovea inspect STUDY\n"
                  "  fovea inspect STUDY --json\n"
                  "  fovea inspect slice.dcm --tags"))
    return 0;
  if (tags && json)
    throw Error{Fault::usage, "--tags is for people, --json for programs", "leave one out"};
  if (tags) {
    for (auto const& input : inputs) print_tags(input);
    return 0;
  }
  auto const& stop = end_on_signals();
  auto found = find_images(inputs, stop);
  auto volumes = volumes_of(found, stop);
  if (check) check_voxels(volumes, stop);
  if (json)
    print_json(inspect_json(found, volumes));
  else
    inspect_show(found, volumes);
  inspect_expect_usable(found, volumes);
  return 0;
}

}  // namespace fovea
