#include "base/core/error.hpp"
#include "learn/nn/ops_rows.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gru.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/upsample_trilinear3d.h>
#include <ATen/ops/zeros.h>

namespace fovea {
namespace {

using Kind = OptionRow::Kind;
using Sizes = std::vector<std::int64_t>;

constexpr OptionRow token_linear_options[] = {
    {.name = "out", .low = 1, .high = 1e6, .required = true},
    {.name = "bias", .low = 0, .high = 1, .standard = 1},
    {.name = "begin", .kind = Kind::word, .words = "uniform|small|he"},
};
constexpr OptionRow token_attention_options[] = {
    {.name = "heads", .low = 1, .high = 1024, .required = true},
};
constexpr OptionRow token_position_options[] = {
    {.name = "grid", .kind = Kind::axes, .low = 1, .high = 4096, .required = true},
    {.name = "extra", .low = 0, .high = 16},
};
constexpr OptionRow token_select_options[] = {
    {.name = "index", .low = 0, .high = 1e6, .required = true},
};
constexpr OptionRow token_recurrent_options[] = {
    {.name = "hidden", .low = 1, .high = 65536, .required = true},
    {.name = "layers", .low = 1, .high = 64, .standard = 1},
    {.name = "both_ways", .low = 0, .high = 1},
};

void token_expect_rows(Shape const& in) {
  if (!in.last || in.size.size() != 1) refuse_shape("tokens", in_words(in));
}
void token_expect_image(Shape const& in) {
  if (in.last || in.size.empty()) refuse_shape("an image", in_words(in));
}
double token_places(Shape const& shape) {
  return static_cast<double>(values_of(shape.size));
}

// --- linear and changes of shape ---

Shape token_linear_shape(Node const& node, Shapes in) {
  if (!in[0].last && !in[0].size.empty())
    refuse_shape("a vector, tokens or an image with channels last", in_words(in[0]));
  return {whole_option(node, "out"), in[0].size, in[0].last};
}

std::vector<WeightRow> token_linear_weights(Node const& node, Shapes in) {
  auto const out = whole_option(node, "out");
  auto const word = word_option(node, "begin");
  auto const begin = word == "small" ? Begin::small : word == "he" ? Begin::he : Begin::uniform;
  std::vector<WeightRow> rows{{.name = "weight",
                               .shape = {out, in[0].channels},
                               .begin = begin,
                               .fan_in = in[0].channels}};
  if (whole_option(node, "bias") != 0)
    rows.push_back({.name = "bias", .shape = {out}, .decays = false});
  return rows;
}

at::Tensor token_linear(RunOp const& run) {
  return at::linear(run.in[0], run.weights[0],
                    run.weights.size() > 1 ? std::optional{run.weights[1]} : std::nullopt);
}

Shape token_flatten_shape(Node const&, Shapes in) {
  token_expect_image(in[0]);
  auto const places = values_of(in[0].size);
  if (places == Shape::unknown)
    refuse_shape("an image whose size does not follow the input",
                 "any size; pool to a fixed size before it is flattened");
  std::int64_t values = 0;
  if (__builtin_mul_overflow(places, in[0].channels, &values) || values > 1'000'000'000)
    refuse_shape("at most 10^9 values in a vector", in_words(in[0]));
  return {values, {}, false};
}

Shape token_last_shape(Node const&, Shapes in) {
  token_expect_image(in[0]);
  return {in[0].channels, in[0].size, true};
}

Shape token_first_shape(Node const&, Shapes in) {
  if (!in[0].last) refuse_shape("an image with channels last", in_words(in[0]));
  return {in[0].channels, in[0].size, false};
}

Shape token_tokens_shape(Node const&, Shapes in) {
  token_expect_image(in[0]);
  return {in[0].channels, {values_of(in[0].size)}, true};
}

// --- tokens ---

Shape token_class_shape(Node const&, Shapes in) {
  token_expect_rows(in[0]);
  auto const tokens = in[0].size[0];
  return {in[0].channels, {tokens == Shape::unknown ? tokens : tokens + 1}, true};
}

Shape token_position_shape(Node const& node, Shapes in) {
  token_expect_rows(in[0]);
  token_expect_image(in[1]);
  auto const places = values_of(in[1].size);
  if (in[1].channels != in[0].channels) refuse_shape(in_words(in[0]), in_words(in[1]));
  if (places != Shape::unknown && in[0].size[0] != places + whole_option(node, "extra"))
    refuse_shape(text(places + whole_option(node, "extra"), " tokens"), text(in[0].size[0]));
  axes_option(node, "grid", in[1].size.size());
  return in[0];
}

std::vector<WeightRow> token_position_weights(Node const& node, Shapes in) {
  auto const places = values_of(axes_option(node, "grid", in[1].size.size()));
  return {{.name = "pos_embedding",
           .shape = {1, places + whole_option(node, "extra"), in[0].channels},
           .begin = Begin::small,
           .decays = false}};
}

at::Tensor token_resized(at::Tensor const& grid, at::IntArrayRef size) {
  if (size.size() == 1) return at::upsample_linear1d(grid, size, false);
  if (size.size() == 2) return at::upsample_bicubic2d(grid, size, false);
  return at::upsample_trilinear3d(grid, size, false);
}

at::Tensor token_position(RunOp const& run) {
  auto const& x = run.in[0];
  auto const& learnt = run.weights[0];
  auto const size = run.in[1].sizes().slice(2);
  auto const grid = axes_option(run.node, "grid", size.size());
  auto const extra = whole_option(run.node, "extra");
  if (size == at::IntArrayRef{grid}) return at::add(x, learnt.to(x.scalar_type()));
  Sizes shape{1, x.size(2)};
  shape.insert(shape.end(), grid.begin(), grid.end());
  auto const image =
      learnt.narrow(1, extra, learnt.size(1) - extra).transpose(1, 2).reshape(shape);
  auto const places = token_resized(image, size).flatten(2).transpose(1, 2);
  return at::add(x, at::cat({learnt.narrow(1, 0, extra), places}, 1).to(x.scalar_type()));
}

std::string token_position_script(ScriptOp const& s) {
  auto const rank = s.shapes[1].size.size();
  auto const extra = whole_option(s.node, "extra");
  auto grid = axes_option(s.node, "grid", rank);
  Sizes shape{1, s.shapes[0].channels};
  shape.insert(shape.end(), grid.begin(), grid.end());
  static constexpr std::string_view by[] = {"linear1d", "bicubic2d", "trilinear3d"};
  auto const rows = text("torch.slice(", s.weights[0], ", 1, ", extra, ")");
  auto const image =
      text("torch.reshape(torch.transpose(", rows, ", 1, 2), ", as_list(shape), ")");
  std::string size;
  for (std::size_t a = 0; a < rank; ++a)
    size += text(a == 0 ? "" : ", ", s.in[1], ".size(", a + 2, ")");
  auto const places = text("torch.transpose(torch.flatten(torch.upsample_", by[rank - 1], "(",
                           image, ", [", size, "], False), 2), 1, 2)");
  return text("torch.add(", s.in[0], ", torch.cat([torch.slice(", s.weights[0], ", 1, 0, ",
              extra, "), ", places, "], 1))");
}

Shape token_select_shape(Node const& node, Shapes in) {
  token_expect_rows(in[0]);
  auto const tokens = in[0].size[0];
  if (tokens != Shape::unknown && whole_option(node, "index") >= tokens)
    refuse_shape(text("more than ", whole_option(node, "index"), " tokens"), text(tokens));
  return {in[0].channels, {}, false};
}

// --- attention ---

Shape token_attention_shape(Node const& node, Shapes in) {
  token_expect_rows(in[0]);
  if (in[0].channels % whole_option(node, "heads") != 0)
    refuse_shape(text("channels that ", whole_option(node, "heads"), " heads divide"),
                 text(in[0].channels));
  return in[0];
}

std::vector<WeightRow> token_attention_weights(Node const&, Shapes in) {
  auto const c = in[0].channels;
  return {{.name = "in_proj_weight", .shape = {3 * c, c}, .begin = Begin::uniform, .fan_in = c},
          {.name = "in_proj_bias", .shape = {3 * c}, .decays = false},
          {.name = "out_proj.weight", .shape = {c, c}, .begin = Begin::uniform, .fan_in = c},
          {.name = "out_proj.bias", .shape = {c}, .decays = false}};
}

at::Tensor token_attention(RunOp const& run) {
  auto const& x = run.in[0];
  auto const batch = x.size(0), tokens = x.size(1), width = x.size(2),
             heads = whole_option(run.node, "heads");
  // [3, batch, heads, tokens, width / heads]
  auto const all = at::linear(x, run.weights[0], run.weights[1])
                       .reshape({batch, tokens, 3, heads, width / heads})
                       .permute({2, 0, 3, 1, 4});
  auto const seen =
      at::scaled_dot_product_attention(all.select(0, 0), all.select(0, 1), all.select(0, 2));
  return at::linear(seen.transpose(1, 2).reshape({batch, tokens, width}), run.weights[2],
                    run.weights[3]);
}

std::string token_attention_script(ScriptOp const& s) {
  auto const width = s.shapes[0].channels, heads = whole_option(s.node, "heads");
  auto const size = text(s.in[0], ".size(0), ", s.in[0], ".size(1), ");
  auto const all = text("torch.permute(torch.reshape(torch.linear(", s.in[0], ", ",
                        s.weights[0], ", ", s.weights[1], "), [", size, "3, ", heads, ", ",
                        width / heads, "]), [2, 0, 3, 1, 4])");
  auto const part = [&](int which) { return text("torch.select(", all, ", 0, ", which, ")"); };
  return text("torch.linear(torch.reshape(torch.transpose(torch.scaled_dot_product_attention(",
              part(0), ", ", part(1), ", ", part(2), "), 1, 2), [", size, width, "]), ",
              s.weights[2], ", ", s.weights[3], ")");
}

// --- recurrent cells ---

Shape token_recurrent_shape(Node const& node, Shapes in) {
  token_expect_rows(in[0]);
  return {whole_option(node, "hidden") * (1 + whole_option(node, "both_ways")), in[0].size,
          true};
}

std::vector<WeightRow> token_recurrent_weights(Node const& node,
                                               Shapes in,
                                               std::int64_t gates) {
  auto const hidden = whole_option(node, "hidden"), ways = 1 + whole_option(node, "both_ways");
  std::vector<WeightRow> rows;
  for (std::int64_t layer = 0; layer < whole_option(node, "layers"); ++layer) {
    auto const width = layer == 0 ? in[0].channels : hidden * ways;
    for (std::int64_t way = 0; way < ways; ++way) {
      auto const tail = text("_l", layer, way == 0 ? "" : "_reverse");
      auto const matrix = [&](std::string_view name, std::int64_t from) {
        rows.push_back({.name = text(name, tail),
                        .shape = {gates * hidden, from},
                        .begin = Begin::uniform,
                        .fan_in = hidden});
      };
      matrix("weight_ih", width);
      matrix("weight_hh", hidden);
      rows.push_back({.name = "bias_ih" + tail, .shape = {gates * hidden}, .decays = false});
      rows.push_back({.name = "bias_hh" + tail, .shape = {gates * hidden}, .decays = false});
    }
  }
  return rows;
}

Sizes token_state_size(Node const& node, std::int64_t batch) {
  return {whole_option(node, "layers") * (1 + whole_option(node, "both_ways")), batch,
          whole_option(node, "hidden")};
}

// In float32 whatever the working precision: states add up over the sequence.
at::Tensor token_lstm(RunOp const& run) {
  auto const x = run.in[0].to(at::kFloat);
  auto const none = at::zeros(token_state_size(run.node, x.size(0)), x.options());
  auto const out =
      at::lstm(x, {none, none}, at::TensorList{run.weights.data(), run.weights.size()}, true,
               whole_option(run.node, "layers"), 0, run.training,
               whole_option(run.node, "both_ways") != 0, true);
  return std::get<0>(out).to(run.in[0].scalar_type());
}

at::Tensor token_gru(RunOp const& run) {
  auto const x = run.in[0].to(at::kFloat);
  auto const none = at::zeros(token_state_size(run.node, x.size(0)), x.options());
  auto const out = at::gru(x, none, at::TensorList{run.weights.data(), run.weights.size()},
                           true, whole_option(run.node, "layers"), 0, run.training,
                           whole_option(run.node, "both_ways") != 0, true);
  return std::get<0>(out).to(run.in[0].scalar_type());
}

std::string token_recurrent_script(ScriptOp const& s, bool memory) {
  auto const size = token_state_size(s.node, 0);
  auto const none = text("torch.zeros([", size[0], ", ", s.in[0], ".size(0), ", size[2],
                         "], dtype=", s.in[0], ".dtype, device=", s.in[0], ".device)");
  std::string weights;
  for (auto const& weight : s.weights) weights += (weights.empty() ? "" : ", ") + weight;
  return text("torch.", memory ? "lstm" : "gru", "(", s.in[0], ", ",
              memory ? text("[", none, ", ", none, "]") : none, ", [", weights, "], True, ",
              whole_option(s.node, "layers"), ", 0., False, ",
              whole_option(s.node, "both_ways") != 0 ? "True" : "False", ", True)[0]");
}

double token_recurrent_work(Node const& node, Shapes in, std::int64_t gates) {
  double work = 0;
  for (auto const& row : token_recurrent_weights(node, in, gates)) {
    if (row.shape.size() == 2) work += static_cast<double>(row.shape[0] * row.shape[1]);
  }
  return work * token_places(in[0]);
}

constexpr OpRow token_rows[] = {
    {.name = "linear",
     .does = "a matrix for each place: vectors, tokens, images with channels last",
     .options = token_linear_options,
     .shape = token_linear_shape,
     .weights = token_linear_weights,
     .run = token_linear,
     .script =
         [](ScriptOp const& s) {
           return text("torch.linear(", s.in[0], ", ", s.weights[0],
                       s.weights.size() > 1 ? ", " + s.weights[1] : "", ")");
         },
     .multiply_adds =
         [](Node const&, Shapes in, Shape const& out) {
           return token_places(out) * static_cast<double>(in[0].channels) *
                  static_cast<double>(out.channels);
         },
     .lowers = true},
    {.name = "flatten",
     .does = "all values of an image of fixed size as one vector, channels first",
     .shape = token_flatten_shape,
     .run = [](RunOp const& run) { return run.in[0].flatten(1); },
     .script = [](ScriptOp const& s) { return text("torch.flatten(", s.in[0], ", 1)"); }},
    {.name = "channels_last",
     .does = "an image [channels, size…] as rows [size…, channels]",
     .shape = token_last_shape,
     .run = [](RunOp const& run) { return run.in[0].movedim(1, -1); },
     .script = [](ScriptOp const& s) { return text("torch.movedim(", s.in[0], ", 1, -1)"); }},
    {.name = "channels_first",
     .does = "rows [size…, channels] as an image [channels, size…]",
     .shape = token_first_shape,
     .run = [](RunOp const& run) { return run.in[0].movedim(-1, 1); },
     .script = [](ScriptOp const& s) { return text("torch.movedim(", s.in[0], ", -1, 1)"); }},
    {.name = "tokens",
     .does = "the places of an image, one behind the other, as tokens",
     .shape = token_tokens_shape,
     .run = [](RunOp const& run) { return run.in[0].flatten(2).transpose(1, 2); },
     .script =
         [](ScriptOp const& s) {
           return text("torch.transpose(torch.flatten(", s.in[0], ", 2), 1, 2)");
         }},
    {.name = "class_token",
     .does = "a learnt token before the others (Dosovitskiy et al. 2021)",
     .shape = token_class_shape,
     .weights =
         [](Node const&, Shapes in) {
           return std::vector<WeightRow>{
               {.name = "class_token", .shape = {1, 1, in[0].channels}, .decays = false}};
         },
     .run =
         [](RunOp const& run) {
           auto const& x = run.in[0];
           return at::cat(
               {run.weights[0].to(x.scalar_type()).expand({x.size(0), 1, x.size(2)}), x}, 1);
         },
     .script =
         [](ScriptOp const& s) {
           return text("torch.cat([", s.weights[0], ".expand([", s.in[0], ".size(0), 1, -1]), ",
                       s.in[0], "], 1)");
         }},
    {.name = "position",
     .does = "adds a learnt vector for each place of a grid, interpolated for images of other "
             "sizes; reads the tokens and "
             "the image that they came from",
     .least = 2,
     .most = 2,
     .options = token_position_options,
     .shape = token_position_shape,
     .weights = token_position_weights,
     .run = token_position,
     .script = token_position_script},
    {.name = "select_token",
     .does = "one token as a vector",
     .options = token_select_options,
     .shape = token_select_shape,
     .run =
         [](RunOp const& run) { return run.in[0].select(1, whole_option(run.node, "index")); },
     .script =
         [](ScriptOp const& s) {
           return text("torch.select(", s.in[0], ", 1, ", whole_option(s.node, "index"), ")");
         }},
    {.name = "attention",
     .does = "multi-head self attention (Vaswani et al. 2017)",
     .options = token_attention_options,
     .shape = token_attention_shape,
     .weights = token_attention_weights,
     .run = token_attention,
     .script = token_attention_script,
     .multiply_adds =
         [](Node const&, Shapes in, Shape const&) {
           auto const n = token_places(in[0]), c = static_cast<double>(in[0].channels);
           return n * 4 * c * c + 2 * n * n * c;
         },
     .lowers = true},
    {.name = "lstm",
     .does = "long short-term memory over tokens (Hochreiter and Schmidhuber 1997)",
     .options = token_recurrent_options,
     .shape = token_recurrent_shape,
     .weights = [](Node const& node,
                   Shapes in) { return token_recurrent_weights(node, in, 4); },
     .run = token_lstm,
     .script = [](ScriptOp const& s) { return token_recurrent_script(s, true); },
     .multiply_adds = [](Node const& node,
                         Shapes in,
                         Shape const&) { return token_recurrent_work(node, in, 4); }},
    {.name = "gru",
     .does = "gated recurrent unit over tokens (Cho et al. 2014)",
     .options = token_recurrent_options,
     .shape = token_recurrent_shape,
     .weights = [](Node const& node,
                   Shapes in) { return token_recurrent_weights(node, in, 3); },
     .run = token_gru,
     .script = [](ScriptOp const& s) { return token_recurrent_script(s, false); },
     .multiply_adds = [](Node const& node,
                         Shapes in,
                         Shape const&) { return token_recurrent_work(node, in, 3); }},
};

}  // namespace

std::span<OpRow const> token_ops() {
  return token_rows;
}

}  // namespace fovea
