#include "learn/report/slices.hpp"

#include "base/geometry/orient.hpp"
#include "learn/report/colours.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

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
std::array<double, 2> slices_window(Volume const& image, std::span<float const> all) {
  if (image.type() == Type::u8 && image.depth() == 1) return {0, 255};
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
  SlicePixels(Volume const& volume, std::size_t axis, std::int64_t at, double most)
      : plane_(slices_plane(axis)), size_(volume.grid().size), at_(at) {
    auto const spacing = volume.grid().spacing().mm;
    auto const a = static_cast<double>(size_[plane_.across]) * spacing[plane_.across];
    auto const d = static_cast<double>(size_[plane_.down]) * spacing[plane_.down];
    constexpr double least = 240;
    auto const finest = std::min(spacing[plane_.across], spacing[plane_.down]);
    pixel_ = std::clamp(finest, std::max(a, d) / most, std::max(a, d) / least);
    width = std::max<std::int64_t>(1, std::llround(a / pixel_));
    height = std::max<std::int64_t>(1, std::llround(d / pixel_));
    across_ = spacing[plane_.across];
    down_ = spacing[plane_.down];
  }

  /// The voxel under the middle of a pixel.
  std::array<std::int64_t, 3> voxel(std::int64_t x, std::int64_t y) const {
    return at(nearest(static_cast<double>(x) + 0.5, across_, size_[plane_.across]),
              nearest(static_cast<double>(y) + 0.5, down_, size_[plane_.down]));
  }

  /// Of the voxels that a pixel covers; what is no number is left out.
  double mean(std::span<float const> values,
              Volume const& volume,
              std::int64_t x,
              std::int64_t y) const {
    auto const range = [&](std::int64_t pixel, double spacing, std::int64_t count) {
      auto const first = nearest(static_cast<double>(pixel), spacing, count);
      auto const end = nearest(static_cast<double>(pixel + 1), spacing, count);
      return std::array{first, std::max(first + 1, end)};
    };
    auto const across = range(x, across_, size_[plane_.across]);
    auto const down = range(y, down_, size_[plane_.down]);
    double sum = 0;
    std::int64_t count = 0;
    for (auto d = down[0]; d < down[1]; ++d)
      for (auto a = across[0]; a < across[1]; ++a) {
        auto const value = values[slices_offset(volume, at(a, d))];
        if (!std::isfinite(value)) continue;
        sum += value;
        ++count;
      }
    return count > 0 ? sum / static_cast<double>(count)
                     : std::numeric_limits<double>::quiet_NaN();
  }

  std::int64_t width = 1, height = 1;

 private:
  std::array<std::int64_t, 3> at(std::int64_t across, std::int64_t down) const {
    std::array<std::int64_t, 3> out{};
    out[plane_.through] = at_;
    out[plane_.across] = across;
    out[plane_.down] = plane_.upward ? size_[plane_.down] - 1 - down : down;
    return out;
  }
  std::int64_t nearest(double pixel, double spacing, std::int64_t count) const {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(pixel * pixel_ / spacing), 0,
                                    count - 1);
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

// Apart from each other also for those who see red and green alike.
constexpr Rgb slices_palette[] = {{230, 159, 0},  {86, 180, 233}, {0, 200, 140},
                                  {240, 228, 66}, {255, 90, 90},  {204, 121, 167},
                                  {120, 140, 255}};
constexpr Rgb slices_white = {255, 255, 255};
constexpr Rgb slices_rim = {0, 0, 0};

void slices_dot(Volume& picture, std::int64_t x, std::int64_t y, Rgb const& colour) {
  if (x < 0 || y < 0 || x >= picture.width() || y >= picture.height()) return;
  for (std::int64_t c = 0; c < 3; ++c)
    picture.write_channel<std::uint8_t>(c)[static_cast<std::size_t>(y * picture.width() + x)] =
        colour[static_cast<std::size_t>(c)];
}

// Calls draw(x, y, label) for pixels of a label beside which another value lies.
template <class Draw>
void slices_outline(Volume const& labels, SlicePixels const& pixels, Draw&& draw) {
  auto const label_at = [&](std::int64_t x, std::int64_t y) {
    return slices_label(labels, pixels.voxel(x, y));
  };
  for (std::int64_t y = 0; y < pixels.height; ++y) {
    for (std::int64_t x = 0; x < pixels.width; ++x) {
      auto const label = label_at(x, y);
      if (label <= 0) continue;
      auto const edge = (x > 0 && label_at(x - 1, y) != label) ||
                        (x + 1 < pixels.width && label_at(x + 1, y) != label) ||
                        (y > 0 && label_at(x, y - 1) != label) ||
                        (y + 1 < pixels.height && label_at(x, y + 1) != label);
      if (edge) draw(x, y, label);
    }
  }
}

bool slices_empty(Volume const& labels) {
  return with_type(labels.type(), [&](auto zero) {
    return std::ranges::all_of(labels.as<decltype(zero)>(),
                               [](auto value) { return value <= 0; });
  });
}

}  // namespace

std::int64_t fullest_slice(Volume const& labels, std::size_t axis) {
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

Volume slice_picture(Volume const& image,
                     Volume const* found,
                     Volume const* truth,
                     std::size_t axis,
                     std::int64_t at,
                     double most) {
  auto const values = as_float(image);
  auto const window = slices_window(image, values.as<float>());
  SlicePixels const pixels{image, axis, at, most};
  auto out = image2d(pixels.width, pixels.height, Type::u8, 3);
  auto const colour = image.channels() == 3;
  for (std::int64_t c = 0; c < 3; ++c) {
    auto const from = values.channel<float>(colour ? c : 0);
    auto const into = out.write_channel<std::uint8_t>(c);
    for (std::int64_t y = 0; y < pixels.height; ++y) {
      for (std::int64_t x = 0; x < pixels.width; ++x) {
        auto const mean = pixels.mean(from, image, x, y);
        auto const share =
            std::isfinite(mean) ? (mean - window[0]) / (window[1] - window[0]) : 0.0;
        into[static_cast<std::size_t>(y * pixels.width + x)] =
            static_cast<std::uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
      }
    }
  }
  if (truth != nullptr) {
    // White is seen on bright tissue by its dark rim.
    slices_outline(*truth, pixels, [&](auto x, auto y, auto) {
      for (auto const& [i, j] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}})
        slices_dot(out, x + i, y + j, slices_rim);
    });
    slices_outline(*truth, pixels,
                   [&](auto x, auto y, auto) { slices_dot(out, x, y, slices_white); });
  }
  if (found != nullptr)
    slices_outline(*found, pixels, [&](auto x, auto y, auto label) {
      slices_dot(
          out, x, y,
          slices_palette[static_cast<std::size_t>(label - 1) % std::size(slices_palette)]);
    });
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
                                fullest_slice(by, axis)));
  return out;
}

}  // namespace fovea
