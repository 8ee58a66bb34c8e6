#include "app/predict_masks.hpp"

#include "app/found.hpp"
#include "app/full.hpp"
#include "app/out.hpp"
#include "base/core/csv.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/core/version.hpp"
#include "base/core/words.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_rtstruct_write.hpp"
#include "base/io/dicom_seg_write.hpp"
#include "base/io/formats.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <future>
#include <iostream>
#include <map>
#include <optional>

namespace fovea {
namespace {

/// One case: a volume, or one for each channel.
struct MaskCase {
  std::string id;
  std::vector<FoundVolume> channels;
  std::string ending;  ///< of the mask's file
};

constexpr std::string_view mask_endings[] = {".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha",
                                             ".mhd",    ".hdr", ".img",  ".png",  ".tiff",
                                             ".tif",    ".jpg", ".jpeg", ".gif",  ".bmp"};

// "scan.nii.gz" is "scan" and ".nii.gz".
std::pair<std::string, std::string> mask_split(fs::path const& file) {
  auto const name = file.filename().string();
  auto const small = lower(name);
  for (auto const ending : mask_endings) {
    if (small.ends_with(ending) && small.size() > ending.size())
      return {name.substr(0, name.size() - ending.size()), std::string{ending}};
  }
  return {name, {}};
}

// Pictures that cannot hold a mask exactly, and headers beside their voxels, become one file.
std::string mask_ending(std::string const& format, std::string const& of_input, bool dicom) {
  if (format == "nifti") return ".nii.gz";
  if (format == "nrrd") return ".nrrd";
  if (format == "mha") return ".mha";
  if (format == "png") return ".png";
  if (format == "seg" || format == "rtstruct" || dicom) return ".dcm";
  if (of_input == ".hdr" || of_input == ".img") return ".nii.gz";
  if (of_input == ".nhdr") return ".nrrd";
  if (of_input == ".mhd") return ".mha";
  auto const picture = of_input == ".jpg" || of_input == ".jpeg" || of_input == ".gif" ||
                       of_input == ".bmp" || of_input == ".tif" || of_input == ".tiff";
  return picture ? ".png" : of_input;
}

// nnU-Net's files of a case: scan_0000.nii.gz, scan_0001.nii.gz.
std::optional<std::size_t> mask_channel(std::string const& stem) {
  constexpr std::size_t digits = 5;
  if (stem.size() <= digits || stem[stem.size() - digits] != '_') return std::nullopt;
  auto const number = whole(std::string_view{stem}.substr(stem.size() - digits + 1));
  return number && *number >= 0 ? std::optional{static_cast<std::size_t>(*number)}
                                : std::nullopt;
}

std::vector<MaskCase> mask_cases(std::vector<FoundVolume> volumes,
                                 std::size_t channels,
                                 std::string const& format) {
  std::vector<MaskCase> out;
  std::map<std::string, std::map<std::size_t, FoundVolume>> parts;
  std::map<std::string, int> used;
  auto const add = [&](std::string id, std::vector<FoundVolume> files, std::string ending) {
    auto const again = ++used[lower(id)];
    if (again > 1) id += text("-", again);
    out.push_back({std::move(id), std::move(files), std::move(ending)});
  };
  for (auto& volume : volumes) {
    auto const [stem, of_input] = mask_split(volume.source);
    auto const ending = mask_ending(format, of_input, volume.dicom != nullptr);
    auto const channel = volume.dicom == nullptr ? mask_channel(stem) : std::nullopt;
    if (channel && (channels > 1 || *channel == 0)) {
      auto const id = (volume.source.parent_path() / stem.substr(0, stem.size() - 5)).string();
      parts[id].emplace(*channel, std::move(volume));
    } else {
      add(stem, {std::move(volume)}, ending);
    }
  }
  for (auto& [path, files] : parts) {
    std::vector<FoundVolume> in_order;
    for (auto& [channel, volume] : files) in_order.push_back(std::move(volume));
    auto const ending = mask_ending(format, mask_split(in_order.front().source).second, false);
    add(fs::path{path}.filename().string(), std::move(in_order), ending);
  }
  return out;
}

Volume mask_image(MaskCase const& one, std::size_t channels) {
  auto first = one.channels.front().read();
  if (one.channels.size() == 1) return first.volume;
  if (one.channels.size() != channels)
    throw Error{Fault::input,
                text("expected ", channels, " files of channels, got ", one.channels.size()),
                "name them CASE_0000, CASE_0001 …"};
  auto const& grid = first.volume.grid();
  Volume out{grid, Type::f32, first.volume.unit(), static_cast<std::int64_t>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    auto const volume = c == 0 ? first.volume : one.channels[c].read().volume;
    if (volume.grid().size != grid.size || volume.channels() != 1)
      throw Error{Fault::input,
                  text("channel ", c, " (", one.channels[c].source,
                       ") has another size than the first"),
                  "bring them onto one grid with fovea convert --like"};
    std::ranges::copy(as_float(volume).as<float>(),
                      out.write_channel<float>(static_cast<std::int64_t>(c)).begin());
  }
  return out;
}

// Before the network works: one case of a kind that cannot be written must not cost the others.
void mask_expect_writable(MaskCase const& one, Volume const& image) {
  auto const& first = one.channels.front();
  if (one.ending == ".dcm" && first.dicom == nullptr)
    throw Error{Fault::input, text(first.source, " is no DICOM series"),
                "choose --format nifti, nrrd, mha or png"};
  if (one.ending == ".png" && image.depth() > 1)
    throw Error{Fault::input,
                text(first.source, " has ", image.depth(), " slices, a PNG holds one"),
                "choose --format nifti, nrrd or mha"};
}

struct MaskStatistics {
  std::string label;
  std::int64_t voxels = 0;
  double ml = 0, mean = 0, deviation = 0, low = 0, high = 0;
};

std::vector<MaskStatistics> mask_statistics(MaskMaker const& maker,
                                            Volume const& image,
                                            Volume const& labels) {
  auto const spacing = image.grid().spacing().mm;
  auto const ml = spacing[0] * spacing[1] * spacing[2] / 1000;
  auto const values = as_float(image).channel<float>(0);
  std::vector<MaskStatistics> out;
  for (auto const& structure : maker.structures) {
    MaskStatistics one{.label = structure.name};
    double sum = 0;
    double squares = 0;
    one.low = INFINITY;
    one.high = -INFINITY;
    with_type(labels.type(), [&](auto zero) {
      auto const all = labels.as<decltype(zero)>();
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (std::ranges::find(structure.inside, static_cast<std::int64_t>(all[i])) ==
            structure.inside.end())
          continue;
        double const value = values[i];
        ++one.voxels;
        sum += value;
        squares += value * value;
        one.low = std::min(one.low, value);
        one.high = std::max(one.high, value);
      }
    });
    auto const count = static_cast<double>(one.voxels);
    one.ml = count * ml;
    one.mean = sum / count;
    one.deviation = std::sqrt(std::max(0.0, squares / count - one.mean * one.mean));
    out.push_back(one);
  }
  return out;
}

std::string mask_number(MaskStatistics const& one, double value) {
  return one.voxels > 0 ? spelled(value) : "";
}

LabelMap mask_map(MaskMaker const& maker, Volume const& labels) {
  LabelMap map{.voxels = labels, .segments = {}, .fractional = false};
  Provenance const by{MadeBy::program, maker.name, std::string{version}, maker.identity};
  for (auto const& structure : maker.structures)
    map.segments.push_back(
        {.value = structure.written, .name = structure.name, .provenance = by});
  return map;
}

void mask_write(MaskMaker const& maker,
                MaskCase const& one,
                Volume const& labels,
                std::string const& format,
                fs::path const& file) {
  if (one.ending != ".dcm") {
    auto mask =
        one.channels.front().dicom != nullptr ? image_of(labels) : one.channels.front().read();
    mask.volume = labels;
    mask.more.clear();
    mask.colour = false;
    mask.intent = 0;
    return write_volume(file, mask);
  }
  auto const source = result_source(*one.channels.front().dicom);
  auto const map = mask_map(maker, labels);
  write_dicom(file,
              format == "rtstruct" ? dicom_rtstruct(map, source) : dicom_seg(map, source));
}

std::uint64_t mask_memory(std::string const& words) {
  if (words.empty()) return 0;
  auto const unit = words.back();
  auto const scale = unit == 'G' || unit == 'g'   ? 1073741824.0
                     : unit == 'M' || unit == 'm' ? 1048576.0
                                                  : 0.0;
  auto const value = number(scale > 0 ? std::string_view{words}.substr(0, words.size() - 1)
                                      : std::string_view{});
  if (!value || *value <= 0)
    throw Error{Fault::usage, text("expected --memory as 2G or 800M, got '", words, "'"),
                "say how much memory prediction may take"};
  return static_cast<std::uint64_t>(*value * scale);
}

/// The run over all cases.
class MaskRun {
 public:
  MaskRun(MaskMaker const& maker, MaskFlags const& flags, fs::path folder)
      : maker_(maker), flags_(flags), folder_(std::move(folder)) {}

