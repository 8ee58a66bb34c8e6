#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/geometry/grids.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/resample.hpp"
#include "learn/foreign/bundle_lambda.hpp"
#include "learn/foreign/bundle_parts.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

using SpaceSizes = std::array<std::int64_t, 3>;

// How a volume goes on beyond its edges.
enum class SpaceEdge { value, last, mirrored, wrapped };

std::int64_t space_source(std::int64_t at, std::int64_t size, SpaceEdge edge) {
  if (at >= 0 && at < size) return at;
  if (edge == SpaceEdge::last || size == 1) return std::clamp<std::int64_t>(at, 0, size - 1);
  if (edge == SpaceEdge::wrapped) return (at % size + size) % size;
  auto const period = 2 * (size - 1);
  auto const there = (at % period + period) % period;
  return there < size ? there : period - there;
}

// The volume cut and padded to where `first` is its voxel (0, 0, 0) now.
Volume space_framed(Volume const& image,
                    SpaceSizes const& first,
                    SpaceSizes const& size,
                    SpaceEdge edge,
                    float value) {
  auto grid = image.grid();
  grid.origin = grid.point_of({{static_cast<double>(first[0]), static_cast<double>(first[1]),
                                static_cast<double>(first[2])}});
  grid.size = size;
  Volume out{grid, Type::f32, image.unit(), image.channels()};
  auto const& from_size = image.grid().size;
  for (std::int64_t c = 0; c < image.channels(); ++c) {
    auto const from = image.channel<float>(c);
    auto const to = out.write_channel<float>(c);
    std::size_t at = 0;
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        for (std::int64_t i = 0; i < size[0]; ++i, ++at) {
          SpaceSizes place{i + first[0], j + first[1], k + first[2]};
          auto inside = true;
          for (std::size_t axis = 0; axis < place.size(); ++axis) {
            inside = inside && place[axis] >= 0 && place[axis] < from_size[axis];
            place[axis] = space_source(place[axis], from_size[axis], edge);
          }
          to[at] = inside || edge != SpaceEdge::value
                       ? from[static_cast<std::size_t>(
                             (place[2] * from_size[1] + place[1]) * from_size[0] + place[0])]
                       : value;
        }
      }
    }
  }
  return out;
}

// What the image shows on another grid whose axes run along its own; beyond its edges they go
// on.
Volume space_onto(Volume const& image, Grid const& grid, bool nearest) {
  SpaceSizes before{}, size{};
  // How far centres of new voxels lie beyond the old ones, and one more.
  auto const map = index_map(grid, image.grid());
  Index end{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    end.ijk[axis] = static_cast<double>(grid.size[axis] - 1);
  auto const low = map(Index{}), high = map(end);
  constexpr double most = 1 << 20;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const old = image.grid().size[axis];
    auto const by = std::ceil(
        std::max({0.0, -low.ijk[axis], high.ijk[axis] - static_cast<double>(old - 1)}));
    if (!(by <= most)) step_refuse({"Spacing", {}}, "voxels lie far beyond the image");
    before[axis] = -static_cast<std::int64_t>(by) - 1;
    size[axis] = old - 2 * before[axis];
  }
  auto framed = image.grid();
  framed.size = size;
  bundle_demand({"Spacing", {}}, framed, image.channels());
  Resample const options{.interpolator = nearest ? Interpolator::nearest : Interpolator::linear,
                         .as_f32 = true};
  return resample(space_framed(image, before, size, SpaceEdge::last, 0), grid, options);
}

// Old voxels under a new one, and their parts.
struct SpaceTap {
  std::vector<std::pair<std::int64_t, float>> of;
};

