#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "learn/loss/segment.hpp"
#include "learn/model/state.hpp"
#include "learn/patch/patch_augment.hpp"
#include "learn/segment/augment.hpp"
#include "learn/segment/cases.hpp"
#include "learn/segment/found.hpp"
#include "learn/segment/segment.hpp"
#include "learn/task/planned.hpp"
#include "learn/task/ways.hpp"
#include "learn/tensor/tensor.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace fovea {
namespace {

WindowSource learner_source(StoredCase const& from) {
  return {.channels = from.channels(),
          .size = from.size(),
          .read = [&from](WindowBox const& box, float* into) {
            auto const count = static_cast<std::size_t>(from.channels() * box.voxels());
            from.read_image({box.first, box.size}, {into, count});
          }};
}

// With what the first stage found, if there is one.
WindowSource learner_source(StoredCase const& from,
                            StoredCase const* found,
                            std::vector<std::uint16_t> const& values) {
  auto const image = learner_source(from);
  if (found == nullptr) return image;
  auto const& size = found->size();
  Volume labels{upright({size[2], size[1], size[0]}, {}), Type::i16};
  found->read_labels({{0, 0, 0}, size}, labels.write<std::int16_t>());
  return with_found(image, labels, values);
}

// What a person drew, as answers are: 0 where nothing is known to be, the ignored label kept.
Volume learner_truth(StoredCase const& from, Grid const& grid) {
  Volume out{grid, Type::u16};
  std::vector<std::int16_t> labels(static_cast<std::size_t>(out.voxels()));
  from.read_labels({{0, 0, 0}, from.size()}, labels);
  std::ranges::transform(labels, out.write<std::uint16_t>().begin(), [](std::int16_t label) {
    return static_cast<std::uint16_t>(std::max<std::int16_t>(0, label));
  });
  return out;
}

Grid learner_grid(StoredCase const& from) {
  auto const& size = from.size();
  return upright({size[2], size[1], size[0]}, {});
}

/// Trains one network on patches of prepared cases.
class SegmentLearner : public TaskLearner {
 public:
  SegmentLearner(Plan const& plan, Dataset const& set, Stop const& stop)
      : plan_(plan),
        targets_(targets_of(set)),
        setup_(setup_of(plan, targets_.outputs())),
        augment_(segment_augment(plan, setup_)),
        sampler_(sampling(),
                 segment_cases(set,
                               set.labelled(Split::train),
                               setup_.recipe,
                               targets_,
                               plan,
                               setup_.patch(),
                               stop)),
        validation_(segment_cases(set,
                                  set.labelled(Split::validation),
                                  setup_.recipe,
                                  targets_,
                                  plan,
                                  setup_.patch(),
                                  stop)),
        network_{segmenter_named(setup_.network).draw(setup_.draw),
                 static_cast<std::uint64_t>(plan.whole("seed"))},
        device_(device_named(plan.word("device"))),
        loss_(&segment_loss_named(plan.word("loss"))) {
    if (!plan.word("first_stage").empty()) {
      FirstStage const first{plan, set};
      found_ = found_cases(set, set.labelled(Split::train), first, setup_, plan, stop);
      validation_found_ =
          found_cases(set, set.labelled(Split::validation), first, setup_, plan, stop);
    }
    network_.to(device_);
    if (auto const& from = plan.word("init"); !from.empty())
      say(in_words(load_weights(network_, from)));
    options_.ignore = targets_.ignore.value_or(-1);
    options_.batch_dice = plan.flag("batch_dice");
    if (targets_.regions)
      for (auto const& inside : targets_.inside)
        options_.regions.emplace_back(inside.begin(), inside.end());
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
    PatchKey const key{slot.seed, static_cast<std::uint64_t>(slot.step),
                       static_cast<std::uint64_t>(slot.index)};
    auto const place = sampler_(key);
    auto const size = setup_.patch();
    auto const channels = setup_.draw.in;
    auto image = at::empty({channels, size[0], size[1], size[2]}, at::kFloat);
    auto labels = at::empty({size[0], size[1], size[2]}, at::kShort);
    augment_(
        sampler_.at(place.at_case), place, key,
        {.size = size,
         .channels = channels,
         .image = {image.mutable_data_ptr<float>(), static_cast<std::size_t>(image.numel())},
         .labels = {labels.mutable_data_ptr<std::int16_t>(),
                    static_cast<std::size_t>(labels.numel())}},
        found_.empty() ? nullptr : found_[place.at_case].get());
    if (setup_.config().is_2d()) {
      image = image.squeeze(1);
      labels = labels.squeeze(0);
    }
    return {{"image", image}, {"target", labels}};
  }

