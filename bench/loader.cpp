// Rows "loader-*": training with the real loader (read, prepared, augmented, stacked) beside
// training on one fixed batch, everything else alike. loader DIR KEY=VALUE...
#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "bench/row.hpp"
#include "learn/classify/classify.hpp"
#include "learn/segment/segment.hpp"
#include "learn/task/job.hpp"
#include "learn/task/planned.hpp"
#include "learn/tensor/memory.hpp"
#include "learn/tensor/tensor.hpp"

#include <array>
#include <span>

namespace fovea {
namespace {

// Another learner's steps, on its own samples or on its first batch again and again. What is
// timed is training alone: validating is left out.
class LoaderLearner : public Learner {
 public:
  LoaderLearner(Learner& learner, std::int64_t batch_size, bool fixed)
      : learner_(learner), fixed_(fixed) {
    std::vector<Batch> samples;
    for (std::int64_t i = 0; i < batch_size; ++i) samples.push_back(learner.sample({1, 0, i}));
    batch_ = learner.collate(std::move(samples));
  }
  std::vector<Group> groups() override { return learner_.groups(); }
  Batch sample(Slot slot) override { return fixed_ ? Batch{} : learner_.sample(slot); }
  Batch collate(std::vector<Batch> samples) override {
    return fixed_ ? batch_ : learner_.collate(std::move(samples));
  }
  Losses step(Batch const& batch, Update& update) override {
    return learner_.step(batch, update);
  }
  Scores validate(Stop const&) override { return {}; }
  std::vector<std::string> ways_to_run() override { return learner_.ways_to_run(); }
  void run_as(std::string_view way) override { learner_.run_as(way); }

 private:
  Learner& learner_;
  bool fixed_;
  Batch batch_;
};

// Steps of about eight seconds, the way that the probe chooses if `way` is empty; says it
// there.
double loader_rate(Learner& learner, Fit options, std::string& way) {
  options.steps = 4;
  options.run_as = way;
  options.quiet = true;
  options.chose = [&](std::string_view key, std::string const& value, std::string const&) {
    if (key == "run_as") way = value;
  };
  fit(learner, options);  // probes, prepares
  options.run_as = way;
  Clock const clock;
  fit(learner, options);
  options.steps =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(8 / (clock.seconds() / 4)), 8, 2000);
  return fit(learner, options).samples_per_second;
}

}  // namespace

int bench_loader(std::vector<std::string> const& words) {
  if (words.empty()) return std::cerr << "usage: bench_loader DIR KEY=VALUE...\n", 2;
  use_threads(usable_cores());
  reuse_large_memory();
  std::array const tasks{classify_task(), segment_task()};
  std::vector<Setting> settings{{"data", words[0], "asked for"}};
  for (auto const& word : std::span{words}.subspan(1)) {
    auto const at = word.find('=');
    if (at == std::string::npos)
      throw Error{Fault::usage, text("expected KEY=VALUE, got ", word),
                  "name a key of the plan"};
    settings.push_back({word.substr(0, at), word.substr(at + 1), "asked for"});
  }
  auto const work = prepare_work(tasks, settings, {});
  auto const learner = work.task->learner(work.plan, work.set, Stop{});
  auto const options = planned(work.plan, work.set);
  LoaderLearner real{*learner, options.batch_size, false};
  LoaderLearner fixed{*learner, options.batch_size, true};
  std::string way;
  report("fovea, the real loader", loader_rate(real, options, way), "images/s");
  report("fovea, one fixed batch", loader_rate(fixed, options, way), "images/s");
  return 0;
}

}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::bench_loader);
}
