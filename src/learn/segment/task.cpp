#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "learn/recipe/fingerprint.hpp"
#include "learn/segment/augment.hpp"
#include "learn/segment/cases.hpp"
#include "learn/segment/evaluation.hpp"
#include "learn/segment/explain.hpp"
#include "learn/segment/first_stage.hpp"
#include "learn/segment/model.hpp"
#include "learn/segment/pictures.hpp"
#include "learn/segment/segment.hpp"
#include "learn/task/ways.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace fovea {
namespace {

std::vector<ScoreLabel> task_labels(Model const& model, SegmentContract const& contract) {
  std::vector<ScoreLabel> out;
  for (std::size_t i = 0; i < contract.inside.size(); ++i)
    out.push_back({model.about.labels[i].name, contract.inside[i]});
  return out;
}

// What the training cases were like; sizes and values as they came.
void task_input(Dataset const& set,
                QualityReport const& quality,
                SegmentContract& contract,
                ModelAbout& about) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  auto const flat = contract.config().is_2d();
  auto& input = about.input;
  input = {.channels = std::ssize(contract.channels),
           .seen_channels = {std::ssize(contract.channels)},
           .size = {contract.patch.begin() + (flat ? 1 : 0), contract.patch.end()},
           .smallest = std::vector<std::int64_t>(flat ? 2 : 3, most),
           .largest = std::vector<std::int64_t>(flat ? 2 : 3, 0),
           .modality = joined(contract.channels, ", ")};
  input.low = std::numeric_limits<double>::infinity();
  input.high = -input.low;
  contract.finest.fill(std::numeric_limits<double>::infinity());
  contract.coarsest.fill(0);
  double sum = 0;
  double squares = 0;
  double deviations = 0;
  auto const train = set.labelled(Split::train);
  contract.seen.assign(contract.channels.size(), {});
  for (auto const index : train) {
    auto const& facts = quality.facts[index];
    input.low = std::min(input.low, facts.low);
    input.high = std::max(input.high, facts.high);
    sum += facts.mean;
    squares += facts.mean * facts.mean;
    deviations += facts.deviation;
    auto const image = segment_image(set.image(set.cases[index]));
    for (std::size_t c = 0; c < contract.seen.size(); ++c)
      contract.seen[c].add(
          seen_values(image, static_cast<std::int64_t>(c), contract.config().normalisation[c]),
          index == train.front());
    auto const shape = shape_of(image.grid());
    auto const spacing = spacing_of(image.grid());
    for (std::size_t a = 0; a < 3; ++a) {
      contract.finest[a] = std::min(contract.finest[a], spacing[a]);
      contract.coarsest[a] = std::max(contract.coarsest[a], spacing[a]);
      if (flat && a == 0) continue;
      auto const place = a - (flat ? 1 : 0);
      input.smallest[place] = std::min(input.smallest[place], shape[a]);
      input.largest[place] = std::max(input.largest[place], shape[a]);
    }
  }
  auto const count = static_cast<double>(train.size());
  input.mean = std::clamp(sum / count, input.low, input.high);
  input.mean_spread = std::sqrt(std::max(0.0, squares / count - input.mean * input.mean));
  input.deviation = deviations / count;
}

// What a model says of a case that it has not learnt from, not yet cleaned.
struct TaskSaid {
  std::size_t index;
  Volume labels;
  Sureness sureness;
};

// Each network is asked about cases that it has not learnt from.
std::vector<TaskSaid> task_validation(Model const& model,
                                      SegmentContract const& contract,
                                      Dataset const& set,
                                      std::vector<Fold> const& folds,
                                      std::optional<FirstStage> const& first,
                                      Stop const& stop) {
  std::vector<TaskSaid> out;
  for (auto const& fold : folds) {
    Model one;
    one.about = model.about;
    one.networks = {fold.network};
    for (auto const index : fold.validation) {
      heed(stop);
      if (set.cases[index].mask.file.empty()) continue;
      if (first) one.before = std::make_shared<Model const>(first->unseen_by(set.cases[index]));
      auto answer =
          segmented(one, contract, set.image(set.cases[index]),
                    {.sureness = true, .cleanup = false, .outside = true, .stop = &stop});
      out.push_back({index, std::move(answer.labels), std::move(answer.sureness)});
    }
  }
  return out;
}

