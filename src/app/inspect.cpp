#include "app/command.hpp"
#include "app/found.hpp"
#include "app/inspect_tags.hpp"
#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
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
  if (volume.verdict == Verdict::refused) return "";
  auto const spacing = volume.grid.spacing().mm;
  return text(fixed(spacing[0], 3), " x ", fixed(spacing[1], 3), " x ", fixed(spacing[2], 3),
              " mm");
}

void inspect_show_volumes(std::vector<FoundVolume> const& volumes) {
  std::vector<std::vector<std::string>> rows{
      {"verdict", "kind", "size", "spacing", "files", "source"}};
  for (auto const& volume : volumes)
    rows.push_back({std::string{name_of(volume.verdict)},
                    volume.modality.empty() ? "-" : printable(volume.modality, {}),
                    inspect_size(volume), inspect_spacing(volume), text(volume.files),
                    printable(volume.source.string(), {})});
  std::cout << aligned(rows);
  for (auto const& volume : volumes) {
    if (volume.reasons.empty()) continue;
    std::cout << '\n' << printable(volume.source.string(), {});
    if (!volume.series.empty()) std::cout << ", series " << printable(volume.series, {});
    std::cout << '\n';
    for (auto const& reason : volume.reasons)
      std::cout << "  " << reason.code << ": " << printable(reason.words) << '\n';
  }
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
  if (!volumes.empty()) {
    std::cout << '\n';
    inspect_show_volumes(volumes);
  }
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
  for (auto const& volume : volumes) out["volumes"].push_back(to_json(volume));
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
  CLI::App app{
      "Shows what lies in files and folders: DICOM series and images of other formats, each "
      "with its place in the patient, or the reason why it has none.",
      "inspect"};
  app.add_option("PATH", inputs, "files, or folders that hold them")->required();
  app.add_flag("--json", json, "print one JSON object");
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
  auto const& stop = stop_on_signals();
  auto found = find_images(inputs, stop);
  auto const volumes = volumes_of(found, stop);
  if (json)
    print_json(inspect_json(found, volumes));
  else
    inspect_show(found, volumes);
  inspect_expect_usable(found, volumes);
  return 0;
}

}  // namespace fovea
