#include "learn/nn/fused_kernels.hpp"
#include "learn/nn/ops_rows.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>

#include <array>
#include <cstring>

namespace fovea {
namespace {

using FusedSizes = std::vector<std::int64_t>;

// Where the voxels of blocks lie, as rows and in the fine map.
class FusedLaid {
 public:
  // coarse: [batch, any, (k,) j, i]
  FusedLaid(at::IntArrayRef coarse, FusedSizes const& block, std::int64_t channels)
      : channels_{channels} {
    auto const deep = coarse.size() == 5;
    batch_ = coarse[0];
    for (std::size_t a = 0; a < 3; ++a) {
      auto const axis = a + (deep ? 2 : 1);
      auto const there = deep || a > 0;
      size_[a] = there ? coarse[axis] : 1;
      block_[a] = there ? block[axis - 2] : 1;
    }
  }

  std::int64_t places() const { return block_[0] * block_[1] * block_[2]; }

  // Between [voxels, places * channels] and the fine map: rows along i lie together in both.
  template <bool spread>
  void move(at::Tensor const& matrix, at::Tensor const& fine) const {
    auto const item = static_cast<std::int64_t>(matrix.element_size());
    auto const run = block_[2] * channels_ * item;
    auto* const rows = static_cast<std::byte*>(matrix.mutable_data_ptr());
    auto* const voxels = static_cast<std::byte*>(fine.mutable_data_ptr());
    auto const lines = batch_ * size_[0] * block_[0] * size_[1] * block_[1];  // of the fine map
    constexpr std::int64_t at_once = 16;
    at::parallel_for(0, lines, at_once, [&](std::int64_t begin, std::int64_t end) {
      for (auto line = begin; line < end; ++line) {
        auto const j = line % (size_[1] * block_[1]);
        auto const above = line / (size_[1] * block_[1]);
        auto const k = above % (size_[0] * block_[0]), sample = above / (size_[0] * block_[0]);
        auto const first =
            ((sample * size_[0] + k / block_[0]) * size_[1] + j / block_[1]) * size_[2];
        auto const place = (k % block_[0] * block_[1] + j % block_[1]) * run;
        for (std::int64_t i = 0; i < size_[2]; ++i) {
          auto* const in_matrix = rows + (first + i) * places() / block_[2] * run + place;
          auto* const in_fine = voxels + (line * size_[2] + i) * run;
          std::memcpy(spread ? in_fine : in_matrix, spread ? in_matrix : in_fine,
                      static_cast<std::size_t>(run));
        }
      }
    });
  }

 private:
  std::int64_t channels_, batch_ = 1;
  std::array<std::int64_t, 3> size_{}, block_{};
};

// [in, out, (k,) j, i] -> [in, places * out]
at::Tensor fused_block_matrix(at::Tensor const& weight, at::ScalarType type) {
  return weight.movedim(1, -1).reshape({weight.size(0), -1}).to(type);
}

at::Tensor fused_rows(at::Tensor const& x) {
  return x.movedim(1, -1).reshape({-1, x.size(1)});
}

}  // namespace

std::optional<FusedBlocks> FusedBlocks::of(Node const& node, Shape const& in) {
  auto const rank = in.size.size();
  if (node.op != "conv_transpose" || (rank != 2 && rank != 3)) return std::nullopt;
  auto const are = [&](std::string_view name, std::int64_t all) {
    return axes_option(node, name, rank) == FusedSizes(rank, all);
  };
  auto block = axes_option(node, "kernel", rank);
  if (axes_option(node, "stride", rank) != block || !are("padding", 0) ||
      !are("output_padding", 0) || !are("dilation", 1) || whole_option(node, "groups") != 1)
    return std::nullopt;
  return FusedBlocks{std::move(block)};
}

at::Tensor FusedBlocks::forward(std::span<at::Tensor const> weights,
                                at::Tensor const& x) const {
  auto const type = x.scalar_type();
  auto const channels = weights[0].size(1);
  FusedLaid const laid{x.sizes(), block_, channels};
  auto const matrix = fused_block_matrix(weights[0], type);
  auto const made = weights.size() > 1 ? at::addmm(weights[1].to(type).repeat({laid.places()}),
                                                   fused_rows(x), matrix)
                                       : at::mm(fused_rows(x), matrix);
  FusedSizes sizes{x.size(0), channels};
  for (std::size_t a = 0; a < block_.size(); ++a)
    sizes.push_back(x.size(static_cast<std::int64_t>(a) + 2) * block_[a]);
  auto const y =
      at::empty(sizes, x.options().memory_format(format_of(Layout::channels_last, x.dim())));
  laid.move<true>(made, y);
  return y;
}

at::Tensor FusedBlocks::to_weights(at::Tensor const& weight,
                                   at::Tensor const& x,
                                   at::Tensor const& gradient) const {
  auto const by_matrix = at::mm(fused_rows(x).t(), rows(gradient)).to(at::kFloat);
  auto const out = at::empty_like(weight);
  out.movedim(1, -1).copy_(by_matrix.view(weight.movedim(1, -1).sizes()));
  return out;
}

at::Tensor FusedBlocks::to_input(at::Tensor const& weight, at::Tensor const& gradient) const {
  auto const by_rows =
      at::mm(rows(gradient), fused_block_matrix(weight, gradient.scalar_type()).t());
  // Rows of channels are how a map lies.
  auto sizes = coarse(gradient);
  sizes.erase(sizes.begin() + 1);
  sizes.push_back(weight.size(0));
  return by_rows.view(sizes).movedim(-1, 1);
}

// The sizes of what became `fine`; its channels stand for those of that.
FusedSizes FusedBlocks::coarse(at::Tensor const& fine) const {
  auto sizes = fine.sizes().vec();
  for (std::size_t a = 0; a < block_.size(); ++a) sizes[a + 2] /= block_[a];
  return sizes;
}

// [voxels, places * channels]
at::Tensor FusedBlocks::rows(at::Tensor const& fine) const {
  auto const sizes = coarse(fine);
  auto const channels = fine.size(1);
  FusedLaid const laid{sizes, block_, channels};
  auto const out =
      at::empty({values_of(sizes) / channels, laid.places() * channels}, fine.options());
  laid.move<false>(out, fine);
  return out;
}

}  // namespace fovea
