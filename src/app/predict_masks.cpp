#include "app/predict_masks.hpp"

#include "app/dicom_labels.hpp"
#include "app/mask_cases.hpp"
#include "app/out.hpp"
#include "app/predict_dicom.hpp"
#include "base/core/csv.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/core/version.hpp"
#include "base/core/words.hpp"
#include "base/finding/structures.hpp"
#include "base/io/formats.hpp"
#include "base/io/nifti_blocks.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <future>
#include <iostream>
#include <memory>
#include <optional>

namespace fovea {
namespace {

struct MaskStatistics {
  std::string label;
  std::int64_t voxels = 0;
  double ml = 0, mean = 0, deviation = 0, low = 0, high = 0;
  std::optional<double> expected{};  ///< Dice
  double expected_error = 0;
};

std::vector<MaskStatistics> mask_statistics(MaskMaker const& maker,
                                            Volume const& image,
                                            Segmented const& found) {
  auto const& labels = found.labels;
  auto const spacing = image.grid().spacing().mm;
  auto const ml = spacing[0] * spacing[1] * spacing[2] / 1000;
  auto const shown = as_float(image);
  auto const values = shown.channel<float>(0);
  std::vector<MaskStatistics> out;
  for (std::size_t n = 0; n < maker.structures.size(); ++n) {
    auto const& inside = maker.structures[n].inside;
    MaskStatistics one{.label = maker.structures[n].name};
    double sum = 0;
    double squares = 0;
    one.low = INFINITY;
    one.high = -INFINITY;
    with_type(labels.type(), [&](auto zero) {
      auto const all = labels.as<decltype(zero)>();
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (std::ranges::find(inside, static_cast<std::int64_t>(all[i])) == inside.end())
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
    // Cleaning may have taken all of it away.
    if (n < found.sureness.size() && n < maker.expected.size() && one.voxels > 0) {
      one.expected = maker.expected[n].of(found.sureness[n]);
      one.expected_error = maker.expected[n].error;
    }
    out.push_back(one);
  }
  return out;
}

std::string mask_number(MaskStatistics const& one, double value) {
  return one.voxels > 0 ? spelled(value) : "";
}

// Names and codes: as the user says, else as the segmentations that were learnt from, else by
// name.
std::vector<Segment> mask_segments(MaskMaker const& maker, std::vector<LabelName> const& said) {
  LabelMap map{
      .voxels = {upright({1, 1, 1}, {}), Type::u8}, .segments = {}, .fractional = false};
  for (auto const& one : maker.structures) {
    map.segments.push_back(one.described ? *one.described : segment_named(one.name));
    if (one.described) map.segments.back().name = one.name;
    map.segments.back().value = static_cast<std::uint16_t>(one.written);
  }
  name_segments(map, said);
  Provenance const by{MadeBy::program, maker.name, std::string{version}, maker.identity};
  for (auto& segment : map.segments) segment.provenance = by;
  return map.segments;
}

// What the user says of values. Throws Error{usage} of one that the model does not give.
std::vector<LabelName> mask_names(MaskMaker const& maker,
                                  std::vector<std::string> const& words) {
  auto out = read_label_names(words);
  for (auto const& one : out) {
    auto const known_value = std::ranges::any_of(maker.structures, [&](auto const& structure) {
      return structure.written == one.value;
    });
    if (one.layer <= 1 && known_value) continue;
    std::vector<std::string> known;
    for (auto const& structure : maker.structures) known.push_back(text(structure.written));
    throw Error{
        Fault::usage,
        text("--codes names the value ", one.value, ", the model gives ", joined(known, ", ")),
        "name values of the mask"};
  }
  return out;
}

void mask_write(std::vector<Segment> const& segments,
                MaskCase const& one,
                Volume const& image,
                Volume const& labels,
                MaskObjects const& objects) {
  if (one.ending != ".dcm") {
    auto mask =
        one.channels.front().dicom != nullptr ? image_of(labels) : one.channels.front().read();
    mask.volume = labels;
    mask.more.clear();
    mask.colour = false;
    mask.intent = 0;
    return write_volume(objects.file, mask);
  }
  write_mask_objects({.voxels = labels, .segments = segments, .fractional = false},
                     *one.channels.front().dicom, image, objects);
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

IndexBox mask_box(WindowBox const& box) {
  return {{box.first[2], box.first[1], box.first[0]}, {box.size[2], box.size[1], box.size[0]}};
}

// About what part of an image is looked at: boxes may overlap a little.
double mask_share(std::vector<WindowBox> const& boxes, Volume const& image) {
  if (boxes.empty()) return 1;
  double sum = 0;
  for (auto const& box : boxes) sum += static_cast<double>(box.voxels());
  return std::min(1.0, sum / static_cast<double>(image.voxels()));
}

void mask_expect_report(MaskCase const& one) {
  if (one.ending == ".dcm") return;
  throw Error{
      Fault::input,
      text("a report is of masks in DICOM, that of ", one.channels.front().source, " is none"),
      "leave --sr out, or pass a DICOM series and --format seg or rtstruct"};
}

/// The run over all cases.
class MaskRun {
 public:
  MaskRun(MaskMaker const& maker, MaskFlags const& flags, fs::path folder)
      : maker_(maker),
        flags_(flags),
        folder_(std::move(folder)),
        said_(mask_names(maker, flags.codes)) {}

  // Loading the next case and writing the last one go on while the network works.
  void operator()(std::vector<MaskCase> const& all, Stop const& stop) {
    auto const cases = left_of(all);
    // Names that DICOM cannot hold must not cost what the network did.
    if (std::ranges::any_of(cases, [](auto const* one) { return one->ending == ".dcm"; }))
      segments_ = mask_segments(maker_, said_);
    auto const load = [&](std::size_t at) {
      if (at == cases.size()) return std::future<Volume>{};
      return std::async(std::launch::async, [this, one = cases[at]] {
        for (auto const& file : one->channels)
          if (maker_.demand_modality) maker_.demand_modality(file.modality);
        if (flags_.sr) mask_expect_report(*one);
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
        SegmentAsk ask{.memory = mask_memory(flags_.memory),
                       .uncertainty = flags_.uncertainty,
                       .way = flags_.way(),
                       .progress = {},
                       .stop = &stop};
        auto const room = room_for(one, image);
        if (maker_.look) ask.within = maker_.look(image, ask);
        ask.sureness = !maker_.expected.empty();
        ask.progress = [&](double part, double whole_case) {
          progress.show(static_cast<double>(at) + part / whole_case,
                        static_cast<double>(cases.size()), one.id);
        };
        auto const found = maker_.make(image, ask, use_of(room));
        settle(progress);
        write(one, image, found, flags_.save_probabilities ? room : nullptr,
              mask_share(ask.within, image));
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
  std::string doubtful;  ///< the case and structure of the lowest Dice that is to be expected
  std::string statistics =
      csv_row(std::vector<std::string>{"id", "label", "voxels", "ml", "mean", "deviation",
                                       "low", "high", "expected_dice", "expected_dice_error"}) +
      "\n";

 private:
  fs::path file_of(MaskCase const& one) const { return folder_ / (one.id + one.ending); }
  fs::path report_of(MaskCase const& one) const {
    return flags_.sr ? folder_ / (one.id + "-sr.dcm") : fs::path{};
  }
  fs::path uncertainty_of(MaskCase const& one) const {
    return folder_ / (one.id + "-uncertainty.nii.gz");
  }
  fs::path probabilities_of(MaskCase const& one) const {
    return folder_ / (one.id + "-probabilities.nii");
  }
  bool is_done(MaskCase const& one) const {
    std::error_code ignored;
    return fs::exists(file_of(one), ignored) &&
           (!flags_.sr || fs::exists(report_of(one), ignored)) &&
           (!flags_.uncertainty || fs::exists(uncertainty_of(one), ignored)) &&
           (!flags_.save_probabilities || fs::exists(probabilities_of(one), ignored));
  }

  // Where probabilities lie while a case is under way; none if nobody needs them.
  std::shared_ptr<NiftiBlocks> room_for(MaskCase const& one, Volume const& image) const {
    if (!flags_.save_probabilities && !maker_.needs_room) return nullptr;
    return std::make_shared<NiftiBlocks>(probabilities_of(one), image.grid(),
                                         std::ssize(maker_.outputs));
  }

  ProbabilityRoom use_of(std::shared_ptr<NiftiBlocks> const& room) const {
    if (!room) return {};
    return {
        .write = [room](WindowBox const& box,
                        std::span<float const> values) { room->write(mask_box(box), values); },
        .read = [room](WindowBox const& box,
                       std::span<float> values) { room->read(mask_box(box), values); },
        .kept = flags_.save_probabilities};
  }

  // Without those whose masks are there already.
  std::vector<MaskCase const*> left_of(std::vector<MaskCase> const& all) {
    std::vector<MaskCase const*> out;
    for (auto const& one : all) {
      if (!flags_.resume || !is_done(one)) {
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
  void write(MaskCase const& one,
             Volume const& image,
             Segmented const& found,
             std::shared_ptr<NiftiBlocks> const& probabilities,
             double share) {
    written_ = &one;
    share_ = share;
    writing_ = std::async(std::launch::async, [this, &one, image, found, probabilities] {
      if (probabilities) probabilities->keep();
      if (found.uncertainty) write_volume(uncertainty_of(one), *found.uncertainty);
      mask_write(segments_, one, image, found.labels,
                 {.file = file_of(one),
                  .contours = flags_.format == "rtstruct",
                  .report = report_of(one)});
      return mask_statistics(maker_, image, found);
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
    if (flags_.sr) entry["report"] = report_of(one).string();
    if (flags_.save_probabilities) entry["probabilities"] = probabilities_of(one).string();
    if (maker_.look) entry["looked_at"] = share_;
    for (auto const& row : rows) {
      auto& structure = entry["structures"].emplace_back(
          Json{{"label", row.label}, {"voxels", row.voxels}, {"ml", row.ml}});
      if (!maker_.expected.empty()) {
        structure["expected_dice"] = row.expected ? Json(*row.expected) : Json{};
        structure["expected_dice_error"] = row.expected ? Json(row.expected_error) : Json{};
      }
      if (row.expected && *row.expected < lowest_) {
        lowest_ = *row.expected;
        doubtful = text(one.id, ": ", row.label, " ", fixed(*row.expected, 2), " (+-",
                        fixed(row.expected_error, 2), ")");
      }
      statistics +=
          csv_row(std::vector<std::string>{
              one.id, row.label, text(row.voxels), spelled(row.ml), mask_number(row, row.mean),
              mask_number(row, row.deviation), mask_number(row, row.low),
              mask_number(row, row.high), row.expected ? spelled(*row.expected) : "",
              row.expected ? spelled(row.expected_error) : ""}) +
          "\n";
    }
    answers.push_back(std::move(entry));
  }

  MaskMaker const& maker_;
  MaskFlags const& flags_;
  fs::path folder_;
  std::vector<LabelName> said_;
  std::vector<Segment> segments_;  ///< of masks in DICOM
  double lowest_ = INFINITY;
  MaskCase const* written_ = nullptr;
  double share_ = 1;
  std::future<std::vector<MaskStatistics>> writing_;
};

// Which channel of a file of probabilities is what.
void mask_channels(MaskMaker const& maker, fs::path const& file) {
  write_file(file, pretty({{"channels", maker.outputs}, {"sum_to_one", maker.sum_to_one}}));
}

}  // namespace

void MaskFlags::offer(CLI::App& app) {
  app.add_option("--precision", precision,
                 "float32 or bfloat16, faster where the processor has it (as the model was "
                 "proven; of nnU-Net's models float32)")
      ->check(CLI::IsMember({"float32", "bfloat16"}));
  app.add_option("--executor", executor,
                 "torch (LibTorch's convolutions) or fused (as the model was proven)")
      ->check(CLI::IsMember({"torch", "fused"}));
  all = {
      app.add_option("--format", format,
                     "of masks: nifti, nrrd, mha, png, seg or rtstruct (as the input; of "
                     "DICOM seg)")
          ->check(CLI::IsMember({"nifti", "nrrd", "mha", "png", "seg", "rtstruct"})),
      app.add_flag("--sr", sr,
                   "of masks in DICOM: CASE-sr.dcm, a measurement report of them, too"),
      app.add_option("--codes", codes,
                     "of masks in DICOM: what the values are, as --labels of fovea dicom seg "
                     "(as the segmentations that were learnt from, else by name)"),
      app.add_option("--memory", memory,
                     "of masks: what prediction may take, as 2G (half of "
                     "what is free)"),
      app.add_option("--statistics", statistics,
                     "of masks: FILE.csv with volumes and intensities of those made now"),
      app.add_flag("--no-flips", no_flips, "of masks: faster, without mirror images"),
      app.add_flag("--no-quality", no_quality, "of masks: without the Dice to expect"),
      app.add_option("--step", step, "of masks: from window to window, as a part of it")
          ->check(CLI::Range(0.05, 1.0)),
      app.add_flag("--uncertainty", uncertainty,
                   "of masks: a map of how far folds and mirror images differ, too"),
      app.add_flag("--save-probabilities", save_probabilities,
                   "of masks: CASE-probabilities.nii, too: by structure, of every voxel"),
      app.add_option("--with", with,
                     "of masks: another model that marks the same structures; the mean of "
                     "all probabilities counts (may be repeated)")
          ->take_all()
          ->allow_extra_args(false),
      app.add_flag("--roi", roi,
                   "of masks: a coarse look first, then only where it found something"),
      app.add_option("--roi-model", roi_model,
                     "of masks: the model that takes the coarse look (MODEL); as --roi"),
      app.add_flag("--resume", resume, "of masks: go on where a batch was stopped")};
}

AskedWay MaskFlags::way() const {
  AskedWay out;
  if (!precision.empty())
    out.precision = precision == "float32" ? Precision::float32 : Precision::bfloat16;
  if (!executor.empty()) out.executor = executor == "torch" ? Executor::torch : Executor::fused;
  return out;
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
    // Masks often lie beside their images.
    if (one.modality == "SEG") {
      warn(text(one.source, ": a segmentation, no image: left out"));
      return true;
    }
    if (one.verdict != Verdict::refused) return false;
    warn(text(one.source, ": ", one.reasons.front().words));
    return true;
  });
  auto const cases = mask_cases(std::move(volumes), maker.channels.size(), flags.format);
  if (cases.empty())
    throw Error{Fault::input, "there is no image among the inputs", "check the paths"};
  make_folder(out);
  if (flags.save_probabilities) mask_channels(maker, fs::path{out} / "probabilities.json");
  MaskRun run{maker, flags, out};
  run(cases, stop);
  if (!flags.statistics.empty()) write_file(flags.statistics, run.statistics);
  if (json) {
    print_json({{"model", name},
                {"with", flags.with},
                {"run_as", maker.run_as},
                {"answers", run.answers}});
  } else {
    std::cout << "wrote " << run.done << (run.done == 1 ? " mask" : " masks") << " into " << out
              << '\n';
    if (!run.doubtful.empty())
      std::cout << "lowest Dice to expect, without the truth: " << run.doubtful << '\n';
  }
  if (stop.asked())
    throw Interrupted{text("stopped after ", run.done, " of ", cases.size(),
                           " cases; their masks are written; go on with --resume")};
  if (run.done == 0)
    throw Error{Fault::input, text("none of the ", cases.size(), " cases got a mask"),
                "the reasons stand above"};
  return 0;
}

}  // namespace fovea