std::vector<SpaceTap> space_taps(std::int64_t from, std::int64_t to, std::string_view mode) {
  std::vector<SpaceTap> out(static_cast<std::size_t>(to));
  auto const scale = static_cast<double>(from) / static_cast<double>(to);
  auto const held = [&](double at) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(at), 0, from - 1);
  };
  for (std::int64_t n = 0; n < to; ++n) {
    auto& tap = out[static_cast<std::size_t>(n)].of;
    auto const left = scale * static_cast<double>(n);
    if (mode == "area") {
      auto const first = n * from / to;
      auto const end = ((n + 1) * from + to - 1) / to;
      for (auto at = first; at < end; ++at)
        tap.emplace_back(at, 1 / static_cast<float>(end - first));
    } else if (mode == "nearest") {
      tap.emplace_back(held(std::floor(left)), 1.0F);
    } else if (mode == "nearest-exact") {
      tap.emplace_back(held(std::floor(scale * (static_cast<double>(n) + 0.5))), 1.0F);
    } else {
      auto const centre = std::max(scale * (static_cast<double>(n) + 0.5) - 0.5, 0.0);
      auto const part = static_cast<float>(centre - std::floor(centre));
      tap.emplace_back(held(centre), 1 - part);
      tap.emplace_back(held(centre + 1), part);
    }
  }
  return out;
}

// Another number of voxels over the same box, along one axis after the other, as PyTorch's
// interpolate does it.
Volume space_sized(Volume image, Grid const& grid, std::string_view mode) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const from_size = image.grid().size;
    if (from_size[axis] == grid.size[axis]) continue;
    auto size = from_size;
    size[axis] = grid.size[axis];
    Volume out{with_size(image.grid(), size), Type::f32, image.unit(), image.channels()};
    auto const taps = space_taps(from_size[axis], size[axis], mode);
    std::int64_t inner = 1;
    for (std::size_t n = 0; n < axis; ++n) inner *= size[n];
    auto outer = image.channels();
    for (std::size_t n = axis + 1; n < size.size(); ++n) outer *= size[n];
    auto const from = image.as<float>();
    auto const to = out.write<float>();
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t n = 0; n < size[axis]; ++n) {
        for (auto const& [place, part] : taps[static_cast<std::size_t>(n)].of) {
          auto const* const row =
              &from[static_cast<std::size_t>((o * from_size[axis] + place) * inner)];
          auto* const into = &to[static_cast<std::size_t>((o * size[axis] + n) * inner)];
          for (std::int64_t i = 0; i < inner; ++i) into[i] += part * row[i];
        }
      }
    }
    image = std::move(out);
  }
  return {grid, Type::f32, image.unit(), image.channels(), image.bytes()};
}

void space_move(BundleMove::Kind kind,
                Volume& image,
                Volume made,
                std::vector<BundleMove>& moves,
                std::string mode = "nearest") {
  moves.push_back({kind, image.grid(), made.grid(), std::move(mode)});
  image = std::move(made);
}

void space_orientation(BundleStep const& step, Volume& image, std::vector<BundleMove>& moves) {
  std::string code;
  auto const at = step.options.find("axcodes");
  auto const* list = at == step.options.end() ? nullptr : at->second.as<BundleValue::List>();
  for (auto const& one : list != nullptr ? *list : BundleValue::List{}) {
    if (auto const* word = one.as<std::string>()) code += *word;
  }
  if (list == nullptr) code = step_word(step, "axcodes", "");
  constexpr std::size_t letters = 3;
  if (code.size() != letters)
    step_refuse(step, "expected three letters as axcodes, as \"RAS\"");
  try {
    space_move(BundleMove::Kind::turned, image, reorient(image, code), moves);
  } catch (Error const& fault) {
    step_refuse(step, fault.what());
  }
}

