#include "app/dicom.hpp"
#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/progress.hpp"
#include "base/core/refusal.hpp"
#include "base/core/words.hpp"
#include "base/geometry/grids.hpp"
#include "base/geometry/resample.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

std::string from_list(std::vector<DicomSeries> const& all) {
  std::vector<std::string> words;
  for (auto const& one : all)
    words.push_back(text(one.series, " (", one.modality, ", ", one.slices.size(), " slices)"));
  return joined(words, ", ");
}

// True if every corner of the one is a corner of the other: the same voxels in another order.
bool from_same_voxels(Grid const& from, Grid const& onto) {
  auto const map = index_map(onto, from);
  constexpr double tolerance = 0.01;  // of a voxel, as the gate's of a spacing
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const turned = std::ranges::count_if(
        map.matrix[axis], [](double part) { return std::abs(std::abs(part) - 1) < 0.01; });
    if (turned != 1) return false;
  }
  for (unsigned corner = 0; corner < 8; ++corner) {
    Index at;
    for (std::size_t axis = 0; axis < 3; ++axis)
      at.ijk[axis] = (corner >> axis & 1U) != 0 ? static_cast<double>(onto.size[axis] - 1) : 0;
    auto const place = map(at);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      auto const last = static_cast<double>(from.size[axis] - 1);
      if (std::abs(place.ijk[axis]) > tolerance && std::abs(place.ijk[axis] - last) > tolerance)
        return false;
    }
  }
  auto one = from.size;
  auto other = onto.size;
  std::ranges::sort(one);
  std::ranges::sort(other);
  return one == other;
}

// What lies elsewhere would read as looked for and not found.
void from_expect_kept(Volume const& mask, Volume const& resampled) {
  auto const before = box_of_marked(mask);
  if (!before) return;
  if (!box_of_marked(resampled))
    throw Refusal{
        "other-place",
        text("nothing that is marked is left on the source's slices: it lies elsewhere, ",
             "or is finer than their voxels"),
        "check that both are of one patient and one frame of reference"};
  auto const map = index_map(mask.grid(), resampled.grid());
  for (unsigned corner = 0; corner < 8; ++corner) {
    Index at;
    for (std::size_t axis = 0; axis < 3; ++axis)
      at.ijk[axis] = static_cast<double>(
          before->first[axis] + ((corner >> axis & 1U) != 0 ? before->size[axis] - 1 : 0));
    auto const place = map(at);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      auto const size = static_cast<double>(resampled.grid().size[axis]);
      if (place.ijk[axis] >= -0.5 && place.ijk[axis] <= size - 0.5) continue;
      return warn(
          "the box around what is marked reaches beyond the source's slices: it is cut");
    }
  }
}

}  // namespace

void offer(CLI::App& app, DicomFrom& from) {
  app.add_option("--from", from.path, "the DICOM series that it was made from: its folder")
      ->required();
  app.add_option("--series", from.series, "of several series there: the one with this UID");
}

ResultSource source_of(DicomFrom const& from, Stop const& stop) {
  auto const found = find_images({from.path}, stop);
  auto all = found.dicom.series;
  auto const there = from_list(all);
  if (!from.series.empty())
    std::erase_if(all, [&](DicomSeries const& one) { return one.series != from.series; });
  if (all.size() != 1)
    throw Error{Fault::usage,
                text("expected one DICOM series behind --from, got ", all.size(), " in ",
                     fs::path{from.path}),
                there.empty()
                    ? "name the folder of the images that it was made from"
                    : text("choose one with --series, or a narrower folder: ", there)};
  return result_source(all.front());
}

void offer(CLI::App& app, DicomMade& made) {
  app.add_option("--algorithm", made.name, "name of the model or program that made it");
  app.add_option("--algorithm-version", made.version, "its version");
  app.add_option("--weights", made.weights,
                 "its weights, a file: their SHA-256 goes into the object");
  app.add_option("--made-by", made.by, "program, person or both (program)");
}

Provenance provenance_of(DicomMade const& made) {
  struct Row {
    std::string_view name;
    MadeBy by;
  };
  constexpr Row rows[] = {
      {"program", MadeBy::program}, {"person", MadeBy::person}, {"both", MadeBy::both}};
  std::vector<std::string> known;
  for (auto const& row : rows) {
    known.emplace_back(row.name);
    if (row.name != made.by) continue;
    return {.made_by = row.by,
            .name = made.name,
            .version = made.version,
            .hash = made.weights.empty() ? std::string{} : sha256_of_file(made.weights)};
  }
  throw Error{Fault::usage, text("nothing is made by '", made.by, "'"),
              did_you_mean(made.by, known)};
}

ImageFile placed_image(std::string const& path, Stop const& stop) {
  Found found;
  auto image = one_volume(path, {}, found, stop).read();
  if (!image.placed())
    throw Refusal{"no-position",
                  text(fs::path{path}, " does not say where it lies in the patient"),
                  "write it in a format that does: NIfTI, NRRD or MetaImage"};
  return image;
}

Volume turned_onto(Volume const& volume, ResultSource const& source) {
  if (!source.placed || same_grid(source.grid, volume.grid()) ||
      !from_same_voxels(volume.grid(), source.grid))
    return volume;
  return resample(volume, source.grid, {.interpolator = Interpolator::nearest});
}

Volume onto_source(Volume const& original, ResultSource const& source, std::string const& how) {
  auto const volume = turned_onto(original, source);
  if (same_grid(source.grid, volume.grid())) return volume;
  if (how.empty()) expect_grid_of(source, volume.grid());
  struct Row {
    std::string_view name;
    Interpolator interpolator;
  };
  constexpr Row rows[] = {{"nearest", Interpolator::nearest},
                          {"linear", Interpolator::linear},
                          {"label-linear", Interpolator::label_linear}};
  std::vector<std::string> known;
  for (auto const& row : rows) {
    if (row.name == how) {
      auto out = resample(volume, source.grid, {.interpolator = row.interpolator});
      from_expect_kept(volume, out);
      return out;
    }
    known.emplace_back(row.name);
  }
  throw Error{Fault::usage, text("no way to resample '", how, "'"), did_you_mean(how, known)};
}

}  // namespace fovea
