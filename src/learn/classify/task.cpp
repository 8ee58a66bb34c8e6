#include "base/core/memory.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "learn/classify/classify.hpp"
#include "learn/classify/evaluation.hpp"
#include "learn/classify/pictures.hpp"
#include "learn/classify/predict.hpp"
#include "learn/explain/cases.hpp"
#include "learn/explain/sanity.hpp"
#include "learn/metric/calibration.hpp"
#include "learn/task/job.hpp"
#include "learn/tensor/tensor.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

std::vector<std::string> task_labels(Model const& model) {
  std::vector<std::string> out;
  for (auto const& label : model.about.labels) out.push_back(label.name);
  return out;
}

PreparedImages task_images(Dataset const& set, Prepare const& prepare) {
  return PreparedImages{set, prepare, available_memory() / 4};
}

// What the training images were like: an image far from that gets no answer.
ModelAbout::Input task_input(Dataset const& set,
                             QualityReport const& quality,
                             Contract const& contract) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  auto const& prepare = contract.prepare;
  ModelAbout::Input input{.channels = prepare.channels,
                          .seen_channels = {},
                          .size = {prepare.height, prepare.width},
                          .smallest = {most, most},
                          .largest = {0, 0}};
  input.low = std::numeric_limits<double>::infinity();
  input.high = -input.low;
  double sum = 0;
  double squares = 0;
  double deviations = 0;
  double count = 0;
  for (auto const index : set.in(Split::train)) {
    auto const& facts = quality.facts[index];
    input.smallest = {std::min(input.smallest[0], facts.height),
                      std::min(input.smallest[1], facts.width)};
    input.largest = {std::max(input.largest[0], facts.height),
                     std::max(input.largest[1], facts.width)};
    auto const channels = facts.grey ? 1 : facts.channels;
    if (std::ranges::find(input.seen_channels, channels) == input.seen_channels.end())
      input.seen_channels.push_back(channels);
    input.low = std::min(input.low, facts.low);
    input.high = std::max(input.high, facts.high);
    sum += facts.mean;
    squares += facts.mean * facts.mean;
    deviations += facts.deviation;
    ++count;
  }
  std::ranges::sort(input.seen_channels);
  // The sum of equal values may round out of their range.
  input.mean = std::clamp(sum / count, input.low, input.high);
  input.mean_spread = std::sqrt(std::max(0.0, squares / count - input.mean * input.mean));
  input.deviation = deviations / count;
  return input;
}

std::vector<double> task_values(at::Tensor const& tensor) {
  auto const dense = tensor.to(at::kDouble).contiguous();
  auto const* const values = dense.const_data_ptr<double>();
  return {values, values + dense.numel()};
}

// Of two classes the second's threshold is all there is to choose.
std::vector<OperatingPoint> task_points(ClassRows const& validation) {
  std::vector<OperatingPoint> out;
  auto const binary = !validation.multi_label && validation.classes.size() == 2;
  for (std::size_t which = binary ? 1 : 0; which < validation.classes.size(); ++which) {
    for (auto& point : choose_points(one_against_rest(validation, which)))
      out.push_back(std::move(point));
  }
  return out;
}

