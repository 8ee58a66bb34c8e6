#include "app/command.hpp"
#include "app/convert_dicom.hpp"
#include "app/convert_work.hpp"
#include "app/dicom.hpp"
#include "app/found.hpp"
#include "app/names.hpp"
#include "app/out.hpp"
#include "app/sidecar.hpp"
#include "app/structures.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/io/dicom_merge.hpp"
#include "base/io/dicom_stack.hpp"
#include "base/io/dicom_suv.hpp"
#include "base/io/formats.hpp"
#include "base/io/gradients.hpp"
#include "base/io/nifti.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace fovea {
namespace {

struct ConvertOptions : ConvertChanges {
  std::string in, out, format, series, sidecar, from, round, merge = "time", names;
  bool json = false, leave_off_plane = false;
};

constexpr std::string_view convert_as_dicom = "dicom";

bool convert_is_dicom(ConvertOptions const& options) {
  return lower(options.format) == convert_as_dicom;
}

// The ending that a format's files usually have, packed where there is a choice. Its name or
// that ending say which format: metaimage, mha. None of DICOM, whose volumes are folders.
std::string convert_ending(std::string const& asked) {
  auto const format = asked.empty() ? std::string{"nifti"} : asked;
  if (lower(format) == convert_as_dicom) return {};
  std::vector<std::string> known{std::string{convert_as_dicom}};
  for (auto const& row : formats()) {
    if (row.write == nullptr) continue;
    auto const name = lower(row.name);
    auto const ending = split(row.endings, ' ')[0];
    if (name == lower(format) || ending.substr(1) == lower(format))
      return name == "nifti" ? ".nii.gz" : ending;
    known.push_back(name);
  }
  throw Error{Fault::usage, text("no format '", format, "' can be written"),
              did_you_mean(format, known)};
}

bool convert_names_a_file(fs::path const& out) {
  auto const name = lower(out.filename().string());
  return std::ranges::any_of(formats(), [&](FormatRow const& row) {
    return row.write != nullptr &&
           std::ranges::any_of(split(row.endings, ' '),
                               [&](auto const& ending) { return name.ends_with(ending); });
  });
}

// An ending that says one format and a flag that says another: one of both is a slip.
void convert_expect_agreement(ConvertOptions const& options, std::string const& ending) {
  if (options.format.empty()) return;
  for (auto const& row : formats()) {
    auto const endings = split(row.endings, ' ');
    auto const has = [&](auto const& one) {
      return lower(fs::path{options.out}.filename().string()).ends_with(one);
    };
    if (!ending.empty() && std::ranges::find(endings, ending) != endings.end() &&
        std::ranges::any_of(endings, has))
      return;
  }
  throw Error{Fault::usage,
              text("--format says ", options.format, ", the name of ", fs::path{options.out},
                   " another"),
              "leave --format out, or name a folder"};
}

// And of all that will lie beside it: voxels behind a header of their own, and the sidecar.
void convert_expect_file(ConvertOptions const& options) {
  fs::path const out{options.out};
  expect_fresh_file(out);
  if (!options.sidecar.empty()) expect_fresh_file(sidecar_beside(out));
  constexpr std::string_view apart[] = {".hdr", ".img", ".nhdr", ".mhd"};
  constexpr std::string_view parts[] = {".hdr", ".img", ".raw", ".raw.gz", ".zraw"};
  if (std::ranges::find(apart, lower(out.extension().string())) == std::end(apart)) return;
  for (auto const part : parts) {
    auto beside = out;
    expect_fresh_file(beside.replace_extension(part));
  }
}

// A folder is what has no ending of a file: `ct.nii.zip` as a folder would surprise.
void convert_expect_folder(fs::path const& out) {
  std::error_code ignored;
  if (out.extension().empty() || fs::is_directory(out, ignored))
    return expect_fresh_folder(out);
  std::vector<std::string> known;
  for (auto const& row : formats()) {
    if (row.write != nullptr) known.emplace_back(row.endings);
  }
  throw Error{Fault::usage,
              text("expected a folder, or a file that ends as one of ", joined(known, " "),
                   ", got ", out),
              "choose one of these; if it is to be a folder, write a / behind its name"};
}

bool convert_straightens(FoundVolume const& volume, ConvertOptions const& options) {
  return options.straighten && volume.dicom != nullptr && is_stack(*volume.dicom);
}

/// What --format dicom needs beside the volumes.
struct ConvertSeries {
  std::optional<ResultSource> from;
  ImagesWrite write;

