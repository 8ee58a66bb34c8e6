#include "base/geometry/components.hpp"

#include "base/core/pool.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <type_traits>

namespace fovea {
namespace {

using ComponentsNumber = std::uint32_t;  // of a run, and its root

template <class T>
struct ComponentsRun {
  std::uint32_t begin = 0, end = 0;  // voxels of its row
  T value{};
};

template <class T>
struct ComponentsSlab {
  std::int64_t first_row = 0, end_row = 0;
  ComponentsNumber base = 0;  // the number of its first run
  std::vector<ComponentsRun<T>> runs;
};

// The first voxel that differs from `value`, eight bytes at a time.
template <class T>
T const* components_skip(T const* voxel, T const* end, T value) {
  constexpr auto at_once = static_cast<std::ptrdiff_t>(sizeof(std::uint64_t) / sizeof(T));
  std::uint64_t pattern = 0;
  for (std::ptrdiff_t n = 0; n < at_once; ++n)
    std::memcpy(reinterpret_cast<std::byte*>(&pattern) + n * static_cast<int>(sizeof(T)),
                &value, sizeof(T));
  for (; end - voxel >= at_once; voxel += at_once) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, voxel, sizeof eight);
    if (eight != pattern)
      return voxel +
             static_cast<std::size_t>(std::countr_zero(eight ^ pattern)) / (8 * sizeof(T));
  }
  while (voxel != end && *voxel == value) ++voxel;
  return voxel;
}
static_assert(std::endian::native == std::endian::little);

/// Runs, and which of them hang together.
template <class T>
class ComponentsForest {
 public:
  ComponentsForest(Volume const& volume, ComponentOptions const& options)
      : volume_(volume),
        width_(volume.width()),
        height_(volume.height()),
        rows_(volume.height() * volume.depth()),
        neighbours_(options.neighbours),
        threads_(options.threads > 0 ? options.threads : usable_cores()) {
    cut();
    find_runs();
    join();
    number(options.order);
  }

  std::vector<Component> take_parts() { return std::move(parts_); }

  Volume labels() const {
    Volume out{volume_.grid(), Type::u32, Unit::arbitrary};
    auto* const voxels = out.write<std::uint32_t>().data();
    each_slab([&](ComponentsSlab<T> const& slab) {
      for (auto row = slab.first_row; row < slab.end_row; ++row) {
        for (auto n = first_of(row); n < first_of(row + 1); ++n) {
          auto const& run = slab.runs[n - slab.base];
          std::fill(voxels + row * width_ + run.begin, voxels + row * width_ + run.end,
                    label_[n]);
        }
      }
    });
    return out;
  }

 private:
  // Slabs of whole slices where there are several, else of rows.
  void cut() {
    auto const step = volume_.depth() > 1 ? height_ : 1;
    auto const steps = rows_ / step;
    constexpr std::int64_t slabs_each = 4;  // a thread takes another where one has little in it
    auto const count = std::clamp<std::int64_t>(threads_ * slabs_each, 1, steps);
    for (std::int64_t n = 0; n < count; ++n) {
      slabs_.emplace_back();
      slabs_.back().first_row = steps * n / count * step;
      slabs_.back().end_row = steps * (n + 1) / count * step;
    }
    first_run_.resize(static_cast<std::size_t>(rows_) + 1);
  }

  template <class Use>
  void each_slab(Use const& use) const {
    in_parallel(static_cast<std::int64_t>(slabs_.size()), threads_,
                [&](std::int64_t n) { use(slabs_[static_cast<std::size_t>(n)]); });
  }

  ComponentsNumber first_of(std::int64_t row) const {
    return first_run_[static_cast<std::size_t>(row)];
  }

