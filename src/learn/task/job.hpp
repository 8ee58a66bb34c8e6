#pragma once

#include "base/core/progress.hpp"
#include "learn/data/layout.hpp"
#include "learn/data/mask_quality.hpp"
#include "learn/task/run.hpp"
#include "learn/task/task.hpp"

namespace fovea {

/// A key that a person gave, and where: later ones win.
struct Setting {
  std::string key, value;
  std::string from;  ///< "asked for with --time", "from plan.yaml"
};

/// What a job works on: read, split, looked at, planned.
struct Work {
  Task const* task = nullptr;
  Dataset set;            ///< cases that cannot be used are unassigned
  QualityReport quality;  ///< names them
  Plan plan;
  std::string data_hash;  ///< over ids, splits, labels, weights and images
};

/// Reads the data set that the settings name, finds the task, splits what has no split (or as
/// `run` has split it), looks at every image once, and decides what nobody has set. Throws
/// Error{input} if nothing usable is left, or if test images are pixel-equal to training images
/// and that was not allowed.
Work prepare_work(std::span<Task const> tasks,
                  std::vector<Setting> const& settings,
                  ImageReader const& reader,
                  RunFolder const* run = nullptr,
                  Stop const* stop = nullptr);

/// What one look at every case gave.
struct CaseFacts {
  std::vector<ImageFacts> images;  ///< by case
  std::vector<MaskFacts> masks;    ///< by case; of sets whose targets are masks only
};

/// One look at every image and mask, with progress: leaves out (and names) what cannot be used,
/// and gives equal images one patient. Returns the facts of the cases that are left. Throws
/// Error{input} if none is.
CaseFacts usable_facts(Dataset& set, int threads, Stop const* stop = nullptr);

/// Over ids, patients, splits, labels, weights, images and masks.
std::string data_hash(Dataset const& set, CaseFacts const& facts);

/// The settings that a plan file holds. `reasons`: with the reasons that stand there, else
/// "from FILE".
std::vector<Setting> settings_in(fs::path const& plan_file, bool reasons = false);

struct TrainJob {
  std::span<Task const> tasks;
  std::vector<Setting> settings;  ///< what the person asked for
  ImageReader reader;             ///< empty: pictures
  fs::path out;
  bool resume = false;
  Stop const* stop = nullptr;
  Clock clock;  ///< began when the budget began
  bool quiet = false;
};

/// The whole job: read, plan, train (all folds), choose on validation, prove on test, explain,
/// report, pack. Returns what `fovea train --json` prints. Throws Interrupted when stopped and
/// saved.
Json train(TrainJob const& job);

/// The model of a run or of a package. Throws Error{input} if it is neither, or the run has not
/// finished.
Model open_model(fs::path const& run_or_package);

/// The same with its task.
struct TaskModel {
  Task const* task = nullptr;
  Model model;
};
TaskModel open_task_model(std::span<Task const> tasks, fs::path const& run_or_package);

/// A model and the cases to measure it on.
struct Trial {
  Task const* task = nullptr;
  Model model;
  Dataset set;
  Split split = Split::test;       ///< unassigned: all cases
  std::vector<std::size_t> cases;  ///< those that can be read
  std::uint64_t seed = 0;
};
/// `split`: "test", "val", "train" or "all". Splits are those of the data; where it has none
/// and it is the data that the model was made from, those of its run; else all cases are taken,
/// and that is said. Throws Error{input} if no case is left, Interrupted if `stop` was asked.
Trial open_trial(std::span<Task const> tasks,
                 fs::path const& run_or_package,
                 fs::path const& data,
                 std::string_view split,
                 Stop const* stop = nullptr);

}  // namespace fovea
