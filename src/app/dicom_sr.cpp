#include "app/dicom.hpp"
#include "app/dicom_findings.hpp"
#include "app/dicom_mask.hpp"
#include "app/out.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/geometry/measured.hpp"
#include "base/io/dicom_sr_write.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace fovea {
namespace {

struct SrCommand {
  DicomMask mask;
  DicomFrom from;
  SrWrite write;
  std::string seg, out;
  bool json = false;
};

// The voxels of the source, for what is measured in them; only CT has a coded quantity.
std::optional<Volume> srcommand_image(SrCommand const& options,
                                      ResultSource const& source,
                                      Stop const& stop) {
  if (source.modality != "CT") return std::nullopt;
  auto const found = find_images({options.from.path}, stop);
  for (auto const& series : found.dicom.series) {
    auto const same = series.series == source.series && same_grid(series.grid, source.grid) &&
                      series.slices.front().sop() == source.images.front().sop;
    if (same) return load_series(series);
  }
  return std::nullopt;
}

// A finding of a mask is the segment of the same name.
void srcommand_match(std::vector<Finding>& findings,
                     LabelMap const& map,
                     SegReference const& seg) {
  for (std::size_t n = 0; n < findings.size(); ++n) {
    auto const& name = map.segments[n].name;
    auto const same = [&](Segment const& one) { return one.name == name; };
    if (std::ranges::count_if(seg.segments, same) != 1)
      throw Error{Fault::usage,
                  text("expected one segment '", name, "' in the segmentation, got ",
                       std::ranges::count_if(seg.segments, same)),
                  "write both with the same --labels"};
    auto const at = std::ranges::find_if(seg.segments, same) - seg.segments.begin();
    findings[n].segment = seg.numbers[static_cast<std::size_t>(at)];
  }
}

std::vector<Finding> srcommand_findings(SrCommand const& options,
                                        ResultSource const& source,
                                        Stop const& stop) {
  if (lower(options.mask.mask).ends_with(".json"))
    return findings_of_json(read_json(options.mask.mask), provenance_of(options.mask.made));
  auto const map = label_map_of(options.mask, source, stop);
  auto const image = srcommand_image(options, source, stop);
  heed(stop);
  auto findings = measured(map, image ? &*image : nullptr);
  if (options.write.segmentation) srcommand_match(findings, map, *options.write.segmentation);
  return findings;
}

int srcommand_run(SrCommand options) {
  expect_fresh_file(options.out);
  auto const& stop = end_on_signals();
  auto const source = source_of(options.from, stop);
  if (!options.seg.empty())
    options.write.segmentation = seg_reference(DicomFile{options.seg}, source);
  auto const findings = srcommand_findings(options, source, stop);
  auto const object = dicom_sr(findings, source, options.write);
  heed(stop);
  write_dicom(options.out, object);
  std::size_t numbers = 0;
  for (auto const& finding : findings) numbers += finding.measurements.size();
  if (options.json)
    print_json({{"file", options.out},
                {"sop_instance", object.text(attribute::sop_instance)},
                {"series", object.text(attribute::series)},
                {"findings", findings.size()},
                {"measurements", numbers}});
  else
    std::cout << "wrote " << options.out << ": " << findings.size() << " findings, " << numbers
              << " measurements\n";
  return 0;
}

}  // namespace

int dicom_sr_command(Arguments const& arguments) {
  SrCommand options;
  CLI::App app{
      "Writes a measurement report (TID 1500, Comprehensive 3D SR): of a mask, what its "
      "structures measure; or the findings of a JSON file.",
      "dicom sr"};
  offer(app, options.mask);
  app.get_option("MASK")->description("a label map with a place, or a .json file of findings");
  offer(app, options.from);
  app.add_option("--seg", options.seg,
                 "the DICOM segmentation whose segments the findings are (of a mask: by name)");
  app.add_option("--out", options.out, "a new file")->required();
  app.add_option("--description", options.write.description, "of the new series");
  app.add_option("--series-number", options.write.series_number, "of the new series (102)");
  app.add_flag("--json", options.json, "print one JSON object");
  if (!read_flags(
          app, arguments,
          "Examples:\n"
          "  fovea dicom sr organs.nii.gz --from SERIES --seg organs.dcm --out report.dcm "
          "--labels "
          "1=Liver 2=Spleen\n"
          "  fovea dicom sr findings.json --from SERIES --out report.dcm --algorithm nodules\n"
          "findings.json: {\"findings\": [{\"type\": \"liver tumour\", \"region\": [[10, 20, "
          "30]], "
          "\"measurements\": [{\"quantity\": [\"103339001\", \"SCT\", \"Long Axis\"], "
          "\"value\": "
          "12.5, \"unit\": \"mm\"}], \"evaluations\": [{\"what\": [\"111037\", \"DCM\", "
          "\"Margins\"], "
          "\"answer\": [\"129737002\", \"SCT\", \"Circumscribed lesion\"]}]}]}"))
    return 0;
  return srcommand_run(std::move(options));
}

}  // namespace fovea
