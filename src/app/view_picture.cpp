#include "app/view_picture.hpp"

#include "app/view_draw.hpp"
#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/resample.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace fovea {
namespace {

constexpr std::int64_t view_margin = 24;  // pixels for letters
constexpr std::int64_t view_below = 30;   // more, for the scale

/// What runs where in a picture, in the patient's axes (x, y, z of LPS).
struct ViewPlane {
  std::string_view name;
  std::size_t across, down, deep;
  bool up;  // `down` runs against its axis: the head is at the top
  std::array<std::string_view, 4> letters;  // left, right, top, bottom
};
constexpr ViewPlane view_planes[] = {{"axial", 0, 1, 2, false, {"R", "L", "A", "P"}},
                                     {"sagittal", 1, 2, 0, true, {"A", "P", "H", "F"}},
                                     {"coronal", 0, 2, 1, true, {"R", "L", "H", "F"}}};

// What is shown as black where there is no voxel.
double view_dark(ViewImage const& image) {
  double dark = 0;
  with_type(image.volume.type(), [&](auto zero) {
    auto const [low, high] = std::ranges::minmax_element(image.volume.as<decltype(zero)>());
    dark = static_cast<double>(image.display.inverted ? *high : *low);
  });
  return std::isfinite(dark) ? dark : 0;
}

/// The box that pictures are cut from, along the patient's axes.
struct ViewBox {
  WorldBox box;
  std::array<double, 3> step{};  // of the voxels that lie nearest to each direction, mm

  explicit ViewBox(Grid const& grid) : box(world_box(grid)) {
    auto const code = axis_code(grid);
    auto const spacing = grid.spacing().mm;
    constexpr std::array<std::string_view, 3> names{"LR", "PA", "SI"};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::size_t direction = 0; direction < 3; ++direction) {
        if (names[direction].find(code[axis]) != std::string_view::npos)
          step[direction] = spacing[axis];
      }
    }
  }
  double extent(std::size_t axis) const { return box.upper.mm[axis] - box.lower.mm[axis]; }
  std::int64_t slices(std::size_t axis) const {
    return std::max<std::int64_t>(1, std::llround(extent(axis) / step[axis]));
  }
  double place(std::size_t axis, std::int64_t slice) const {
    return box.lower.mm[axis] + (static_cast<double>(slice) + 0.5) * step[axis];
  }
};

// The grid of a picture: pixels of `pixel` mm, at a place along the plane's normal.
Grid view_grid(ViewBox const& box,
               ViewPlane const& plane,
               double at,
               std::int64_t width,
               std::int64_t height) {
  Grid grid{.size = {width, height, 1}, .origin = {}};
  for (auto& axis : grid.axes) axis.mm = {};
  auto const right = box.extent(plane.across) / static_cast<double>(width);
  auto const down = box.extent(plane.down) / static_cast<double>(height) * (plane.up ? -1 : 1);
  grid.axes[0].mm[plane.across] = right;
  grid.axes[1].mm[plane.down] = down;
  grid.axes[2].mm[plane.deep] = box.step[plane.deep];
  grid.origin.mm[plane.across] = box.box.lower.mm[plane.across] + right / 2;
  grid.origin.mm[plane.down] =
      (plane.up ? box.box.upper : box.box.lower).mm[plane.down] + down / 2;
  grid.origin.mm[plane.deep] = at;
  return grid;
}

// The largest value along y, on a grid of one slice through the middle of the box.
Volume view_projected(Volume const& volume,
                      ViewBox const& box,
                      Interpolator interpolator,
                      double dark) {
  std::array<std::int64_t, 3> size{};
  for (std::size_t axis = 0; axis < 3; ++axis) size[axis] = box.slices(axis);
  auto grid = upright(size, {box.step}, {{box.place(0, 0), box.place(1, 0), box.place(2, 0)}});
  auto flat = grid;
  flat.size[1] = 1;
  flat.axes[1].mm[1] = box.extent(1);
  flat.origin.mm[1] = (box.box.lower.mm[1] + box.box.upper.mm[1]) / 2;
  Volume out{flat, Type::f32};
  auto const best = out.write<float>();
  std::ranges::fill(best, static_cast<float>(dark));
  // A slab of the head after the other: the whole is never there twice.
  constexpr std::int64_t together = 16;
  for (std::int64_t k = 0; k < size[2]; k += together) {
    auto slab = grid;
    slab.size[2] = std::min(together, size[2] - k);
    slab.origin.mm[2] = box.place(2, k);
    auto const part =
        resample(volume, slab, {.interpolator = interpolator, .outside = dark, .as_f32 = true});
    auto const* voxel = part.as<float>().data();
    for (std::int64_t row = 0; row < slab.size[2] * size[1]; ++row) {
      auto* const to = best.data() + (k + row / size[1]) * size[0];
      for (std::int64_t i = 0; i < size[0]; ++i) to[i] = std::max(to[i], *voxel++);
    }
  }
  return out;
}