// MONAI puts the new grid's first voxel where the old one's is, but where the axes are not
// quite at right angles, as rounded numbers of oblique images are not: if then a corner lies
// before the first voxel by more than 1e-8 of one, the middles of both boxes fall together.
bool space_keeps_corner(Grid const& grid, Spacing const& spacing) {
  auto const dot = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t n = 0; n < 3; ++n) sum += grid.axes[a].mm[n] * grid.axes[b].mm[n];
    return sum;
  };
  // The upper triangle whose square the axes' products are (Cholesky).
  auto const first = std::sqrt(dot(0, 0));
  std::array<std::array<double, 3>, 2> lean{};
  lean[0] = {0, dot(0, 1) / first, dot(0, 2) / first};
  auto const second = std::sqrt(dot(1, 1) - lean[0][1] * lean[0][1]);
  lean[1] = {0, 0, (dot(1, 2) - lean[0][1] * lean[0][2]) / second};
  constexpr double near = 1e-8;
  for (std::size_t a = 0; a < lean.size(); ++a) {
    double before = 0;
    for (std::size_t b = a + 1; b < 3; ++b)
      before += std::min(0.0, lean[a][b] * static_cast<double>(grid.size[b] - 1));
    if (before / spacing.mm[a] < -near) return false;
  }
  return true;
}

Grid space_respaced(Grid const& grid, Spacing const& spacing) {
  auto out = respaced(grid, spacing, Keep::corner);
  if (space_keeps_corner(grid, spacing)) return out;
  auto const old = grid.spacing().mm;
  Index first{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    first.ijk[axis] = (static_cast<double>(grid.size[axis]) -
                       static_cast<double>(out.size[axis]) * spacing.mm[axis] / old[axis]) /
                      2;
  out.origin = grid.point_of(first);
  return out;
}

void space_spacing(BundleStep const& step, Volume& image, std::vector<BundleMove>& moves) {
  auto const wanted = step_axes(step, "pixdim");
  auto spacing = image.grid().spacing();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    // What is not above 0 leaves the axis as it is.
    if (wanted[axis].value_or(0) > 0) spacing.mm[axis] = *wanted[axis];
    constexpr double most = 1e6;
    if (spacing.mm[axis] > most)
      step_refuse(step, text("expected a pixdim of at most 1000000 mm, got ",
                             spelled(spacing.mm[axis])));
  }
  auto const mode = step_word(step, "mode", "bilinear");
  if (mode != "bilinear" && mode != "nearest") step_refuse(step, "the mode " + mode);
  auto const padding = step_word(step, "padding_mode", "border");
  if (padding != "border") step_refuse(step, "the padding " + padding);
  auto const grid = space_respaced(image.grid(), spacing);
  bundle_demand(step, grid, image.channels());
  space_move(BundleMove::Kind::spaced, image, space_onto(image, grid, mode == "nearest"), moves,
             mode);
}

void space_resize(BundleStep const& step, Volume& image, std::vector<BundleMove>& moves) {
  constexpr std::string_view modes[] = {"area",      "linear",  "bilinear",
                                        "trilinear", "nearest", "nearest-exact"};
  auto const mode = step_word(step, "mode", "area");
  if (std::ranges::find(modes, mode) == std::end(modes)) step_refuse(step, "the mode " + mode);
  if (step_word(step, "size_mode", "all") != "all") step_refuse(step, "a size of one side");
  if (step_flag(step, "align_corners")) step_refuse(step, "align_corners");
  if (step_flag(step, "anti_aliasing")) step_refuse(step, "anti_aliasing");
  auto const wanted = step_sizes(step, "spatial_size");
  auto size = image.grid().size;
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    if (wanted[axis].value_or(-1) > 0 && (axis < 2 || size[2] > 1)) size[axis] = *wanted[axis];
  }
  auto const grid = with_size(image.grid(), size);
  bundle_demand(step, grid, image.channels());
  space_move(BundleMove::Kind::sized, image, space_sized(image, grid, mode), moves, mode);
}

// What padding the step asks for; only asked when there is something to pad.
SpaceEdge space_edge(BundleStep const& step) {
  auto const mode = step_word(step, "mode", "constant");
  if (mode == "constant") return SpaceEdge::value;
  if (mode == "edge" || mode == "replicate") return SpaceEdge::last;
  if (mode == "reflect") return SpaceEdge::mirrored;
  if (mode == "wrap" || mode == "circular") return SpaceEdge::wrapped;
  step_refuse(step, "the padding " + mode);
}

