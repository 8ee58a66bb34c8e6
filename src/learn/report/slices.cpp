#include "learn/report/slices.hpp"

#include "base/geometry/orient.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
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

/// Shades of values: straight lines between knots.
class SliceShades {
 public:
  // Of the whole volume, so that slices of one case look alike.
  SliceShades(Volume const& image, std::span<float const> all) {
    if (image.unit() == Unit::hounsfield)
      knots_ = {{-1000, 0}, {-160, 0.24}, {240, 0.9}, {1500, 1}};
    else if (image.type() == Type::u8 && image.depth() == 1)
      knots_ = {{0, 0}, {255, 1}};
    else
      stretch(all);
  }

  /// From 0 to 255; of what is no number 0.
  std::uint8_t operator()(double value) const {
    if (!(value > knots_.front()[0])) return 0;
    auto const above =
        std::ranges::find_if(knots_, [&](auto const& knot) { return knot[0] > value; });
    if (above == knots_.end()) return 255;
    auto const& [x1, y1] = *above;
    auto const& [x0, y0] = *(above - 1);
    return static_cast<std::uint8_t>(
        std::lround(255 * (y0 + (y1 - y0) * (value - x0) / (x1 - x0))));
  }

 private:
  void stretch(std::span<float const> all) {
    constexpr std::size_t most = 1U << 18;
    auto const step = std::max<std::size_t>(1, all.size() / most);
    std::vector<float> some;
    for (std::size_t i = 0; i < all.size(); i += step)
      if (std::isfinite(all[i])) some.push_back(all[i]);
    if (some.empty()) some.push_back(0);
    auto const low = slices_at(some, 0.01);
    knots_ = {{low, 0}, {std::max(slices_at(some, 0.99), low + 1e-6), 1}};
  }

  std::vector<std::array<double, 2>> knots_;
};

/// The voxels that a pixel is made of along one axis, and their shares.
struct SliceTaps {
  std::int64_t first = 0;
  std::vector<double> shares{};
};

/// Pixels of a slice: where each lies in the volume.
class SlicePixels {
 public:
  SlicePixels(Volume const& volume, std::size_t axis, std::int64_t at, SliceSize const& bounds)
      : plane_(slices_plane(axis)), size_(volume.grid().size), at_(at) {
    auto const spacing = volume.grid().spacing().mm;
    auto const a = static_cast<double>(size_[plane_.across]) * spacing[plane_.across];
    auto const d = static_cast<double>(size_[plane_.down]) * spacing[plane_.down];
    auto const finest = std::min(spacing[plane_.across], spacing[plane_.down]);
    auto const pixel =
        std::clamp(finest, std::max(a, d) / bounds.most, std::max(a, d) / bounds.least);
    width = std::max<std::int64_t>(1, std::llround(a / pixel));
    height = std::max<std::int64_t>(1, std::llround(d / pixel));
    across_ = taps(width, pixel / spacing[plane_.across], size_[plane_.across]);
    down_ = taps(height, pixel / spacing[plane_.down], size_[plane_.down]);
  }

  /// What is no number is left out.
  double mean(std::span<float const> values,
              Volume const& volume,
              std::int64_t x,
              std::int64_t y) const {
    double sum = 0;
    double shares = 0;
    each(x, y, [&](std::array<std::int64_t, 3> const& voxel, double share) {
      auto const value = values[slices_offset(volume, voxel)];
      if (!std::isfinite(value)) return;
      sum += share * value;
      shares += share;
    });
    return shares > 0 ? sum / shares : std::numeric_limits<double>::quiet_NaN();
  }

