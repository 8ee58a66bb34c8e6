#include "app/dicom.hpp"
#include "app/out.hpp"
#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_pmap_write.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace fovea {
namespace {

struct PmapOptions {
  std::string image, out, unit = "1", quantity, resample;
  DicomFrom from;
  DicomMade made;
  PmapWrite write;
};

struct PmapRow {
  std::string_view name, value, meaning;
};
// PS3.16, context group 7180.
constexpr PmapRow pmap_rows[] = {
    {"absorbed-dose", "128513", "Absorbed Dose"},
    {"adc", "113041", "Apparent Diffusion Coefficient"},
    {"class-activation", "130402", "Class activation"},
    {"elasticity", "110830", "Elasticity"},
    {"fat-fraction", "129100", "Fat fraction"},
    {"fractional-anisotropy", "110808", "Fractional Anisotropy"},
    {"fractional-segmentation", "110854", "Fractional Probabilistic Segmentation"},
    {"grad-cam", "130403", "Gradient-weighted class activation"},
    {"kep", "126313", "kep"},
    {"ktrans", "126312", "Ktrans"},
    {"mean-transit-time", "113052", "Mean Transit Time"},
    {"mr-signal", "110852", "MR signal intensity"},
    {"perfusion", "110831", "Perfusion"},
    {"proton-density", "113058", "Proton Density"},
    {"r2star", "126395", "R2*"},
    {"saliency", "130404", "Saliency"},
    {"susceptibility", "126396", "Magnetic Susceptibility"},
    {"suvbsa", "126403", "SUVbsa"},
    {"suvbw", "126401", "SUVbw"},
    {"suvlbm", "126402", "SUVlbm"},
    {"t1", "113063", "T1"},
    {"t2", "113065", "T2"},
    {"t2star", "113064", "T2*"},
    {"time-to-peak", "113069", "Time To Peak"},
    {"tmax", "113084", "Tmax"},
    {"ve", "126314", "ve"},
    {"x-ray-attenuation", "110850", "X-Ray Attenuation"},
    {"z-score", "113071", "Z-score"}};

// "ADC", or CODE,SCHEME,MEANING.
Code pmap_quantity(std::string const& words) {
  auto const parts = split(words, ',');
  if (parts.size() == 3)
    return {std::string{trimmed(parts[0])}, std::string{trimmed(parts[1])},
            std::string{trimmed(parts[2])}};
  std::vector<std::string> known;
  for (auto const& row : pmap_rows) {
    if (row.name == lower(words))
      return {std::string{row.value}, "DCM", std::string{row.meaning}};
    known.emplace_back(row.name);
  }
  throw Error{Fault::usage, text("no quantity '", words, "'"),
              text(did_you_mean(words, known), "; or write CODE,SCHEME,MEANING")};
}

int pmap_run(PmapOptions options) {
  expect_fresh_file(options.out);
  auto const& stop = end_on_signals();
  options.write.made_by = provenance_of(options.made);
  options.write.unit = {options.unit, "UCUM", options.unit == "1" ? "no units" : options.unit};
  options.write.quantity = pmap_quantity(options.quantity);
  auto const source = source_of(options.from, stop);
  auto const image = placed_image(options.image, stop);
  heed(stop);
  auto const object =
      dicom_pmap(onto_source(image.volume, source, options.resample), source, options.write);
  heed(stop);
  write_dicom(options.out, object);
  std::cout << "wrote " << options.out << ": " << source.images.size() << " frames\n";
  return 0;
}

}  // namespace

int dicom_pmap_command(Arguments const& arguments) {
  PmapOptions options;
  CLI::App app{
      "Writes an image of measured values as a DICOM parametric map on the frames of the "
      "series "
      "that it was made from. Values stay as they are.",
      "dicom pmap"};
  app.add_option("IMAGE", options.image, "a volume with a place: NIfTI, NRRD, MetaImage, DICOM")
      ->required();
  offer(app, options.from);
  app.add_option("--out", options.out, "a new file")->required();
  app.add_option("--quantity", options.quantity,
                 "what was measured: ADC, T1, ... or CODE,SCHEME,MEANING")
      ->required();
  app.add_option("--unit", options.unit, "in UCUM: mm2/s, ms, [hnsf'U] ... (1: none)");
  app.add_option("--resample", options.resample, "onto the series' grid: linear or nearest");
  offer(app, options.made);
  app.add_option("--description", options.write.description, "of the new series");
  app.add_option("--series-number", options.write.series_number, "of the new series (101)");
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea dicom pmap adc.nii.gz --from SERIES --out adc.dcm --quantity ADC "
                  "--unit mm2/s\n"
                  "  fovea dicom pmap chance.nii.gz --from SERIES --out chance.dcm --quantity "
                  "\"111047,DCM,Probability of cancer\" --unit 1"))
    return 0;
  return pmap_run(options);
}

}  // namespace fovea
