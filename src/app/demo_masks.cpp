#include "app/demo.hpp"
#include "app/out.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"
#include "base/io/picture.hpp"
#include "learn/data/phantom_ct.hpp"
#include "learn/report/slices.hpp"

#include <iterator>

namespace fovea {
namespace {

void demo_plan(DemoJob const& job, fs::path const& file) {
  auto const flags = demo_flags(job);
  demo_step(text("fovea plan", demo_words(flags), " --out ", file.string()));
  auto const work = prepare_work(tasks(), flags.settings(), {}, nullptr, &stop_on_signals());
  write_file(file, work.plan.yaml());
  show_plan(work, false);
}

// Inspect, plan, train.
void demo_learn_masks(DemoJob const& job) {
  demo_inspect(job);
  auto const plan = job.folder / "plan.yaml";
  demo_plan(job, plan);
  PlanFlags flags;
  flags.plan = plan.string();
  demo_train(job, flags);
}

void demo_explain_masks(DemoJob const& job,
                        std::vector<std::string> const& images,
                        std::string const& label) {
  auto const run = (job.folder / "run").string();
  auto const why = (job.folder / "why").string();
  Arguments explain{run};
  explain.insert(explain.end(), images.begin(), images.end());
  explain.insert(explain.end(), {"--out", why});
  if (!label.empty()) explain.insert(explain.end(), {"--label", label});
  demo_step(text("fovea explain ", joined(explain, " ")));
  try {
    explain_command(explain);
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
    warn(error.what());  // a network that found nothing can explain nothing
  }
}

void demo_predict_masks(DemoJob const& job,
                        std::vector<std::string> const& images,
                        fs::path const& out,
                        std::vector<std::string> const& more) {
  Arguments ask{(job.folder / "run").string()};
  ask.insert(ask.end(), images.begin(), images.end());
  ask.insert(ask.end(), {"--out", out.string()});
  ask.insert(ask.end(), more.begin(), more.end());
  demo_step(text("fovea predict ", joined(ask, " ")));
  predict_command(ask);
}

// Where the images of a few cases lie, of the test split if there is one.
std::vector<std::string> demo_cases(DemoJob const& job) {
  constexpr std::size_t wanted = 2;
  auto const trial =
      open_trial(tasks(), job.folder / "run", job.data, "all", &stop_on_signals());
  std::vector<std::string> out;
  for (auto const split : {Split::test, Split::validation, Split::train}) {
    for (auto const& one : trial.set.cases) {
      if (one.split != split || out.size() >= wanted) continue;
      auto const series = trial.set.form == "dicom";
      out.push_back(series ? one.image.file.parent_path().string() : one.image.file.string());
      if (one.channels.empty()) continue;
      // Files of one case's channels are asked about together.
      for (auto const& channel : one.channels) out.push_back(channel.file.string());
      return out;
    }
  }
  return out;
}

// Little enough for a minute on two cores: about half a slice at a time, a narrow network, no
// mirror images, and only the cheap changes of the training patches.
std::vector<std::string> demo_ct_keys(fs::path const& folder) {
  return {"validation_share=0.2",  // a guess of the Dice to expect takes three cases
          "patch=[24, 64, 64]",
          "features=[16, 24, 48, 64]",
          "kernels=[3x3x3, 3x3x3, 3x3x3, 3x3x3]",
          "strides=[1x1x1, 1x2x2, 2x2x2, 2x2x2]",
          "blocks=[1, 1, 1, 1]",
          "decoder_blocks=[1, 1, 1]",
          "batch_size=1",
          "batch_dice=true",
          "learning_rate=0.008",
          "average=0.98",
          "foreground=0.5",
          "mirror=[]",
          "rotate=0",
          "scale=0.1",
          "blur=0",
          "low_resolution=0",
          "test_flips=false",
          text("cache=", fs::absolute(folder / "cache").string())};
}

// The segmentation as it was written, read back through the gate as a data set.
void demo_draw(fs::path const& folder, Volume const& truth, fs::path const& file) {
  auto const set = read_dataset(folder);
  auto const& one = set.cases.at(0);
  auto const image = set.image(one);
  auto const found = set.mask(one, image.grid());
  write_png(file, slice_sheet(slice_pictures(image, found.voxels, &truth,
                                             {.least = 480, .most = 480})));
}

}  // namespace

void demo_segment(DemoJob const& job) {
  demo_learn_masks(job);
  auto const images = demo_cases(job);
  demo_explain_masks(job, images, "");
  demo_predict_masks(job, images, job.folder / "found", {});
  demo_export(job);
}

void demo_ct(fs::path const& folder, std::string const& time) {
  demo_step(
      "making CT of nobody, as DICOM series with segmentations: lungs, liver, spleen, "
      "kidneys, aorta; tumours and nodules");
  constexpr PhantomCt made = {.train = 16, .test = 4, .size = 96, .slices = 24, .seed = 1};
  constexpr int fresh = made.train + made.test + 1;
  DemoJob const job{.folder = folder,
                    .data = (folder / "patients").string(),
                    .time = time,
                    .patient_from = {},
                    .set = demo_ct_keys(folder)};
  write_phantom_ct(job.data, made, stop_on_signals());
  auto const patient = folder / "new" / text("p", fresh);
  write_phantom_ct_patient(patient, folder / "new-truth.dcm", made, fresh, stop_on_signals());
  demo_learn_masks(job);
  demo_explain_masks(job, {patient.string()}, "liver");
  auto const found = folder / "new/found";
  demo_predict_masks(job, {patient.string()}, found,
                     {"--statistics", (folder / "new-volumes.csv").string()});
  demo_draw(folder / "new", phantom_ct(made, fresh).truth.voxels, folder / "found.png");
  demo_export(job);
}

}  // namespace fovea
