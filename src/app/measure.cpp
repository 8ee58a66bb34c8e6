#include "app/command.hpp"
#include "app/masks.hpp"
#include "app/out.hpp"
#include "base/core/csv.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/geometry/same_grid.hpp"
#include "base/geometry/shape.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>

namespace fovea {
namespace {

/// What `--image` named, read once.
struct MeasureImage {
  ImageFile file;
  std::string source;
};

/// One mask and the image on its grid.
struct MeasureCase {
  std::string source, series;
  Content content;
  std::optional<Volume> image;
};

Json measure_diameter(Diameter const& one, bool placed) {
  return {{"mm", one.mm},
          {"from", placed ? to_json(one.from) : Json{}},
          {"to", placed ? to_json(one.to) : Json{}}};
}

Json measure_shape(SegmentShape const& shape, bool placed) {
  auto const or_null = [](std::optional<double> value) {
    return value ? Json(*value) : Json{};
  };
  return {{"voxels", shape.voxels},
          {"volume_mm3", shape.volume_mm3},
          {"surface_mm2", shape.surface_mm2},
          {"components", shape.components},
          {"centre_mm", placed ? to_json(shape.centre) : Json{}},
          {"centre_voxel", shape.centre_ijk.ijk},
          {"box", {{"first", shape.box.first}, {"size", shape.box.size}}},
          {"extent_mm", placed ? Json{{"lower", to_json(shape.extent.lower)},
                                      {"upper", to_json(shape.extent.upper)}}
                               : Json{}},
          {"longest", measure_diameter(shape.longest, placed)},
          {"axial",
           {{"axis", std::string(1, "ijk"[shape.axis])},
            {"slice", shape.axial.slice},
            {"longest", measure_diameter(shape.axial.longest, placed)},
            {"across", measure_diameter(shape.axial.across, placed)}}},
          {"spread_mm", shape.spread_mm},
          {"elongation", or_null(shape.elongation)},
          {"flatness", or_null(shape.flatness)}};
}

Json measure_intensities(Intensities const& of, Unit unit) {
  auto const known = [&](double value) { return of.voxels > 0 ? Json(value) : Json{}; };
  return {{"unit", name_of(unit)},  {"voxels", of.voxels},       {"left_out", of.left_out},
          {"mean", known(of.mean)}, {"sd", known(of.deviation)}, {"min", known(of.least)},
          {"p5", known(of.p5)},     {"p25", known(of.p25)},      {"median", known(of.median)},
          {"p75", known(of.p75)},   {"p95", known(of.p95)},      {"max", known(of.most)}};
}

Json measure_segment(Segment const& segment,
                     Volume const& layer,
                     Marked const* marked,
                     MeasureCase const& of) {
  auto const or_null = [](std::string const& words) {
    return words.empty() ? Json{} : Json(words);
  };
  Json out{{"layer", segment.layer},
           {"value", segment.value},
           {"name", segment.name},
           {"type", or_null(segment.type.meaning)}};
  if (marked == nullptr) {
    out["voxels"] = 0;
    out["volume_mm3"] = 0.0;
    return out;
  }
  out.update(measure_shape(shape_of(layer, *marked), of.content.image.placed()));
  if (of.image)
    out["image"] =
        measure_intensities(intensities_of(*of.image, layer, *marked), of.image->unit());
  return out;
}

Json measure_segments(MeasureCase const& of, Stop const& stop) {
  auto const& map = *of.content.map;
  auto out = Json::array();
  std::map<std::int64_t, std::vector<Segment>> layers;
  for (auto const& segment : map.segments) layers[segment.layer].push_back(segment);
  Progress progress{"measuring"};
  std::size_t done = 0;
  for (auto const& [at, segments] : layers) {
    auto const layer = channel_of(map.voxels, at);
    auto const all = marked_of(layer);
    for (auto const& segment : segments) {
      if (stop.asked()) throw Interrupted{"stopped while measuring"};
      progress.show(static_cast<double>(done++), static_cast<double>(map.segments.size()));
      auto const marked = std::ranges::find(all, segment.value, &Marked::value);
      out.push_back(
          measure_segment(segment, layer, marked == all.end() ? nullptr : &*marked, of));
    }
  }
  return out;
}

Volume measure_image_for(MeasureImage const& image, Content const& mask) {
  if (image.file.volume.channels() != 1)
    throw Error{Fault::input,
                text("expected an image of one channel, got ", image.file.volume.channels()),
                "choose a time point or colour first"};
  if (image.file.placed() != mask.image.placed())
    throw Error{Fault::input,
                text("expected a mask and an image of one place, got that the ",
                     mask.image.placed() ? "image" : "mask", " has no place in the patient"),
                "use files that both say where they lie"};
  auto const& grid = mask.image.volume.grid();
  if (auto out = cut_to(image.file.volume, grid, false)) return *out;
  expect_same_places(grid, image.file.volume.grid(), "the mask and the image");
  return image.file.volume;
}

std::optional<MeasureImage> measure_read_image(std::string const& name, Stop const& stop) {
  if (name.empty()) return std::nullopt;
  auto found = find_images({name}, stop);
  auto const volumes = usable_volumes(found, name, stop);
  if (volumes.size() != 1)
    throw Error{
        Fault::usage,
        text("expected one image behind --image, got ", volumes.size(), " in ", fs::path{name}),
        "name its file, or the folder of its series"};
  return MeasureImage{volumes.front().read(), volumes.front().source.string()};
}

Json measure_case(FoundVolume const& volume,
                  std::optional<MeasureImage> const& image,
                  Stop const& stop) {
  MeasureCase one{.source = volume.source.string(),
                  .series = volume.series,
                  .content = content_of(volume, TakenAs::labels),
                  .image = {}};
  auto& notes = one.content.notes;
  if (image) one.image = measure_image_for(*image, one.content);
  if (!one.content.image.placed())
    notes.emplace_back("it has no place in the patient: lengths follow its spacing");
  Json out{{"source", one.source},
           {"series", one.series},
           {"size", one.content.image.volume.grid().size},
           {"spacing", one.content.image.volume.grid().spacing().mm},
           {"segments", measure_segments(one, stop)}};
  auto const empty = std::ranges::count_if(
      out["segments"], [](Json const& segment) { return segment["voxels"] == 0; });
  if (out["segments"].empty()) notes.emplace_back("no voxel is marked");
  if (empty > 0) notes.push_back(text("segments without a voxel: ", empty));
  out["notes"] = notes;
  return out;
}

// --- for people and for spreadsheets

struct MeasureColumn {
  std::string_view name;
  Json::json_pointer at;
};

std::vector<MeasureColumn> measure_columns(bool image) {
  std::vector<MeasureColumn> columns;
  auto const add = [&](std::string_view name, char const* at) {
    columns.push_back({name, Json::json_pointer{at}});
  };
  add("layer", "/layer");
  add("value", "/value");
  add("name", "/name");
  add("voxels", "/voxels");
  add("volume_mm3", "/volume_mm3");
  add("surface_mm2", "/surface_mm2");
  add("components", "/components");
  add("longest_mm", "/longest/mm");
  add("axial_longest_mm", "/axial/longest/mm");
  add("axial_across_mm", "/axial/across/mm");
  add("axial_slice", "/axial/slice");
  add("centre_x_mm", "/centre_mm/0");
  add("centre_y_mm", "/centre_mm/1");
  add("centre_z_mm", "/centre_mm/2");
  add("first_i", "/box/first/0");
  add("first_j", "/box/first/1");
  add("first_k", "/box/first/2");
  add("size_i", "/box/size/0");
  add("size_j", "/box/size/1");
  add("size_k", "/box/size/2");
  add("elongation", "/elongation");
  add("flatness", "/flatness");
  if (!image) return columns;
  add("unit", "/image/unit");
  add("mean", "/image/mean");
  add("sd", "/image/sd");
  add("min", "/image/min");
  add("p5", "/image/p5");
  add("p25", "/image/p25");
  add("median", "/image/median");
  add("p75", "/image/p75");
  add("p95", "/image/p95");
  add("max", "/image/max");
  return columns;
}

// Null and what is not there are an empty cell.
std::string measure_cell(Json const& segment, Json::json_pointer const& at) {
  if (!segment.contains(at)) return "";
  auto const& value = segment[at];
  if (value.is_null()) return "";
  if (value.is_string()) return utf8(value.get<std::string>());
  if (value.is_number_float()) return spelled(value.get<double>());
  return value.dump();
}

std::string measure_csv(Json const& whole, bool image) {
  auto const columns = measure_columns(image);
  std::vector<std::string> head{"source"};
  for (auto const& column : columns) head.emplace_back(column.name);
  auto out = csv_row(head) + "\n";
  for (auto const& mask : whole["masks"]) {
    for (auto const& segment : mask["segments"]) {
      std::vector<std::string> row{utf8(mask["source"].get<std::string>())};
      for (auto const& column : columns) row.push_back(measure_cell(segment, column.at));
      out += csv_row(row) + "\n";
    }
  }
  return out;
}

std::vector<std::string> measure_row(Json const& segment, bool image) {
  auto const number = [&](char const* at, double scale, int digits) {
    Json::json_pointer const place{at};
    if (!segment.contains(place) || segment[place].is_null()) return std::string{"-"};
    return fixed(segment[place].get<double>() * scale, digits);
  };
  std::vector<std::string> row{
      text(segment["value"].get<std::int64_t>()),
      printable(segment["name"].get<std::string>(), {}),
      number("/volume_mm3", 1e-3, 3),
      number("/surface_mm2", 1e-2, 2),
      number("/longest/mm", 1, 1),
      text(number("/axial/longest/mm", 1, 1), " x ", number("/axial/across/mm", 1, 1)),
      segment.contains("components") ? text(segment["components"].get<std::int64_t>()) : "-"};
  if (image)
    row.push_back(text(number("/image/mean", 1, 1), " (", number("/image/sd", 1, 1), "), ",
                       number("/image/median", 1, 1)));
  return row;
}

void measure_show(Json const& whole, std::optional<MeasureImage> const& image) {
  for (auto const& mask : whole["masks"]) {
    std::cout << printable(mask["source"].get<std::string>(), {}) << '\n';
    std::vector<std::vector<std::string>> rows{
        {"value", "name", "volume ml", "surface cm2", "longest mm", "axial mm", "parts"}};
    if (image)
      rows.front().push_back(
          image->file.volume.unit() == Unit::arbitrary
              ? std::string{"mean (sd), median"}
              : text("mean (sd), median in ", name_of(image->file.volume.unit())));
    for (auto const& segment : mask["segments"])
      rows.push_back(measure_row(segment, image.has_value()));
    std::cout << aligned(rows);
    for (auto const& note : mask["notes"])
      std::cout << "  note: " << note.get<std::string>() << '\n';
  }
}

}  // namespace

int measure_command(Arguments const& arguments) {
  std::string input, image_name, csv;
  bool json = false;
  CLI::App app{
      "Measures each segment of a label map in mm: volume, surface, diameters, place, shape; "
      "with --image also what the image shows within it.",
      "measure"};
  app.add_option("MASK", input, "a label map, a DICOM SEG, or a folder of them")->required();
  app.add_option("--image", image_name, "an image on the same grid: a file or a series");
  app.add_option("--csv", csv, "also a table: a row for each segment, in a new file");
  app.add_flag("--json", json, "print one JSON object");
  if (!read_flags(app, arguments,
                  "docs/measure.md says how each number is defined.\n"
                  "Examples:\n"
                  "  fovea measure organs.nii.gz\n"
                  "  fovea measure seg.dcm --image CT --csv organs.csv"))
    return 0;
  if (!csv.empty()) expect_fresh_file(csv);
  auto const& stop = end_on_signals();
  auto const image = measure_read_image(image_name, stop);
  auto found = find_images({input}, stop);
  auto const volumes = usable_volumes(found, input, stop);
  Json whole{{"masks", Json::array()},
             {"image", image ? Json(image->source) : Json{}},
             {"refused", Json::array()}};
  for (auto const& volume : volumes) {
    try {
      whole["masks"].push_back(measure_case(volume, image, stop));
    } catch (Error const& error) {
      if (error.fault() != Fault::input || volumes.size() == 1) throw;
      warn(text(volume.source, ": ", error.what()));
      whole["refused"].push_back({{"source", volume.source.string()}, {"error", error.what()}});
    }
  }
  if (!csv.empty()) write_file(csv, measure_csv(whole, image.has_value()));
  if (json)
    print_json(whole);
  else
    measure_show(whole, image);
  if (whole["masks"].empty())
    throw Error{Fault::input, text("no mask in ", fs::path{input}, " could be measured"),
                "the reasons stand above"};
  return 0;
}

}  // namespace fovea
