#include "learn/explain/cases.hpp"

#include "base/core/error.hpp"
#include "learn/nn/ops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>

namespace fovea {
namespace {

at::Tensor cases_directions(at::Tensor const& rows) {
  auto const length = at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}, true);
  return rows / length.clamp_min(1e-30);
}

}  // namespace

at::Tensor embeddings(Network const& network, at::Tensor const& images) {
  auto const& graph = network.graph();
  auto const marked = graph.marks.find("embedding");
  if (marked == graph.marks.end())
    throw Error{Fault::input, "the network does not say which node is its embedding",
                "use a network with the mark \"embedding\""};
  c10::NoGradGuard const quiet;
  auto value = network.outputs(images, {marked->second})[0];
  if (shapes_of(graph)[marked->second].last) value = value.movedim(-1, 1);
  if (value.dim() > 2) value = value.flatten(2).mean(2);
  return value.to(at::kCPU, at::kFloat).contiguous();
}

at::Tensor CaseIndex::checked(at::Tensor const& rows) const {
  if (rows.dim() != 2 || (directions_.defined() && rows.size(1) != directions_.size(1)))
    throw Error{Fault::bug,
                text("expected embeddings [cases, ",
                     directions_.defined() ? text(directions_.size(1)) : "values", "], got ",
                     rows.sizes()),
                "use one network for all"};
  if (!at::isfinite(rows).all().item<bool>())
    throw Error{Fault::input, "an embedding has values that are not finite",
                "look at the image and the weights"};
  c10::NoGradGuard const quiet;
  return cases_directions(rows.detach().to(at::kCPU, at::kFloat));
}

void CaseIndex::add(at::Tensor const& embeddings) {
  auto const rows = checked(embeddings);
  directions_ = directions_.defined() ? at::cat({directions_, rows}) : rows;
}

std::int64_t CaseIndex::size() const {
  return directions_.defined() ? directions_.size(0) : 0;
}

std::vector<Neighbour> CaseIndex::nearest(at::Tensor const& embedding,
                                          std::size_t count) const {
  if (size() == 0) return {};
  auto const query = checked(embedding.unsqueeze(0));
  auto const similar = directions_.mv(query.select(0, 0)).contiguous();
  std::span const values{similar.const_data_ptr<float>(),
                         static_cast<std::size_t>(similar.numel())};
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  auto const last = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::partial_sort(order.begin(), last, order.end(), [&](std::size_t a, std::size_t b) {
    return values[a] != values[b] ? values[a] > values[b] : a < b;
  });
  std::vector<Neighbour> out;
  for (auto at = order.begin(); at != last; ++at) out.push_back({*at, values[*at]});
  return out;
}

}  // namespace fovea
