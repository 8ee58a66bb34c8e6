#include "learn/data/shrink.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

// Which source pixels lie in a cell along one axis, and how much of each.
struct ShrinkSpan {
  std::int64_t first;
  std::vector<double> weights;  // sum to 1
};

std::vector<ShrinkSpan> shrink_spans(std::int64_t from, std::int64_t to) {
  std::vector<ShrinkSpan> spans;
  auto const step = static_cast<double>(from) / static_cast<double>(to);
  for (std::int64_t cell = 0; cell < to; ++cell) {
    auto const low = static_cast<double>(cell) * step;
    auto const high = std::min(low + step, static_cast<double>(from));
    ShrinkSpan span{std::min(static_cast<std::int64_t>(low), from - 1), {}};
    for (auto at = span.first; at < from && static_cast<double>(at) < high - 1e-9; ++at) {
      auto const x = static_cast<double>(at);
      span.weights.push_back((std::min(high, x + 1) - std::max(low, x)) / (high - low));
    }
    spans.push_back(std::move(span));
  }
  return spans;
}

std::vector<double> shrink_rows(std::vector<double> const& pixels,
                                std::int64_t width,
                                std::vector<ShrinkSpan> const& spans) {
  std::vector<double> out;
  out.reserve(pixels.size() / static_cast<std::size_t>(width) * spans.size());
  for (std::size_t row = 0; row < pixels.size(); row += static_cast<std::size_t>(width)) {
    for (auto const& span : spans) {
      auto const begin = row + static_cast<std::size_t>(span.first);
      double sum = 0;
      for (std::size_t i = 0; i < span.weights.size(); ++i)
        sum += span.weights[i] * pixels[begin + i];
      out.push_back(sum);
    }
  }
  return out;
}

std::vector<double> shrink_turned(std::vector<double> const& pixels, std::int64_t width) {
  auto const columns = static_cast<std::size_t>(width);
  auto const rows = pixels.size() / columns;
  std::vector<double> out(pixels.size());
  for (std::size_t j = 0; j < rows; ++j) {
    for (std::size_t i = 0; i < columns; ++i) out[i * rows + j] = pixels[j * columns + i];
  }
  return out;
}

std::vector<double> shrink_plane(std::vector<double> const& pixels,
                                 std::int64_t from_width,
                                 std::int64_t from_height,
                                 std::int64_t width,
                                 std::int64_t height) {
  auto const narrow = shrink_rows(pixels, from_width, shrink_spans(from_width, width));
  auto const turned =
      shrink_rows(shrink_turned(narrow, width), from_height, shrink_spans(from_height, height));
  return shrink_turned(turned, height);
}

// Of the first slice.
std::vector<double> shrink_values(Volume const& image, std::int64_t channel) {
  std::vector<double> out(static_cast<std::size_t>(image.width() * image.height()));
  with_type(image.type(), [&](auto kind) {
    auto const plane = image.channel<decltype(kind)>(channel);
    for (std::size_t i = 0; i < out.size(); ++i) {
      auto const value = static_cast<double>(plane[i]);
      out[i] = std::isfinite(value) ? value : 0;
    }
  });
  return out;
}

struct ShrinkRange {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
};

std::uint8_t shrink_shade(double value, ShrinkRange range) {
  if (range.high <= range.low) return 0;
  return static_cast<std::uint8_t>(
      std::lround(std::clamp((value - range.low) / (range.high - range.low), 0.0, 1.0) * 255));
}

}  // namespace

std::vector<double> shrunken_grey(Volume const& image,
                                  std::int64_t width,
                                  std::int64_t height) {
  auto grey = shrink_values(image, 0);
  for (std::int64_t c = 1; c < image.channels(); ++c) {
    auto const more = shrink_values(image, c);
    for (std::size_t i = 0; i < grey.size(); ++i) grey[i] += more[i];
  }
  for (auto& value : grey) value /= static_cast<double>(image.channels());
  return shrink_plane(grey, image.width(), image.height(), width, height);
}

Volume preview(Volume const& image, std::int64_t most) {
  auto const longest = std::max(image.width(), image.height());
  auto const scale = std::min(1.0, static_cast<double>(most) / static_cast<double>(longest));
  auto const side = [&](std::int64_t size) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(size) * scale));
  };
  auto const channels = image.channels() >= 3 ? 3 : 1;
  auto out = image2d(side(image.width()), side(image.height()), Type::u8, channels);
  ShrinkRange range = {0, 255};
  std::vector<std::vector<double>> planes;
  if (image.type() != Type::u8) range = {};
  for (std::int64_t c = 0; c < channels; ++c) {
    planes.push_back(shrink_plane(shrink_values(image, c), image.width(), image.height(),
                                  out.width(), out.height()));
    if (image.type() == Type::u8) continue;
    auto const [low, high] = std::ranges::minmax(planes.back());
    range = {std::min(range.low, low), std::max(range.high, high)};
  }
  for (std::int64_t c = 0; c < channels; ++c)
    std::ranges::transform(planes[static_cast<std::size_t>(c)],
                           out.write_channel<std::uint8_t>(c).begin(),
                           [&](double value) { return shrink_shade(value, range); });
  return out;
}

}  // namespace fovea
