#include "base/core/error.hpp"
#include "learn/nn/ops_rows.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace fovea {
namespace {

// Liu et al., "Swin Transformer", ICCV 2021: attention within windows of an image that lies
// channels last.

using Kind = OptionRow::Kind;
using Sizes = std::vector<std::int64_t>;

constexpr std::int64_t window_most_places = 4096;
constexpr std::int64_t window_most_channels = 1'000'000;

constexpr OptionRow window_attention_options[] = {
    {.name = "heads", .low = 1, .high = 1024, .required = true},
    {.name = "window", .kind = Kind::axes, .low = 1, .high = 64, .required = true},
    {.name = "shift", .low = 0, .high = 1},
};

void window_expect_image(Shape const& in) {
  if (!in.last || in.size.empty()) refuse_shape("an image with channels last", in_words(in));
}

Shape window_attention_shape(Node const& node, Shapes in) {
  window_expect_image(in[0]);
  if (in[0].channels % whole_option(node, "heads") != 0)
    refuse_shape(text("channels that ", whole_option(node, "heads"), " heads divide"),
                 text(in[0].channels));
  auto const places = values_of(axes_option(node, "window", in[0].size.size()));
  if (places > window_most_places)
    refuse_shape(text("a window of at most ", window_most_places, " places"), text(places));
  return in[0];
}

std::vector<WeightRow> window_attention_weights(Node const& node, Shapes in) {
  auto const c = in[0].channels;
  std::int64_t offsets = 1;
  for (auto const side : axes_option(node, "window", in[0].size.size()))
    offsets *= 2 * side - 1;
  return {{.name = "relative_position_bias_table",
           .shape = {offsets, whole_option(node, "heads")},
           .begin = Begin::small,
           .decays = false},
          {.name = "qkv.weight", .shape = {3 * c, c}, .begin = Begin::small, .fan_in = c},
          {.name = "qkv.bias", .shape = {3 * c}, .decays = false},
          {.name = "proj.weight", .shape = {c, c}, .begin = Begin::small, .fan_in = c},
          {.name = "proj.bias", .shape = {c}, .decays = false}};
}

// [batch, size…, channels] -> [batch * windows, places, channels]
at::Tensor window_parted(at::Tensor const& x, Sizes const& window) {
  auto const rank = static_cast<std::int64_t>(window.size());
  Sizes parts{x.size(0)}, order{0};
  std::int64_t places = 1;
  for (std::int64_t a = 0; a < rank; ++a) {
    auto const side = window[static_cast<std::size_t>(a)];
    parts.insert(parts.end(), {x.size(a + 1) / side, side});
    order.push_back(1 + 2 * a);
    places *= side;
  }
  for (std::int64_t a = 0; a < rank; ++a) order.push_back(2 + 2 * a);
  parts.push_back(x.size(-1));
  order.push_back(1 + 2 * rank);
  return x.reshape(parts).permute(order).reshape({-1, places, x.size(-1)});
}

at::Tensor window_joined(at::Tensor const& x, Sizes const& window, Sizes const& size) {
  auto const rank = static_cast<std::int64_t>(window.size());
  Sizes parts{-1}, order{0}, whole{-1};
  for (std::size_t a = 0; a < window.size(); ++a) parts.push_back(size[a] / window[a]);
  for (std::size_t a = 0; a < window.size(); ++a) parts.push_back(window[a]);
  for (std::int64_t a = 0; a < rank; ++a) order.insert(order.end(), {1 + a, 1 + rank + a});
  parts.push_back(x.size(-1));
  order.push_back(1 + 2 * rank);
  whole.insert(whole.end(), size.begin(), size.end());
  whole.push_back(x.size(-1));
  return x.reshape(parts).permute(order).reshape(whole);
}

// For each pair of places the row of the table, [places, places]. A window that the image cuts
// short takes the first rows of the whole one's, as MONAI does.
at::Tensor window_offsets(Sizes const& window, std::int64_t places) {
  auto const whole = at::arange(values_of(window), at::kLong);
  auto rest = whole;
  auto index = at::zeros({whole.size(0), whole.size(0)}, at::kLong);
  std::int64_t factor = 1;
  for (auto a = window.size(); a-- > 0;) {
    auto const along = rest.remainder(window[a]);
    rest = rest.floor_divide(window[a]);
    index = index + (along.unsqueeze(1) - along.unsqueeze(0) + (window[a] - 1)) * factor;
    factor *= 2 * window[a] - 1;
  }
  return index.narrow(0, 0, places).narrow(1, 0, places).reshape(-1);
}

// -100 between places that the shift brought together though they lie apart in the image,
// [windows, places, places].
at::Tensor window_mask(Sizes const& size, Sizes const& window, Sizes const& shift) {
  Sizes shape(size.size() + 2, 1);
  auto region = at::zeros(shape, at::kLong);
  for (std::size_t a = 0; a < size.size(); ++a) {
    auto along = shape;
    along[a + 1] = size[a];
    auto const place = at::arange(size[a], at::kLong).reshape(along);
    region = region * 3 + place.ge(size[a] - window[a]).to(at::kLong) +
             place.ge(size[a] - shift[a]).to(at::kLong);
  }
  auto const parted = window_parted(region, window).squeeze(-1);
  return parted.unsqueeze(1).ne(parted.unsqueeze(2)).to(at::kFloat).mul(-100);
}

at::Tensor window_attention(RunOp const& run) {
  auto const& x = run.in[0];
  auto const size = x.sizes().slice(1, static_cast<std::size_t>(x.dim()) - 2).vec();
  auto const whole = axes_option(run.node, "window", size.size());
  auto const heads = whole_option(run.node, "heads");
  auto window = whole, padded = size, shift = size, pads = Sizes{0, 0}, axes = size,
       back = size;
  for (std::size_t a = 0; a < size.size(); ++a) {
    window[a] = std::min(size[a], whole[a]);
    shift[a] = size[a] > whole[a] && whole_option(run.node, "shift") != 0 ? whole[a] / 2 : 0;
    padded[a] = (size[a] + window[a] - 1) / window[a] * window[a];
    axes[a] = static_cast<std::int64_t>(a) + 1;
    back[a] = -shift[a];
  }
  for (auto a = size.size(); a-- > 0;) pads.insert(pads.end(), {0, padded[a] - size[a]});
  auto const shifts = std::ranges::count(shift, 0) != static_cast<std::int64_t>(shift.size());

  auto y = padded == size ? x : at::constant_pad_nd(x, pads);
  if (shifts) y = at::roll(y, back, axes);
  auto const parted = window_parted(y, window);
  auto const batch = x.size(0), windows = parted.size(0) / batch, places = parted.size(1),
             width = x.size(-1);
  // [3, batch, windows, heads, places, width / heads]
  auto const all = at::linear(parted, run.weights[1], run.weights[2])
                       .reshape({batch, windows, places, 3, heads, width / heads})
                       .permute({3, 0, 1, 4, 2, 5});
  auto bias = run.weights[0]
                  .index_select(0, window_offsets(whole, places).to(x.device()))
                  .reshape({places, places, heads})
                  .permute({2, 0, 1})
                  .unsqueeze(0);
  if (shifts) bias = bias + window_mask(padded, window, shift).to(bias.options()).unsqueeze(1);
  bias = bias.expand({windows, heads, places, places})
             .reshape({1, windows * heads, places, places})
             .to(x.scalar_type());
  auto const part = [&](std::int64_t which) {
    return all.select(0, which).reshape({batch, windows * heads, places, width / heads});
  };
  auto const seen = at::scaled_dot_product_attention(part(0), part(1), part(2), bias)
                        .reshape({batch * windows, heads, places, width / heads})
                        .transpose(1, 2)
                        .reshape({batch * windows, places, width});
  y = window_joined(at::linear(seen, run.weights[3], run.weights[4]), window, padded);
  if (shifts) y = at::roll(y, shift, axes);
  for (std::size_t a = 0; a < size.size(); ++a)
    y = y.narrow(static_cast<std::int64_t>(a) + 1, 0, size[a]);
  return y.contiguous();
}

// The same in TorchScript: sizes are known only when it runs.
constexpr std::string_view window_attention_helper = R"(
def window_parted(self, x: Tensor, window: List[int]) -> Tensor:
    parts = [x.size(0)]
    order = [0]
    places = 1
    for a in range(len(window)):
        parts += [x.size(a + 1) // window[a], window[a]]
        order.append(1 + 2 * a)
        places *= window[a]
    for a in range(len(window)):
        order.append(2 + 2 * a)
    parts.append(x.size(-1))
    order.append(1 + 2 * len(window))
    return torch.reshape(torch.permute(torch.reshape(x, parts), order), [-1, places, x.size(-1)])

def window_attention(self, x: Tensor, table: Tensor, qkv: Tensor, qkv_bias: Tensor, proj: Tensor, proj_bias: Tensor, heads: int, whole: List[int], shifted: bool) -> Tensor:
    rank = len(whole)
    window: List[int] = []
    shift: List[int] = []
    back: List[int] = []
    padded: List[int] = []
    axes: List[int] = []
    shifts = False
    full = 1
    for a in range(rank):
        side = min(x.size(a + 1), whole[a])
        step = 0
        if shifted and x.size(a + 1) > whole[a]:
            step = whole[a] // 2
        shifts = shifts or step > 0
        window.append(side)
        shift.append(step)
        back.append(0 - step)
        padded.append((x.size(a + 1) + side - 1) // side * side)
        axes.append(a + 1)
        full *= whole[a]
    pads = [0, 0]
    for i in range(rank):
        a = rank - 1 - i
        pads += [0, padded[a] - x.size(a + 1)]
    y = torch.constant_pad_nd(x, pads)
    if shifts:
        y = torch.roll(y, back, axes)
    parted = self.window_parted(y, window)
    batch = x.size(0)
    windows = parted.size(0) // batch
    places = parted.size(1)
    width = x.size(-1)
    all = torch.permute(torch.reshape(torch.linear(parted, qkv, qkv_bias), [batch, windows, places, 3, heads, width // heads]), [3, 0, 1, 4, 2, 5])
    rest = torch.arange(full, device=x.device)
    index = torch.unsqueeze(rest, 1) * 0 + torch.unsqueeze(rest, 0) * 0
    factor = 1
    for i in range(rank):
        a = rank - 1 - i
        along = torch.remainder(rest, whole[a])
        rest = torch.floor_divide(rest, whole[a])
        index = index + (torch.unsqueeze(along, 1) - torch.unsqueeze(along, 0) + (whole[a] - 1)) * factor
        factor *= 2 * whole[a] - 1
    rows = torch.reshape(torch.slice(torch.slice(index, 0, 0, places), 1, 0, places), [-1])
    bias = torch.unsqueeze(torch.permute(torch.reshape(torch.index_select(table, 0, rows), [places, places, heads]), [2, 0, 1]), 0)
    if shifts:
        ones: List[int] = []
        for a in range(rank + 2):
            ones.append(1)
        region = torch.reshape(torch.arange(1, device=x.device), ones)
        for a in range(rank):
            shape: List[int] = []
            for b in range(rank + 2):
                shape.append(1)
            shape[a + 1] = padded[a]
            place = torch.reshape(torch.arange(padded[a], device=x.device), shape)
            region = region * 3 + torch.ge(place, padded[a] - window[a]) + torch.ge(place, padded[a] - shift[a])
        regions = torch.squeeze(self.window_parted(region, window), -1)
        apart = torch.mul(torch.ne(torch.unsqueeze(regions, 1), torch.unsqueeze(regions, 2)), -100.)
        bias = bias + torch.unsqueeze(apart, 1)
    bias = torch.reshape(bias.expand([windows, heads, places, places]), [1, windows * heads, places, places])
    shape3 = [batch, windows * heads, places, width // heads]
    seen = torch.scaled_dot_product_attention(torch.reshape(all[0], shape3), torch.reshape(all[1], shape3), torch.reshape(all[2], shape3), bias)
    seen = torch.reshape(torch.transpose(torch.reshape(seen, [batch * windows, heads, places, width // heads]), 1, 2), [batch * windows, places, width])
    y = torch.linear(seen, proj, proj_bias)
    parts = [batch]
    order = [0]
    joined = [batch]
    for a in range(rank):
        parts.append(padded[a] // window[a])
        order += [1 + a, 1 + rank + a]
        joined.append(padded[a])
    parts += window
    parts.append(width)
    order.append(1 + 2 * rank)
    joined.append(width)
    y = torch.reshape(torch.permute(torch.reshape(y, parts), order), joined)
    if shifts:
        y = torch.roll(y, shift, axes)
    for a in range(rank):
        y = torch.slice(y, a + 1, 0, x.size(a + 1))
    return y
)";

std::string window_attention_script(ScriptOp const& s) {
  std::string weights;
  for (auto const& weight : s.weights) weights += ", " + weight;
  return text("self.window_attention(", s.in[0], weights, ", ", whole_option(s.node, "heads"),
              ", ", as_list(axes_option(s.node, "window", s.shapes[0].size.size())), ", ",
              whole_option(s.node, "shift") != 0 ? "True" : "False", ")");
}

// --- patches become one, with all their channels ---

Shape window_merge_shape(Node const&, Shapes in) {
  window_expect_image(in[0]);
  auto shape = in[0];
  for (auto& side : shape.size) {
    shape.channels *= 2;
    if (shape.channels > window_most_channels)
      refuse_shape(text("at most ", window_most_channels, " channels"), text(shape.channels));
    if (side == Shape::unknown) continue;
    if (side % 2 != 0) refuse_shape("an image of even sides", in_words(in[0]));
    side /= 2;
  }
  return shape;
}

// Which of two along each axis, in MONAI's order: by how many are the second, in volumes; as
// bits, the first axis' the lowest, in images.
std::vector<Sizes> window_corners(std::size_t rank) {
  if (rank == 3)
    return {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1},
            {1, 1, 0}, {1, 0, 1}, {0, 1, 1}, {1, 1, 1}};
  if (rank == 2) return {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
  return {{0}, {1}};
}

at::Tensor window_merge(RunOp const& run) {
  auto const& x = run.in[0];
  std::vector<at::Tensor> corners;
  for (auto const& corner : window_corners(static_cast<std::size_t>(x.dim()) - 2)) {
    auto part = x;
    for (std::size_t a = 0; a < corner.size(); ++a)
      part = part.slice(static_cast<std::int64_t>(a) + 1, corner[a], std::nullopt, 2);
    corners.push_back(part);
  }
  return at::cat(corners, -1);
}

std::string window_merge_script(ScriptOp const& s) {
  std::string all;
  for (auto const& corner : window_corners(s.shapes[0].size.size())) {
    auto part = s.in[0] + "[:";
    for (auto const first : corner) part += text(", ", first, "::2");
    all += (all.empty() ? "" : ", ") + part + ", :]";
  }
  return text("torch.cat([", all, "], -1)");
}

constexpr OpRow window_rows[] = {
    {.name = "window_attention",
     .does =
         "self attention within windows, shifted by half a window or not, with a learnt bias "
         "for each offset (Liu et al. 2021); channels last",
     .options = window_attention_options,
     .shape = window_attention_shape,
     .weights = window_attention_weights,
     .run = window_attention,
     .script = window_attention_script,
     .helper = window_attention_helper,
     .multiply_adds =
         [](Node const& node, Shapes in, Shape const&) {
           auto const c = static_cast<double>(in[0].channels);
           auto const places = static_cast<double>(values_of(in[0].size));
           auto const window =
               static_cast<double>(values_of(axes_option(node, "window", in[0].size.size())));
           return places * (4 * c * c + 2 * window * c);
         },
     .lowers = true},
    {.name = "merge_patches",
     .does =
         "two places along each axis become one, with the channels of all (Liu et al. 2021); "
         "channels last",
     .shape = window_merge_shape,
     .run = window_merge,
     .script = window_merge_script},
};

}  // namespace

std::span<OpRow const> window_ops() {
  return window_rows;
}

}  // namespace fovea