  ConvertSeries(ConvertOptions const& options, Stop const& stop) {
    if (!convert_is_dicom(options)) {
      if (!options.from.empty() || !options.round.empty())
        throw Error{Fault::usage, "--from and --round are of --format dicom", "leave them out"};
      return;
    }
    if (!options.round.empty()) {
      write.round_to = number(options.round);
      if (!write.round_to)
        throw Error{Fault::usage,
                    text("expected a number behind --round, got '", options.round, "'"),
                    "for example --round 0.01"};
    }
    if (!options.from.empty()) from = source_of({.path = options.from, .series = {}}, stop);
  }
};

std::string convert_which(std::vector<FoundVolume> const& volumes) {
  std::vector<std::string> words;
  for (auto const& volume : volumes)
    words.push_back(volume.series.empty() ? volume.source.string() : volume.series);
  return joined(words, ", ");
}

// Those that can be written; of the others it says why not.
std::vector<FoundVolume> convert_usable(std::vector<FoundVolume> volumes,
                                        ConvertOptions const& options,
                                        Json& refused) {
  std::erase_if(volumes, [&](FoundVolume const& volume) {
    if (volume.verdict != Verdict::refused || convert_straightens(volume, options))
      return false;
    auto const& reason = volume.reasons.front();
    warn(text(volume.source, ": refused: ", reason.code, ": ", reason.words));
    refused.push_back(to_json(volume));
    return true;
  });
  return volumes;
}

std::vector<FoundVolume> convert_chosen(std::vector<FoundVolume> volumes,
                                        std::string const& series) {
  if (series.empty()) return volumes;
  auto const all = convert_which(volumes);
  std::erase_if(volumes, [&](FoundVolume const& one) { return one.series != series; });
  if (volumes.empty())
    throw Error{Fault::usage, text("there is no series '", series, "'"),
                text("there are: ", all.empty() ? "none" : all)};
  return volumes;
}

// FSL's and BIDS' companions of a diffusion image: "dwi.bval" beside "dwi.nii.gz".
fs::path convert_beside(fs::path const& file, std::string_view ending) {
  return sidecar_beside(file).replace_extension(ending);
}

std::optional<GradientTable> convert_gradients(FoundVolume const& volume,
                                               ImageFile const& image,
                                               fs::path const& file,
                                               ConvertWork const& work) {
  if (volume.dicom == nullptr || !image.placed() || !named_as_nifti(file)) return std::nullopt;
  auto const& grid = image.volume.grid();
  auto const& moments = volume.dicom->moments;
  if (!work.moves()) return gradient_table(moments, grid);
  if (auto const map = work.affine()) return gradient_table(moved(moments, *map), grid);
  auto out = gradient_table(moments, grid);
  if (out && out->unsure.empty()) {
    out->directions.clear();
    out->unsure = "a field of displacements turns them another way at every place";
  }
  return out;
}

// Directions beside a NIfTI run along its axes, and nobody reads them here.
void convert_say_gradients_left(FoundVolume const& volume, fs::path const& file) {
  if (volume.dicom != nullptr || !named_as_nifti(volume.source)) return;
  std::error_code ignored;
  for (auto const ending : {".bvec", ".bval"}) {
    auto const beside = convert_beside(volume.source, ending);
    if (!fs::exists(beside, ignored)) continue;
    warn(text("gradients-left: ", beside,
              " is not taken over; its directions run along the axes of ",
              volume.source.filename(), ", which need not be those of ", file.filename()));
    return;
  }
}

Json convert_write(FoundVolume const& volume,
                   fs::path const& file,
                   ConvertWork const& work,
                   ConvertOptions const& options,
                   ConvertSeries const& series,
                   Stop const& stop) {
  ImageFile image = [&] {
    if (convert_straightens(volume, options))
      return work.straight(volume, load_stack(*volume.dicom));
    auto read = volume.read();
    heed(stop);
    work(volume, read);
    return read;
  }();
  heed(stop);
  auto const images = convert_is_dicom(options);
  auto const gradients = images ? std::nullopt : convert_gradients(volume, image, file, work);
  if (gradients) {
    expect_fresh_file(convert_beside(file, ".bval"));
    expect_fresh_file(convert_beside(file, ".bvec"));
  }
  convert_say_gradients_left(volume, file);
  if (images)
    write_images(image, volume, file, series.from, series.write, stop);
  else
    write_volume(file, image);
  if (!options.sidecar.empty())
    write_file(sidecar_beside(file), pretty(sidecar_of(volume, image.volume)));
  auto entry = to_json(volume);
  entry["file"] = file.string();
  entry["unit"] = name_of(image.volume.unit());
  for (auto const& note : volume.dicom != nullptr ? image.notes : std::vector<Note>{}) {
    if (note.code == "overlap") warn(text(volume.source, ": ", note.words));
    entry["reasons"].push_back(note.code);
    entry["notes"].push_back(note.words);
  }
  if (convert_straightens(volume, options)) entry["verdict"] = name_of(Verdict::adjusted);
  if (!gradients) return entry;
  write_file(convert_beside(file, ".bval"), gradients->b_values);
  if (gradients->unsure.empty()) {
    write_file(convert_beside(file, ".bvec"), gradients->directions);
    return entry;
  }
  warn(text(file, ": gradient-unsure: no .bvec: ", gradients->unsure));
  entry["reasons"].push_back("gradient-unsure");
  entry["notes"].push_back(gradients->unsure);
  return entry;
}

int convert_contours(ConvertOptions const& options, fs::path const& file, Stop const& stop) {
  if (!convert_names_a_file(options.out) || !options.spacing.empty() ||
      !options.orient.empty() || options.straighten || !options.transform.empty())
    throw Error{Fault::usage, "structures become one file, on the grid of --like",
                "name a file as mask.nii.gz; leave --spacing, --orient, --straighten and "
                "--transform out"};
  return convert_structures({.file = file,
                             .out = options.out,
                             .like = options.like,
                             .sidecar = !options.sidecar.empty(),
                             .json = options.json,
                             .leave_off_plane = options.leave_off_plane},
                            stop);
}

int convert_run(ConvertOptions const& options) {
  auto const single = convert_names_a_file(options.out);
  auto const ending = convert_ending(options.format);
  if (single) {
    convert_expect_agreement(options, ending);
    convert_expect_file(options);
  } else {
    convert_expect_folder(options.out);
  }
  if (single && !options.names.empty())
    throw Error{Fault::usage, "--names is for a folder of files, and OUT names one file",
                "name a folder, or leave --names out"};
  NamePattern names{options.names};
  auto const& stop = end_on_signals();
  ConvertWork const work{options, stop};
  ConvertSeries const series{options, stop};
  auto found = find_images({options.in}, stop);
  found.dicom.series = merged(std::move(found.dicom.series), *merge_by_of(options.merge));
  auto const every = volumes_of(found, stop);
  if (every.empty() && found.dicom.objects.size() == 1)
    return convert_contours(options, found.dicom.objects.front().file, stop);
  auto const all = convert_chosen(every, options.series);
  Json result{
      {"written", Json::array()}, {"refused", Json::array()}, {"damaged", Json::array()}};
  for (auto const& note : found.notes) warn(text(note.code, ": ", note.words));
  for (auto const& one : found.dicom.damaged) {
    warn(one.words);
    result["damaged"].push_back(to_json(one));
  }
  auto const volumes = convert_usable(all, options, result["refused"]);
  if (!options.suv.empty() && std::ranges::none_of(all, is_pet))
    throw Error{Fault::usage,
                text("expected a PET series for --suv, got none in ", fs::path{options.in}),
                "leave --suv out"};
  if (single && volumes.size() > 1)
    throw Error{Fault::usage,
                text("expected one volume for ", fs::path{options.out}, ", got ",
                     volumes.size(), ": ", convert_which(volumes)),
                "choose one with --series, or name a folder that does not exist yet"};
  Progress progress{"converting"};
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    if (stop.asked())
      throw Interrupted{text("stopped after ", i, " of ", volumes.size(), " volumes")};
    progress.show(static_cast<double>(i), static_cast<double>(volumes.size()));
    try {
      if (!single) make_folder(options.out);
      auto const name =
          options.names.empty() ? text("volume-", i + 1) : names.name_of(volumes[i]);
      auto const file =
          single ? fs::path{options.out} : fs::path{options.out} / (name + ending);
      result["written"].push_back(convert_write(volumes[i], file, work, options, series, stop));
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
      progress.clear();
      warn(text(volumes[i].source, ": ", error.what()));
      auto entry = to_json(volumes[i]);
      entry["error"] = error.what();
      result["refused"].push_back(std::move(entry));
    }
  }
  progress.clear();
  if (options.json) print_json(result);
  for (auto const& one : result["written"]) {
    if (!options.json) std::cout << "wrote " << one["file"].get<std::string>() << '\n';
  }
  if (result["written"].empty())
    throw Error{Fault::input, text("no volume in ", fs::path{options.in}, " could be written"),
                "see fovea inspect"};
  return 0;
}

}  // namespace

