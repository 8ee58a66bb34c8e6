#include "learn/explain/explain.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>

namespace fovea {
namespace {

at::Tensor explain_class(at::Tensor const& outputs, std::int64_t label) {
  if (outputs.dim() != 2 || label < 0 || label >= outputs.size(1))
    throw Error{
        Fault::input,
        text("expected outputs [cases, classes] with class ", label, ", got ", outputs.sizes()),
        "ask for a class the network has"};
  return outputs.select(1, label);
}

constexpr ExplainerRow explain_rows[] = {
    {"gradcam", "where the last feature map speaks for the answer (Grad-CAM)",
     [] { return Explainer{GradCam{}}; }},
    {"occlusion", "how far the answer falls when a patch is covered",
     [] { return Explainer{Occlusion{}}; }},
    {"integrated-gradients", "what each pixel adds to the answer",
     [] { return Explainer{IntegratedGradients{}}; }},
};

}  // namespace

Question logit_of(std::int64_t label) {
  return [label](at::Tensor const& outputs) { return explain_class(outputs, label); };
}

Question probability_of(std::int64_t label, bool exclusive) {
  return [label, exclusive](at::Tensor const& outputs) {
    return explain_class(exclusive ? at::softmax(outputs, 1) : at::sigmoid(outputs), label);
  };
}

std::span<ExplainerRow const> explainers() {
  return explain_rows;
}

ExplainerRow const& explainer_named(std::string_view name) {
  std::vector<std::string> known;
  for (auto const& row : explain_rows) {
    if (row.name == name) return row;
    known.emplace_back(row.name);
  }
  throw Error{Fault::usage, text("no method of explanation '", name, "'"),
              did_you_mean(name, known)};
}

at::Tensor explained(std::span<Network const> ensemble,
                     at::Tensor const& image,
                     Question const& question,
                     Explainer const& how) {
  if (ensemble.empty())
    throw Error{Fault::bug, "an explanation without a network", "pass one or more"};
  auto sum = how(ensemble[0], image, question);
  for (auto const& network : ensemble.subspan(1)) sum = sum + how(network, image, question);
  return sum / static_cast<double>(ensemble.size());
}

}  // namespace fovea
