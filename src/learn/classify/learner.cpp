#include "base/core/memory.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "learn/classify/classify.hpp"
#include "learn/classify/images.hpp"
#include "learn/classify/order.hpp"
#include "learn/classify/predict.hpp"
#include "learn/loss/loss.hpp"
#include "learn/metric/evaluate.hpp"
#include "learn/model/state.hpp"
#include "learn/task/planned.hpp"
#include "learn/task/ways.hpp"
#include "learn/tensor/tensor.hpp"
#include "learn/transform/mix_up.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <algorithm>

namespace fovea {
namespace {

Network learner_network(Plan const& plan, Dataset const& set) {
  Network network{network_of(plan, set), static_cast<std::uint64_t>(plan.whole("seed"))};
  network.to(device_named(plan.word("device")));
  return network;
}

/// Classes of the training cases, for an order in which all come equally often; empty if the
/// plan does not ask for that.
std::vector<std::int32_t> learner_kinds(Plan const& plan, Dataset const& set) {
  std::vector<std::int32_t> kinds;
  if (plan.word("balance") != "sampling" || set.multi_label) return kinds;
  for (auto const index : set.labelled(Split::train))
    kinds.push_back(set.cases[index].labels[0]);
  return kinds;
}

// So that all classes weigh alike: the mean number of cases by the class's own; of several
// labels: absent by present.
at::Tensor learner_weights(Dataset const& set) {
  auto const classes = set.classes.size();
  std::vector<double> yes(classes);
  std::vector<double> no(classes);
  for (auto const index : set.labelled(Split::train)) {
    auto const& labels = set.cases[index].labels;
    for (std::size_t c = 0; c < classes; ++c) {
      auto const label =
          set.multi_label
              ? labels[c]
              : static_cast<std::int32_t>(labels[0] == static_cast<std::int32_t>(c));
      yes[c] += label == 1;
      no[c] += label == 0;
    }
  }
  auto weights = at::empty({static_cast<std::int64_t>(classes)}, at::kFloat);
  for (std::size_t c = 0; c < classes; ++c) {
    auto const wanted =
        set.multi_label ? no[c] : (yes[c] + no[c]) / static_cast<double>(classes);
    weights.mutable_data_ptr<float>()[c] = static_cast<float>(yes[c] > 0 ? wanted / yes[c] : 1);
  }
  return weights;
}

Scores scores_of(ClassRows const& rows, std::string const& first) {
  Scores scores;
  for (std::string_view const name : {"auc", "log_loss", "accuracy", "balanced_accuracy"}) {
    auto const& metric = metric_named(name);
    auto const value = measure(metric, rows);
    if (value.defined())
      scores.push_back({std::string{name}, value.value, metric.higher_is_better});
  }
  std::ranges::stable_partition(scores,
                                [&](Score const& score) { return score.name == first; });
  return scores;
}

/// Trains one network on prepared, augmented images.
class ClassifyLearner : public TaskLearner {
 public:
  ClassifyLearner(Plan const& plan, Dataset const& set)
      : plan_(plan),
        set_(set),
        contract_{prepare_of(plan), set.multi_label, plan.flag("test_flips")},
        augment_(augment_of(plan)),
        images_(set, contract_.prepare, available_memory() / 4),
        order_(set.labelled(Split::train),
               learner_kinds(plan, set),
               static_cast<std::uint64_t>(plan.whole("seed"))),
        validation_(set.in(Split::validation)),
        network_(learner_network(plan, set)),
        device_(device_named(plan.word("device"))),
        loss_(&loss_named(text(set.multi_label ? "binary-" : "", plan.word("loss")))) {
    if (plan.word("balance") == "weights") class_weights_ = learner_weights(set).to(device_);
    if (auto const& from = plan.word("init"); !from.empty())
      say(in_words(load_weights(network_, from)));
  }

  Network network() const override { return network_; }

