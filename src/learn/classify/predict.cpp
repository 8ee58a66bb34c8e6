#include "learn/classify/predict.hpp"

#include "base/core/words.hpp"
#include "learn/tensor/tensor.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

namespace fovea {
namespace {

constexpr std::size_t predict_batch = 64;

Json const& predict_field(Json const& json, std::string_view field) {
  if (!json.is_object() || !json.contains(field))
    throw Error{Fault::input, text("the model's recipe lacks '", field, "'"),
                "the package was made by another version or is damaged"};
  return json[std::string{field}];
}

double predict_number(Json const& json, std::string_view field) {
  auto const& value = predict_field(json, field);
  if (!value.is_number())
    throw Error{Fault::input, text("expected a number for '", field, "' in the model's recipe"),
                "the package is damaged"};
  return value.get<double>();
}

// Images come from and logits go to the CPU, wherever the network's weights are.
at::Tensor predict_logits(Network const& network, at::Tensor const& images, bool flips) {
  auto const there = images.to(network.parameters().front().value.device());
  auto const logits = network(there);
  return (flips ? (logits + network(at::flip(there, {-1}))) / 2 : logits).to(at::kCPU);
}

ImageSeen predict_seen(Volume const& image) {
  auto const values = as_float(image);
  double sum = 0;
  double squares = 0;
  auto low = std::numeric_limits<double>::infinity();
  auto high = -low;
  auto const all = values.as<float>();
  for (double const value : all) {
    if (!std::isfinite(value))
      throw Error{Fault::input, "the image holds values that are no numbers",
                  "repair or leave out the image"};
    sum += value;
    squares += value * value;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  auto const count = static_cast<double>(all.size());
  auto const mean = sum / count;
  return {.channels = image.channels(),
          .size = {image.height(), image.width()},
          .low = low,
          .high = high,
          .mean = mean,
          .deviation = std::sqrt(std::max(0.0, squares / count - mean * mean)),
          .grey = is_grey(image)};
}

}  // namespace

void write_contract(Contract const& contract, ModelAbout& about) {
  auto const& prepare = contract.prepare;
  about.preprocessing = Json::array({
      {{"step", "range"}, {"low", prepare.low}, {"high", prepare.high}},
      {{"step", "channels"}, {"count", prepare.channels}},
      {{"step", "resize"}, {"height", prepare.height}, {"width", prepare.width}},
      {{"step", "normalise"}, {"mean", prepare.mean}, {"deviation", prepare.deviation}},
  });
  about.decoding = {{"activation", contract.multi_label ? "sigmoid" : "softmax"},
                    {"flips", contract.flips},
                    {"run_as", contract.run_as}};
}

Contract contract_of(ModelAbout const& about) {
  constexpr std::string_view expected[] = {"range", "channels", "resize", "normalise"};
  auto const& steps = about.preprocessing;
  if (!steps.is_array() || steps.size() != std::size(expected))
    throw Error{Fault::input,
                "the model's preprocessing is not that of a classifier of this version",
                "use the version of fovea that made it, or a newer one"};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (predict_field(steps[i], "step") != expected[i])
      throw Error{Fault::input,
                  text("expected the preprocessing step '", expected[i], "', got ",
                       predict_field(steps[i], "step").dump()),
                  "use the version of fovea that made the package, or a newer one"};
  }
  Contract contract;
  auto& prepare = contract.prepare;
  prepare.low = predict_number(steps[0], "low");
  prepare.high = predict_number(steps[0], "high");
  prepare.channels = static_cast<std::int64_t>(predict_number(steps[1], "count"));
  prepare.height = static_cast<std::int64_t>(predict_number(steps[2], "height"));
  prepare.width = static_cast<std::int64_t>(predict_number(steps[2], "width"));
  prepare.mean = predict_number(steps[3], "mean");
  prepare.deviation = predict_number(steps[3], "deviation");
  constexpr std::int64_t most = 8192;
  auto const sound = prepare.low < prepare.high && prepare.deviation > 0 &&
                     (prepare.channels == 1 || prepare.channels == 3) && prepare.height >= 1 &&
                     prepare.height <= most && prepare.width >= 1 && prepare.width <= most;
  if (!sound)
    throw Error{Fault::input, "the model's preprocessing has values out of range",
                "the package is damaged"};
  auto const& activation = predict_field(about.decoding, "activation");
  auto const& flips = predict_field(about.decoding, "flips");
  if ((activation != "softmax" && activation != "sigmoid") || !flips.is_boolean())
    throw Error{Fault::input,
                "the model's decoding is not that of a classifier of this version",
                "use the version of fovea that made it, or a newer one"};
  contract.multi_label = activation == "sigmoid";
  contract.flips = flips.get<bool>();
  // Packages of before have none.
  if (about.decoding.contains("run_as")) {
    auto const& run_as = about.decoding["run_as"];
    if (!run_as.is_string())
      throw Error{Fault::input, "expected a word for 'run_as' in the model's decoding",
                  "the package is damaged"};
    contract.run_as = run_as.get<std::string>();
    demand_way(contract.run_as);
  }
  return contract;
}

void run_as_proven(Model const& model, Contract const& contract) {
  auto const how = execution_named(contract.run_as);
  for (auto network : model.networks)
    if (network.execution() != how) network.execution(how);
}

std::string ask_way(Model& model, AskedWay const& asked) {
  auto contract = contract_of(model.about);
  contract.run_as = way_of(to_answer(contract.run_as, asked));
  write_contract(contract, model.about);
  return contract.run_as;
}

at::Tensor image_batch(PreparedImages const& images,
                       Prepare const& prepare,
                       std::span<std::size_t const> cases) {
  auto batch = at::empty({static_cast<std::int64_t>(cases.size()), prepare.channels,
                          prepare.height, prepare.width},
                         at::kFloat);
  auto* place = batch.mutable_data_ptr<float>();
  for (auto const index : cases) {
    auto const image = prepare.normalise(images(index));
    auto const values = image.as<float>();
    place = std::ranges::copy(values, place).out;
  }
  return batch;
}

at::Tensor logits_of(Network const& network,
                     PreparedImages const& images,
                     Contract const& contract,
                     std::span<std::size_t const> cases,
                     Stop const& stop) {
  std::vector<at::Tensor> parts;
  for (std::size_t first = 0; first < cases.size() && !stop.asked(); first += predict_batch) {
    auto const some = cases.subspan(first, std::min(predict_batch, cases.size() - first));
    parts.push_back(
        predict_logits(network, image_batch(images, contract.prepare, some), contract.flips));
  }
  return parts.empty() ? at::empty({0, 0}) : at::cat(parts);
}

at::Tensor probabilities_of(at::Tensor const& logits,
                            Contract const& contract,
                            double temperature) {
  auto const scaled = logits.to(at::kDouble) / temperature;
  return contract.multi_label ? at::sigmoid(scaled) : at::softmax(scaled, 1);
}

ClassRows rows_of(Dataset const& set,
                  std::span<std::size_t const> cases,
                  at::Tensor const& probabilities,
                  std::vector<std::string> const& classes) {
  std::vector<std::int32_t> class_of;  // by the set's classes
  for (auto const& name : set.classes) {
    auto const found = std::ranges::find(classes, name);
    if (found == classes.end())
      throw Error{
          Fault::input,
          text("the data has the class '", name, "', which the model was not trained for"),
          text("it knows: ", joined(classes, ", "))};
    class_of.push_back(static_cast<std::int32_t>(found - classes.begin()));
  }
  ClassRows rows{.classes = classes,
                 .ids = {},
                 .groups = {},
                 .probabilities = {},
                 .truth = {},
                 .multi_label = set.multi_label};
  std::unordered_map<std::string, std::int64_t> patients;
  for (auto const index : cases) {
    auto const& one = set.cases[index];
    rows.ids.push_back(one.id);
    auto const fresh = static_cast<std::int64_t>(patients.size());
    rows.groups.push_back(
        patients.try_emplace(one.patient.empty() ? "\n" + one.id : one.patient, fresh)
            .first->second);
    if (!set.multi_label) {
      rows.truth.push_back(
          one.labels[0] < 0 ? unknown : class_of[static_cast<std::size_t>(one.labels[0])]);
      continue;
    }
    std::vector<std::int32_t> truth(classes.size(), unknown);
    for (std::size_t c = 0; c < one.labels.size(); ++c)
      truth[static_cast<std::size_t>(class_of[c])] = one.labels[c];
    rows.truth.insert(rows.truth.end(), truth.begin(), truth.end());
  }
  auto const dense = probabilities.contiguous();
  auto const* const values = dense.const_data_ptr<double>();
  rows.probabilities.assign(values, values + dense.numel());
  return rows;
}

void demand_labels(Model const& model, at::Tensor const& logits) {
  auto const labels = static_cast<std::int64_t>(model.about.labels.size());
  if (logits.dim() == 2 && logits.size(1) == labels) return;
  throw Error{Fault::input,
              text("the model names ", labels,
                   " labels, but its network's answer has the shape ", logits.sizes()),
              "the package was made by another program or damaged"};
}

void demand_numbers(at::Tensor const& probabilities) {
  if (probabilities.isfinite().all().item<bool>()) return;
  throw Error{Fault::input, "the network's answer holds values that are no numbers",
              "its weights are damaged, or the image's values far too large"};
}

at::Tensor asked(Model const& model, Contract const& contract, Volume const& image) {
  run_as_proven(model, contract);
  auto const prepared = contract.prepare.normalise(contract.prepare(image));
  auto const input = tensor_of(prepared).squeeze(1).unsqueeze(0);
  at::Tensor sum;
  for (auto const& network : model.networks) {
    auto const logits = predict_logits(network, input, contract.flips);
    demand_labels(model, logits);
    auto const one = probabilities_of(logits, contract, model.about.temperature);
    demand_numbers(one);
    sum = sum.defined() ? sum + one : one;
  }
  return (sum / static_cast<double>(model.networks.size())).squeeze(0);
}

void demand_contract(Model const& model, Volume const& image) {
  auto const reasons = outside_contract(model.about.input, predict_seen(image));
  if (reasons.empty()) return;
  throw Error{
      Fault::input,
      text("the image is outside of what the model was made for: ", joined(reasons, "; ")),
      "use a model made for such images"};
}

}  // namespace fovea