/// Everything that is drawn into one picture.
class View {
 public:
  View(ViewImage image, std::optional<Volume> mask, ViewOptions const& options)
      : image_(std::move(image)),
        mask_(std::move(mask)),
        options_(options),
        box_(image_.volume.grid()),
        dark_(view_dark(image_)) {}

  ViewedImage draw();

 private:
  ViewPlane const& plane() const;
  std::int64_t slice_of(ViewPlane const& plane, double& at) const;
  std::int64_t fullest(ViewPlane const& plane) const;
  std::int64_t height_of(ViewPlane const& plane, std::int64_t width) const;
  void paint(Canvas& canvas,
             Volume const& volume,
             std::optional<Volume> const& mask,
             Grid const& grid,
             std::int64_t x,
             std::int64_t y) const;
  void frame(Canvas& canvas,
             ViewPlane const& plane,
             std::int64_t width,
             std::int64_t height,
             std::int64_t tile,
             double pixel,
             Json& said) const;

  ViewImage image_;
  std::optional<Volume> mask_;
  ViewOptions const& options_;
  ViewBox box_;
  double dark_;
};

ViewPlane const& View::plane() const {
  std::vector<std::string> known{"mip", "montage"};
  for (auto const& plane : view_planes) {
    if (options_.plane == plane.name) return plane;
    known.emplace_back(plane.name);
  }
  auto const& name = options_.plane;
  if (name == "mip") return view_planes[2];
  if (name == "montage" || (name.empty() && !image_.placed)) return view_planes[0];
  if (!name.empty())
    throw Error{Fault::usage, text("there is no plane '", name, "'"),
                did_you_mean(name, known)};
  // As the slices were taken.
  auto const code = axis_code(image_.volume.grid());
  return view_planes[code[2] == 'L' || code[2] == 'R'   ? 1
                     : code[2] == 'P' || code[2] == 'A' ? 2
                                                        : 0];
}

// Where the overlay marks most, else the middle.
std::int64_t View::fullest(ViewPlane const& plane) const {
  auto const count = box_.slices(plane.deep);
  if (!mask_) return count / 2;
  std::int64_t best = count / 2;
  std::int64_t most = 0;
  for (std::int64_t slice = 0; slice < count; ++slice) {
    auto const grid = view_grid(box_, plane, box_.place(plane.deep, slice),
                                std::min<std::int64_t>(box_.slices(plane.across), 256),
                                std::min<std::int64_t>(box_.slices(plane.down), 256));
    auto const part = resample(*mask_, grid, {.interpolator = Interpolator::nearest});
    auto const marked =
        std::ranges::count_if(part.as<std::int32_t>(), [](auto v) { return v > 0; });
    if (marked <= most) continue;
    most = marked;
    best = slice;
  }
  return best;
}

std::int64_t View::slice_of(ViewPlane const& plane, double& at) const {
  auto const axis = plane.deep;
  auto const count = box_.slices(axis);
  auto const& words = options_.slice;
  if (words.empty()) {
    auto const slice = fullest(plane);
    at = box_.place(axis, slice);
    return slice;
  }
  if (words.ends_with("mm")) {
    auto const value = number(trimmed(std::string_view{words}.substr(0, words.size() - 2)));
    auto const low = box_.box.lower.mm[axis];
    auto const high = box_.box.upper.mm[axis];
    if (!value || *value < low || *value > high)
      throw Error{Fault::usage,
                  text("expected a place from ", fixed(low, 2), "mm to ", fixed(high, 2),
                       "mm along ", "xyz"[axis], ", got '", words, "'"),
                  "places are the patient's, LPS"};
    at = *value;
    return std::clamp<std::int64_t>(std::llround((at - low) / box_.step[axis] - 0.5), 0,
                                    count - 1);
  }
  auto const slice = whole(words);
  if (!slice || *slice < 0 || *slice >= count)
    throw Error{Fault::usage,
                text("expected a slice from 0 to ", count - 1, ", got '", words, "'"),
                "or a place, as 43.5mm"};
  at = box_.place(axis, *slice);
  return *slice;
}

std::int64_t View::height_of(ViewPlane const& plane, std::int64_t width) const {
  auto const exact =
      box_.extent(plane.down) / box_.extent(plane.across) * static_cast<double>(width);
  if (exact > static_cast<double>(view_widest))
    throw Error{Fault::usage,
                text("the picture would be ", std::llround(exact), " pixels high, at most ",
                     view_widest, " are drawn"),
                "choose a smaller --width, or another --plane"};
  return std::max<std::int64_t>(1, std::llround(exact));
}