Model task_finish(Plan const& plan,
                  Dataset const& set,
                  QualityReport const& quality,
                  std::vector<Fold> const& folds,
                  Stop const& stop) {
  // Trained in whatever precision, it answers in float32.
  auto how = folds.front().network.execution();
  how.precision = Precision::float32;
  Contract const contract{prepare_of(plan), set.multi_label, plan.flag("test_flips"),
                          std::string{way_of(how)}};
  auto const images = task_images(set, contract.prepare);
  Model model;
  std::vector<at::Tensor> logits;
  std::vector<std::size_t> cases;
  for (auto const& fold : folds) {
    model.networks.push_back(fold.network);
    model.networks.back().execution(how);
    auto const& some = fold.validation;
    logits.push_back(logits_of(fold.network, images, contract, some, stop));
    heed(stop);
    cases.insert(cases.end(), some.begin(), some.end());
  }
  auto const all = at::cat(logits);
  auto const truth = rows_of(set, cases, probabilities_of(all, contract, 1), set.classes).truth;
  auto& about = model.about;
  auto const temperature =
      fit_temperature(task_values(all), truth, set.classes.size(), set.multi_label);
  if (!temperature.why.empty()) warn("calibration: " + temperature.why);
  about.temperature = temperature.value;
  auto const validation =
      rows_of(set, cases, probabilities_of(all, contract, about.temperature), set.classes);
  for (auto const& point : task_points(validation)) {
    if (point.why.empty())
      about.operating_points.push_back({.name = point.rule,
                                        .label = point.of,
                                        .threshold = point.threshold,
                                        .measured = {}});
  }
  write_contract(contract, about);
  about.input = task_input(set, quality, contract);
  about.output = {.format = "classes",
                  .channels = static_cast<std::int64_t>(set.classes.size()),
                  .on_grid = false};
  for (auto const& name : set.classes) about.labels.push_back({name, {}});
  about.description = text("Says which of ", set.classes.size(),
                           " classes an image belongs to: ", joined(set.classes, ", "), ".");
  return model;
}

// [1, channels, j, i]; keeps the volume alive.
at::Tensor task_input_tensor(Volume const& normalised) {
  return tensor_of(normalised).squeeze(1).unsqueeze(0);
}

std::unique_ptr<Evaluation> task_evaluate(Model const& model,
                                          Dataset const& set,
                                          std::vector<std::size_t> const& cases,
                                          std::uint64_t seed,
                                          Stop const& stop) {
  auto const contract = contract_of(model.about);
  if (set.multi_label != contract.multi_label)
    throw Error{Fault::input,
                contract.multi_label ? "the model gives several labels a case, the data has one"
                                     : "the model gives one label a case, the data has several",
                "measure it on data of its kind"};
  auto const images = task_images(set, contract.prepare);
  run_as_proven(model, contract);
  at::Tensor sum;
  for (auto const& network : model.networks) {
    auto const logits = logits_of(network, images, contract, cases, stop);
    heed(stop);
    demand_labels(model, logits);
    auto const one = probabilities_of(logits, contract, model.about.temperature);
    demand_numbers(one);
    sum = sum.defined() ? sum + one : one;
  }
  std::vector<OperatingPoint> points;
  for (auto const& point : model.about.operating_points)
    points.push_back(
        {.of = point.label, .rule = point.name, .threshold = point.threshold, .why = {}});
  return std::make_unique<ClassEvaluation>(
      rows_of(set, cases, sum / static_cast<double>(model.networks.size()), task_labels(model)),
      cases, std::move(points), model.about.temperature, seed);
}

Answer task_answer(Model const& model, Volume const& image) {
  auto const contract = contract_of(model.about);
  demand_contract(model, image);
  return answer_from(task_labels(model), contract.multi_label,
                     task_values(asked(model, contract, image)));
}

std::int64_t task_label(Model const& model,
                        Contract const& contract,
                        Volume const& image,
                        std::string const& wanted) {
  auto const labels = task_labels(model);
  if (wanted.empty()) return asked(model, contract, image).argmax().item<std::int64_t>();
  auto const found = std::ranges::find(labels, wanted);
  if (found == labels.end())
    throw Error{Fault::usage, text("the model has no class '", wanted, "'"),
                did_you_mean(wanted, labels)};
  return found - labels.begin();
}

// A layer by its mark or by the name of its weights.
std::size_t task_layer(Graph const& graph, std::string const& name) {
  if (auto const mark = graph.marks.find(name); mark != graph.marks.end()) return mark->second;
  std::vector<std::string> known;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].name == name) return i;
    if (!graph.nodes[i].name.empty()) known.push_back(graph.nodes[i].name);
  }
  throw Error{Fault::usage, text("the network has no layer '", name, "'"),
              did_you_mean(name, known)};
}

