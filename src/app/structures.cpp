#include "app/structures.hpp"

#include "app/command.hpp"
#include "app/sidecar.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/io/dicom_rtstruct.hpp"
#include "base/io/formats.hpp"

#include <iostream>

namespace fovea {
namespace {

RtTarget structures_target(std::string const& like, Stop const& stop) {
  if (like.empty())
    throw Error{Fault::usage, "contours have no grid of their own",
                "name the series that they were drawn on: --like SERIES"};
  auto found = find_images({like}, stop);
  auto const volumes = volumes_of(found, stop);
  if (volumes.size() != 1 || !volumes[0].placed || volumes[0].verdict == Verdict::refused)
    throw Error{Fault::usage,
                text("expected one volume with a place behind --like, got ", volumes.size(),
                     " in ", fs::path{like}),
                "see fovea inspect"};
  RtTarget out{.grid = volumes[0].grid};
  if (volumes[0].dicom == nullptr) return out;
  for (auto const& slice : volumes[0].dicom->slices) out.images.push_back(slice.sop());
  out.frame_of_reference = volumes[0].dicom->slices.front().head->frame_of_reference;
  return out;
}

}  // namespace

Json to_json(LabelMap const& map) {
  constexpr std::string_view makers[] = {"person", "both", "program"};
  Json out{{"structures", Json::array()}};
  for (auto const& segment : map.segments) {
    Json one{{"value", segment.value},
             {"layer", segment.layer},
             {"name", segment.name},
             {"made_by", makers[static_cast<std::size_t>(segment.provenance.made_by)]}};
    if (segment.colour) one["colour"] = *segment.colour;
    if (!segment.type.empty())
      one["code"] = {segment.type.value, segment.type.scheme, segment.type.meaning};
    out["structures"].push_back(std::move(one));
  }
  return out;
}

int convert_structures(StructuresOptions const& options, Stop const& stop) {
  auto const target = structures_target(options.like, stop);
  DicomFile const file{options.file};
  auto const set = read_rtstruct(file);
  auto const drawn =
      label_map_of(file, set, target, {.leave_off_plane = options.leave_off_plane});
  heed(stop);
  write_volume(options.out, drawn.map.voxels);
  auto said = to_json(drawn.map);
  said["reasons"] = Json::array();
  said["notes"] = Json::array();
  for (auto const* notes : {&set.notes, &drawn.notes}) {
    for (auto const& note : *notes) {
      said["reasons"].push_back(note.code);
      said["notes"].push_back(note.words);
      if (!options.json) warn(text(options.file, ": ", note.code, ": ", note.words));
    }
  }
  if (options.sidecar) write_file(sidecar_beside(options.out), pretty(said));
  if (options.json) {
    said["source"] = options.file.string();
    said["file"] = options.out.string();
    print_json({{"written", {said}}, {"refused", Json::array()}, {"damaged", Json::array()}});
  } else {
    std::cout << "wrote " << options.out.string() << '\n';
  }
  return 0;
}

}  // namespace fovea