void space_frame(BundleStep const& step,
                 Volume& image,
                 SpaceSizes const& first,
                 SpaceSizes const& size,
                 std::vector<BundleMove>& moves) {
  auto pads = false;
  for (std::size_t axis = 0; axis < first.size(); ++axis)
    pads = pads || first[axis] < 0 || first[axis] + size[axis] > image.grid().size[axis];
  auto const edge = pads ? space_edge(step) : SpaceEdge::value;
  auto wanted = image.grid();
  wanted.size = size;
  bundle_demand(step, wanted, image.channels());
  auto const value =
      step_number(step, "value").value_or(step_number(step, "constant_values").value_or(0));
  space_move(BundleMove::Kind::framed, image,
             space_framed(image, first, size, edge, static_cast<float>(value)), moves);
}

void space_pad_to(BundleStep const& step,
                  Volume& image,
                  SpaceSizes const& wanted,
                  std::vector<BundleMove>& moves) {
  auto const method = step_word(step, "method", "symmetric");
  if (method != "symmetric" && method != "end") step_refuse(step, "the method " + method);
  SpaceSizes first{};
  auto size = image.grid().size;
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    auto const more = std::max<std::int64_t>(wanted[axis] - size[axis], 0);
    first[axis] = method == "end" ? 0 : -(more / 2);
    size[axis] += more;
  }
  space_frame(step, image, first, size, moves);
}

// Sides as they are said; those of a picture's one slice stay 1.
SpaceSizes space_wanted(BundleStep const& step, Volume const& image, std::string_view name) {
  auto const said = step_sizes(step, name);
  auto out = image.grid().size;
  for (std::size_t axis = 0; axis < out.size(); ++axis) {
    if (said[axis].value_or(0) > 0 && (axis < 2 || out[2] > 1)) out[axis] = *said[axis];
  }
  return out;
}

void space_pad(BundleStep const& step, Volume& image, std::vector<BundleMove>& moves) {
  space_pad_to(step, image, space_wanted(step, image, "spatial_size"), moves);
}

std::int64_t space_divisible(std::int64_t size, std::optional<std::int64_t> by) {
  return by.value_or(1) > 0 ? (size + by.value_or(1) - 1) / by.value_or(1) * by.value_or(1)
                            : size;
}

void space_divisible_pad(BundleStep const& step,
                         Volume& image,
                         std::vector<BundleMove>& moves) {
  auto const by = step_sizes(step, "k");
  auto wanted = image.grid().size;
  for (std::size_t axis = 0; axis < wanted.size(); ++axis) {
    if (axis < 2 || wanted[2] > 1) wanted[axis] = space_divisible(wanted[axis], by[axis]);
  }
  space_pad_to(step, image, wanted, moves);
}

// The middle of the image: MONAI's first voxel is at size / 2 - wanted / 2, both rounded down.
void space_centre(BundleStep const& step,
                  Volume& image,
                  std::string_view name,
                  std::vector<BundleMove>& moves) {
  auto wanted = space_wanted(step, image, name);
  SpaceSizes first{};
  for (std::size_t axis = 0; axis < wanted.size(); ++axis) {
    auto const size = image.grid().size[axis];
    wanted[axis] = std::min(wanted[axis], size);
    first[axis] = size / 2 - wanted[axis] / 2;
  }
  space_frame(step, image, first, wanted, moves);
}

void space_centre_crop(BundleStep const& step, Volume& image, std::vector<BundleMove>& moves) {
  space_centre(step, image, "roi_size", moves);
}

// Padded first, cropped then.
void space_pad_or_crop(BundleStep const& step, Volume& image, std::vector<BundleMove>& moves) {
  space_pad_to(step, image, space_wanted(step, image, "spatial_size"), moves);
  space_centre(step, image, "spatial_size", moves);
}

Volume space_foreground(BundleStep const& step, Volume const& image) {
  auto const chosen = step_list(step, "channel_indices");
  if (!chosen.empty()) step_refuse(step, "channel_indices");
  auto const words = step_word(step, "select_fn", "lambda x: x > 0");
  return BundleLambda{words, step.name}(image);
}