int convert_command(Arguments const& arguments) {
  ConvertOptions options;
  CLI::App app{
      "Writes volumes as another format: values and places stay as they are, unless another "
      "grid is asked for. What the gate refuses is not written.",
      "convert"};
  app.add_option("IN", options.in, "a folder, or a file")->required();
  app.add_option("OUT", options.out, "a file whose ending says the format, or a new folder")
      ->required();
  app.add_option("--format", options.format,
                 "in a folder: nifti, nrrd, metaimage, dicom, ... (nifti)");
  app.add_option("--series", options.series, "only the series with this UID");
  app.add_option("--orient", options.orient, "axes run to these sides, as LPS or RAS");
  app.add_option("--spacing", options.spacing, "resampled to X,Y,Z mm");
  app.add_option("--like", options.like, "resampled onto the grid of this volume");
  app.add_option("--interpolation", options.interpolation,
                 "linear, nearest, cubic, lanczos, hamming, label-linear (linear; of "
                 "segmentations nearest)");
  app.add_option("--grid-rule", options.grid_rule,
                 "what stays with --spacing: box (nnU-Net's size), centre, or corner (MONAI's "
                 "size) (box)");
  app.add_flag("--straighten", options.straighten,
               "resamples a sheared grid (tilted gantry) onto one at right angles, and slices "
               "whose distances change onto a regular one");
  app.add_option("--transform", options.transform,
                 "moved by this: ITK's .tfm, 4 x 4 numbers, or a field of displacements; it "
                 "leads from the new image's places to the old one's");
  app.add_flag("--inverse", options.inverse, "the transform the other way round");
  app.add_option("--suv", options.suv,
                 "PET as standardized uptake value, by body weight (bw), lean mass (lbm) or "
                 "body surface (bsa)")
      ->check(CLI::IsMember({"bw", "lbm", "bsa"}));
  app.add_option("--merge", options.merge,
                 "volumes of one series on one grid become one with a fourth axis: time (time "
                 "points, phases, diffusion), all (echoes, too), none (time)")
      ->check(CLI::IsMember({"time", "all", "none"}));
  app.add_option("--names", options.names,
                 "in a folder: names by a pattern, as '%s_%p' for series number and protocol; "
                 "the letters are dcm2niix's");
  app.add_option("--sidecar", options.sidecar,
                 "json: also what the headers say, as BIDS names it")
      ->check(CLI::IsMember({"json"}));
  app.add_flag("--leave-off-plane", options.leave_off_plane,
               "of an RT structure set: contours between slices are left out, not refused");
  app.add_option("--from", options.from,
                 "of --format dicom: the DICOM series that it was made from");
  app.add_option("--round", options.round,
                 "of --format dicom: values become multiples of this number");
  app.add_flag("--json", options.json, "print one JSON object");
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea convert SERIES ct.nii.gz\n"
                  "  fovea convert STUDY OUT --format nrrd\n"
                  "  fovea convert rtstruct.dcm mask.nii.gz --like SERIES --sidecar json\n"
                  "  fovea convert smooth.nii.gz OUT --format dicom --from SERIES --round 1\n"
                  "  fovea convert ct.nii.gz iso.nii.gz --spacing 1,1,1 --interpolation cubic"))
    return 0;
  return convert_run(options);
}

}  // namespace fovea
