#include "learn/segment/slices.hpp"

#include "base/geometry/orient.hpp"
#include "learn/report/colours.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace fovea {
namespace {

/// How a slice's columns and rows walk through a volume.
struct SlicePlane {
  std::size_t across = 0, down = 1, through = 2;
  bool upward = false;  ///< the first row is the last along `down`
};

SlicePlane slices_plane(std::size_t axis) {
  if (axis == 2) return {};
  return axis == 1 ? SlicePlane{0, 2, 1, true} : SlicePlane{1, 2, 0, true};
}

std::size_t slices_offset(Volume const& volume, std::array<std::int64_t, 3> const& at) {
  return static_cast<std::size_t>((at[2] * volume.height() + at[1]) * volume.width() + at[0]);
}

double slices_at(std::vector<float>& values, double share) {
  auto const rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + rank);
  return values[static_cast<std::size_t>(rank)];
}

// Of the whole volume, so that slices of one case look alike.
std::array<double, 2> slices_window(Volume const& image) {
  auto const all = image.as<float>();
  constexpr std::size_t most = 1U << 18;
  auto const step = std::max<std::size_t>(1, all.size() / most);
  std::vector<float> some;
  for (std::size_t i = 0; i < all.size(); i += step)
    if (std::isfinite(all[i])) some.push_back(all[i]);
  if (some.empty()) return {0, 1};
  auto const low = slices_at(some, 0.01);
  return {low, std::max(slices_at(some, 0.99), low + 1e-6)};
}

/// Pixels of a slice: where each lies in the volume.
class SlicePixels {
 public:
  SlicePixels(Volume const& volume, std::size_t axis, std::int64_t at)
      : plane_(slices_plane(axis)), size_(volume.grid().size), at_(at) {
    auto const spacing = volume.grid().spacing().mm;
    constexpr double wide = 240;
    auto const a = static_cast<double>(size_[plane_.across]) * spacing[plane_.across];
    auto const d = static_cast<double>(size_[plane_.down]) * spacing[plane_.down];
    auto const finest = std::min(spacing[plane_.across], spacing[plane_.down]);
    auto const mm = std::min(finest, std::max(a, d) / wide);
    constexpr double most = 1024;
    pixel_ = std::max({mm, a / most, d / most});
    width = std::max<std::int64_t>(1, std::llround(a / pixel_));
    height = std::max<std::int64_t>(1, std::llround(d / pixel_));
    across_ = spacing[plane_.across];
    down_ = spacing[plane_.down];
  }

  std::array<std::int64_t, 3> voxel(std::int64_t x, std::int64_t y) const {
    std::array<std::int64_t, 3> out{};
    out[plane_.through] = at_;
    out[plane_.across] = nearest(x, across_, size_[plane_.across]);
    auto const down = nearest(y, down_, size_[plane_.down]);
    out[plane_.down] = plane_.upward ? size_[plane_.down] - 1 - down : down;
    return out;
  }

  std::int64_t width = 1, height = 1;

 private:
  std::int64_t nearest(std::int64_t pixel, double spacing, std::int64_t count) const {
    auto const place = (static_cast<double>(pixel) + 0.5) * pixel_ / spacing;
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(place), 0, count - 1);
  }

  SlicePlane plane_;
  std::array<std::int64_t, 3> size_;
  std::int64_t at_;
  double pixel_ = 1, across_ = 1, down_ = 1;
};

std::int64_t slices_label(Volume const& labels, std::array<std::int64_t, 3> const& at) {
  return with_type(labels.type(), [&](auto zero) {
    return static_cast<std::int64_t>(labels.as<decltype(zero)>()[slices_offset(labels, at)]);
  });
}

