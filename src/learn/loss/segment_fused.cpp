#include "learn/kernel/soft_sums.hpp"
#include "learn/loss/segment_sums.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace fovea {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t segment_block = 8192;  // voxels that are summed before they are joined

// Labels as the kernel takes them; returns the largest known one, -1 if there is none.
template <class T>
std::int64_t segment_labels(T const* from,
                            std::int64_t count,
                            std::int64_t ignore,
                            std::int32_t* to) {
  std::int64_t largest = -1;
  for (std::int64_t v = 0; v < count; ++v) {
    auto const label = static_cast<std::int64_t>(from[v]);
    auto const known = label >= 0 && label != ignore;
    largest = known && label > largest ? label : largest;
    to[v] = !known ? -1 : static_cast<std::int32_t>(std::min<std::int64_t>(label, 0x7fffffff));
  }
  return largest;
}

template <class Work>
void segment_typed_labels(at::Tensor const& target, Work const& work) {
  switch (target.scalar_type()) {
    case at::kByte:
      return work(target.const_data_ptr<std::uint8_t>());
    case at::kChar:
      return work(target.const_data_ptr<std::int8_t>());
    case at::kShort:
      return work(target.const_data_ptr<std::int16_t>());
    case at::kInt:
      return work(target.const_data_ptr<std::int32_t>());
    default:
      return work(target.const_data_ptr<std::int64_t>());
  }
}

// What both passes share: the kernel's struct over tensors, and blocks that follow from the
// sizes alone, so that threads do not change the result.
struct SegmentWork {
  SegmentWork(at::Tensor const& x,
              at::Tensor const& labels,
              at::Tensor const& weights,
              at::Tensor const& values,
              at::Tensor const& starts,
              std::int64_t ignored,
              double gamma)
      : logits{x},
        target{labels},
        ignore{ignored},
        samples{x.size(0)},
        channels{x.size(1)},
        voxels{labels.numel() / x.size(0)},
        blocks{(voxels + segment_block - 1) / segment_block} {
    auto const rows = logits.is_contiguous();
    kernel = {channels, rows ? voxels : 1, rows ? 1 : channels};
    kernel.weights = weights.const_data_ptr<float>();
    kernel.gamma = static_cast<float>(gamma);
    if (values.defined()) {
      kernel.values = values.const_data_ptr<std::int32_t>();
      kernel.starts = starts.const_data_ptr<std::int64_t>();
    }
  }

  // work(block, its sample, place of its first voxel's logits, of its first voxel, how many)
  template <class Work>
  void each_block(Work const& work) const {
    at::parallel_for(0, samples * blocks, 1, [&](std::int64_t first, std::int64_t last) {
      std::vector<std::int32_t> labels(static_cast<std::size_t>(segment_block));
      std::vector<float> scratch(static_cast<std::size_t>(kernel.room()));
      for (auto b = first; b < last; ++b) {
        auto const sample = b / blocks;
        auto const begin = b % blocks * segment_block;
        auto const count = std::min(segment_block, voxels - begin);
        auto const voxel = sample * voxels + begin;
        std::int64_t largest = -1;
        segment_typed_labels(target, [&](auto const* all) {
          largest = segment_labels(all + voxel, count, ignore, labels.data());
        });
        work(Block{b, sample, sample * channels * voxels + begin * kernel.voxel_step, voxel,
                   count, largest, labels.data(), scratch.data()});
      }
    });
  }
  struct Block {
    std::int64_t number, sample, logit, voxel, count, largest;
    std::int32_t const* labels;
    float* scratch;
  };

  at::Tensor const& logits;
  at::Tensor const& target;
  std::int64_t ignore, samples, channels, voxels, blocks;
  SoftSums kernel;
};

template <class Work>
void segment_typed_logits(at::Tensor const& logits, Work const& work) {
  if (logits.scalar_type() == at::kFloat)
    work(float{});
  else
    work(BFloat16{});
}

// [block, 3 c + 2]: inside, found, truth by channel; point; known voxels.
struct SegmentPartial {
  explicit SegmentPartial(SegmentWork const& work)
      : channels{work.channels},
        width{3 * channels + 2},
        sums(static_cast<std::size_t>(work.samples * work.blocks * width)),
        largest(static_cast<std::size_t>(work.samples * work.blocks), -1) {}
  double* of(std::int64_t block) { return sums.data() + block * width; }

  std::int64_t channels, width;
  std::vector<double> sums;
  std::vector<std::int64_t> largest;
};

SegmentPartial segment_partial(SegmentWork const& work, at::Tensor const& log_sum) {
  SegmentPartial out{work};
  auto const c = work.channels;
  auto* const logged = log_sum.numel() > 0 ? log_sum.mutable_data_ptr<float>() : nullptr;
  segment_typed_logits(work.logits, [&]<class T>(T) {
    auto const* const x = static_cast<T const*>(work.logits.const_data_ptr());
    work.each_block([&](SegmentWork::Block const& block) {
      auto* const sums = out.of(block.number);
      out.largest[static_cast<std::size_t>(block.number)] = block.largest;
      work.kernel.forward(x + block.logit, block.labels, block.count, block.scratch, sums,
                          sums + c, sums + 2 * c, sums + 3 * c,
                          logged == nullptr ? nullptr : logged + block.voxel);
      sums[3 * c + 1] = static_cast<double>(std::count_if(
          block.labels, block.labels + block.count, [](auto label) { return label >= 0; }));
    });
  });
  return out;
}

