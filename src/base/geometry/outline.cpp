#include "base/geometry/outline.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

namespace fovea {
namespace {

__extension__ using OutlineWide = __int128;

constexpr std::int64_t outline_one = 1 << 20;  // of a voxel
constexpr double outline_far = 0x1p31;         // voxels

// a / b, up; b above 0.
template <class T>
T outline_up(T a, T b) {
  return a / b + (a % b > 0 ? 1 : 0);
}

std::vector<std::uint8_t> outline_room(std::int64_t width, std::int64_t height) {
  try {
    return std::vector<std::uint8_t>(static_cast<std::size_t>((width + 1) * height));
  } catch (std::bad_alloc const&) {
    throw Error{Fault::resource, text("no memory for a slice of ", width, " x ", height),
                "close other programs, or take a smaller grid"};
  }
}

std::int64_t outline_place(double value) {
  if (!(std::abs(value) <= outline_far))
    throw Error{Fault::input, "an outline leads far away from the image, or nowhere",
                "check that it belongs to this image"};
  return std::llround(value * static_cast<double>(outline_one));
}

}  // namespace

OutlineFill::OutlineFill(std::int64_t width, std::int64_t height)
    : width_(width),
      height_(height),
      first_row_(height),
      end_row_(0),
      crossed_(outline_room(width, height)) {}

void OutlineFill::add(std::span<std::array<double, 2> const> outline) {
  auto const fixed = [](std::array<double, 2> const& point) {
    return std::array{outline_place(point[0]), outline_place(point[1])};
  };
  if (outline.empty()) return;
  auto before = fixed(outline.back());
  for (auto const& point : outline) {
    auto const here = fixed(point);
    add_edge(before, here);
    before = here;
  }
}

// Rows whose centres lie from its upper end to before its lower one; there, the first voxel
// whose centre is not left of the edge.
void OutlineFill::add_edge(std::array<std::int64_t, 2> a, std::array<std::int64_t, 2> b) {
  if (a[1] > b[1]) std::swap(a, b);
  auto const first = std::max<std::int64_t>(outline_up(a[1], outline_one), 0);
  auto const end = std::min(outline_up(b[1], outline_one), height_);
  if (first >= end) return;
  first_row_ = std::min(first_row_, first);
  end_row_ = std::max(end_row_, end);
  auto const down = b[1] - a[1];
  auto const right = b[0] - a[0];
  for (auto row = first; row < end; ++row) {
    auto const over =
        OutlineWide{a[0]} * down + OutlineWide{right} * (row * outline_one - a[1]);
    auto const place = outline_up(over, OutlineWide{down} * outline_one);
    auto const column = std::clamp<OutlineWide>(place, 0, width_);
    crossed_[static_cast<std::size_t>(row * (width_ + 1) +
                                      static_cast<std::int64_t>(column))] ^= 1;
  }
}

std::vector<OutlineRun> OutlineFill::take() {
  std::vector<OutlineRun> out;
  for (auto row = first_row_; row < end_row_; ++row) {
    auto* const line = crossed_.data() + row * (width_ + 1);
    std::int64_t from = -1;
    for (std::int64_t i = 0; i <= width_; ++i) {
      if (line[i] == 0) continue;
      line[i] = 0;
      if (from >= 0 && i > from) out.push_back({row, from, i});
      from = from < 0 ? i : -1;
    }
  }
  first_row_ = height_;
  end_row_ = 0;
  return out;
}

// --- from voxels to outlines
// ---------------------------------------------------------------------

namespace {

// Walks along the faces between voxels, what is marked on its right. Corners are counted from
// the outer corner of voxel (0, 0).
class OutlineWalk {
 public:
  OutlineWalk(std::span<std::uint8_t const> slice, std::int64_t width)
      : slice_(slice),
        width_(width),
        height_(static_cast<std::int64_t>(slice.size()) / width),
        node_at_(static_cast<std::size_t>((width_ + 1) * (height_ + 1)), nowhere),
        walked_(slice.size()) {}

  std::vector<Outline> run() {
    for (std::int64_t j = 0; j < height_; ++j) {
      for (std::int64_t i = 0; i < width_; ++i) {
        auto const upper_face = marked(i, j) && !marked(i, j - 1);
        if (upper_face && walked_[place(i, j)] == 0) walk({i, j});
      }
    }
    join_holes();
    std::vector<Outline> out;
    for (auto const start : rings_) out.push_back(corners_of(start));
    return out;
  }

 private:
  static constexpr auto nowhere = std::numeric_limits<std::uint32_t>::max();
  enum Way : std::uint8_t { right, down, left, up };

  struct Corner {
    std::int64_t i = 0, j = 0;
    bool operator==(Corner const&) const = default;
  };
  struct Node {
    Corner at;
    std::uint32_t before = nowhere, next = nowhere;
  };

