// Rows of training and inference: one network, one fixed batch of random images in memory,
// through the training engine with each way to run that it may choose. network train|infer
// NETWORK SIZE CHANNELS OUTPUTS BATCH sgd|adam [THREADS [WAY]]
#include "learn/nn/network.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "bench/row.hpp"
#include "bench/ways.hpp"
#include "learn/nn/families.hpp"
#include "learn/tensor/memory.hpp"
#include "learn/train/fit.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace fovea {
namespace {

struct NetworkAsk {
  std::string what, network;
  std::int64_t size, channels, outputs, batch;
  std::string optimiser;
};

// The same batch at every step: what is measured is the step, not the loader.
class NetworkLearner : public Learner {
 public:
  NetworkLearner(Network net, NetworkAsk const& ask)
      : net_(std::move(net)),
        kind_(ask.optimiser),
        batch_{{"image", at::randn({ask.batch, ask.channels, ask.size, ask.size})},
               {"target", at::randint(ask.outputs, {ask.batch}, at::kLong)}} {}

  std::vector<Group> groups() override {
    Group group;
    group.name = "net";
    group.optimiser = {.kind = kind_, .learning_rate = 1e-3, .schedule = "constant"};
    for (auto const& [name, value, decays] : net_.parameters())
      group.weights.push_back({name, value, decays});
    for (auto const& [name, value, decays] : net_.buffers())
      group.buffers.push_back({name, value, decays});
    return {group};
  }
  Batch sample(Slot) override { return {{"none", at::zeros({1})}}; }
  Batch collate(std::vector<Batch>) override { return batch_; }
  Losses step(Batch const& batch, Update& update) override {
    auto const loss = at::cross_entropy_loss(net_.train(batch.at("image")), batch.at("target"));
    update("net", loss);
    return {{"loss", loss.item<double>()}};
  }
  Scores validate(Stop const&) override { return {}; }
  std::vector<std::string> ways_to_run() override {
    std::vector<std::string> names;
    for (auto const& way : bench_ways) names.emplace_back(way.name);
    return names;
  }
  void run_as(std::string_view name) override {
    net_.execution(std::ranges::find(bench_ways, name, &BenchWay::name)->execution);
  }

 private:
  Network net_;
  std::string kind_;
  Batch batch_;
};

// The peers' networks: torchvision's, and the CNN of bench/peers/keras_cnn.py.
Graph network_graph(NetworkAsk const& ask) {
  Draw const draw{
      .in = ask.channels, .out = ask.outputs, .size = ask.size, .torchvision = true};
  if (ask.network == "keras-cnn")
    return small_cnn(draw, {.widths = {32, 64, 128}, .dense = 128});
  return network_named(ask.network).draw(draw);
}

// Steps that take about six seconds with this way.
double network_train_rate(NetworkAsk const& ask, std::string const& way) {
  NetworkLearner learner{Network{network_graph(ask), 0}, ask};
  Fit options{.batch_size = ask.batch,
              .steps_per_epoch = 1000,
              .steps = 2,
              .run_as = way,
              .quiet = true};
  fit(learner, options);
  Clock clock;
  fit(learner, options);
  options.steps =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(6 / (clock.seconds() / 2)), 4, 400);
  return fit(learner, options).samples_per_second;
}

double network_infer_rate(NetworkAsk const& ask, BenchWay const& way) {
  Network net{network_graph(ask), 0};
  net.execution(way.execution);
  auto const image = at::randn({ask.batch, ask.channels, ask.size, ask.size});
  c10::InferenceMode const no_tape;
  Clock const clock;
  return best_rate(
      4, static_cast<double>(ask.batch), [&] { return clock.seconds(); }, [&] { net(image); });
}

}  // namespace

int bench_network(std::vector<std::string> const& words) {
  if (words.size() < 7 || words.size() > 9)
    return std::cerr << "usage: bench_network train|infer NETWORK SIZE CHANNELS OUTPUTS BATCH "
                        "sgd|adam [THREADS [WAY]]\n",
           2;
  NetworkAsk const ask{words[0],
                       words[1],
                       whole(words[2]).value(),
                       whole(words[3]).value(),
                       whole(words[4]).value(),
                       whole(words[5]).value(),
                       words[6]};
  at::set_num_threads(words.size() > 7 ? static_cast<int>(whole(words[7]).value())
                                       : usable_cores());
  reuse_large_memory();
  for (auto const& way : bench_ways) {
    if (words.size() > 8 && words[8] != way.name) continue;
    auto const rate = ask.what == "train" ? network_train_rate(ask, std::string{way.name})
                                          : network_infer_rate(ask, way);
    report_with_memory(text("fovea ", way.name), rate, "images/s");
  }
  return 0;
}

}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::bench_network);
}