void View::paint(Canvas& canvas,
                 Volume const& volume,
                 std::optional<Volume> const& mask,
                 Grid const& grid,
                 std::int64_t x,
                 std::int64_t y) const {
  auto const drawn = resample(volume, grid, {.outside = dark_, .as_f32 = true, .smooth = true});
  double scale = 1;
  if (image_.colour)
    with_type(volume.type(), [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_integral_v<T>)
        scale = static_cast<double>(std::numeric_limits<T>::max());
    });
  auto const pixels = static_cast<std::size_t>(drawn.voxels());
  auto const values = drawn.as<float>();
  for (std::size_t n = 0; n < pixels; ++n) {
    ViewColour colour{};
    for (std::size_t c = 0; c < 3; ++c) {
      auto const value = static_cast<double>(values[image_.colour ? c * pixels + n : n]);
      auto const bright = image_.colour ? value / scale : image_.display(value);
      colour[c] =
          std::isfinite(bright)
              ? static_cast<std::uint8_t>(std::lround(255 * std::clamp(bright, 0.0, 1.0)))
              : std::uint8_t{0};
    }
    auto const at = static_cast<std::int64_t>(n);
    canvas.put(x + at % grid.size[0], y + at / grid.size[0], colour);
  }
  if (mask)
    draw_labels(canvas, resample(*mask, grid, {.interpolator = Interpolator::nearest}), x, y);
}

void View::frame(Canvas& canvas,
                 ViewPlane const& plane,
                 std::int64_t width,
                 std::int64_t height,
                 std::int64_t tile,
                 double pixel,
                 Json& said) const {
  if (!image_.placed) return;
  auto const& [left, right, top, bottom] = plane.letters;
  constexpr auto half = view_margin / 2;
  canvas.write(half, view_margin + height / 2, std::string{left}, 2);
  canvas.write(view_margin + width + half, view_margin + height / 2, std::string{right}, 2);
  canvas.write(view_margin + width / 2, half, std::string{top}, 2);
  canvas.write(view_margin + width / 2, view_margin + height + half, std::string{bottom}, 2);
  said["scale_mm"] = draw_scale(canvas, view_margin, view_margin + height + half, tile, pixel);
}

ViewedImage View::draw() {
  auto const& plane = this->plane();
  auto const montage = options_.plane == "montage";
  auto const mip = options_.plane == "mip";
  if (!image_.placed && !montage && plane.name != "axial")
    throw Error{Fault::input,
                "it has no place in the patient, so only its slices as stored can be shown",
                "leave --plane out, or choose montage"};
  auto const width = options_.width - 2 * view_margin;
  Json said{{"plane", montage || mip ? options_.plane : std::string{plane.name}},
            {"placed", image_.placed},
            {"size", {options_.width, 0}}};
  constexpr std::int64_t columns = 4;
  constexpr std::int64_t gap = 2;
  auto const slices = box_.slices(plane.deep);
  auto const tiles = montage ? std::min<std::int64_t>(slices, columns * columns) : 1;
  auto const across = std::min(tiles, columns);
  auto const rows = (tiles + columns - 1) / columns;
  auto const wide = (width - (across - 1) * gap) / across;
  auto const high = height_of(plane, wide);
  auto const height = rows * high + (rows - 1) * gap;
  if (height > view_widest)
    throw Error{Fault::usage, text("the picture would be ", height, " pixels high"),
                "choose a smaller --width"};
  auto const pixel = box_.extent(plane.across) / static_cast<double>(wide);
  Canvas canvas{options_.width, height + 2 * view_margin + (image_.placed ? view_below : 0)};
  said["size"][1] = canvas.picture().height();
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    double at = (box_.box.lower.mm[plane.deep] + box_.box.upper.mm[plane.deep]) / 2;
    if (montage) {
      at = box_.place(plane.deep, (2 * tile + 1) * slices / (2 * tiles));
      said["places_mm"].push_back(at);
    } else if (!mip) {
      said["slice"] = slice_of(plane, at);
      said["slices"] = slices;
      if (image_.placed) said["place_mm"] = at;
    }
    auto const grid = view_grid(box_, plane, at, wide, high);
    auto const x = view_margin + tile % columns * (wide + gap);
    auto const y = view_margin + tile / columns * (high + gap);
    if (!mip) {
      paint(canvas, image_.volume, mask_, grid, x, y);
      continue;
    }
    std::optional<Volume> marks;
    if (mask_) {
      auto const most = view_projected(*mask_, box_, Interpolator::nearest, 0);
      marks = Volume{most.grid(), Type::i32};
      std::ranges::transform(most.as<float>(), marks->write<std::int32_t>().begin(),
                             [](float v) { return static_cast<std::int32_t>(v); });
    }
    paint(canvas, view_projected(image_.volume, box_, Interpolator::linear, dark_), marks, grid,
          x, y);
  }
  frame(canvas, plane, width, height, wide, pixel, said);
  if (!image_.colour) {
    said["window_from"] = image_.window_from;
    if (image_.display.window)
      said["window"] = {image_.display.window->centre, image_.display.window->width};
    said["inverted"] = image_.display.inverted;
  }
  return {canvas.picture(), std::move(said)};
}

}  // namespace

ViewedImage draw_view(ViewImage image, std::optional<Volume> mask, ViewOptions const& options) {
  return View{std::move(image), std::move(mask), options}.draw();
}

}  // namespace fovea
