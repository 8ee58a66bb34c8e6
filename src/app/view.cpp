#include "app/command.hpp"
#include "app/found.hpp"
#include "app/out.hpp"
#include "app/view_draw.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"
#include "base/dicom/window.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/resample.hpp"
#include "base/io/dicom_stack.hpp"
#include "base/io/picture.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>

namespace fovea {
namespace {

constexpr std::int64_t view_margin = 24;  // pixels for letters
constexpr std::int64_t view_below = 30;   // more, for the scale
constexpr std::int64_t view_widest = 8192;

struct ViewOptions {
  std::string in, out, plane, slice, window, overlay, series;
  std::int64_t width = 640;
  bool json = false;
};

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

/// What is shown, and how.
struct ViewImage {
  Volume volume;
  bool placed = false, colour = false;
  Display display;
  std::string window_from;  // "header", "asked" or "percentiles"
};

// Slices at changing distances are drawn on a regular grid first.
ImageFile view_read(FoundVolume const& volume) {
  if (volume.dicom == nullptr || !is_stack(*volume.dicom)) return volume.read();
  auto const stack = load_stack(*volume.dicom);
  double low = 0;
  with_type(stack.voxels.type(), [&](auto zero) {
    low = static_cast<double>(std::ranges::min(stack.voxels.as<decltype(zero)>()));
  });
  auto out = image_of(resample(stack, straightened(stack), {.outside = low}));
  out.colour = out.volume.channels() == 3;
  return out;
}

std::vector<double> view_numbers(std::string const& words) {
  std::vector<double> out;
  for (auto const& part : split(words, ',')) {
    auto const value = number(trimmed(part));
    if (!value) return {};
    out.push_back(*value);
  }
  return out;
}

// Between the 0.5th and the 99.5th percentile of the values, in about a million of them.
DisplayWindow view_robust(Volume const& volume) {
  constexpr std::int64_t enough = 1'000'000;
  constexpr double tail = 0.005;
  std::vector<double> values;
  with_type(volume.type(), [&](auto zero) {
    auto const voxels = volume.channel<decltype(zero)>(0);
    auto const step = std::max<std::int64_t>(1, volume.voxels() / enough);
    for (std::int64_t n = 0; n < volume.voxels(); n += step) {
      auto const value = static_cast<double>(voxels[static_cast<std::size_t>(n)]);
      if (std::isfinite(value)) values.push_back(value);
    }
  });
  if (values.empty()) return {};
  std::ranges::sort(values);
  auto const last = static_cast<double>(values.size() - 1);
  auto low = values[static_cast<std::size_t>(std::lround(tail * last))];
  auto high = values[static_cast<std::size_t>(std::lround((1 - tail) * last))];
  // Most of a mask is 0.
  if (!(high > low)) {
    low = values.front();
    high = values.back();
  }
  return {(low + high) / 2, high > low ? high - low : 1, WindowFunction::linear_exact};
}

ViewImage view_image(FoundVolume const& found, ViewOptions const& options) {
  auto const file = view_read(found);
  ViewImage out{file.volume, file.placed(), file.colour && file.volume.channels() == 3, {}, {}};
  if (!out.colour && file.volume.channels() > 1) {
    warn(text("it has ", file.volume.channels(),
              " channels or time points; the first is shown"));
    auto const& all = file.volume;
    out.volume = Volume{all.grid(), all.type(), all.unit(), 1, all.bytes()};
  }
  auto inverted = false;
  std::vector<Display> displays;
  if (found.dicom != nullptr && !found.dicom->labels) {
    auto const& slices = found.dicom->slices;
    auto const& middle = slices[slices.size() / 2];
    DicomFile const dicom{middle.file()};
    displays = displays_of(dicom.scan().root());
    inverted = middle.shape().photometric == "MONOCHROME1";
  }
  if (!options.window.empty()) {
    auto const numbers = view_numbers(options.window);
    if (numbers.size() != 2 || !(numbers[1] > 0))
      throw Error{Fault::usage,
                  text("expected --window as CENTRE,WIDTH with a width above 0, got '",
                       options.window, "'"),
                  "for example --window 40,400"};
    out.display.window = {numbers[0], numbers[1], WindowFunction::linear_exact};
    out.display.inverted = inverted;
    out.window_from = "asked";
  } else if (!displays.empty()) {
    out.display = displays.front();
    out.window_from = "header";
  } else {
    out.display.window = view_robust(out.volume);
    out.display.inverted = inverted;
    out.window_from = "percentiles";
  }
  return out;
}

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

  Json draw();
  Volume const& picture() const { return picture_; }

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
             double pixel,
             Json& said) const;

  ViewImage image_;
  std::optional<Volume> mask_;
  ViewOptions const& options_;
  ViewBox box_;
  double dark_;
  Volume picture_ = image2d(1, 1, Type::u8, 3);
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
                 double pixel,
                 Json& said) const {
  if (!image_.placed) return;
  auto const& [left, right, top, bottom] = plane.letters;
  constexpr auto half = view_margin / 2;
  canvas.write(half, view_margin + height / 2, std::string{left}, 2);
  canvas.write(view_margin + width + half, view_margin + height / 2, std::string{right}, 2);
  canvas.write(view_margin + width / 2, half, std::string{top}, 2);
  canvas.write(view_margin + width / 2, view_margin + height + half, std::string{bottom}, 2);
  said["scale_mm"] = draw_scale(canvas, view_margin, view_margin + height + half, width, pixel);
}