  Losses step(Batch const& batch, Update& update) override {
    auto const value =
        loss_->compute({.logits = network_.train_all(batch.at("image").to(device_)),
                        .target = batch.at("target").to(device_)},
                       options_);
    update("net", value);
    return {{"loss", value.item<double>()}};
  }

  Scores validate(Stop const& stop) override {
    ScoreSet found{.labels = targets_.names, .cases = {}};
    std::vector<ScoreLabel> labels;
    for (std::size_t i = 0; i < targets_.names.size(); ++i)
      labels.push_back(
          {targets_.names[i], {targets_.inside[i].begin(), targets_.inside[i].end()}});
    for (std::size_t n = 0; n < validation_.size(); ++n) {
      if (stop.asked()) return {};
      auto const& one = validation_[n];
      auto const grid = learner_grid(*one);
      auto const source = learner_source(
          *one, validation_found_.empty() ? nullptr : validation_found_[n].get(), setup_.found);
      auto const answer = answer_of(source, grid, stop);
      if (!answer) return {};
      found.cases.push_back(
          {one->id(), -1,
           score_case(*answer, learner_truth(*one, grid), labels,
                      {.ignore = targets_.ignore.value_or(-1), .surfaces = false})});
    }
    return scores_of(found);
  }

  std::vector<std::string> ways_to_run() override { return execution_ways(plan_); }
  void run_as(std::string_view way) override { network_.execution(execution_named(way)); }

 private:
  PatchSampling sampling() const {
    return {.patch = setup_.patch(),
            .box = augment_.box,
            .batch = plan_.whole("batch_size"),
            .foreground = plan_.fraction("foreground")};
  }

  // In stored labels, so that it can be held against them; none if it was stopped.
  std::optional<Volume> answer_of(WindowSource const& source,
                                  Grid const& grid,
                                  Stop const& stop) const {
    LabelRule rule{.regions = targets_.regions};
    if (targets_.regions) rule.values = targets_.written;
    try {
      return predict_by_windows({&network_, 1}, source, stay(grid),
                                {.size = setup_.patch(),
                                 .step = plan_.fraction("window_step"),
                                 .labels = rule,
                                 .stop = &stop})
          .labels;
    } catch (Interrupted const&) {
      return std::nullopt;
    }
  }

  Scores scores_of(ScoreSet const& found) const {
    auto const& dice = score_named("dice");
    Scores out{{"dice", 0, true}};
    std::size_t known = 0;
    for (std::size_t label = 0; label < found.labels.size(); ++label) {
      double sum = 0;
      std::size_t count = 0;
      for (auto const& one : found.cases) {
        auto const value = dice.of(one.labels[label]);
        if (!value) continue;
        sum += *value;
        ++count;
      }
      if (count == 0) continue;
      out.push_back({"dice " + found.labels[label], sum / static_cast<double>(count), true});
      out.front().value += out.back().value;
      ++known;
    }
    if (known > 0) out.front().value /= static_cast<double>(known);
    return out;
  }

  Plan plan_;
  SegmentTargets targets_;
  SegmentSetup setup_;
  PatchAugment augment_;
  PatchSampler sampler_;
  std::vector<std::shared_ptr<StoredCase const>> validation_;
  std::vector<std::shared_ptr<StoredCase const>> found_;  // by training case; empty: no cascade
  std::vector<std::shared_ptr<StoredCase const>> validation_found_;
  Network network_;
  at::Device device_;
  SegmentLossRow const* loss_;
  SegmentLossOptions options_;
};

}  // namespace

std::unique_ptr<TaskLearner> segment_learner(Plan const& plan,
                                             Dataset const& set,
                                             Stop const& stop) {
  return std::make_unique<SegmentLearner>(plan, set, stop);
}

}  // namespace fovea