  std::size_t place(std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(j * width_ + i);
  }
  bool marked(std::int64_t i, std::int64_t j) const {
    return i >= 0 && j >= 0 && i < width_ && j < height_ && slice_[place(i, j)] != 0;
  }
  std::uint32_t& node_at(Corner at) {
    return node_at_[static_cast<std::size_t>(at.j * (width_ + 1) + at.i)];
  }
  static Corner step(Corner at, Way way) {
    return {at.i + (way == right) - (way == left), at.j + (way == down) - (way == up)};
  }

  // Is there a face this way from a corner, with the marked voxel on its right?
  bool leads(Corner at, Way way) const {
    auto const [i, j] = at;
    switch (way) {
      case right:
        return marked(i, j) && !marked(i, j - 1);
      case down:
        return marked(i - 1, j) && !marked(i, j);
      case left:
        return marked(i - 1, j - 1) && !marked(i - 1, j);
      case up:
        break;
    }
    return marked(i, j - 1) && !marked(i - 1, j - 1);
  }

  std::uint32_t add(Corner at) {
    nodes_.push_back({.at = at});
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  void link(std::uint32_t from, std::uint32_t to) {
    nodes_[from].next = to;
    nodes_[to].before = from;
  }

  // Around one line, clockwise; around a hole it comes out the other way round.
  void walk(Corner const start) {
    auto const first = static_cast<std::uint32_t>(nodes_.size());
    auto at = start;
    Way way = right;
    std::int64_t area = 0;
    do {
      auto const node = add(at);
      node_at(at) = node;
      if (node > first) link(node - 1, node);
      if (way == right) {
        walked_[place(at.i, at.j)] = 1;
        area -= at.j;
      }
      if (way == left) area += at.j;
      at = step(at, way);
      // Right first: where voxels touch at a corner only, the line stays with its own.
      for (auto const turn : {1, 0, 3}) {
        auto const other = static_cast<Way>((way + turn) % 4);
        if (!leads(at, other)) continue;
        way = other;
        break;
      }
    } while (!(at == start && way == right));
    link(static_cast<std::uint32_t>(nodes_.size() - 1), first);
    (area > 0 ? rings_ : holes_).push_back(first);
  }

  std::uint32_t leftmost(std::uint32_t const ring) const {
    auto best = ring;
    for (auto node = nodes_[ring].next; node != ring; node = nodes_[node].next) {
      auto const& a = nodes_[node].at;
      auto const& b = nodes_[best].at;
      if (a.i < b.i || (a.i == b.i && a.j < b.j)) best = node;
    }
    return best;
  }

  // From the leftmost corner of a hole a line leads left between marked voxels and meets
  // another line, further left than any corner of the hole: so no two holes wait for each
  // other.
  void join_holes() {
    std::vector<std::uint32_t> starts;
    for (auto const hole : holes_) starts.push_back(leftmost(hole));
    for (auto const hole : starts) {
      auto to = nodes_[hole].at;
      do --to.i;
      while (marked(to.i - 1, to.j - 1) && marked(to.i - 1, to.j));
      join(node_at(to), hole);
    }
  }

  // a -> hole -> around it -> hole again -> a again -> on.
  void join(std::uint32_t const a, std::uint32_t const hole) {
    auto const hole_again = add(nodes_[hole].at);
    auto const a_again = add(nodes_[a].at);
    link(nodes_[hole].before, hole_again);
    link(hole_again, a_again);
    link(a_again, nodes_[a].next);
    link(a, hole);
  }

  static Corner away(Corner from, Corner to) {
    auto const sign = [](std::int64_t x) { return std::int64_t{x > 0} - std::int64_t{x < 0}; };
    return {sign(to.i - from.i), sign(to.j - from.j)};
  }

  Outline corners_of(std::uint32_t const start) const {
    Outline out;
    auto here = start;
    do {
      auto const& [at, before, next] = nodes_[here];
      if (away(nodes_[before].at, at) != away(at, nodes_[next].at))
        out.push_back({static_cast<double>(at.i) - 0.5, static_cast<double>(at.j) - 0.5});
      here = next;
    } while (here != start);
    return out;
  }

  std::span<std::uint8_t const> slice_;
  std::int64_t width_, height_;
  std::vector<std::uint32_t> node_at_;  // of a corner
  std::vector<std::uint8_t> walked_;    // upper faces of voxels
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> rings_, holes_;
};

}  // namespace

std::vector<Outline> outlines_of(std::span<std::uint8_t const> slice, std::int64_t width) {
  if (width < 1 || slice.size() % static_cast<std::size_t>(width) != 0)
    throw Error{Fault::bug, "expected a slice of whole rows", "pass its width"};
  return OutlineWalk{slice, width}.run();
}

}  // namespace fovea
