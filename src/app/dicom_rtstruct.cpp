#include "app/dicom.hpp"
#include "app/dicom_mask.hpp"
#include "app/out.hpp"
#include "base/core/progress.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_rtstruct_write.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

namespace fovea {
namespace {

struct RtCommand {
  DicomMask mask;
  DicomFrom from;
  RtWrite write;
  std::string out;
  bool json = false;
};

int rtcommand_run(RtCommand const& options) {
  expect_fresh_file(options.out);
  auto const& stop = end_on_signals();
  auto const source = source_of(options.from, stop);
  auto const map = label_map_of(options.mask, source, stop);
  heed(stop);
  auto const object = dicom_rtstruct(map, source, options.write);
  write_dicom(options.out, object);
  if (options.json) {
    auto names = Json::array();
    for (auto const& segment : map.segments) names.push_back(segment.name);
    print_json({{"file", options.out},
                {"sop_instance", object.text(attribute::sop_instance)},
                {"series", object.text(attribute::series)},
                {"regions", std::move(names)}});
  } else {
    std::cout << "wrote " << options.out << ": " << map.segments.size() << " regions\n";
  }
  return 0;
}

}  // namespace

int dicom_rtstruct_command(Arguments const& arguments) {
  RtCommand options;
  CLI::App app{
      "Writes a mask as an RT structure set on the slices of the series that it was made from: "
      "contours along the faces of its voxels, which enclose exactly them.",
      "dicom rtstruct"};
  offer(app, options.mask);
  offer(app, options.from);
  app.add_option("--out", options.out, "a new file")->required();
  app.add_option("--label", options.write.label,
                 "of the structure set, at most 16 characters (Fovea)");
  app.add_option("--description", options.write.description, "of the new series");
  app.add_option("--series-number", options.write.series_number, "of the new series (101)");
  app.add_flag("--json", options.json, "print one JSON object");
  if (!read_flags(
          app, arguments,
          "Examples:\n"
          "  fovea dicom rtstruct organs.nii.gz --from SERIES --out organs.dcm --labels "
          "1=Liver 2=Spleen\n"
          "  fovea convert organs.dcm back.nii.gz --like SERIES"))
    return 0;
  return rtcommand_run(options);
}

}  // namespace fovea
