#include "base/core/error.hpp"
#include "learn/nn/ops_rows.hpp"
#include "learn/nn/together.hpp"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/instance_norm.h>
#include <ATen/ops/layer_norm.h>

namespace fovea {
namespace {

using Kind = OptionRow::Kind;

constexpr OptionRow norm_batch_options[] = {
    {.name = "epsilon", .kind = Kind::real, .low = 1e-12, .high = 1, .standard = 1e-5},
    {.name = "momentum", .kind = Kind::real, .low = 0, .high = 1, .standard = 0.1},
};
constexpr OptionRow norm_instance_options[] = {
    {.name = "epsilon", .kind = Kind::real, .low = 1e-12, .high = 1, .standard = 1e-5},
    {.name = "affine", .low = 0, .high = 1, .standard = 1},
    {.name = "begin", .kind = Kind::real, .low = 0, .high = 1, .standard = 1},
};
constexpr OptionRow norm_group_options[] = {
    {.name = "groups", .low = 1, .high = 1e6, .required = true},
    {.name = "epsilon", .kind = Kind::real, .low = 1e-12, .high = 1, .standard = 1e-5},
};
constexpr OptionRow norm_layer_options[] = {
    {.name = "epsilon", .kind = Kind::real, .low = 1e-12, .high = 1, .standard = 1e-5},
    {.name = "affine", .low = 0, .high = 1, .standard = 1},
};

std::vector<WeightRow> norm_affine(std::int64_t channels, double begin = 1) {
  return {{.name = "weight",
           .shape = {channels},
           .begin = Begin::ones,
           .decays = false,
           .factor = begin},
          {.name = "bias", .shape = {channels}, .decays = false}};
}

std::vector<WeightRow> norm_batch_weights(Node const&, Shapes in) {
  auto rows = norm_affine(in[0].channels);
  rows.push_back(
      {.name = "running_mean", .shape = {in[0].channels}, .learnt = false, .decays = false});
  rows.push_back({.name = "running_var",
                  .shape = {in[0].channels},
                  .begin = Begin::ones,
                  .learnt = false,
                  .decays = false});
  return rows;
}

Shape norm_first_shape(Node const&, Shapes in) {
  if (in[0].last) refuse_shape("an image or a vector", in_words(in[0]));
  return in[0];
}

Shape norm_instance_shape(Node const&, Shapes in) {
  if (in[0].last || in[0].size.empty()) refuse_shape("an image", in_words(in[0]));
  return in[0];
}

Shape norm_group_shape(Node const& node, Shapes in) {
  if (in[0].channels % whole_option(node, "groups") != 0)
    refuse_shape(text("channels that ", whole_option(node, "groups"), " groups divide"),
                 text(in[0].channels));
  return norm_first_shape(node, in);
}

at::Tensor norm_batch(RunOp const& run) {
  auto const& x = run.in[0];
  // One value in a channel has no spread to learn from (batch 1 of a 1 x 1 map): what was
  // learnt so far serves.
  auto const training = run.training && x.numel() > x.size(1);
  return at::batch_norm(x, run.weights[0], run.weights[1], run.weights[2], run.weights[3],
                        training, real_option(run.node, "momentum"),
                        real_option(run.node, "epsilon"), true);
}

// LibTorch's instance norm would copy it into the other layout and back.
std::optional<at::Tensor> norm_in_rows(RunOp const& run) {
  auto const& x = run.in[0];
  if (x.dim() <= 3 || !lies_in_rows(x)) return std::nullopt;
  return norm_and_more(chain_of(run.node, x.size(1), run.weights, {}, {}), x);
}

at::Tensor norm_instance(RunOp const& run) {
  if (auto const made = norm_in_rows(run)) return *made;
  auto const affine = !run.weights.empty();
  return at::instance_norm(run.in[0], affine ? std::optional{run.weights[0]} : std::nullopt,
                           affine ? std::optional{run.weights[1]} : std::nullopt, {}, {}, true,
                           0, real_option(run.node, "epsilon"), true);
}

at::Tensor norm_group(RunOp const& run) {
  if (auto const made = norm_in_rows(run)) return *made;
  return at::group_norm(run.in[0], whole_option(run.node, "groups"), run.weights[0],
                        run.weights[1], real_option(run.node, "epsilon"));
}

// An image is normalised over its channels at each place, as ConvNeXt does; rows over their
// channels.
at::Tensor norm_layer(RunOp const& run) {
  auto const& x = run.in[0];
  auto const last = run.shapes[0].last || run.shapes[0].size.empty();
  auto const rows = last ? x : x.movedim(1, -1);
  auto const affine = !run.weights.empty();
  auto const y = at::layer_norm(
      rows, {rows.size(-1)}, affine ? std::optional{run.weights[0]} : std::nullopt,
      affine ? std::optional{run.weights[1]} : std::nullopt, real_option(run.node, "epsilon"));
  return last ? y : y.movedim(-1, 1);
}

constexpr OpRow norm_rows[] = {
    {.name = "batch_norm",
     .does = "zero mean and unit variance over the batch; running ones at inference (Ioffe and "
             "Szegedy 2015)",
     .options = norm_batch_options,
     .shape = norm_first_shape,
     .weights = norm_batch_weights,
     .run = norm_batch,
     .script =
         [](ScriptOp const& s) {
           return text("torch.batch_norm(", s.in[0], ", ", s.weights[0], ", ", s.weights[1],
                       ", ", s.weights[2], ", ", s.weights[3], ", False, 0., ",
                       as_real(real_option(s.node, "epsilon")), ", False)");
         },
     .forgets = true},
    {.name = "instance_norm",
     .does = "zero mean and unit variance of each channel of each image (Ulyanov et al. 2016); "
             "begin: what its weights begin with",
     .options = norm_instance_options,
     .shape = norm_instance_shape,
     .weights =
         [](Node const& node, Shapes in) {
           return whole_option(node, "affine") != 0
                      ? norm_affine(in[0].channels, real_option(node, "begin"))
                      : std::vector<WeightRow>{};
         },
     .run = norm_instance,
     .script =
         [](ScriptOp const& s) {
           auto const affine = !s.weights.empty();
           return text("torch.instance_norm(", s.in[0], ", ", affine ? s.weights[0] : "None",
                       ", ", affine ? s.weights[1] : "None", ", None, None, True, 0., ",
                       as_real(real_option(s.node, "epsilon")), ", False)");
         },
     .forgets = true},
    {.name = "group_norm",
     .does = "zero mean and unit variance of groups of channels (Wu and He 2018)",
     .options = norm_group_options,
     .shape = norm_group_shape,
     .weights = [](Node const&, Shapes in) { return norm_affine(in[0].channels); },
     .run = norm_group,
     .script =
         [](ScriptOp const& s) {
           return text("torch.group_norm(", s.in[0], ", ", whole_option(s.node, "groups"), ", ",
                       s.weights[0], ", ", s.weights[1], ", ",
                       as_real(real_option(s.node, "epsilon")), ")");
         },
     .forgets = true},
    {.name = "layer_norm",
     .does = "zero mean and unit variance over the channels at each place (Ba et al. 2016)",
     .options = norm_layer_options,
     .shape = same_shape,
     .weights =
         [](Node const& node, Shapes in) {
           return whole_option(node, "affine") != 0 ? norm_affine(in[0].channels)
                                                    : std::vector<WeightRow>{};
         },
     .run = norm_layer,
     .script =
         [](ScriptOp const& s) {
           auto const tail = text(", [", s.shapes[0].channels, "], ",
                                  s.weights.empty() ? "None" : s.weights[0], ", ",
                                  s.weights.empty() ? "None" : s.weights[1], ", ",
                                  as_real(real_option(s.node, "epsilon")), ")");
           if (s.shapes[0].last || s.shapes[0].size.empty())
             return text("torch.layer_norm(", s.in[0], tail);
           return text("torch.movedim(torch.layer_norm(torch.movedim(", s.in[0], ", 1, -1)",
                       tail, ", -1, 1)");
         }},
};

}  // namespace

std::span<OpRow const> norm_ops() {
  return norm_rows;
}

}  // namespace fovea