Json View::draw() {
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
  frame(canvas, plane, width, height, pixel, said);
  picture_ = canvas.picture();
  if (!image_.colour) {
    said["window_from"] = image_.window_from;
    if (image_.display.window)
      said["window"] = {image_.display.window->centre, image_.display.window->width};
    said["inverted"] = image_.display.inverted;
  }
  return said;
}

// Labels as whole numbers: of layers the first that marks, of fractions those above a half.
Volume view_labels(ImageFile const& file) {
  auto const& in = file.volume;
  Volume out{in.grid(), Type::i32};
  auto const to = out.write<std::int32_t>();
  with_type(in.type(), [&](auto zero) {
    using T = decltype(zero);
    for (auto c = in.channels() - 1; c >= 0; --c) {
      auto const voxels = in.channel<T>(c);
      for (std::size_t n = 0; n < voxels.size(); ++n) {
        auto const value = static_cast<double>(voxels[n]);
        constexpr double most = 1e9;
        if (value > 0.5 && value < most) to[n] = static_cast<std::int32_t>(std::lround(value));
      }
    }
  });
  return out;
}

std::optional<Volume> view_mask(ViewOptions const& options,
                                ViewImage const& image,
                                Stop const& stop) {
  if (options.overlay.empty()) return std::nullopt;
  Found found;
  auto const one = one_volume(options.overlay, {}, found, stop);
  auto const file = view_read(one);
  auto out = view_labels(file);
  if (file.placed() && image.placed) return out;
  auto const& wanted = image.volume.grid();
  if (out.grid().size != wanted.size)
    throw Error{Fault::input,
                text("expected an overlay of ", wanted.size[0], " x ", wanted.size[1], " x ",
                     wanted.size[2], " voxels, as one of both has no place, got ", out.width(),
                     " x ", out.height(), " x ", out.depth()),
                "give a mask with a place in the patient, or one of the image's size"};
  return Volume{wanted, Type::i32, Unit::arbitrary, 1, out.bytes()};
}

std::string view_words(Json const& said) {
  auto words = said["plane"].get<std::string>();
  if (said.contains("slice"))
    words += text(", slice ", said["slice"].get<std::int64_t>(), " of ",
                  said["slices"].get<std::int64_t>(), " from 0 on");
  if (said.contains("place_mm"))
    words += text(" at ", fixed(said["place_mm"].get<double>(), 2), " mm");
  if (said.contains("window"))
    words += text(", window ", spelled(said["window"][0].get<double>()), ",",
                  spelled(said["window"][1].get<double>()), " (",
                  said["window_from"].get<std::string>(), ")");
  if (said.contains("inverted") && said["inverted"].get<bool>()) words += ", low values bright";
  return words;
}

int view_run(ViewOptions const& options) {
  if (!lower(options.out).ends_with(".png"))
    throw Error{Fault::usage,
                text("expected --out as a .png file, got ", fs::path{options.out}),
                "for example --out slice.png"};
  constexpr std::int64_t least = 128;
  if (options.width < least || options.width > view_widest)
    throw Error{
        Fault::usage,
        text("expected --width from ", least, " to ", view_widest, ", got ", options.width),
        "640 is enough for most"};
  expect_fresh_file(options.out);
  auto const& stop = stop_on_signals();
  Found found;
  auto const one = one_volume(options.in, options.series, found, stop);
  auto image = view_image(one, options);
  auto mask = view_mask(options, image, stop);
  heed(stop);
  View view{std::move(image), std::move(mask), options};
  auto said = view.draw();
  write_png(options.out, view.picture());
  said["file"] = options.out;
  if (options.json)
    print_json(said);
  else
    std::cout << "wrote " << printable(options.out, {}) << ": " << view_words(said) << '\n';
  return 0;
}

}  // namespace

int view_command(Arguments const& arguments) {
  ViewOptions options;
  CLI::App app{
      "Draws one slice of a volume, or several, as a picture: as radiologists look at it, the "
      "patient's right on the left of axial and coronal pictures, the head at the top.",
      "view"};
  app.add_option("IN", options.in, "a folder with one volume, or a file")->required();
  app.add_option("--out", options.out, "the picture, a new .png file")->required();
  app.add_option("--plane", options.plane,
                 "axial, sagittal, coronal, mip (largest values from front to back) or montage "
                 "(16 axial slices); else as the slices were taken");
  app.add_option("--slice", options.slice,
                 "which one, from 0 on, or where, as 43.5mm (LPS); else the middle, or where "
                 "the overlay marks most");
  app.add_option(
      "--window", options.window,
      "CENTRE,WIDTH; else what the header says, else the 0.5th to 99.5th percentile");
  app.add_option("--overlay", options.overlay, "a mask, drawn in colours");
  app.add_option("--width", options.width, "of the picture, pixels (640)");
  app.add_option("--series", options.series, "only the series with this UID");
  app.add_flag("--json", options.json, "print one JSON object");
  if (!read_flags(
          app, arguments,
          "Examples:\n"
          "  fovea view SERIES --out ct.png --window 40,400\n"
          "  fovea view ct.nii.gz --out liver.png --plane coronal --overlay liver.nii.gz\n"
          "  fovea view ct.nii.gz --out all.png --plane montage"))
    return 0;
  return view_run(options);
}

}  // namespace fovea