  // Loading the next case and writing the last one go on while the network works.
  void operator()(std::vector<MaskCase> const& all, Stop const& stop) {
    auto const cases = left_of(all);
    auto const load = [&](std::size_t at) {
      if (at == cases.size()) return std::future<Volume>{};
      return std::async(std::launch::async, [this, one = cases[at]] {
        auto image = mask_image(*one, maker_.channels.size());
        mask_expect_writable(*one, image);
        return image;
      });
    };
    Progress progress{"predicting"};
    auto next = load(0);
    for (std::size_t at = 0; at < cases.size() && !stop.asked(); ++at) {
      auto const& one = *cases[at];
      auto loading = std::move(next);
      loading.wait();
      next = load(at + 1);
      try {
        auto const image = loading.get();
        auto const found =
            maker_.make(image, {.memory = mask_memory(flags_.memory),
                                .uncertainty = flags_.uncertainty,
                                .progress =
                                    [&](double part, double whole_case) {
                                      progress.show(static_cast<double>(at) + part / whole_case,
                                                    static_cast<double>(cases.size()), one.id);
                                    },
                                .stop = &stop});
        settle(progress);
        write(one, image, found);
      } catch (Interrupted const&) {
        break;
      } catch (Error const& error) {
        leave_out(one, error, progress);
      }
    }
    settle(progress);
  }

