#include "base/geometry/distance.hpp"

#include "base/core/pool.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fovea {
namespace {

constexpr auto distance_none = std::numeric_limits<float>::infinity();

// Squares to the nearest source of a row, in voxels.
void distance_row(std::uint8_t const* source, std::int64_t count, float* out) {
  std::int64_t last = -1;
  auto const fill = [&](std::int64_t from, std::int64_t to, std::int64_t at) {
    for (auto x = from; x < to; ++x) {
      auto const apart = static_cast<float>(static_cast<std::int32_t>(x - at));
      out[x] = apart * apart;
    }
  };
  for (std::int64_t x = 0; x < count; ++x) {
    if (source[x] == 0) continue;
    auto const middle = last < 0 ? 0 : (last + x) / 2 + 1;
    if (last >= 0) fill(last, middle, last);
    fill(middle, x + 1, x);
    last = x;
  }
  if (last < 0)
    std::fill(out, out + count, distance_none);
  else
    fill(last, count, last);
}

/// The lower envelope of one column's parabolas.
class DistanceColumn {
 public:
  DistanceColumn(std::int64_t count, double step)
      : count_(count),
        apart_(static_cast<std::size_t>(count)),
        square_(apart_.size()),
        parabolas_(apart_.size() + 1) {
    auto const weight = step * step;
    for (std::int64_t n = 0; n < count; ++n) {
      auto const far = static_cast<double>(n);
      apart_[static_cast<std::size_t>(n)] = 0.5 / (weight * far);  // not asked for 0
      square_[static_cast<std::size_t>(n)] = weight * far * far;
    }
  }

  // In place.
  void operator()(float* column) {
    std::int64_t x = 0;
    while (x < count_ && column[x] == distance_none) ++x;
    if (x == count_) return;
    auto const* const apart = apart_.data();
    auto const* const square = square_.data();
    auto* last = parabolas_.data();
    constexpr auto everywhere = -std::numeric_limits<double>::infinity();
    *last = {everywhere, column[x] + square[x], column[x], x};
    for (++x; x < count_; ++x) {
      if (column[x] == distance_none) continue;
      auto const low = static_cast<double>(column[x]);
      auto const height = low + square[x];
      auto from = (height - last->height) * apart[x - last->place];
      // The first one begins everywhere, so it stays.
      while (from <= last->from) {
        --last;
        from = (height - last->height) * apart[x - last->place];
      }
      *++last = {from, height, low, x};
    }
    last[1].from = std::numeric_limits<double>::infinity();
    auto const* lowest = parabolas_.data();
    for (x = 0; x < count_; ++x) {
      while (lowest[1].from < static_cast<double>(x)) ++lowest;
      column[x] = static_cast<float>(lowest->low + square[std::abs(x - lowest->place)]);
    }
  }

 private:
  struct Parabola {
    double from = 0;    // where it is the lowest from
    double height = 0;  // its lowest value and the square of its place
    double low = 0;
    std::int64_t place = 0;
  };

  std::int64_t count_;
  std::vector<double> apart_;   // 1 / (2 w n)
  std::vector<double> square_;  // w n^2
  std::vector<Parabola> parabolas_;
};

constexpr std::int64_t distance_tile = 16;  // columns at once: a cache line of floats

/// Columns of an array, so many at a time, each gathered, worked on, and put back.
class DistanceTiles {
 public:
  DistanceTiles(std::int64_t count, double step)
      : count_(count),
        column_(count, step),
        tile_(static_cast<std::size_t>(count * distance_tile)) {}

  void operator()(float* first, std::int64_t columns, std::int64_t stride) {
    for (std::int64_t begin = 0; begin < columns; begin += distance_tile)
      run(first + begin, std::min(distance_tile, columns - begin), stride);
  }

 private:
  void run(float* first, std::int64_t columns, std::int64_t stride) {
    for (std::int64_t x = 0; x < count_; ++x) {
      auto const* const row = first + x * stride;
      for (std::int64_t n = 0; n < columns; ++n) tile_[at(n, x)] = row[n];
    }
    for (std::int64_t n = 0; n < columns; ++n) column_(&tile_[at(n, 0)]);
    for (std::int64_t x = 0; x < count_; ++x) {
      auto* const row = first + x * stride;
      for (std::int64_t n = 0; n < columns; ++n) row[n] = tile_[at(n, x)];
    }
  }
  std::size_t at(std::int64_t column, std::int64_t x) const {
    return static_cast<std::size_t>(column * count_ + x);
  }

