#include "base/core/error.hpp"
#include "learn/nn/ops_rows.hpp"

#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/max_pool3d_with_indices.h>
#include <ATen/ops/max_unpool2d.h>
#include <ATen/ops/max_unpool3d.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/upsample_nearest1d.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/upsample_nearest3d.h>
#include <ATen/ops/upsample_trilinear3d.h>

namespace fovea {
namespace {

using Kind = OptionRow::Kind;
using Sizes = std::vector<std::int64_t>;

constexpr OptionRow resize_upsample_options[] = {
    {.name = "factor", .kind = Kind::axes, .low = 1, .high = 64, .required = true},
    {.name = "mode", .kind = Kind::word, .words = "nearest|linear"},
};
constexpr OptionRow resize_like_options[] = {
    {.name = "mode", .kind = Kind::word, .words = "linear|nearest"},
};
constexpr OptionRow resize_unpool_options[] = {
    {.name = "kernel", .kind = Kind::axes, .low = 1, .high = 4096, .required = true},
    {.name = "stride", .kind = Kind::axes, .low = 1, .high = 4096, .required = true},
};

void resize_expect_image(Shape const& in) {
  if (in.last || in.size.empty())
    refuse_shape("an image of 1, 2 or 3 dimensions", in_words(in));
}

std::size_t resize_rank(at::Tensor const& x) {
  return static_cast<std::size_t>(x.dim()) - 2;
}

at::Tensor resize_to(at::Tensor const& x, at::IntArrayRef size, bool linear) {
  if (size.size() == 1)
    return linear ? at::upsample_linear1d(x, size, false) : at::upsample_nearest1d(x, size);
  if (size.size() == 2)
    return linear ? at::upsample_bilinear2d(x, size, false) : at::upsample_nearest2d(x, size);
  return linear ? at::upsample_trilinear3d(x, size, false) : at::upsample_nearest3d(x, size);
}

std::string resize_script(std::string const& x,
                          std::string const& size,
                          std::size_t rank,
                          bool linear) {
  static constexpr std::string_view names[] = {"linear1d", "bilinear2d", "trilinear3d"};
  if (linear) return text("torch.upsample_", names[rank - 1], "(", x, ", ", size, ", False)");
  return text("torch.upsample_nearest", rank, "d(", x, ", ", size, ")");
}

// "[x.size(2) * 2, x.size(3) * 2]"
std::string resize_size_script(std::string const& x, Sizes const& factor) {
  std::string size;
  for (std::size_t a = 0; a < factor.size(); ++a)
    size += text(a == 0 ? "" : ", ", x, ".size(", a + 2, ")",
                 factor[a] == 1 ? "" : text(" * ", factor[a]));
  return "[" + size + "]";
}

// --- by factors ---

Shape resize_upsample_shape(Node const& node, Shapes in) {
  resize_expect_image(in[0]);
  auto const factor = axes_option(node, "factor", in[0].size.size());
  Shape shape = in[0];
  for (std::size_t a = 0; a < factor.size(); ++a) {
    if (shape.size[a] == Shape::unknown) continue;
    if (__builtin_mul_overflow(shape.size[a], factor[a], &shape.size[a]))
      refuse_shape("sizes that can be counted", "more than 2^63");
  }
  return shape;
}

at::Tensor resize_upsample(RunOp const& run) {
  auto size = axes_option(run.node, "factor", resize_rank(run.in[0]));
  for (std::size_t a = 0; a < size.size(); ++a)
    size[a] *= run.in[0].size(static_cast<std::int64_t>(a) + 2);
  return resize_to(run.in[0], size, word_option(run.node, "mode") == "linear");
}

std::string resize_upsample_script(ScriptOp const& s) {
  auto const rank = s.shapes[0].size.size();
  return resize_script(s.in[0],
                       resize_size_script(s.in[0], axes_option(s.node, "factor", rank)), rank,
                       word_option(s.node, "mode") == "linear");
}

// --- to another's size ---

Shape resize_like_shape(Node const&, Shapes in) {
  resize_expect_image(in[0]);
  resize_expect_image(in[1]);
  if (in[0].size.size() != in[1].size.size()) refuse_shape(in_words(in[0]), in_words(in[1]));
  return {in[0].channels, in[1].size, false};
}

at::Tensor resize_like(RunOp const& run) {
  auto const size = run.in[1].sizes().slice(2);
  if (run.in[0].sizes().slice(2) == size) return run.in[0];
  return resize_to(run.in[0], size, word_option(run.node, "mode") == "linear");
}

std::string resize_like_script(ScriptOp const& s) {
  auto const rank = s.shapes[0].size.size();
  return resize_script(s.in[0], resize_size_script(s.in[1], Sizes(rank, 1)), rank,
                       word_option(s.node, "mode") == "linear");
}

// --- max unpooling: pools again to find the places, so that a node has one output ---

Shape resize_unpool_shape(Node const& node, Shapes in) {
  for (auto const& one : in) {
    resize_expect_image(one);
    if (one.size.size() == 1) refuse_shape("an image of 2 or 3 dimensions", in_words(one));
  }
  if (in[0].channels != in[1].channels) refuse_shape(in_words(in[0]), in_words(in[1]));
  auto const rank = in[1].size.size();
  auto const kernel = axes_option(node, "kernel", rank),
             stride = axes_option(node, "stride", rank);
  if (in[0].size.size() != rank) refuse_shape(in_words(in[0]), in_words(in[1]));
  for (std::size_t a = 0; a < rank; ++a) {
    if (in[0].size[a] == Shape::unknown || in[1].size[a] == Shape::unknown) continue;
    auto const room = in[1].size[a] - kernel[a];
    if (room < 0 || room / stride[a] + 1 != in[0].size[a])
      refuse_shape(text("what was pooled from ", in_words(in[1])), in_words(in[0]));
  }
  return in[1];
}

at::Tensor resize_unpool(RunOp const& run) {
  auto const &x = run.in[0], before = run.in[1].detach();
  auto const rank = resize_rank(x);
  auto const kernel = axes_option(run.node, "kernel", rank),
             stride = axes_option(run.node, "stride", rank);
  Sizes const none(rank, 0), one(rank, 1);
  auto const size = before.sizes().slice(2);
  if (rank == 2) {
    auto const places =
        std::get<1>(at::max_pool2d_with_indices(before, kernel, stride, none, one, false));
    return at::max_unpool2d(x, places, size);
  }
  auto const places =
      std::get<1>(at::max_pool3d_with_indices(before, kernel, stride, none, one, false));
  return at::max_unpool3d(x, places, size, stride, none);
}

std::string resize_unpool_script(ScriptOp const& s) {
  auto const rank = s.shapes[1].size.size();
  auto const stride = as_list(axes_option(s.node, "stride", rank)),
             none = as_list(Sizes(rank, 0));
  return text("torch.max_unpool", rank, "d(", s.in[0], ", torch.max_pool", rank,
              "d_with_indices(", s.in[1], ", ", as_list(axes_option(s.node, "kernel", rank)),
              ", ", stride, ", ", none, ", ", as_list(Sizes(rank, 1)), ", False)[1], ",
              resize_size_script(s.in[1], Sizes(rank, 1)),
              rank == 3 ? text(", ", stride, ", ", none) : "", ")");
}

constexpr OpRow resize_rows[] = {
    {.name = "upsample",
     .does = "larger by whole factors: nearest or linear (half-pixel centres)",
     .options = resize_upsample_options,
     .shape = resize_upsample_shape,
     .run = resize_upsample,
     .script = resize_upsample_script,
     .needs_sizes = true},
    {.name = "resize_like",
     .does = "the first in the size of the second: linear (half-pixel centres) or nearest",
     .least = 2,
     .most = 2,
     .options = resize_like_options,
     .shape = resize_like_shape,
     .run = resize_like,
     .script = resize_like_script,
     .needs_sizes = true},
    {.name = "max_unpool",
     .does = "the values of the first where a max_pool of the second found its largest, zeros "
             "elsewhere (Zeiler et al. 2011); no gradient goes to the second",
     .least = 2,
     .most = 2,
     .options = resize_unpool_options,
     .shape = resize_unpool_shape,
     .run = resize_unpool,
     .script = resize_unpool_script},
};

}  // namespace

std::span<OpRow const> resize_ops() {
  return resize_rows;
}

}  // namespace fovea