void space_crop_foreground(BundleStep const& step,
                           Volume& image,
                           std::vector<BundleMove>& moves) {
  auto const chosen = space_foreground(step, image);
  auto const& size = image.grid().size;
  SpaceSizes first = size, last{-1, -1, -1};
  for (std::int64_t c = 0; c < chosen.channels(); ++c) {
    auto const values = chosen.channel<float>(c);
    std::size_t at = 0;
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        for (std::int64_t i = 0; i < size[0]; ++i) {
          if (values[at++] == 0) continue;
          SpaceSizes const here{i, j, k};
          for (std::size_t axis = 0; axis < here.size(); ++axis) {
            first[axis] = std::min(first[axis], here[axis]);
            last[axis] = std::max(last[axis], here[axis]);
          }
        }
      }
    }
  }
  if (last[0] < 0) step_refuse(step, "no voxel of the image is foreground");
  auto const given = step.options.contains("margin");
  auto const margin =
      given ? step_sizes(step, "margin", 10'000) : std::array<std::optional<std::int64_t>, 3>{};
  auto const by = step.options.contains("k_divisible")
                      ? step_sizes(step, "k_divisible")
                      : std::array<std::optional<std::int64_t>, 3>{};
  auto const smaller = step_flag(step, "allow_smaller");
  SpaceSizes wanted{};
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    // A picture has no third axis.
    auto const real = axis < 2 || size[2] > 1;
    auto const more = real ? margin[axis].value_or(0) : 0;
    if (more < 0) step_refuse(step, "a margin below 0");
    auto begin = first[axis] - more;
    auto end = last[axis] + more + 1;
    if (smaller) {
      begin = std::max<std::int64_t>(begin, 0);
      end = std::min(end, size[axis]);
    }
    wanted[axis] = real ? space_divisible(end - begin, by[axis].value_or(1)) : end - begin;
    first[axis] = begin - (wanted[axis] - (end - begin)) / 2;
  }
  space_frame(step, image, first, wanted, moves);
}

struct SpaceRow {
  std::string_view name;
  void (*run)(BundleStep const&, Volume&, std::vector<BundleMove>&);
};
constexpr SpaceRow space_rows[] = {
    {"Orientation", space_orientation},
    {"Spacing", space_spacing},
    {"Resize", space_resize},
    {"SpatialPad", space_pad},
    {"DivisiblePad", space_divisible_pad},
    {"CenterSpatialCrop", space_centre_crop},
    {"ResizeWithPadOrCrop", space_pad_or_crop},
    {"CropForeground", space_crop_foreground},
};

}  // namespace

bool bundle_is_spatial(std::string_view name) {
  return std::ranges::find(space_rows, name, &SpaceRow::name) != std::end(space_rows);
}

bool bundle_space(BundleStep const& step, Volume& image, std::vector<BundleMove>& moves) {
  for (auto const& row : space_rows) {
    if (row.name != step.name) continue;
    row.run(step, image, moves);
    return true;
  }
  return false;
}

Volume bundle_undone(Volume volume, std::vector<BundleMove> const& moves, bool nearest) {
  for (auto at = moves.size(); at-- > 0;) {
    auto const& move = moves[at];
    if (volume.grid().size != move.after.size)
      throw Error{Fault::input,
                  "Invert: the outputs have another size than the image that the network saw",
                  "correct the bundle's config or run it with MONAI"};
    switch (move.kind) {
      case BundleMove::Kind::turned:
      case BundleMove::Kind::framed:
        // Voxels keep their places, so the nearest one is the voxel itself.
        volume = resample(volume, move.before, {.interpolator = Interpolator::nearest});
        break;
      case BundleMove::Kind::spaced:
        volume = space_onto(volume, move.before, nearest || move.mode == "nearest");
        break;
      case BundleMove::Kind::sized:
        volume = space_sized(volume, move.before, nearest ? "nearest" : move.mode);
        break;
    }
  }
  return volume;
}

}  // namespace fovea