  std::size_t done = 0;
  Json answers = Json::array();
  std::string statistics =
      csv_row(std::vector<std::string>{"id", "label", "voxels", "ml", "mean", "deviation",
                                       "low", "high"}) +
      "\n";

 private:
  fs::path file_of(MaskCase const& one) const { return folder_ / (one.id + one.ending); }

  // Without those whose masks are there already.
  std::vector<MaskCase const*> left_of(std::vector<MaskCase> const& all) {
    std::vector<MaskCase const*> out;
    for (auto const& one : all) {
      std::error_code ignored;
      if (!flags_.resume || !fs::exists(file_of(one), ignored)) {
        out.push_back(&one);
        continue;
      }
      ++done;
      answers.push_back({{"id", one.id}, {"file", file_of(one).string()}, {"resumed", true}});
    }
    return out;
  }

  void leave_out(MaskCase const& one, Error const& error, Progress& progress) {
    if (error.fault() != Fault::input) throw;  // the one that is being caught
    progress.clear();
    warn(text(one.id, ": ", error.what()));
    answers.push_back({{"id", one.id}, {"error", error.what()}});
  }

  // The mask comes last: where it is, everything is.
  void write(MaskCase const& one, Volume const& image, Segmented const& found) {
    written_ = &one;
    writing_ = std::async(std::launch::async, [this, &one, image, found] {
      if (found.uncertainty)
        write_volume(folder_ / (one.id + "-uncertainty.nii.gz"), *found.uncertainty);
      mask_write(maker_, one, found.labels, flags_.format, file_of(one));
      return mask_statistics(maker_, image, found.labels);
    });
  }

  // Waits for the mask that is being written, and tells of it.
  void settle(Progress& progress) {
    if (!writing_.valid()) return;
    try {
      tell(*written_, writing_.get());
      ++done;
    } catch (Error const& error) {
      leave_out(*written_, error, progress);
    }
  }

  void tell(MaskCase const& one, std::vector<MaskStatistics> const& rows) {
    Json entry = {
        {"id", one.id}, {"file", file_of(one).string()}, {"structures", Json::array()}};
    for (auto const& row : rows) {
      entry["structures"].push_back(
          {{"label", row.label}, {"voxels", row.voxels}, {"ml", row.ml}});
      statistics += csv_row(std::vector<std::string>{
                        one.id, row.label, text(row.voxels), spelled(row.ml),
                        mask_number(row, row.mean), mask_number(row, row.deviation),
                        mask_number(row, row.low), mask_number(row, row.high)}) +
                    "\n";
    }
    answers.push_back(std::move(entry));
  }

  MaskMaker const& maker_;
  MaskFlags const& flags_;
  fs::path folder_;
  MaskCase const* written_ = nullptr;
  std::future<std::vector<MaskStatistics>> writing_;
};

}  // namespace