Cleanup task_cleanup(SegmentContract const& contract,
                     Dataset const& set,
                     std::vector<TaskSaid> const& said) {
  std::vector<CleanupCase> cases;
  for (auto const& one : said)
    cases.push_back(
        {[&one] { return one.labels; },
         [&set, &one] { return set.mask(set.cases[one.index], one.labels.grid()).voxels; }});
  return cases.empty() ? Cleanup{} : learn_cleanup(cases, contract.inside);
}

std::vector<ExpectedLine> task_expected(std::vector<ScoreLabel> const& labels,
                                        Cleanup const& cleanup,
                                        Dataset const& set,
                                        std::vector<TaskSaid> const& said,
                                        Stop const& stop) {
  std::vector<std::vector<SureCase>> cases(labels.size());
  auto const& dice = score_named("dice");
  for (auto const& one : said) {
    heed(stop);
    auto const truth = set.mask(set.cases[one.index], one.labels.grid()).voxels;
    auto const scores = score_case(cleaned(one.labels, cleanup), truth, labels,
                                   {.ignore = set.ignore.value_or(-1), .surfaces = false});
    for (std::size_t n = 0; n < labels.size(); ++n) {
      auto const value = dice.of(scores[n]);
      if (value && one.sureness[n]) cases[n].push_back({*one.sureness[n], *value});
    }
  }
  std::vector<ExpectedLine> out;
  for (auto const& some : cases) out.push_back(expected_line(some));
  return out;
}

// Probabilities of the only structure, on the image's grid.
struct TaskPixels {
  Volume values;
  std::int64_t output;

  void operator()(ProbabilityBlock const& block) {
    auto const& size = block.box.size;
    auto const& first = block.box.first;
    auto const from =
        block.values.subspan(static_cast<std::size_t>(output * block.box.voxels()));
    auto const into = values.write<float>();
    std::size_t n = 0;
    for (std::int64_t k = 0; k < size[0]; ++k)
      for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[2]; ++i, ++n)
          into[static_cast<std::size_t>(((first[0] + k) * values.height() + first[1] + j) *
                                            values.width() +
                                        first[2] + i)] = from[n];
  }
};

std::map<std::string, std::int64_t> task_groups(Dataset const& set,
                                                std::vector<std::size_t> const& cases) {
  std::map<std::string, std::int64_t> out;
  for (auto const index : cases) {
    auto const& one = set.cases[index];
    out.try_emplace(one.patient.empty() ? "\n" + one.id : one.patient, std::ssize(out));
  }
  return out;
}

void task_demand_same(Model const& model, Dataset const& set, SegmentContract const& contract) {
  if (!set.masks)
    throw Error{Fault::input, "the model labels voxels, the data has no masks",
                "measure it on data of its kind"};
  auto const targets = targets_of(set);
  auto same = targets.names.size() == model.about.labels.size();
  for (std::size_t i = 0; same && i < targets.names.size(); ++i) {
    same = targets.names[i] == model.about.labels[i].name &&
           std::ranges::equal(targets.values[i], contract.inside[i]);
  }
  if (same) return;
  std::vector<std::string> known;
  for (auto const& label : model.about.labels) known.push_back(label.name);
  throw Error{
      Fault::input,
      text("the model was trained for ", joined(known, ", "), "; the data's masks show ",
           joined(targets.names, ", "), ", or with other values"),
      "measure it on data with the same labels"};
}

