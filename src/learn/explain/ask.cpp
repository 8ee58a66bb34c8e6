#include "learn/explain/ask.hpp"

#include "base/core/error.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_trilinear3d.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

namespace fovea {

void expect_one_image(at::Tensor const& image) {
  if ((image.dim() != 4 && image.dim() != 5) || image.size(0) != 1)
    throw Error{Fault::bug,
                text("expected one image [1, channels, (k,) j, i], got ", image.sizes()),
                "explain images one by one"};
}

at::Tensor asked(Question const& question, at::Tensor const& outputs, std::int64_t cases) {
  auto const answer = question(outputs);
  if (answer.sizes() != at::IntArrayRef{cases})
    throw Error{Fault::bug,
                text("expected one answer for each of ", cases, " cases, got ", answer.sizes()),
                "ask a question that gives [cases]"};
  return answer;
}

at::Tensor answers(Network const& network,
                   at::Tensor const& images,
                   Question const& question,
                   std::int64_t batch) {
  c10::NoGradGuard const quiet;
  std::vector<at::Tensor> parts;
  for (std::int64_t at = 0; at < images.size(0); at += batch) {
    auto const count = std::min(batch, images.size(0) - at);
    parts.push_back(
        asked(question, network(images.narrow(0, at, count)), count).to(at::kCPU, at::kDouble));
  }
  return at::cat(parts);
}

at::Tensor gradient_of(at::Tensor const& answers, at::Tensor const& by) {
  if (!answers.requires_grad()) return at::zeros_like(by);
  auto const found = torch::autograd::grad({answers.sum()}, {by}, {}, false, false, true)[0];
  return found.defined() ? found : at::zeros_like(by);
}

at::Tensor stretched(at::Tensor const& coarse, at::IntArrayRef size) {
  if (size.size() == 2) return at::upsample_bilinear2d(coarse, size, false);
  return at::upsample_trilinear3d(coarse, size, false);
}

}  // namespace fovea
