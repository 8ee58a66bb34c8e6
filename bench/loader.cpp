// Row "loader": training with the real loader (pictures in memory, prepared, augmented,
// stacked) beside training on one fixed batch, everything else alike. loader DIR SIZE BATCH
// NETWORK
#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "bench/row.hpp"
#include "learn/classify/classify.hpp"
#include "learn/task/job.hpp"
#include "learn/tensor/memory.hpp"
#include "learn/tensor/tensor.hpp"
#include "learn/train/fit.hpp"

#include <ATen/ops/zeros.h>

#include <array>

namespace fovea {
namespace {

// Another learner's steps on its first batch.
class FixedBatch : public Learner {
 public:
  FixedBatch(Learner& learner, std::int64_t size) : learner_(learner) {
    std::vector<Batch> samples;
    for (std::int64_t i = 0; i < size; ++i) samples.push_back(learner.sample({1, 0, i}));
    batch_ = learner.collate(std::move(samples));
  }
  std::vector<Group> groups() override { return learner_.groups(); }
  Batch sample(Slot) override { return {{"none", at::zeros({1})}}; }
  Batch collate(std::vector<Batch>) override { return batch_; }
  Losses step(Batch const& batch, Update& update) override {
    return learner_.step(batch, update);
  }
  Scores validate(Stop const&) override { return {}; }
  void run_as(std::string_view way) override { learner_.run_as(way); }

 private:
  Learner& learner_;
  Batch batch_;
};

// What is timed is training alone: validating is left out.
class WithoutValidation : public FixedBatch {
 public:
  WithoutValidation(Learner& learner, std::int64_t size)
      : FixedBatch{learner, size}, real_(learner) {}
  Batch sample(Slot slot) override { return real_.sample(slot); }
  Batch collate(std::vector<Batch> samples) override {
    return real_.collate(std::move(samples));
  }

 private:
  Learner& real_;
};

double loader_rate(Learner& learner, Plan const& plan, std::string const& way) {
  Fit options{.seed = 1,
              .batch_size = plan.whole("batch_size"),
              .steps_per_epoch = 1000,
              .steps = 4,
              .loader_threads = std::max(1, usable_cores() / 2),
              .average = plan.fraction("average"),
              .run_as = way,
              .quiet = true};
  fit(learner, options);
  Clock const clock;
  fit(learner, options);
  options.steps =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(8 / (clock.seconds() / 4)), 8, 2000);
  return fit(learner, options).samples_per_second;
}

}  // namespace

int bench_loader(std::vector<std::string> const& words) {
  if (words.size() != 4) return std::cerr << "usage: bench_loader DIR SIZE BATCH NETWORK\n", 2;
  use_threads(usable_cores());
  reuse_large_memory();
  std::array const tasks{classify_task()};
  auto const work = prepare_work(tasks,
                                 {{"data", words[0], "asked for"},
                                  {"image_size", words[1], "asked for"},
                                  {"batch_size", words[2], "asked for"},
                                  {"network", words[3], "asked for"},
                                  {"epochs", "1", "asked for"}},
                                 {});
  auto const learner = work.task->learner(work.plan, work.set);
  std::string const way = "bfloat16 channels-last";
  FixedBatch fixed{*learner, work.plan.whole("batch_size")};
  WithoutValidation real{*learner, work.plan.whole("batch_size")};
  auto const rate = loader_rate(real, work.plan, way);
  report("fovea, the real loader", rate, "images/s");
  report("fovea, one fixed batch", loader_rate(fixed, work.plan, way), "images/s");
  return 0;
}

}  // namespace fovea

int main(int argc, char** argv) {
  try {
    return fovea::bench_loader({argv + 1, argv + argc});
  } catch (fovea::Error const& error) {
    std::cerr << error.what() << "\n";
    return static_cast<int>(error.fault());
  }
}