// `predict` refuses such images; here they are measured, and that is said.
void task_tell_outside(std::vector<std::string> const& outside, std::size_t all) {
  if (outside.empty()) return;
  warn(text(outside.size(), " of ", all, " cases are outside of what the model was made for (",
            outside.front(), "): `fovea predict` would give them no mask"));
}

constexpr ScoreLine task_drawn[] = {{"dice", "mean Dice"}};

// Predictions with all mirror images of validation (what to clean, what to expect), test (the
// proof) and some cases that are shown; explanations of three.
double task_reserve(Dataset const& set, Plan const& plan) {
  auto const targets = targets_of(set);
  auto const axes = segment_flips(plan, setup_of(plan, targets.outputs())).size();
  auto const mirrored = plan.flag("test_flips") ? std::exp2(static_cast<double>(axes)) : 1.0;
  auto const count = [&](Split split) {
    return static_cast<double>(set.labelled(split).size());
  };
  auto const validation = std::max(1.0, count(Split::validation));
  // A cascade's first stage is asked anew; training has its masks stored.
  auto const stages = plan.word("first_stage").empty() ? 1 : 2;
  constexpr double shown = 9;
  auto const explained = 6 * static_cast<double>(targets.names.size());
  return 1.1 * stages * (mirrored * (validation + count(Split::test) + shown) + explained) /
         validation;
}

Answer task_answer(Model const& model, Volume const& image) {
  auto const contract = segment_contract(model.about);
  auto const found = segmented(model, contract, image).labels;
  auto const spacing = image.grid().spacing().mm;
  auto const ml = spacing[0] * spacing[1] * spacing[2] / 1000;
  Answer out;
  std::vector<std::string> names;
  for (auto const& label : task_labels(model, contract)) {
    std::int64_t voxels = 0;
    with_type(found.type(), [&](auto zero) {
      for (auto const value : found.as<decltype(zero)>())
        voxels += std::ranges::find(label.values, static_cast<std::int64_t>(value)) !=
                  label.values.end();
    });
    out.scores.emplace_back(label.name, static_cast<double>(voxels) * ml);
    if (voxels > 0) names.push_back(label.name);
  }
  out.label = joined(names, ";");
  return out;
}

Model task_finish(Plan const& plan,
                  Dataset const& set,
                  QualityReport const& quality,
                  std::vector<Fold> const& folds,
                  Stop const& stop) {
  auto const targets = targets_of(set);
  auto const setup = setup_of(plan, targets.outputs());
  std::optional<FirstStage> first;
  if (!plan.word("first_stage").empty()) first.emplace(plan, set);
  Model model;
  for (auto const& fold : folds) model.networks.push_back(fold.network);
  if (first) model.before = std::make_shared<Model const>(first->model());
  SegmentContract contract{.recipe = setup.recipe,
                           .patch = setup.patch(),
                           .channels = channels_of(set, quality.facts),
                           .rule = targets.rule(),
                           .inside = {},
                           .flips = {},
                           .step = plan.fraction("window_step"),
                           .run_as = std::string{way_of(folds.front().network.execution())},
                           .cleanup = {}};
  contract.found = setup.found;
  if (plan.flag("test_flips")) contract.flips = segment_flips(plan, setup);
  for (std::size_t i = 0; i < targets.names.size(); ++i)
    contract.inside.emplace_back(targets.values[i].begin(), targets.values[i].end());
  auto& about = model.about;
  task_input(set, quality, contract, about);
  for (auto const& name : targets.names) about.labels.push_back({name, {}});
  contract.described = set.described;
  for (std::size_t i = 0; i < set.described.size(); ++i) {
    auto const& type = set.described[i].type;
    if (!type.empty())
      about.labels[i].codes.push_back(
          {utf8(type.scheme), utf8(type.value), utf8(type.meaning)});
  }
  about.output = {.format = "segmentation", .channels = targets.outputs(), .on_grid = true};
  about.description = text("Labels ", contract.config().is_2d() ? "pixels: " : "voxels: ",
                           joined(targets.names, ", "), ".");
  auto const said = task_validation(model, contract, set, folds, first, stop);
  if (plan.flag("cleanup")) contract.cleanup = task_cleanup(contract, set, said);
  contract.expected =
      task_expected(task_labels(model, contract), contract.cleanup, set, said, stop);
  write_contract(contract, about);
  return model;
}