  void find_runs() {
    auto const* const voxels = volume_.as<T>().data();
    in_parallel(static_cast<std::int64_t>(slabs_.size()), threads_, [&](std::int64_t n) {
      auto& slab = slabs_[static_cast<std::size_t>(n)];
      for (auto row = slab.first_row; row < slab.end_row; ++row) {
        auto const* const begin = voxels + row * width_;
        auto const* const end = begin + width_;
        first_run_[static_cast<std::size_t>(row)] = held(slab.runs.size());
        for (auto const* at = components_skip(begin, end, T{}); at != end;) {
          auto const value = *at;
          auto const* const behind = components_skip(at, end, value);
          slab.runs.push_back({static_cast<std::uint32_t>(at - begin),
                               static_cast<std::uint32_t>(behind - begin), value});
          at = components_skip(behind, end, T{});
        }
      }
    });
    std::size_t all = 0;
    for (auto& slab : slabs_) {
      slab.base = held(all);
      all += slab.runs.size();
      held(all);
      for (auto row = slab.first_row; row < slab.end_row; ++row)
        first_run_[static_cast<std::size_t>(row)] += slab.base;
    }
    first_run_.back() = held(all);
    parent_.resize(all);
    std::iota(parent_.begin(), parent_.end(), ComponentsNumber{0});
  }

  static ComponentsNumber held(std::size_t runs) {
    constexpr auto most = std::numeric_limits<ComponentsNumber>::max() - 1;
    if (runs > most)
      throw Error{Fault::resource,
                  text("expected at most ", most, " runs of voxels in a mask, got more"),
                  "crop it, or smooth the noise away"};
    return static_cast<ComponentsNumber>(runs);
  }

  ComponentsNumber root(ComponentsNumber n) {
    while (parent_[n] != n) {
      parent_[n] = parent_[parent_[n]];
      n = parent_[n];
    }
    return n;
  }

  // The smaller number is the root: a component's is its first run, whatever the slabs.
  void unite(ComponentsNumber a, ComponentsNumber b) {
    a = root(a);
    b = root(b);
    if (a < b)
      parent_[b] = a;
    else
      parent_[a] = b;
  }

  // Runs of two rows that overlap, or with `reach` 1 are next to each other.
  void unite_rows(ComponentsSlab<T> const& slab,
                  std::int64_t row,
                  ComponentsSlab<T> const& other_slab,
                  std::int64_t other,
                  std::uint32_t reach) {
    auto a = first_of(row), b = first_of(other);
    auto const end_a = first_of(row + 1), end_b = first_of(other + 1);
    while (a < end_a && b < end_b) {
      auto const& here = slab.runs[a - slab.base];
      auto const& there = other_slab.runs[b - other_slab.base];
      if (here.value == there.value && here.begin < there.end + reach &&
          there.begin < here.end + reach)
        unite(a, b);
      // Whichever ends first; of two that end together both may touch the other's next.
      if (here.end < there.end)
        ++a;
      else if (there.end < here.end)
        ++b;
      else if (reach == 0) {
        ++a;
        ++b;
      } else {
        unite_next(slab, a, end_a, there, b);
        ++b;
      }
    }
  }
  void unite_next(ComponentsSlab<T> const& slab,
                  ComponentsNumber a,
                  ComponentsNumber end_a,
                  ComponentsRun<T> const& there,
                  ComponentsNumber b) {
    if (a + 1 == end_a) return;
    auto const& next = slab.runs[a + 1 - slab.base];
    if (next.value == there.value && next.begin == there.end) unite(a + 1, b);
  }

  ComponentsSlab<T> const& slab_of(std::int64_t row) const {
    auto const after = std::upper_bound(
        slabs_.begin(), slabs_.end(), row,
        [](std::int64_t at, ComponentsSlab<T> const& slab) { return at < slab.first_row; });
    return *std::prev(after);
  }

  // `inside`: rows of the slab itself; else those of slabs before it.
  void join_slab(ComponentsSlab<T> const& slab, bool inside) {
    auto const joined = [&](std::int64_t row, std::int64_t other, bool touches) {
      if ((other >= slab.first_row) != inside) return;
      unite_rows(slab, row, inside ? slab : slab_of(other), other, touches ? 1U : 0U);
    };
    auto const edges = neighbours_ != Neighbours::faces;
    auto const corners = neighbours_ == Neighbours::corners;
    auto const behind =
        inside ? slab.end_row : std::min(slab.end_row, slab.first_row + height_);
    for (auto row = slab.first_row; row < behind; ++row) {
      if (first_of(row) == first_of(row + 1)) continue;
      auto const j = row % height_;
      if (j > 0) joined(row, row - 1, edges);
      if (row < height_) continue;
      joined(row, row - height_, edges);
      if (!edges) continue;
      if (j > 0) joined(row, row - height_ - 1, corners);
      if (j + 1 < height_) joined(row, row - height_ + 1, corners);
    }
  }