  std::vector<Group> groups() override {
    Group net{.name = "net", .weights = {}, .buffers = {}, .optimiser = optimiser_of(plan_)};
    for (auto const& parameter : network_.parameters())
      net.weights.push_back({parameter.name, parameter.value, parameter.decays});
    for (auto const& buffer : network_.buffers())
      net.buffers.push_back({buffer.name, buffer.value, false});
    return {net};
  }

  Batch sample(Slot slot) override {
    auto const place = slot.step * plan_.whole("batch_size") + slot.index;
    auto const chosen = order_(place);
    Rng rng{{slot.seed, static_cast<std::uint64_t>(slot.step),
             static_cast<std::uint64_t>(slot.index)}};
    auto image = augment_(images_(chosen), rng);
    auto truth = target(chosen);
    auto weight = set_.cases[chosen].weight;
    if (auto const alpha = plan_.fraction("mix_up"); alpha > 0) {
      auto const other =
          order_(place - place % order_.epoch_length() + rng.below(order_.epoch_length()));
      auto const share = mix_up_share(alpha, rng);
      image = mix_up(image, augment_(images_(other), rng), share);
      truth = mixed(truth, target(other), static_cast<float>(share));
      weight = share * weight + (1 - share) * set_.cases[other].weight;
    }
    auto label = at::empty({static_cast<std::int64_t>(truth.size())}, at::kFloat);
    std::ranges::copy(truth, label.mutable_data_ptr<float>());
    return {{"image", tensor_of(contract_.prepare.normalise(image)).squeeze(1)},
            {"target", label},
            {"weight", at::full({}, weight, at::kFloat)}};
  }

  Losses step(Batch const& batch, Update& update) override {
    auto const value = loss_->compute({.logits = network_.train(batch.at("image").to(device_)),
                                       .target = batch.at("target").to(device_),
                                       .weight = batch.at("weight").to(device_),
                                       .class_weights = class_weights_},
                                      {.smoothing = plan_.fraction("label_smoothing"),
                                       .gamma = plan_.fraction("focal_gamma"),
                                       .alpha = plan_.fraction("focal_alpha")});
    update("net", value);
    return {{"loss", value.item<double>()}};
  }

  Scores validate(Stop const& stop) override {
    auto const logits = logits_of(network_, images_, contract_, validation_, stop);
    if (stop.asked()) return {};
    return scores_of(
        rows_of(set_, validation_, probabilities_of(logits, contract_, 1), set_.classes),
        plan_.word("choose_by"));
  }

  std::vector<std::string> ways_to_run() override { return execution_ways(plan_); }
  void run_as(std::string_view way) override { network_.execution(execution_named(way)); }

 private:
  // By class: 1 yes, 0 no, -1 unknown.
  std::vector<float> target(std::size_t index) const {
    auto const& labels = set_.cases[index].labels;
    std::vector<float> out(set_.classes.size(), 0);
    if (set_.multi_label)
      std::ranges::transform(labels, out.begin(),
                             [](std::int32_t label) { return static_cast<float>(label); });
    else
      out[static_cast<std::size_t>(labels[0])] = 1;
    return out;
  }

  static std::vector<float> mixed(std::vector<float> a,
                                  std::vector<float> const& b,
                                  float share) {
    for (std::size_t c = 0; c < a.size(); ++c)
      a[c] = a[c] < 0 || b[c] < 0 ? unknown : share * a[c] + (1 - share) * b[c];
    return a;
  }

  Plan plan_;
  Dataset set_;
  Contract contract_;
  Augment augment_;
  PreparedImages images_;
  SampleOrder order_;
  std::vector<std::size_t> validation_;
  Network network_;
  at::Device device_;
  LossRow const* loss_;
  at::Tensor class_weights_;  // by class; undefined: all alike
};

}  // namespace

std::unique_ptr<TaskLearner> classify_learner(Plan const& plan,
                                              Dataset const& set,
                                              Stop const&) {
  return std::make_unique<ClassifyLearner>(plan, set);
}

}  // namespace fovea
