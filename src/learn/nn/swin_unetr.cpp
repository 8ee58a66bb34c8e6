#include "base/core/error.hpp"
#include "learn/nn/segmenter_parts.hpp"

#include <array>

namespace fovea {
namespace {

constexpr std::int64_t swin_window = 7;
constexpr std::array<std::int64_t, 4> swin_heads{3, 6, 12, 24};
constexpr int swin_blocks = 2;  // of each level: one whose windows lie straight, one shifted

std::size_t swin_mlp(Graph& graph,
                     std::size_t from,
                     std::int64_t width,
                     std::string const& name) {
  auto at = graph.add("layer_norm", {from}, {}, name + ".norm2");
  at = graph.add("linear", {at}, {{"out", 4 * width}, {"begin", "small"}},
                 name + ".mlp.linear1");
  at = graph.add("gelu", {at});
  at = graph.add("linear", {at}, {{"out", width}, {"begin", "small"}}, name + ".mlp.linear2");
  return graph.add("add", {at, from});
}

std::size_t swin_block(Graph& graph,
                       std::size_t from,
                       std::int64_t width,
                       std::int64_t heads,
                       bool shift,
                       std::string const& name) {
  auto at = graph.add("layer_norm", {from}, {}, name + ".norm1");
  at = graph.add("window_attention", {at},
                 {{"heads", heads}, {"window", swin_window}, {"shift", shift ? 1 : 0}},
                 name + ".attn");
  return swin_mlp(graph, graph.add("add", {at, from}), width, name);
}

// Blocks, then half the size and twice the channels.
std::size_t swin_level(Graph& graph,
                       std::size_t from,
                       std::int64_t width,
                       std::int64_t heads,
                       std::string const& name) {
  auto at = from;
  for (int block = 0; block < swin_blocks; ++block)
    at = swin_block(graph, at, width, heads, block % 2 == 1, text(name, ".blocks.", block));
  at = graph.add("merge_patches", {at});
  at = graph.add("layer_norm", {at}, {}, name + ".downsample.norm");
  return graph.add("linear", {at}, {{"out", 2 * width}, {"bias", 0}, {"begin", "small"}},
                   name + ".downsample.reduction");
}

std::size_t swin_conv(
    Graph& graph, std::size_t from, std::int64_t out, std::int64_t kernel, std::string name) {
  return graph.add("conv", {from},
                   {{"out", out},
                    {"kernel", kernel},
                    {"padding", kernel / 2},
                    {"bias", 0},
                    {"begin", "uniform"}},
                   std::move(name));
}

std::size_t swin_norm(Graph& graph, std::size_t from) {
  return graph.add("instance_norm", {from}, {{"affine", 0}});
}

std::size_t swin_leaky(Graph& graph, std::size_t from) {
  return graph.add("leaky_relu", {from}, {{"slope", leaky_slope}});
}

// A residual block of convolutions.
std::size_t swin_residual(Graph& graph,
                          std::size_t from,
                          std::int64_t in,
                          std::int64_t out,
                          std::string const& name) {
  auto skip = from;
  if (in != out) skip = swin_norm(graph, swin_conv(graph, from, out, 1, name + ".conv3.conv"));
  auto at = swin_norm(graph, swin_conv(graph, from, out, 3, name + ".conv1.conv"));
  at = swin_leaky(graph, at);
  at = swin_norm(graph, swin_conv(graph, at, out, 3, name + ".conv2.conv"));
  return swin_leaky(graph, graph.add("add", {at, skip}));
}

// Twice the size, beside what the encoder has there.
std::size_t swin_up(Graph& graph,
                    std::size_t from,
                    std::size_t skip,
                    std::int64_t out,
                    std::string const& name) {
  auto at =
      graph.add("conv_transpose", {from},
                {{"out", out}, {"kernel", 2}, {"stride", 2}, {"bias", 0}, {"begin", "uniform"}},
                name + ".transp_conv.conv");
  at = graph.add("concat", {at, skip});
  return swin_residual(graph, at, 2 * out, out, name + ".conv_block");
}

}  // namespace

Graph swin_unetr(SegmentDraw const& draw) {
  auto const width = draw.width > 0 ? draw.width : 24;
  if (width % 12 != 0) refuse_draw("a width in multiples of 12", text(width));
  auto graph = begun_segmenter("swin-unetr", draw);
  auto at = graph.add("conv", {0},
                      {{"out", width}, {"kernel", 2}, {"stride", 2}, {"begin", "uniform"}},
                      "swinViT.patch_embed.proj");
  at = graph.add("channels_last", {at});
  std::array<std::size_t, 5> hidden{};  // of each level, at 1/2 … 1/32
  for (std::size_t level = 0; level < hidden.size(); ++level) {
    auto const plain = graph.add("layer_norm", {at}, {{"affine", 0}});
    hidden[level] = graph.add("channels_first", {plain});
    if (level < swin_heads.size())
      at = swin_level(graph, at, width << level, swin_heads[level],
                      text("swinViT.layers", level + 1, ".0"));
  }
  auto const residual = [&](std::size_t from, std::int64_t in, std::int64_t out,
                            std::string_view name) {
    return swin_residual(graph, from, in, out, text(name, ".layer"));
  };
  std::array<std::size_t, 5> const skips{
      residual(0, draw.in, width, "encoder1"), residual(hidden[0], width, width, "encoder2"),
      residual(hidden[1], 2 * width, 2 * width, "encoder3"),
      residual(hidden[2], 4 * width, 4 * width, "encoder4"), hidden[3]};
  at = residual(hidden[4], 16 * width, 16 * width, "encoder10");
  graph.marks["bottleneck"] = at;
  for (std::size_t level = skips.size(); level-- > 0;)
    at = swin_up(graph, at, skips[level], level == 0 ? width : width << (level - 1),
                 text("decoder", level + 1));
  graph.marks["features"] = graph.marks["embedding"] = at;
  graph.add("conv", {at}, {{"out", draw.out}, {"kernel", 1}, {"begin", "uniform"}},
            "out.conv.conv");
  return graph;
}

}  // namespace fovea
