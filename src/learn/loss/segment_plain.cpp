#include "base/core/error.hpp"
#include "learn/loss/segment_sums.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace fovea {
namespace {

struct SegmentPlain {
  at::Tensor logits;  // [n, c, voxels]
  at::Tensor labels;  // int64 [n, voxels]
  at::Tensor known;   // bool [n, voxels]

  at::Tensor sum(at::Tensor const& values) const {  // of known voxels [n, voxels] -> [n]
    return at::where(known, values, at::zeros_like(values)).sum({1}, false, at::kDouble);
  }
};

at::Tensor segment_focus(at::Tensor const& nll, double gamma) {
  if (gamma == 0) return nll;
  // The floor keeps the power's slope finite where a voxel is certain and gamma is below 1.
  return nll * (-nll).expm1().neg().clamp_min(1e-12).pow(gamma);
}

SegmentSums segment_plain_classes(SegmentPlain const& given,
                                  at::Tensor const& class_weights,
                                  double gamma) {
  auto const classes = given.logits.size(1);
  auto const log_p = at::log_softmax(given.logits, 1);
  auto const p = log_p.exp();
  auto const labels = at::where(given.known, given.labels, at::zeros_like(given.labels));
  if (given.known.any().item<bool>())
    segment_check_label(labels.max().item<std::int64_t>(), classes);
  std::vector<at::Tensor> inside, found, truth;
  for (std::int64_t k = 0; k < classes; ++k) {
    auto const of_k = p.select(1, k);
    auto const here = labels == k;
    inside.push_back(given.sum(at::where(here, of_k, at::zeros_like(of_k))));
    found.push_back(given.sum(of_k));
    truth.push_back(given.sum(here.to(given.logits.scalar_type())));
  }
  auto const nll = -log_p.gather(1, labels.unsqueeze(1)).squeeze(1);
  auto weight = given.known.to(given.logits.scalar_type());
  if (class_weights.defined())
    weight = weight * class_weights.to(given.logits.options())
                          .index_select(0, labels.flatten())
                          .view(labels.sizes());
  return {at::stack(inside, 1), at::stack(found, 1), at::stack(truth, 1),
          given.sum(segment_focus(nll, gamma) * weight).sum(), weight.sum(at::kDouble)};
}

SegmentSums segment_plain_regions(SegmentPlain const& given,
                                  at::Tensor const& class_weights,
                                  SegmentRegions const& regions,
                                  double gamma) {
  std::vector<at::Tensor> inside, found, truth;
  auto point = at::zeros({}, given.logits.options().dtype(at::kDouble));
  for (std::size_t r = 0; r < regions.size(); ++r) {
    auto const k = static_cast<std::int64_t>(r);
    auto const x = given.logits.select(1, k);
    auto in = at::zeros_like(given.known);
    for (auto const value : regions[r]) in = in.logical_or(given.labels == value);
    auto const log_yes = at::log_sigmoid(x);
    auto const p = log_yes.exp();
    inside.push_back(given.sum(at::where(in, p, at::zeros_like(p))));
    found.push_back(given.sum(p));
    truth.push_back(given.sum(in.to(x.scalar_type())));
    auto yes = segment_focus(-log_yes, gamma);
    if (class_weights.defined()) yes = yes * class_weights[k].to(x.options());
    point =
        point + given.sum(at::where(in, yes, segment_focus(-at::log_sigmoid(-x), gamma))).sum();
  }
  return {at::stack(inside, 1), at::stack(found, 1), at::stack(truth, 1), point,
          given.known.sum(at::kDouble) * static_cast<double>(regions.size())};
}

}  // namespace

void segment_check_label(std::int64_t label, std::int64_t classes) {
  if (label >= classes)
    throw Error{Fault::input,
                text("expected labels 0 to ", classes - 1, " as the network has ", classes,
                     " classes, got a voxel of label ", label),
                "name all labels in the data set, or the ignored one as such"};
}

SegmentSums segment_sums_plain(at::Tensor const& logits,
                               at::Tensor const& target,
                               at::Tensor const& class_weights,
                               SegmentLossOptions const& options,
                               double gamma) {
  auto const labels = target.to(at::kLong).flatten(1);
  SegmentPlain const given{
      (logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat)).flatten(2), labels,
      (labels >= 0).logical_and(labels != options.ignore)};
  if (options.regions.empty()) return segment_plain_classes(given, class_weights, gamma);
  return segment_plain_regions(given, class_weights, options.regions, gamma);
}

}  // namespace fovea