void MaskFlags::offer(CLI::App& app) {
  all = {app.add_option("--format", format,
                        "of masks: nifti, nrrd, mha, png, seg or rtstruct (as the input; of "
                        "DICOM seg)")
             ->check(CLI::IsMember({"nifti", "nrrd", "mha", "png", "seg", "rtstruct"})),
         app.add_option("--memory", memory,
                        "of masks: what prediction may take, as 2G (half of "
                        "what is free)"),
         app.add_option("--statistics", statistics,
                        "of masks: FILE.csv with volumes and intensities of those made now"),
         app.add_flag("--no-flips", no_flips, "of masks: faster, without mirror images"),
         app.add_option("--step", step, "of masks: from window to window, as a part of it")
             ->check(CLI::Range(0.05, 1.0)),
         app.add_flag("--uncertainty", uncertainty,
                      "of masks: a map of how far folds and mirror images differ, too"),
         app.add_flag("--resume", resume, "of masks: go on where a batch was stopped")};
}

void MaskFlags::expect_none(std::string const& model) const {
  for (auto const* const option : all) {
    if (option->count() > 0)
      throw Error{Fault::usage,
                  text(option->get_name(), " is of models that label voxels; ", fs::path{model},
                       " answers in words"),
                  "leave it out"};
  }
}

MaskMaker mask_maker(Model const& model, MaskFlags const& flags) {
  auto contract = segment_contract(model.about);
  if (flags.no_flips) contract.flips.clear();
  if (flags.step > 0) contract.step = flags.step;
  MaskMaker out{.name = model.about.name,
                .identity = model.identity,
                .channels = contract.channels,
                .structures = {},
                .make = {}};
  auto const first = contract.rule.regions ? 0U : 1U;  // behind the background
  for (std::size_t n = 0; n < contract.inside.size() && n + first < contract.rule.values.size();
       ++n)
    out.structures.push_back({.name = model.about.labels[n].name,
                              .inside = contract.inside[n],
                              .written = contract.rule.values[n + first]});
  out.make = [&model, contract = std::move(contract)](Volume const& image,
                                                      SegmentAsk const& ask) {
    return segmented(model, contract, image, ask);
  };
  return out;
}

MaskMaker mask_maker(BundleModel const& model, MaskFlags const& flags) {
  if (flags.no_flips || flags.step > 0 || flags.uncertainty)
    throw Error{Fault::usage,
                "a bundle's own config says how its network goes over an image: --no-flips, "
                "--step and --uncertainty are of other models",
                "leave them out"};
  MaskMaker out{.name = model.facts.name,
                .identity = model.facts.version,
                .channels = model.facts.channels,
                .structures = {},
                .make = {}};
  for (auto const& label : model.labels)
    out.structures.push_back({.name = label.name,
                              .inside = {label.value},
                              .written = static_cast<std::uint16_t>(label.value)});
  out.make = [&model](Volume const& image, SegmentAsk const& ask) {
    return Segmented{bundle_masks(model, image, ask), std::nullopt};
  };
  return out;
}

int predict_masks(MaskMaker const& maker,
                  std::string const& name,
                  std::vector<std::string> const& inputs,
                  std::string const& out,
                  MaskFlags const& flags,
                  bool json) {
  if (out.empty())
    throw Error{Fault::usage, "masks need a folder to be written into", "name it with --out"};
  mask_memory(flags.memory);
  if (!flags.resume) expect_fresh_folder(out);
  if (!flags.statistics.empty()) expect_fresh_file(flags.statistics);
  auto const& stop = stop_on_signals();
  auto found = find_images(inputs, stop);
  auto volumes = volumes_of(found, stop);
  for (auto const& damaged : found.dicom.damaged) warn(text(damaged.file, ": ", damaged.words));
  std::erase_if(volumes, [](FoundVolume const& one) {
    if (one.verdict != Verdict::refused) return false;
    warn(text(one.source, ": ", one.reasons.front().words));
    return true;
  });
  MaskRun run{maker, flags, out};
  auto const cases = mask_cases(std::move(volumes), maker.channels.size(), flags.format);
  if (cases.empty())
    throw Error{Fault::input, "there is no image among the inputs", "check the paths"};
  make_folder(out);
  run(cases, stop);
  if (!flags.statistics.empty()) write_file(flags.statistics, run.statistics);
  if (json)
    print_json({{"model", name}, {"answers", run.answers}});
  else
    std::cout << "wrote " << run.done << (run.done == 1 ? " mask" : " masks") << " into " << out
              << '\n';
  if (stop.asked())
    throw Interrupted{text("stopped after ", run.done, " of ", cases.size(),
                           " cases; their masks are written; go on with --resume")};
  if (run.done == 0)
    throw Error{Fault::input, text("none of the ", cases.size(), " cases got a mask"),
                "the reasons stand above"};
  return 0;
}

}  // namespace fovea
