#include "app/dicom_mask.hpp"
#include "app/out.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_seg_write.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace fovea {
namespace {

struct SegOptions {
  DicomMask mask;
  DicomFrom from;
  std::string out, kind = "binary";
  SegWrite write;
  bool json = false;
};

// Fractions: each channel is a segment's.
LabelMap seg_fractions(Volume const& volume) {
  LabelMap out{.voxels = volume, .fractional = true};
  if (volume.type() != Type::f32) {
    if (volume.type() != Type::f64)
      throw Error{Fault::input,
                  text("expected fractions in f32 or f64, got ", name_of(volume.type())),
                  "choose --kind binary"};
    Volume narrow{volume.grid(), Type::f32, volume.unit(), volume.channels()};
    std::ranges::transform(volume.as<double>(), narrow.write<float>().begin(),
                           [](double value) { return static_cast<float>(value); });
    out.voxels = narrow;
  }
  for (std::int64_t layer = 0; layer < volume.channels(); ++layer)
    out.segments.push_back({.layer = layer, .value = 1, .name = text(layer + 1)});
  return out;
}

LabelMap seg_map(SegOptions const& options, ResultSource const& source, Stop const& stop) {
  if (options.kind != "probability" && options.kind != "occupancy")
    return label_map_of(options.mask, source, stop);
  auto const image = placed_image(options.mask.mask, stop);
  if (image.colour)
    throw Error{Fault::input, "expected a mask, got a coloured image", "pass a label map"};
  heed(stop);
  auto map = seg_fractions(image.volume);
  map.voxels = onto_source(map.voxels, source, options.mask.resample);
  name_and_sign(map, options.mask);
  return map;
}

SegWrite seg_kind(SegOptions const& options) {
  auto write = options.write;
  write.labels = options.kind == "labels";
  write.occupancy = options.kind == "occupancy";
  return write;
}

int seg_run(SegOptions const& options) {
  expect_fresh_file(options.out);
  auto const& stop = end_on_signals();
  auto const source = source_of(options.from, stop);
  auto const map = seg_map(options, source, stop);
  heed(stop);
  auto const object = dicom_seg(map, source, seg_kind(options));
  write_dicom(options.out, object);
  if (options.json) {
    Json segments = Json::array();
    for (auto const& segment : map.segments)
      segments.push_back({{"name", segment.name},
                          {"code", segment.type.value},
                          {"scheme", segment.type.scheme}});
    print_json({{"file", options.out},
                {"sop_instance", object.text(attribute::sop_instance)},
                {"series", object.text(attribute::series)},
                {"frames", whole(object.text(attribute::frames)).value_or(0)},
                {"segments", std::move(segments)}});
  } else {
    std::cout << "wrote " << options.out << ": " << map.segments.size() << " segments, "
              << object.text(attribute::frames) << " frames\n";
  }
  return 0;
}

}  // namespace

int dicom_seg_command(Arguments const& arguments) {
  SegOptions options;
  CLI::App app{
      "Writes a mask as a DICOM segmentation on the frames of the series that it was made "
      "from. "
      "A mask on another grid is refused, unless its voxels are the same in another order "
      "(they "
      "are turned) or --resample says how.",
      "dicom seg"};
  offer(app, options.mask);
  app.get_option("--resample")
      ->description("onto the series' grid: label-linear or nearest; linear for fractions");
  offer(app, options.from);
  app.add_option("--out", options.out, "a new file")->required();
  app.add_option("--kind", options.kind,
                 "binary; probability or occupancy (values from 0 to 1, a channel for each "
                 "segment); labels (one number a voxel: newer programs only)")
      ->check(CLI::IsMember({"binary", "probability", "occupancy", "labels"}));
  app.add_option("--description", options.write.description, "of the new series");
  app.add_option("--series-number", options.write.series_number, "of the new series (100)");
  app.add_option("--creator", options.write.creator, "the person's name, as Family^Given");
  app.add_flag("--json", options.json, "print one JSON object");
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea dicom seg liver.nii.gz --from SERIES --out liver.dcm --labels "
                  "1=Liver\n"
                  "  fovea dicom seg organs.nii.gz --from SERIES --out organs.dcm --labels "
                  "labels.json --algorithm organs --algorithm-version 2.1\n"
                  "  fovea dicom seg chance.nii.gz --from SERIES --out chance.dcm --kind "
                  "probability --labels 1=\"liver tumour\"\n"
                  "labels.json: {\"1\": \"Liver\", \"2\": {\"name\": \"cyst\", \"type\": "
                  "[\"367643001\", \"SCT\", \"Cyst\"], \"colour\": [255, 0, 0]}}, or nnU-Net's "
                  "{\"labels\": {\"liver\": 1}}"))
    return 0;
  return seg_run(options);
}

}  // namespace fovea
