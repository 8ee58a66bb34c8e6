#include "app/dicom_mask.hpp"

#include "app/dicom_labels.hpp"
#include "app/masks.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/finding/structures.hpp"

#include <CLI/CLI.hpp>

namespace fovea {
namespace {

// A segmentation in DICOM keeps its names and codes; slices that it leaves out hold nothing.
std::optional<LabelMap> mask_of_segmentation(std::string const& path,
                                             ResultSource const& source,
                                             Stop const& stop) {
  auto found = find_images({path}, stop);
  auto const volumes = volumes_of(found, stop);
  if (volumes.size() != 1 || !volumes.front().holds_labels() || !volumes.front().placed ||
      volumes.front().verdict == Verdict::refused)
    return std::nullopt;
  auto out = content_of(volumes.front(), TakenAs::labels).map;
  if (out && source.placed) {
    if (auto const cut = cut_to(out->voxels, source.grid, true)) out->voxels = *cut;
  }
  return out;
}

LabelMap mask_of_image(std::string const& path, Stop const& stop) {
  auto const image = placed_image(path, stop);
  if (image.colour)
    throw Error{Fault::input, "expected a mask, got a coloured image", "pass a label map"};
  return label_map_of(image.volume);
}

}  // namespace

void offer(CLI::App& app, DicomMask& mask) {
  app.add_option(
         "MASK", mask.mask,
         "a label map with a place: NIfTI, NRRD, MetaImage (channels are layers that may "
         "overlap), or a DICOM segmentation, which keeps its names")
      ->required();
  app.add_option("--labels", mask.labels,
                 "what the values are: a JSON file, or 1=Liver 2=\"left kidney\" ...");
  app.add_option("--resample", mask.resample, "onto the series' grid: label-linear or nearest")
      ->check(CLI::IsMember({"label-linear", "nearest", "linear"}));
  offer(app, mask.made);
}

void name_and_sign(LabelMap& map, DicomMask const& mask) {
  auto const provenance = provenance_of(mask.made);
  name_segments(map, read_label_names(mask.labels));
  std::vector<std::string> local;
  for (auto& segment : map.segments) {
    segment.provenance = provenance;
    if (is_local(segment.type)) local.push_back(text("'", segment.name, "'"));
  }
  if (!local.empty())
    warn(text("no standard code is known for ", joined(local, ", "),
              ": written with codes of our own (99FOVEA)"));
}

LabelMap label_map_of(DicomMask const& mask, ResultSource const& source, Stop const& stop) {
  if (mask.resample == "linear")
    throw Error{Fault::usage, "linear interpolation would make numbers between two labels",
                "choose --resample label-linear or nearest"};
  auto segmentation = mask_of_segmentation(mask.mask, source, stop);
  // As whole numbers first: what is none is refused before it is mixed.
  auto out = segmentation ? std::move(*segmentation) : mask_of_image(mask.mask, stop);
  heed(stop);
  out.voxels = onto_source(out.voxels, source, mask.resample);
  name_and_sign(out, mask);
  return out;
}

}  // namespace fovea