Volume task_shown(Volume const& prepared) {
  Volume out{prepared.grid(), Type::u8, Unit::arbitrary, prepared.channels()};
  std::ranges::transform(
      prepared.as<float>(), out.write<std::uint8_t>().begin(), [](float value) {
        return static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.F, 1.F)));
      });
  return out;
}

// What comes after the training: predicting validation and test once each, explaining.
double task_reserve(Dataset const& set, Plan const&) {
  auto const count = [&](Split split) { return static_cast<double>(set.in(split).size()); };
  // Removal curves of 6 images (252 answers each), 600 embeddings, some 40 maps.
  constexpr double maps_cost_as_many_cases = 2200;
  auto const cases = count(Split::validation) + count(Split::test) + maps_cost_as_many_cases;
  return 1.2 * cases / std::max(1.0, count(Split::validation));
}

constexpr ScoreLine task_drawn[] = {
    {"auc", "AUC"}, {"accuracy", "accuracy"}, {"balanced_accuracy", "balanced accuracy"}};

}  // namespace

Explanation classify_explain(Model const& model,
                             Volume const& image,
                             ExplainOptions const& options) {
  auto const contract = contract_of(model.about);
  demand_contract(model, image);
  run_as_proven(model, contract);
  auto const prepared = contract.prepare(image);
  auto const label = task_label(model, contract, image, options.label);
  auto networks = model.networks;
  if (auto const& random = options.random_weights) {
    for (auto& network : networks) network = randomised(network, random->seed, random->share);
  }
  auto explainer = explainer_named(options.method).with_defaults();
  if (!options.layer.empty() && options.method != "gradcam")
    throw Error{Fault::usage, text("the method '", options.method, "' looks at no layer"),
                "leave --layer away, or take --method gradcam"};
  if (!options.layer.empty())
    explainer = GradCam{task_layer(networks.front().graph(), options.layer)};
  auto const normalised = contract.prepare.normalise(prepared);
  auto const map = explained(networks, tensor_of(normalised).squeeze(1).unsqueeze(0),
                             logit_of(label), explainer);
  return {task_shown(prepared), volume_of(map.unsqueeze(0), prepared.grid(), Unit::arbitrary),
          task_labels(model)[static_cast<std::size_t>(label)], options.method};
}

Removal classify_removal(Model const& model,
                         Volume const& image,
                         ExplainOptions const& options) {
  auto const contract = contract_of(model.about);
  // Of an ensemble one network: its own map, its own answers.
  auto one = model;
  one.networks.erase(one.networks.begin() + 1, one.networks.end());
  auto const why = classify_explain(one, image, options);
  auto const label = task_label(model, contract, image, why.label);
  auto const normalised = contract.prepare.normalise(contract.prepare(image));
  return removal_curves(model.networks.front(), task_input_tensor(normalised),
                        tensor_of(why.map).squeeze(0).squeeze(0),
                        probability_of(label, !contract.multi_label));
}

at::Tensor classify_embeddings(Model const& model, std::span<Volume const> images) {
  auto const contract = contract_of(model.about);
  run_as_proven(model, contract);
  std::vector<at::Tensor> inputs;
  for (auto const& image : images)
    inputs.push_back(task_input_tensor(contract.prepare.normalise(contract.prepare(image))));
  return embeddings(model.networks.front(), at::cat(inputs));
}

Task classify_task() {
  return {.name = "classify",
          .does = "images into classes, one label a case or several",
          .keys = classify_keys,
          .fits = classify_fits,
          .plan = classify_plan,
          .candidates = classify_candidates,
          .learner = classify_learner,
          .finish = task_finish,
          .evaluate = task_evaluate,
          .answer = task_answer,
          .explain = classify_explain,
          .pictures = classify_pictures,
          .drawn = task_drawn,
          .reserve = task_reserve};
}

}  // namespace fovea
