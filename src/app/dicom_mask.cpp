#include "app/dicom_mask.hpp"

#include "app/dicom_labels.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/finding/structures.hpp"

#include <CLI/CLI.hpp>

namespace fovea {

void offer(CLI::App& app, DicomMask& mask) {
  app.add_option(
         "MASK", mask.mask,
         "a label map with a place: NIfTI, NRRD, MetaImage; channels are layers that may "
         "overlap")
      ->required();
  app.add_option("--labels", mask.labels,
                 "what the values are: a JSON file, or 1=Liver 2=\"left kidney\" ...");
  app.add_option("--resample", mask.resample, "onto the series' grid: label-linear or nearest")
      ->check(CLI::IsMember({"label-linear", "nearest"}));
  offer(app, mask.made);
}

LabelMap label_map_of(DicomMask const& mask, ResultSource const& source, Stop const& stop) {
  auto const provenance = provenance_of(mask.made);
  auto const names = read_label_names(mask.labels);
  auto const image = placed_image(mask.mask, stop);
  if (image.colour)
    throw Error{Fault::input, "expected a mask, got a coloured image", "pass a label map"};
  heed(stop);
  auto out = label_map_of(image.volume);
  out.voxels = onto_source(out.voxels, source, mask.resample);
  name_segments(out, names);
  std::vector<std::string> local;
  for (auto& segment : out.segments) {
    segment.provenance = provenance;
    if (is_local(segment.type)) local.push_back(text("'", segment.name, "'"));
  }
  if (!local.empty())
    warn(text("no standard code is known for ", joined(local, ", "),
              ": written with codes of our own (99FOVEA)"));
  return out;
}

}  // namespace fovea