  std::int64_t count_;
  DistanceColumn column_;
  std::vector<float> tile_;
};

int distance_threads(int asked) {
  return asked > 0 ? asked : usable_cores();
}

// Ranges of at most `count`, a few for each thread, each with what a thread needs once.
template <class Use>
void distance_ranges(std::int64_t count, int threads, Use const& use) {
  auto const parts = std::clamp<std::int64_t>(8LL * threads, 1, count);
  in_parallel(parts, threads,
              [&](std::int64_t n) { use(count * n / parts, count * (n + 1) / parts); });
}

// One byte a voxel: 1 where the mask is not 0. NaN marks nothing.
Volume distance_marks(Volume const& mask, int threads) {
  if (mask.channels() != 1)
    throw Error{Fault::input, text("expected a mask of one channel, got ", mask.channels()),
                "take its layers one by one"};
  Volume out{mask.grid(), Type::u8, Unit::one};
  auto* const marks = out.write<std::uint8_t>().data();
  with_type(mask.type(), [&](auto zero) {
    using T = decltype(zero);
    auto const* const voxels = mask.as<T>().data();
    distance_ranges(mask.voxels(), threads, [&](std::int64_t begin, std::int64_t end) {
      for (auto n = begin; n < end; ++n)
        marks[n] = voxels[n] < T{} || voxels[n] > T{} ? std::uint8_t{1} : std::uint8_t{0};
    });
  });
  return out;
}

void distance_border_row(std::uint8_t const* row,
                         std::array<std::uint8_t const*, 4> const& beside,
                         std::int64_t width,
                         std::uint8_t* out) {
  auto const around = [&](std::int64_t x) {
    return static_cast<std::uint8_t>(beside[0][x] & beside[1][x] & beside[2][x] & beside[3][x]);
  };
  for (std::int64_t x = 1; x + 1 < width; ++x)
    out[x] = static_cast<std::uint8_t>(row[x] & ~(row[x - 1] & row[x + 1] & around(x)));
  out[0] = row[0];
  out[width - 1] = row[width - 1];
}

void distance_border(Volume const& marks, bool picture, Volume& border, int threads) {
  auto const width = marks.width();
  auto const height = marks.height();
  auto const rows = height * marks.depth();
  auto const* const in = marks.as<std::uint8_t>().data();
  auto* const out = border.write<std::uint8_t>().data();
  std::vector<std::uint8_t> const nothing(static_cast<std::size_t>(width));
  distance_ranges(rows, threads, [&](std::int64_t begin, std::int64_t end) {
    for (auto row = begin; row < end; ++row) {
      auto const j = row % height;
      auto const at = [&](bool there, std::int64_t other) {
        return there ? in + other * width : nothing.data();
      };
      distance_border_row(in + row * width,
                          {at(j > 0, row - 1), at(j + 1 < height, row + 1),
                           at(picture || row >= height, picture ? row : row - height),
                           at(picture || row + height < rows, picture ? row : row + height)},
                          width, out + row * width);
    }
  });
}

}  // namespace

void expect_straight(Grid const& grid, std::string_view what) {
  if (!grid.sheared()) return;
  throw Error{Fault::input,
              text("expected axes at right angles for ", what,
                   ", got a sheared grid (a tilted gantry)"),
              "straighten it first: fovea convert IN OUT --straighten --interpolation nearest"};
}

void squared_distances(std::array<std::int64_t, 3> const& size,
                       Spacing spacing,
                       std::span<std::uint8_t const> sources,
                       std::span<float> out,
                       int threads) {
  auto const width = size[0];
  auto const height = size[1];
  auto const depth = size[2];
  auto const slice = width * height;
  auto const each = distance_threads(threads);
  distance_ranges(depth, each, [&](std::int64_t begin, std::int64_t end) {
    DistanceTiles columns{height, spacing.mm[1] / spacing.mm[0]};
    for (auto k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < height; ++j) {
        auto const first = k * slice + j * width;
        distance_row(sources.data() + first, width, out.data() + first);
      }
      if (height > 1) columns(out.data() + k * slice, width, width);
    }
  });
  if (depth == 1) return;
  distance_ranges(height, each, [&](std::int64_t begin, std::int64_t end) {
    DistanceTiles columns{depth, spacing.mm[2] / spacing.mm[0]};
    for (auto j = begin; j < end; ++j) columns(out.data() + j * width, width, slice);
  });
}

Volume border_of_part(Volume const& mask, bool picture, int threads) {
  auto const each = distance_threads(threads);
  auto const marks = distance_marks(mask, each);
  Volume out{mask.grid(), Type::u8, Unit::one};
  distance_border(marks, picture, out, each);
  return out;
}

Volume border_of(Volume const& mask, int threads) {
  return border_of_part(mask, mask.depth() == 1, threads);
}

Volume distance_map(Volume const& mask, DistanceOptions const& options) {
  expect_straight(mask.grid(), "a distance map");
  auto const threads = distance_threads(options.threads);
  auto sources = distance_marks(mask, threads);
  auto const marks = sources;
  if (options.to == DistanceTo::border) sources = border_of(mask, threads);
  if (options.to == DistanceTo::unmarked) {
    sources = Volume{mask.grid(), Type::u8, Unit::one};
    std::ranges::transform(
        marks.as<std::uint8_t>(), sources.write<std::uint8_t>().begin(),
        [](std::uint8_t mark) { return static_cast<std::uint8_t>(1 - mark); });
  }
  Volume out{mask.grid(), Type::f32};
  auto const squares = out.write<float>();
  auto const spacing = mask.grid().spacing();
  squared_distances(mask.grid().size, spacing, sources.as<std::uint8_t>(), squares, threads);
  auto const step = static_cast<float>(spacing.mm[0]);
  auto const turned = options.inside_negative ? 2 * step : 0;
  auto const* const inside = marks.as<std::uint8_t>().data();
  auto* const voxels = squares.data();
  distance_ranges(mask.voxels(), threads, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = begin; n < end; ++n)
      voxels[n] = std::sqrt(voxels[n]) * (step - turned * static_cast<float>(inside[n]));
  });
  return out;
}

}  // namespace fovea
