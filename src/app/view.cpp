#include "app/command.hpp"
#include "app/found.hpp"
#include "app/out.hpp"
#include "app/view_picture.hpp"
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

void view_say_elsewhere(Volume const& mask, Grid const& image) {
  auto const box = box_of_marked(mask);
  if (!box) return warn("the overlay marks no voxel");
  if (!voxels_within(image, world_box(cropped(mask.grid(), *box))))
    warn("the overlay marks nothing where the image lies");
}

std::optional<Volume> view_mask(ViewOptions const& options,
                                ViewImage const& image,
                                Stop const& stop) {
  if (options.overlay.empty()) return std::nullopt;
  Found found;
  auto const one = one_volume(options.overlay, {}, found, stop);
  auto const file = view_read(one);
  auto out = view_labels(file);
  if (file.placed() && image.placed) {
    view_say_elsewhere(out, image.volume.grid());
    return out;
  }
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
  auto const& stop = end_on_signals();
  Found found;
  auto const one = one_volume(options.in, options.series, found, stop);
  auto image = view_image(one, options);
  auto mask = view_mask(options, image, stop);
  heed(stop);
  auto [picture, said] = draw_view(std::move(image), std::move(mask), options);
  write_png(options.out, picture);
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