  void join() {
    // A thread writes parents of its own slab only.
    in_parallel(static_cast<std::int64_t>(slabs_.size()), threads_,
                [&](std::int64_t n) { join_slab(slabs_[static_cast<std::size_t>(n)], true); });
    for (auto const& slab : slabs_) join_slab(slab, false);
  }

  void number(ComponentOrder order) {
    label_.resize(parent_.size());
    for (auto const& slab : slabs_) {
      for (auto row = slab.first_row; row < slab.end_row; ++row) {
        for (auto n = first_of(row); n < first_of(row + 1); ++n) {
          auto const& run = slab.runs[n - slab.base];
          // A root comes before all that belong to it.
          auto const parent = parent_[n];
          if (parent == n) {
            parts_.push_back({.value = static_cast<std::int64_t>(run.value),
                              .box = {{run.begin, row % height_, row / height_}, {0, 0, 0}}});
            label_[n] = held(parts_.size());
          } else {
            parent_[n] = parent_[parent];
            label_[n] = label_[parent_[n]];
          }
          add(parts_[label_[n] - 1], run, row);
        }
      }
    }
    if (order == ComponentOrder::size) sort_by_size();
  }

  void add(Component& part, ComponentsRun<T> const& run, std::int64_t row) const {
    part.voxels += run.end - run.begin;
    std::array<std::int64_t, 3> const low{run.begin, row % height_, row / height_};
    std::array<std::int64_t, 3> const end{run.end, low[1] + 1, low[2] + 1};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      auto const behind = std::max(part.box.first[axis] + part.box.size[axis], end[axis]);
      part.box.first[axis] = std::min(part.box.first[axis], low[axis]);
      part.box.size[axis] = behind - part.box.first[axis];
    }
  }

  void sort_by_size() {
    std::vector<std::uint32_t> sorted(parts_.size());
    std::iota(sorted.begin(), sorted.end(), 0U);
    std::ranges::stable_sort(sorted, [&](std::uint32_t a, std::uint32_t b) {
      return parts_[a].voxels > parts_[b].voxels;
    });
    std::vector<Component> parts(parts_.size());
    std::vector<std::uint32_t> became(parts_.size());
    for (std::size_t n = 0; n < sorted.size(); ++n) {
      parts[n] = parts_[sorted[n]];
      became[sorted[n]] = static_cast<std::uint32_t>(n + 1);
    }
    parts_ = std::move(parts);
    for (auto& label : label_) label = became[label - 1];
  }

  Volume const& volume_;
  std::int64_t width_, height_, rows_;
  Neighbours neighbours_;
  int threads_;
  std::vector<ComponentsSlab<T>> slabs_;
  std::vector<ComponentsNumber> first_run_;  // of each row
  std::vector<ComponentsNumber> parent_, label_;
  std::vector<Component> parts_;
};

void components_expect(Volume const& labels) {
  if (labels.channels() != 1)
    throw Error{Fault::input, text("expected a mask of one channel, got ", labels.channels()),
                "take its layers one by one"};
  if (labels.type() == Type::f32 || labels.type() == Type::f64)
    throw Error{Fault::input,
                text("expected a mask of whole numbers, got ", name_of(labels.type())),
                "make a label map of it first"};
  if (labels.width() >= std::numeric_limits<std::uint32_t>::max())
    throw Error{Fault::resource, text("expected rows below 2^32 voxels, got ", labels.width()),
                "crop it"};
}

template <class Out, class Use>
Out components_with(Volume const& labels, ComponentOptions const& options, Use const& use) {
  components_expect(labels);
  return with_type(labels.type(), [&](auto zero) -> Out {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      ComponentsForest<T> forest{labels, options};
      return use(forest);
    } else {
      throw Error{Fault::bug, "fractions have no components", "report this"};
    }
  });
}

}  // namespace

Components components(Volume const& labels, ComponentOptions const& options) {
  return components_with<Components>(labels, options, [](auto& forest) {
    auto marked = forest.labels();
    return Components{std::move(marked), forest.take_parts()};
  });
}

std::vector<Component> component_list(Volume const& labels, ComponentOptions const& options) {
  return components_with<std::vector<Component>>(
      labels, options, [](auto& forest) { return forest.take_parts(); });
}

}  // namespace fovea
