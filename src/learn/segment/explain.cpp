#include "learn/segment/explain.hpp"

#include "base/core/words.hpp"
#include "learn/explain/explain.hpp"
#include "learn/explain/sanity.hpp"
#include "learn/segment/cases.hpp"
#include "learn/segment/found.hpp"
#include "learn/tensor/tensor.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/pad.h>

#include <algorithm>

namespace fovea {
namespace {

std::size_t explain_label(Model const& model, std::string const& wanted) {
  auto const& labels = model.about.labels;
  if (wanted.empty()) return 0;
  std::vector<std::string> names;
  for (auto const& label : labels) names.push_back(label.name);
  auto const found = std::ranges::find(names, wanted);
  if (found == names.end())
    throw Error{Fault::usage, text("the model has no structure '", wanted, "'"),
                did_you_mean(wanted, names)};
  return static_cast<std::size_t>(found - names.begin());
}

/// The middle of a structure's fullest place, and how many voxels there are; k, j, i.
struct ExplainPlace {
  std::array<std::int64_t, 3> at{};
  std::int64_t voxels = 0;
};

ExplainPlace explain_place(Volume const& labels, std::int64_t output) {
  ExplainPlace out;
  std::array<double, 3> sum{};
  std::size_t n = 0;
  with_type(labels.type(), [&](auto zero) {
    auto const all = labels.as<decltype(zero)>();
    for (std::int64_t k = 0; k < labels.depth(); ++k)
      for (std::int64_t j = 0; j < labels.height(); ++j)
        for (std::int64_t i = 0; i < labels.width(); ++i, ++n) {
          if (static_cast<std::int64_t>(all[n]) != output) continue;
          sum[0] += static_cast<double>(k);
          sum[1] += static_cast<double>(j);
          sum[2] += static_cast<double>(i);
          ++out.voxels;
        }
  });
  for (std::size_t a = 0; a < 3 && out.voxels > 0; ++a)
    out.at[a] = static_cast<std::int64_t>(sum[a] / static_cast<double>(out.voxels));
  return out;
}

// A window of the patch's size around a place, with zeros where the image ends.
at::Tensor explain_window(WindowSource const& source,
                          std::array<std::int64_t, 3> const& patch,
                          ExplainPlace const& place,
                          std::array<std::int64_t, 3>& first) {
  WindowBox box;
  std::vector<std::int64_t> room;
  for (std::size_t a = 0; a < 3; ++a) {
    box.size[a] = std::min(source.size[a], patch[a]);
    box.first[a] =
        std::clamp<std::int64_t>(place.at[a] - patch[a] / 2, 0, source.size[a] - box.size[a]);
    // The last axis comes first here.
    room.insert(room.begin(), {0, patch[a] - box.size[a]});
  }
  first = box.first;
  auto window = at::empty({source.channels, box.size[0], box.size[1], box.size[2]}, at::kFloat);
  source.read(box, window.mutable_data_ptr<float>());
  return at::constant_pad_nd(window, room).contiguous();
}

// The mean logit of the voxels that are answered with the output.
Question explain_question(std::int64_t output, bool regions) {
  return [output, regions](at::Tensor const& outputs) {
    auto const logits = outputs.select(1, output).flatten(1);
    auto const inside = (regions ? logits > 0 : outputs.argmax(1).flatten(1) == output)
                            .to(logits.scalar_type())
                            .detach();
    return (logits * inside).sum(1) / inside.sum(1).clamp_min(1);
  };
}

std::optional<std::size_t> explain_layer(Graph const& graph, std::string const& name) {
  auto const wanted = name.empty() ? std::string{"bottleneck"} : name;
  if (auto const mark = graph.marks.find(wanted); mark != graph.marks.end())
    return mark->second;
  if (name.empty()) return std::nullopt;
  std::vector<std::string> known;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].name == name) return i;
    if (!graph.nodes[i].name.empty()) known.push_back(graph.nodes[i].name);
  }
  throw Error{Fault::usage, text("the network has no layer '", name, "'"),
              did_you_mean(name, known)};
}

}  // namespace

Explanation segment_explain(Model const& model,
                            Volume const& image,
                            ExplainOptions const& options) {
  auto const contract = segment_contract(model.about);
  auto const label = explain_label(model, options.label);
  auto const output = static_cast<std::int64_t>(label) + (contract.rule.regions ? 0 : 1);
  auto networks = model.networks;
  auto const seen = segment_image(image);
  demand_contract(contract, seen);
  auto const input = segment_input(model, contract, seen, {});
  auto const answer =
      predict_by_windows(networks, input.source, stay(input.prepared.image.grid()),
                         {.size = contract.patch, .step = contract.step});
  auto const place = explain_place(answer.labels, output);
  auto const& name = model.about.labels[label].name;
  if (place.voxels == 0)
    throw Error{Fault::input, text("nothing of '", name, "' was found in the image"),
                "ask for a structure that was found, with --label"};
  if (auto const& random = options.random_weights) {
    for (auto& network : networks) network = randomised(network, random->seed, random->share);
  }
  auto explainer = explainer_named(options.method).with_defaults();
  if (!options.layer.empty() && options.method != "gradcam")
    throw Error{Fault::usage, text("the method '", options.method, "' looks at no layer"),
                "leave --layer away, or take --method gradcam"};
  if (options.method == "gradcam")
    explainer = GradCam{explain_layer(networks.front().graph(), options.layer)};
  std::array<std::int64_t, 3> first{};
  auto window = explain_window(input.source, contract.patch, place, first);
  auto batch = window.unsqueeze(0);
  if (contract.config().is_2d()) batch = batch.squeeze(2);
  auto map =
      explained(networks, batch, explain_question(output, contract.rule.regions), explainer);
  if (map.dim() == 2) map = map.unsqueeze(0);
  auto const slice = std::clamp<std::int64_t>(place.at[0] - first[0], 0, contract.patch[0] - 1);
  auto const width = contract.patch[2];
  auto const height = contract.patch[1];
  auto shown = image2d(width, height, Type::u8);
  auto const grey = window.select(0, 0).select(0, slice).contiguous();
  auto const low = grey.min().item<float>();
  auto const range = std::max(1e-6F, grey.max().item<float>() - low);
  auto const* const values = grey.const_data_ptr<float>();
  auto const bytes = shown.write<std::uint8_t>();
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(255 * (values[i] - low) / range);
  auto const flat = map.select(0, slice).contiguous();
  return {shown, volume_of(flat.unsqueeze(0).unsqueeze(0), shown.grid(), Unit::arbitrary), name,
          options.method};
}

}  // namespace fovea