// A pixel is on the outline if the one to its right or below shows another label.
void slices_outline(Volume const& labels,
                    SlicePixels const& pixels,
                    bool coloured,
                    Volume& picture) {
  static constexpr Rgb palette[] = {{255, 99, 71},   {64, 200, 255},  {255, 215, 0},
                                    {144, 238, 144}, {238, 130, 238}, {255, 165, 0},
                                    {0, 255, 200},   {200, 160, 255}};
  for (std::int64_t y = 0; y < pixels.height; ++y) {
    for (std::int64_t x = 0; x < pixels.width; ++x) {
      auto const here = slices_label(labels, pixels.voxel(x, y));
      auto const right =
          slices_label(labels, pixels.voxel(std::min(x + 1, pixels.width - 1), y));
      auto const below =
          slices_label(labels, pixels.voxel(x, std::min(y + 1, pixels.height - 1)));
      auto const other = right != here ? right : below;
      if (other == here) continue;
      auto const label = std::max(here, other);
      auto const colour =
          coloured ? palette[static_cast<std::size_t>(label - 1) % std::size(palette)]
                   : Rgb{255, 255, 255};
      for (std::int64_t c = 0; c < 3; ++c)
        picture.write_channel<std::uint8_t>(c)[static_cast<std::size_t>(y * pixels.width + x)] =
            colour[static_cast<std::size_t>(c)];
    }
  }
}

// The slice along an axis with the most labelled voxels.
std::int64_t slices_fullest(Volume const& labels, std::size_t axis) {
  auto const size = labels.grid().size;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(size[axis]));
  with_type(labels.type(), [&](auto zero) {
    auto const all = labels.as<decltype(zero)>();
    std::size_t n = 0;
    for (std::int64_t k = 0; k < size[2]; ++k)
      for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[0]; ++i, ++n)
          if (all[n] > 0) ++counts[static_cast<std::size_t>(axis == 0 ? i : axis == 1 ? j : k)];
  });
  auto const most = std::ranges::max_element(counts);
  return *most == 0 ? size[axis] / 2 : most - counts.begin();
}

bool slices_empty(Volume const& labels) {
  return with_type(labels.type(), [&](auto zero) {
    return std::ranges::all_of(labels.as<decltype(zero)>(),
                               [](auto value) { return value <= 0; });
  });
}

}  // namespace

Volume slice_picture(Volume const& image,
                     Volume const* found,
                     Volume const* truth,
                     std::size_t axis,
                     std::int64_t at) {
  auto const values = as_float(image);
  auto const window = slices_window(values);
  SlicePixels const pixels{image, axis, at};
  auto out = image2d(pixels.width, pixels.height, Type::u8, 3);
  auto const colour = image.channels() == 3;
  for (std::int64_t c = 0; c < 3; ++c) {
    auto const from = values.channel<float>(colour ? c : 0);
    auto const into = out.write_channel<std::uint8_t>(c);
    for (std::int64_t y = 0; y < pixels.height; ++y) {
      for (std::int64_t x = 0; x < pixels.width; ++x) {
        double const value = from[slices_offset(image, pixels.voxel(x, y))];
        auto const share =
            std::isfinite(value) ? (value - window[0]) / (window[1] - window[0]) : 0.0;
        into[static_cast<std::size_t>(y * pixels.width + x)] =
            static_cast<std::uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
      }
    }
  }
  if (truth != nullptr) slices_outline(*truth, pixels, false, out);
  if (found != nullptr) slices_outline(*found, pixels, true, out);
  return out;
}

std::vector<Volume> slice_pictures(Volume const& image,
                                   Volume const& found,
                                   Volume const* truth) {
  if (image.depth() == 1) return {slice_picture(image, &found, truth, 2, 0)};
  auto const shown = reorient(image, "LPS");
  auto const answer = reorient(found, "LPS");
  auto const real = truth != nullptr ? reorient(*truth, "LPS") : answer;
  auto const& by = truth != nullptr && !slices_empty(real) ? real : answer;
  std::vector<Volume> out;
  for (auto const axis : {std::size_t{2}, std::size_t{1}, std::size_t{0}})
    out.push_back(slice_picture(shown, &answer, truth != nullptr ? &real : nullptr, axis,
                                slices_fullest(by, axis)));
  return out;
}

}  // namespace fovea
