#include "learn/loss/segment.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/loss/segment_sums.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

namespace fovea {
namespace {

std::string segment_sizes(at::IntArrayRef sizes) {
  auto out = std::string{};
  for (auto const size : sizes) out += text(out.empty() ? "[" : ", ", size);
  return out.empty() ? "[]" : out + "]";
}

void segment_expect(bool fits, std::string_view what, at::Tensor const& got) {
  if (fits) return;
  throw Error{Fault::bug,
              text("a loss of segmentation expected ", what, ", got ",
                   got.defined() ? text(segment_sizes(got.sizes()), " of ", got.dtype().name())
                                 : "none"),
              "correct the learner's step()"};
}

void segment_check_options(SegmentLossOptions const& options, std::int64_t channels) {
  auto const needs_background = options.regions.empty() && channels == 1 && !options.background;
  if (needs_background)
    throw Error{Fault::bug,
                "expected a class beside the background, got a network of 1 channel",
                "name regions, or count the background"};
  if (!options.regions.empty() && static_cast<std::int64_t>(options.regions.size()) != channels)
    throw Error{Fault::bug,
                text("expected a channel for each of ", options.regions.size(),
                     " regions, got ", channels),
                "make the network for the regions"};
  auto const good = options.smooth >= 0 && options.gamma >= 0 && options.alpha >= 0 &&
                    options.beta >= 0 && std::isfinite(options.dice_weight) &&
                    std::isfinite(options.point_weight);
  if (!good)
    throw Error{Fault::usage, "expected a loss's smooth, gamma, alpha and beta to be 0 or more",
                "leave out what is below"};
}

bool segment_is_label(at::ScalarType type) {
  return type == at::kByte || type == at::kChar || type == at::kShort || type == at::kInt ||
         type == at::kLong;
}

void segment_check(SegmentLossInput const& input, SegmentLossOptions const& options) {
  segment_expect(!input.logits.empty(), "logits of a level", {});
  auto const& target = input.target;
  segment_expect(target.defined() && (target.dim() == 3 || target.dim() == 4) &&
                     target.numel() > 0 && segment_is_label(target.scalar_type()),
                 "a target of u8, i8, i16, i32 or i64 [n, (k,) j, i]", target);
  auto const channels = input.logits.front().defined() && input.logits.front().dim() > 1
                            ? input.logits.front().size(1)
                            : 0;
  for (auto const& logits : input.logits)
    segment_expect(logits.defined() && logits.dim() == target.dim() + 1 && logits.numel() > 0 &&
                       logits.size(0) == target.size(0) && logits.size(1) == channels &&
                       at::isFloatingType(logits.scalar_type()),
                   "logits [n, c, (k,) j, i] that go with the target", logits);
  segment_expect(input.logits.front().sizes().slice(2) == target.sizes().slice(1),
                 text("first logits of the target's size ", segment_sizes(target.sizes())),
                 input.logits.front());
  segment_expect(!input.class_weights.defined() || (input.class_weights.dim() == 1 &&
                                                    input.class_weights.size(0) == channels),
                 "a weight for each channel", input.class_weights);
  segment_check_options(options, channels);
  if (!options.level_weights.empty() && options.level_weights.size() != input.logits.size())
    throw Error{Fault::bug,
                text("expected a weight for each of ", input.logits.size(), " levels, got ",
                     options.level_weights.size()),
                "give as many, or none"};
}

// By channel (and by sample, unless all samples are one), without the background where that has
// no part.
struct SegmentOverlap {
  at::Tensor inside, found, truth;
};
SegmentOverlap segment_overlap(SegmentSums const& sums, SegmentLossOptions const& options) {
  auto const ready = [&](at::Tensor const& each) {
    auto out = options.batch_dice ? each.sum(0, true) : each;
    return options.regions.empty() && !options.background ? out.narrow(1, 1, out.size(1) - 1)
                                                          : out;
  };
  return {ready(sums.inside), ready(sums.found), ready(sums.truth)};
}

// nnU-Net's floor below the line.
constexpr double segment_floor = 1e-8;

at::Tensor segment_dice_of(SegmentSums const& sums, SegmentLossOptions const& options) {
  auto const [inside, found, truth] = segment_overlap(sums, options);
  auto const below = (truth + found + options.smooth).clamp_min(segment_floor);
  return 1 - ((2 * inside + options.smooth) / below).mean();
}

at::Tensor segment_tversky_of(SegmentSums const& sums, SegmentLossOptions const& options) {
  auto const [inside, found, truth] = segment_overlap(sums, options);
  auto const below = inside + options.alpha * (found - inside) +
                     options.beta * (truth - inside) + options.smooth;
  return 1 - ((inside + options.smooth) / below.clamp_min(segment_floor)).mean();
}

at::Tensor segment_generalised_of(SegmentSums const& sums, SegmentLossOptions const& options) {
  auto const [inside, found, truth] = segment_overlap(sums, options);
  // 1 / G^2 in units of the rarest present channel's: of large volumes it would drown in the
  // smoothing.
  auto const present = at::where(truth > 0, truth, at::zeros_like(truth) + INFINITY);
  auto const rarest = present.amin(1, true);
  auto const weight =
      at::where(present < INFINITY, (rarest / present).square(), at::zeros_like(truth) + 1);
  auto const above = (2 * weight * inside).sum(1) + options.smooth;
  auto const below = (weight * (found + truth)).sum(1) + options.smooth;
  return 1 - (above / below.clamp_min(segment_floor)).mean();
}

// A sum of no voxels is 0 over 0; the floor makes it 0.
at::Tensor segment_point_of(SegmentSums const& sums) {
  return sums.point / sums.weight.clamp_min(1e-12);
}

// The weighted sum over the levels of what `of_sums` makes of each one's sums.
template <class OfSums>
at::Tensor segment_levels(SegmentLossInput const& input,
                          SegmentLossOptions const& options,
                          double gamma,
                          OfSums const& of_sums) {
  segment_check(input, options);
  auto const weights = options.level_weights.empty() ? level_weights(input.logits.size())
                                                     : options.level_weights;
  auto const& first = input.logits.front();
  auto total = at::zeros({}, first.options().dtype(at::kDouble).requires_grad(false));
  for (std::size_t level = 0; level < weights.size(); ++level) {
    if (weights[level] == 0) continue;
    auto const& logits = input.logits[level];
    auto const target = target_at(input.target, logits.sizes().slice(2));
    total = total + weights[level] * of_sums(segment_sums(logits, target, input.class_weights,
                                                          options, gamma));
  }
  return first.scalar_type() == at::kDouble ? total : total.to(at::kFloat);
}

constexpr SegmentLossRow segment_loss_rows[] = {
    {"dice-cross-entropy", "soft Dice and cross-entropy, as nnU-Net",
     segment_dice_cross_entropy},
    {"dice", "soft Dice", segment_dice},
    {"cross-entropy", "cross-entropy of each voxel", segment_cross_entropy},
    {"focal", "cross-entropy in which easy voxels count less (Lin 2017)", segment_focal},
    {"dice-focal", "soft Dice and focal", segment_dice_focal},
    {"tversky", "Dice with a price for false positives and one for false negatives",
     segment_tversky},
    {"generalised-dice", "Dice in which small classes count as much as large ones",
     segment_generalised_dice},
};

}  // namespace

at::Tensor segment_dice(SegmentLossInput const& input, SegmentLossOptions const& options) {
  return segment_levels(input, options, 0, [&](SegmentSums const& sums) {
    return segment_dice_of(sums, options);
  });
}

at::Tensor segment_cross_entropy(SegmentLossInput const& input,
                                 SegmentLossOptions const& options) {
  return segment_levels(input, options, 0, segment_point_of);
}

at::Tensor segment_focal(SegmentLossInput const& input, SegmentLossOptions const& options) {
  return segment_levels(input, options, options.gamma, segment_point_of);
}

at::Tensor segment_dice_cross_entropy(SegmentLossInput const& input,
                                      SegmentLossOptions const& options) {
  return segment_levels(input, options, 0, [&](SegmentSums const& sums) {
    return options.dice_weight * segment_dice_of(sums, options) +
           options.point_weight * segment_point_of(sums);
  });
}

at::Tensor segment_dice_focal(SegmentLossInput const& input,
                              SegmentLossOptions const& options) {
  return segment_levels(input, options, options.gamma, [&](SegmentSums const& sums) {
    return options.dice_weight * segment_dice_of(sums, options) +
           options.point_weight * segment_point_of(sums);
  });
}

at::Tensor segment_tversky(SegmentLossInput const& input, SegmentLossOptions const& options) {
  return segment_levels(input, options, 0, [&](SegmentSums const& sums) {
    return segment_tversky_of(sums, options);
  });
}

at::Tensor segment_generalised_dice(SegmentLossInput const& input,
                                    SegmentLossOptions const& options) {
  return segment_levels(input, options, 0, [&](SegmentSums const& sums) {
    return segment_generalised_of(sums, options);
  });
}

std::vector<double> level_weights(std::size_t levels) {
  if (levels == 1) return {1};
  std::vector<double> out(levels);
  double sum = 0;
  for (std::size_t level = 0; level + 1 < levels; ++level)
    sum += out[level] = std::ldexp(1, -static_cast<int>(level));
  for (auto& weight : out) weight /= sum;
  return out;
}

at::Tensor target_at(at::Tensor const& target, at::IntArrayRef sizes) {
  if (static_cast<std::int64_t>(sizes.size()) + 1 != target.dim())
    throw Error{Fault::bug,
                text("expected ", target.dim() - 1, " sizes of a level, got ", sizes.size()),
                "give the level's logits' (k,) j, i"};
  auto out = target;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    auto const along = static_cast<std::int64_t>(axis) + 1;
    auto const from = target.size(along), to = sizes[axis];
    if (from == to) continue;
    auto const places = at::empty({to}, at::kLong);
    for (std::int64_t place = 0; place < to; ++place)
      places.mutable_data_ptr<std::int64_t>()[place] = (2 * place + 1) * from / (2 * to);
    out = out.index_select(along, places.to(target.device()));
  }
  return out;
}

std::span<SegmentLossRow const> segment_losses() {
  return segment_loss_rows;
}

SegmentLossRow const& segment_loss_named(std::string_view name) {
  auto const found = std::ranges::find(segment_loss_rows, name, &SegmentLossRow::name);
  if (found != std::end(segment_loss_rows)) return *found;
  std::vector<std::string> known;
  for (auto const& row : segment_loss_rows) known.emplace_back(row.name);
  throw Error{Fault::usage, text("no loss of segmentation '", name, "'"),
              did_you_mean(name, known)};
}

}  // namespace fovea