  /// The label that most of each pixel belongs to, of equal ones the higher; row by row.
  std::vector<std::int64_t> labels(Volume const& volume) const {
    std::vector<std::int64_t> out;
    out.reserve(static_cast<std::size_t>(width * height));
    with_type(volume.type(), [&](auto zero) {
      auto const all = volume.as<decltype(zero)>();
      std::vector<std::pair<std::int64_t, double>> found;
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          found.clear();
          each(x, y, [&](std::array<std::int64_t, 3> const& voxel, double share) {
            auto const label = static_cast<std::int64_t>(all[slices_offset(volume, voxel)]);
            auto const known =
                std::ranges::find(found, label, &std::pair<std::int64_t, double>::first);
            if (known == found.end())
              found.emplace_back(label, share);
            else
              known->second += share;
          });
          out.push_back(std::ranges::max_element(found, {}, [](auto const& one) {
                          return std::pair{one.second, one.first};
                        })->first);
        }
      }
    });
    return out;
  }

  std::int64_t width = 1, height = 1;

 private:
  // `step`: voxels from pixel to pixel. Large pixels cover voxels, small ones lie between two.
  static std::vector<SliceTaps> taps(std::int64_t pixels, double step, std::int64_t count) {
    std::vector<SliceTaps> out;
    auto const inside = [&](double voxel) {
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(voxel)), 0,
                                      count - 1);
    };
    for (std::int64_t n = 0; n < pixels; ++n) {
      auto const begin = static_cast<double>(n) * step;
      if (step >= 1) {
        auto const first = inside(begin);
        auto const end =
            std::clamp(static_cast<std::int64_t>(std::floor(begin + step)), first + 1, count);
        out.push_back({first, std::vector<double>(static_cast<std::size_t>(end - first), 1)});
        continue;
      }
      auto const middle =
          std::clamp(begin + 0.5 * step - 0.5, 0.0, static_cast<double>(count - 1));
      auto const first = std::min(inside(middle), std::max<std::int64_t>(0, count - 2));
      auto const share = middle - static_cast<double>(first);
      out.push_back({first, count > 1 ? std::vector{1 - share, share} : std::vector{1.0}});
    }
    return out;
  }

  template <class Use>
  void each(std::int64_t x, std::int64_t y, Use&& use) const {
    auto const& across = across_[static_cast<std::size_t>(x)];
    auto const& down = down_[static_cast<std::size_t>(y)];
    for (std::size_t d = 0; d < down.shares.size(); ++d)
      for (std::size_t a = 0; a < across.shares.size(); ++a)
        if (auto const share = across.shares[a] * down.shares[d]; share > 0)
          use(at(across.first + static_cast<std::int64_t>(a),
                 down.first + static_cast<std::int64_t>(d)),
              share);
  }

  std::array<std::int64_t, 3> at(std::int64_t across, std::int64_t down) const {
    std::array<std::int64_t, 3> out{};
    out[plane_.through] = at_;
    out[plane_.across] = across;
    out[plane_.down] = plane_.upward ? size_[plane_.down] - 1 - down : down;
    return out;
  }

  SlicePlane plane_;
  std::array<std::int64_t, 3> size_;
  std::int64_t at_;
  std::vector<SliceTaps> across_, down_;
};

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
  auto const all = pixels.labels(labels);
  auto const label_at = [&](std::int64_t x, std::int64_t y) {
    return all[static_cast<std::size_t>(y * pixels.width + x)];
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

Rgb slice_colour(std::int64_t label) {
  return slices_palette[static_cast<std::size_t>(label - 1) % std::size(slices_palette)];
}

std::int64_t fullest_slice(Volume const& labels, std::size_t axis) {
  auto const size = labels.grid().size;
  auto const slices = static_cast<std::size_t>(size[axis]);
  std::map<std::int64_t, std::vector<double>> counts;  // by label and slice
  with_type(labels.type(), [&](auto zero) {
    auto const all = labels.as<decltype(zero)>();
    std::size_t n = 0;
    for (std::int64_t k = 0; k < size[2]; ++k)
      for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[0]; ++i, ++n) {
          if (!(all[n] > 0)) continue;
          auto& of = counts[static_cast<std::int64_t>(all[n])];
          of.resize(slices);
          ++of[static_cast<std::size_t>(axis == 0 ? i : axis == 1 ? j : k)];
        }
  });
  std::vector<double> shown(slices);
  for (auto const& [label, of] : counts) {
    auto const most = *std::ranges::max_element(of);
    for (std::size_t at = 0; at < slices; ++at) shown[at] += of[at] / most;
  }
  auto const most = std::ranges::max_element(shown);
  return *most == 0 ? size[axis] / 2 : most - shown.begin();
}

Volume slice_picture(Volume const& image,
                     Volume const* found,
                     Volume const* truth,
                     std::size_t axis,
                     std::int64_t at,
                     SliceSize const& size) {
  auto const values = as_float(image);
  SliceShades const shade{image, values.as<float>()};
  SlicePixels const pixels{image, axis, at, size};
  auto out = image2d(pixels.width, pixels.height, Type::u8, 3);
  auto const colour = image.channels() == 3;
  for (std::int64_t c = 0; c < 3; ++c) {
    auto const from = values.channel<float>(colour ? c : 0);
    auto const into = out.write_channel<std::uint8_t>(c);
    for (std::int64_t y = 0; y < pixels.height; ++y)
      for (std::int64_t x = 0; x < pixels.width; ++x)
        into[static_cast<std::size_t>(y * pixels.width + x)] =
            shade(pixels.mean(from, image, x, y));
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
      slices_dot(out, x, y, slice_colour(label));
    });
  return out;
}

std::vector<Volume> slice_pictures(Volume const& image,
                                   Volume const& found,
                                   Volume const* truth,
                                   SliceSize const& size) {
  if (image.depth() == 1) return {slice_picture(image, &found, truth, 2, 0, size)};
  auto const shown = reorient(image, "LPS");
  auto const answer = reorient(found, "LPS");
  auto const real = truth != nullptr ? reorient(*truth, "LPS") : answer;
  auto const& by = truth != nullptr && !slices_empty(real) ? real : answer;
  std::vector<Volume> out;
  for (auto const axis : {std::size_t{2}, std::size_t{1}, std::size_t{0}})
    out.push_back(slice_picture(shown, &answer, truth != nullptr ? &real : nullptr, axis,
                                fullest_slice(by, axis), size));
  return out;
}

Volume slice_sheet(std::vector<Volume> const& pictures) {
  if (pictures.size() != 3) return pictures.front();
  constexpr std::int64_t gap = 4;
  auto const& axial = pictures[0];
  auto const side = std::max(pictures[1].width(), pictures[2].width());
  auto const beside = pictures[1].height() + gap + pictures[2].height();
  auto out = image2d(axial.width() + gap + side, std::max(axial.height(), beside), Type::u8, 3);
  auto const paste = [&](Volume const& picture, std::int64_t left, std::int64_t top) {
    for (std::int64_t c = 0; c < 3; ++c)
      for (std::int64_t y = 0; y < picture.height(); ++y) {
        auto const row = picture.channel<std::uint8_t>(c).subspan(
            static_cast<std::size_t>(y * picture.width()),
            static_cast<std::size_t>(picture.width()));
        std::ranges::copy(
            row, out.write_channel<std::uint8_t>(c).begin() + ((top + y) * out.width() + left));
      }
  };
  auto const left = axial.width() + gap;
  paste(axial, 0, (out.height() - axial.height()) / 2);
  auto const top = (out.height() - beside) / 2;
  paste(pictures[1], left + (side - pictures[1].width()) / 2, top);
  paste(pictures[2], left + (side - pictures[2].width()) / 2, top + pictures[1].height() + gap);
  return out;
}

}  // namespace fovea