std::unique_ptr<Evaluation> task_evaluate(Model const& model,
                                          Dataset const& set,
                                          std::vector<std::size_t> const& cases,
                                          std::uint64_t seed,
                                          Stop const& stop) {
  return segment_evaluate(model, set, cases, seed, {}, stop);
}

}  // namespace

std::unique_ptr<Evaluation> segment_evaluate(Model const& model,
                                             Dataset const& set,
                                             std::vector<std::size_t> const& cases,
                                             std::uint64_t seed,
                                             SegmentAnswered const& answered,
                                             Stop const& stop) {
  auto const contract = segment_contract(model.about);
  task_demand_same(model, set, contract);
  auto const labels = task_labels(model, contract);
  auto const groups = task_groups(set, cases);
  ScoreSet scores{.labels = {}, .cases = {}};
  for (auto const& label : labels) scores.labels.push_back(label.name);
  std::vector<std::size_t> measured;
  std::optional<PixelRoc> pixels;
  std::vector<Sureness> expected;
  std::vector<std::string> outside;
  Progress progress{"measuring"};
  for (std::size_t n = 0; n < cases.size(); ++n) {
    heed(stop);
    progress.show(static_cast<double>(n), static_cast<double>(cases.size()));
    auto const& one = set.cases[cases[n]];
    if (one.mask.file.empty()) continue;
    auto const image = set.image(one);
    if (auto const reasons = outside_contract(contract, segment_image(image)); !reasons.empty())
      outside.push_back(text(one.id, ": ", joined(reasons, "; ")));
    auto const truth = set.mask(one, image.grid());
    auto const within = set.field_of_view(one, image.grid());
    TaskPixels probability{Volume{image.grid(), Type::f32}, contract.rule.regions ? 0 : 1};
    SegmentAsk ask{.sureness = !contract.expected.empty(), .outside = true, .stop = &stop};
    auto const pooled = within && labels.size() == 1;
    if (pooled) ask.probabilities = std::ref(probability);
    auto const answer = segmented(model, contract, image, ask);
    if (answered) answered(cases[n], answer.labels);
    auto const group = groups.at(one.patient.empty() ? "\n" + one.id : one.patient);
    scores.cases.push_back(
        {one.id, group,
         score_case(answer.labels, truth.voxels, labels, {.ignore = set.ignore.value_or(-1)},
                    within ? &*within : nullptr)});
    if (ask.sureness) expected.push_back(expected_dice(contract, answer.sureness));
    if (pooled) {
      if (!pixels) pixels.emplace();
      pixels->add(probability.values, truth.voxels, &*within, group);
    }
    measured.push_back(cases[n]);
  }
  progress.clear();
  task_tell_outside(outside, measured.size());
  if (measured.empty())
    throw Error{Fault::input, "none of the cases has a mask to measure against",
                "give masks, or use `fovea predict`"};
  return std::make_unique<SegmentEvaluation>(std::move(scores), std::move(measured),
                                             std::move(pixels), std::move(expected), seed);
}

Task segment_task() {
  return {.name = "segment",
          .does = "a label for every voxel of an image: organs, lesions, vessels",
          .keys = segment_keys,
          .fits = segment_fits,
          .plan = segment_plan,
          .candidates = segment_candidates,
          .learner = segment_learner,
          .finish = task_finish,
          .evaluate = task_evaluate,
          .answer = task_answer,
          .explain = segment_explain,
          .pictures = segment_pictures,
          .drawn = task_drawn,
          .reserve = task_reserve};
}

}  // namespace fovea
