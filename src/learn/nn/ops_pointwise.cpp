#include "base/core/error.hpp"
#include "learn/nn/ops_rows.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/prelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

namespace fovea {
namespace {

using Kind = OptionRow::Kind;

constexpr OptionRow pointwise_slope_options[] = {
    {.name = "slope", .kind = Kind::real, .low = 0, .high = 1, .standard = 0.01},
};
constexpr OptionRow pointwise_prelu_options[] = {
    {.name = "begin", .kind = Kind::real, .low = 0, .high = 1, .standard = 0.25},
};
constexpr OptionRow pointwise_rate_options[] = {
    {.name = "rate", .kind = Kind::real, .low = 0, .high = 0.99, .required = true},
};
constexpr OptionRow pointwise_scale_options[] = {
    {.name = "begin", .kind = Kind::real, .low = -1e3, .high = 1e3, .standard = 1},
};

// Unknown sizes fit anything: the run with a known size checks again.
bool pointwise_same(std::vector<std::int64_t> const& a, std::vector<std::int64_t> const& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && a[i] != Shape::unknown && b[i] != Shape::unknown) return false;
  }
  return true;
}

Shape pointwise_known(Shape shape, Shape const& other) {
  for (std::size_t i = 0; i < shape.size.size(); ++i) {
    if (shape.size[i] == Shape::unknown) shape.size[i] = other.size[i];
  }
  return shape;
}

Shape pointwise_add_shape(Node const&, Shapes in) {
  if (in[0].channels != in[1].channels || in[0].last != in[1].last ||
      !pointwise_same(in[0].size, in[1].size))
    refuse_shape(in_words(in[0]), in_words(in[1]));
  return pointwise_known(in[0], in[1]);
}

// A gate has one value for each channel, or one for each value.
Shape pointwise_mul_shape(Node const& node, Shapes in) {
  auto const gate = in[1].channels == in[0].channels && in[0].last == in[1].last &&
                    in[1].size.size() == in[0].size.size() && values_of(in[1].size) == 1;
  return gate ? in[0] : pointwise_add_shape(node, in);
}

Shape pointwise_concat_shape(Node const&, Shapes in) {
  auto shape = in[0];
  for (auto const& next : in.subspan(1)) {
    if (next.last != shape.last || !pointwise_same(next.size, shape.size))
      refuse_shape(in_words(shape), in_words(next));
    shape = pointwise_known(shape, next);
    shape.channels += next.channels;
  }
  return shape;
}

at::Tensor pointwise_add(RunOp const& run) {
  auto x = run.in[0];
  return run.overwrite ? x.add_(run.in[1]) : at::add(x, run.in[1]);
}

at::Tensor pointwise_relu(RunOp const& run) {
  auto x = run.in[0];
  return run.overwrite ? at::relu_(x) : at::relu(x);
}

at::Tensor pointwise_leaky_relu(RunOp const& run) {
  auto x = run.in[0];
  auto const slope = real_option(run.node, "slope");
  return run.overwrite ? at::leaky_relu_(x, slope) : at::leaky_relu(x, slope);
}

at::Tensor pointwise_concat(RunOp const& run) {
  return at::cat(at::TensorList{run.in.data(), run.in.size()}, run.shapes[0].last ? -1 : 1);
}

// One throw of the die for each image: its whole branch is kept, and made up for, or left out.
at::Tensor pointwise_stochastic_depth(RunOp const& run) {
  auto const rate = real_option(run.node, "rate");
  auto const& x = run.in[0];
  if (!run.training || rate == 0) return x;
  std::vector<std::int64_t> size(static_cast<std::size_t>(x.dim()), 1);
  size[0] = x.size(0);
  auto const kept = at::empty(size, x.options()).bernoulli_(1 - rate).div_(1 - rate);
  return at::mul(x, kept);
}

// Works for images (channels second) and rows (channels last): the weight is kept with ones
// behind it.
std::vector<WeightRow> pointwise_scale_weights(Node const& node, Shapes in) {
  std::vector<std::int64_t> shape{in[0].channels};
  if (!in[0].last) shape.insert(shape.end(), in[0].size.size(), 1);
  return {{.name = "layer_scale",
           .shape = shape,
           .begin = Begin::ones,
           .decays = false,
           .factor = real_option(node, "begin")}};
}

template <at::Tensor (*function)(at::Tensor const&)>
at::Tensor pointwise_run(RunOp const& run) {
  return function(run.in[0]);
}

at::Tensor pointwise_gelu(at::Tensor const& x) {
  return at::gelu(x);
}