// Joined in the order of the blocks.
variable_list segment_joined(SegmentWork const& work, SegmentPartial& partial) {
  auto const c = work.channels;
  variable_list out;
  for (auto i = 0; i < 3; ++i) out.push_back(at::empty({work.samples, c}, at::kDouble).zero_());
  double point = 0, known = 0, weight = 0;
  for (std::int64_t b = 0; b < work.samples * work.blocks; ++b) {
    auto const* const sums = partial.of(b);
    for (std::int64_t i = 0; i < 3; ++i) {
      auto* const to = out[static_cast<std::size_t>(i)].mutable_data_ptr<double>();
      for (std::int64_t k = 0; k < c; ++k) to[b / work.blocks * c + k] += sums[i * c + k];
    }
    for (std::int64_t k = 0; k < c; ++k)
      weight += sums[2 * c + k] * static_cast<double>(work.kernel.weights[k]);
    point += sums[3 * c];
    known += sums[3 * c + 1];
  }
  if (work.kernel.values != nullptr) weight = known * static_cast<double>(c);
  for (auto const scalar : {point, weight})
    out.push_back(at::empty({}, at::kDouble).fill_(scalar));
  return out;
}

// Beside the logits: what has no gradient. `values` and `starts` are undefined without regions.
struct SegmentGiven {
  at::Tensor target, weights, values, starts;
  std::int64_t ignore;
  double gamma;
};

struct SegmentFused : torch::autograd::Function<SegmentFused> {
  static variable_list forward(AutogradContext* context,
                               at::Tensor const& logits,
                               SegmentGiven const& given) {
    auto const& [target, weights, values, starts, ignore, gamma] = given;
    SegmentWork const work{logits, target, weights, values, starts, ignore, gamma};
    auto const log_sum = at::empty({values.defined() ? 0 : target.numel()}, at::kFloat);
    auto partial = segment_partial(work, log_sum);
    if (!values.defined())
      segment_check_label(*std::ranges::max_element(partial.largest), work.channels);
    auto out = segment_joined(work, partial);
    context->save_for_backward({logits, target, weights, values, starts, log_sum});
    context->saved_data["ignore"] = ignore;
    context->saved_data["gamma"] = gamma;
    context->mark_non_differentiable({out[2], out[4]});
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list const& slopes) {
    auto const saved = context->get_saved_variables();
    auto const& logits = saved[0];
    SegmentWork const work{logits,
                           saved[1],
                           saved[2],
                           saved[3],
                           saved[4],
                           context->saved_data["ignore"].toInt(),
                           context->saved_data["gamma"].toDouble()};
    auto const inside = slopes[0].to(at::kFloat).contiguous();
    auto const found = slopes[1].to(at::kFloat).contiguous();
    auto const point = slopes[3].item<float>();
    auto const* const logged =
        saved[5].numel() > 0 ? saved[5].const_data_ptr<float>() : nullptr;
    auto gradient = at::empty_like(logits);
    segment_typed_logits(logits, [&]<class T>(T) {
      auto const* const x = static_cast<T const*>(logits.const_data_ptr());
      auto* const out = static_cast<T*>(gradient.mutable_data_ptr());
      work.each_block([&](SegmentWork::Block const& block) {
        work.kernel.backward(x + block.logit, block.labels, block.count, block.scratch,
                             logged == nullptr ? nullptr : logged + block.voxel,
                             inside.const_data_ptr<float>() + block.sample * work.channels,
                             found.const_data_ptr<float>() + block.sample * work.channels,
                             point, out + block.logit);
      });
    });
    return {gradient, {}};
  }
};

bool segment_can_fuse(at::Tensor const& logits) {
  return logits.device().is_cpu() &&
         (logits.scalar_type() == at::kFloat || logits.scalar_type() == at::kBFloat16);
}

// Either layout of tensors is taken as it is.
at::Tensor segment_rows(at::Tensor const& logits) {
  auto const last =
      logits.dim() == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
  return logits.is_contiguous() || logits.is_contiguous(last) ? logits : logits.contiguous();
}

}  // namespace

SegmentSums segment_sums(at::Tensor const& logits,
                         at::Tensor const& target,
                         at::Tensor const& class_weights,
                         SegmentLossOptions const& options,
                         double gamma) {
  if (!segment_can_fuse(logits))
    return segment_sums_plain(logits, target, class_weights, options, gamma);
  auto const weights = class_weights.defined()
                           ? class_weights.to(at::kCPU, at::kFloat).contiguous()
                           : at::ones({logits.size(1)}, at::kFloat);
  at::Tensor values, starts;
  if (!options.regions.empty()) {
    std::vector<std::int32_t> all;
    starts = at::empty({logits.size(1) + 1}, at::kLong);
    auto* start = starts.mutable_data_ptr<std::int64_t>();
    for (auto const& region : options.regions) {
      *start++ = static_cast<std::int64_t>(all.size());
      for (auto const value : region)
        if (value >= 0 && value < std::numeric_limits<std::int32_t>::max())
          all.push_back(static_cast<std::int32_t>(value));
    }
    *start = static_cast<std::int64_t>(all.size());
    values = at::empty({static_cast<std::int64_t>(all.size()) + 1}, at::kInt);
    std::ranges::copy(all, values.mutable_data_ptr<std::int32_t>());
  }
  auto const sums = SegmentFused::apply(
      segment_rows(logits),
      SegmentGiven{target.contiguous(), weights, values, starts, options.ignore, gamma});
  return {sums[0], sums[1], sums[2], sums[3], sums[4]};
}

}  // namespace fovea