constexpr OpRow pointwise_rows[] = {
    {.name = "relu",
     .does = "what is above zero",
     .shape = same_shape,
     .run = pointwise_relu,
     .script = [](ScriptOp const& s) { return text("torch.relu(", s.in[0], ")"); },
     .in_place = true},
    {.name = "leaky_relu",
     .does = "what is below zero by a small slope",
     .options = pointwise_slope_options,
     .shape = same_shape,
     .run = pointwise_leaky_relu,
     .script =
         [](ScriptOp const& s) {
           return text("torch.leaky_relu(", s.in[0], ", ",
                       as_real(real_option(s.node, "slope")), ")");
         },
     .in_place = true},
    {.name = "prelu",
     .does = "what is below zero by one slope that is learnt (He et al. 2015)",
     .options = pointwise_prelu_options,
     .shape = same_shape,
     .weights =
         [](Node const& node, Shapes) {
           return std::vector<WeightRow>{{.name = "weight",
                                          .shape = {1},
                                          .begin = Begin::ones,
                                          .decays = false,
                                          .factor = real_option(node, "begin")}};
         },
     .run =
         [](RunOp const& run) {
           return at::prelu(run.in[0], run.weights[0].to(run.in[0].scalar_type()));
         },
     .script =
         [](ScriptOp const& s) {
           return text("torch.prelu(", s.in[0], ", ", s.weights[0], ")");
         },
     .cheap = true},
    {.name = "silu",
     .does = "x sigmoid(x)",
     .shape = same_shape,
     .run = pointwise_run<at::silu>,
     .script = [](ScriptOp const& s) { return text("torch.silu(", s.in[0], ")"); },
     .cheap = true},
    {.name = "gelu",
     .does = "x times the normal distribution's integral up to x",
     .shape = same_shape,
     .run = pointwise_run<pointwise_gelu>,
     .script = [](ScriptOp const& s) { return text("torch.gelu(", s.in[0], ")"); },
     .cheap = true},
    {.name = "hardswish",
     .does = "x relu6(x + 3) / 6",
     .shape = same_shape,
     .run = pointwise_run<at::hardswish>,
     .script = [](ScriptOp const& s) { return text("torch.hardswish(", s.in[0], ")"); },
     .cheap = true},
    {.name = "sigmoid",
     .does = "1 / (1 + exp(-x))",
     .shape = same_shape,
     .run = pointwise_run<at::sigmoid>,
     .script = [](ScriptOp const& s) { return text("torch.sigmoid(", s.in[0], ")"); },
     .cheap = true},
    {.name = "tanh",
     .does = "the hyperbolic tangent",
     .shape = same_shape,
     .run = pointwise_run<at::tanh>,
     .script = [](ScriptOp const& s) { return text("torch.tanh(", s.in[0], ")"); },
     .cheap = true},
    {.name = "add",
     .does = "the sum of two of one shape",
     .least = 2,
     .most = 2,
     .shape = pointwise_add_shape,
     .run = pointwise_add,
     .script =
         [](ScriptOp const& s) { return text("torch.add(", s.in[0], ", ", s.in[1], ")"); },
     .in_place = true,
     .forgets = true},
    {.name = "mul",
     .does = "the product of two of one shape, or of an image and a gate of size 1",
     .least = 2,
     .most = 2,
     .shape = pointwise_mul_shape,
     .run = [](RunOp const& run) { return at::mul(run.in[0], run.in[1]); },
     .script =
         [](ScriptOp const& s) { return text("torch.mul(", s.in[0], ", ", s.in[1], ")"); },
     .cheap = true},
    {.name = "concat",
     .does = "channels one behind the other",
     .least = 1,
     .most = 1024,
     .shape = pointwise_concat_shape,
     .run = pointwise_concat,
     .script =
         [](ScriptOp const& s) {
           std::string all;
           for (auto const& one : s.in) all += (all.empty() ? "" : ", ") + one;
           return text("torch.cat([", all, "], ", s.shapes[0].last ? "-1" : "1", ")");
         },
     .forgets = true},
    {.name = "layer_scale",
     .does = "a learnt factor for each channel (Touvron et al. 2021)",
     .options = pointwise_scale_options,
     .shape = same_shape,
     .weights = pointwise_scale_weights,
     .run =
         [](RunOp const& run) {
           return at::mul(run.in[0], run.weights[0].to(run.in[0].scalar_type()));
         },
     .script =
         [](ScriptOp const& s) { return text("torch.mul(", s.in[0], ", ", s.weights[0], ")"); },
     .cheap = true},
    {.name = "dropout",
     .does = "in training, zero with this probability, and the rest made up for",
     .options = pointwise_rate_options,
     .shape = same_shape,
     .run =
         [](RunOp const& run) {
           return at::dropout(run.in[0], real_option(run.node, "rate"), run.training);
         },
     .script = [](ScriptOp const& s) { return s.in[0]; }},
    {.name = "stochastic_depth",
     .does = "in training, the whole branch of an image is left out with this probability "
             "(Huang et al. 2016)",
     .options = pointwise_rate_options,
     .shape = same_shape,
     .run = pointwise_stochastic_depth,
     .script = [](ScriptOp const& s) { return s.in[0]; }},
};

}  // namespace

std::span<OpRow const> pointwise_ops() {
  return pointwise_rows;
}

}  // namespace fovea
