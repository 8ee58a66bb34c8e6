#include "base/geometry/separable.hpp"

#include "base/core/pool.hpp"
#include "base/core/vectors.hpp"
#include "base/geometry/rounded.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>
#include <vector>

namespace fovea {
namespace {

// Rows of the output that go through the passes together: enough that the rows around them,
// which the next block reads again, cost little; few enough to stay in a core's cache.
constexpr std::int64_t separable_rows = 32;
constexpr std::int64_t separable_lanes = 16;

template <class A>
struct SeparableLine {  // a place's weights in the type that is computed in
  A const* weight;
  std::int64_t first, count;
};

template <class A>
struct SeparableBand {
  Band const* band;
  std::vector<A> weight;

  explicit SeparableBand(Band const& of)
      : band(&of), weight(of.weight.begin(), of.weight.end()) {}
  SeparableLine<A> operator[](std::int64_t x) const {
    auto const n = static_cast<std::size_t>(x);
    return {weight.data() + x * band->most, band->first[n], band->count[n]};
  }
};

// --- loops over numbers

// out = weighted sum of rows; four at a time, so that `out` is read and written seldom.
template <class A>
[[gnu::always_inline]] inline void separable_sum(A const* const* rows,
                                                 A const* weight,
                                                 std::int64_t count,
                                                 A* __restrict out,
                                                 std::int64_t n) {
  auto const four = [&](std::int64_t t, auto const& set) [[gnu::always_inline]] {
    auto const *a = rows[t], *b = rows[t + 1], *c = rows[t + 2], *d = rows[t + 3];
    auto const p = weight[t], q = weight[t + 1], r = weight[t + 2], s = weight[t + 3];
    for (std::int64_t x = 0; x < n; ++x)
      set(out[x], (p * a[x] + q * b[x]) + (r * c[x] + s * d[x]));
  };
  std::int64_t t = 4;
  if (count >= 4) {
    four(0, [](A& to, A value) [[gnu::always_inline]] { to = value; });
  } else if (count >= 2) {
    auto const *a = rows[0], *b = rows[1];
    auto const p = weight[0], q = weight[1];
    for (std::int64_t x = 0; x < n; ++x) out[x] = p * a[x] + q * b[x];
    t = 2;
  } else {
    for (std::int64_t x = 0; x < n; ++x) out[x] = weight[0] * rows[0][x];
    t = 1;
  }
  for (; t + 4 <= count; t += 4)
    four(t, [](A& to, A value) [[gnu::always_inline]] { to += value; });
  for (; t < count; ++t) {
    auto const* a = rows[t];
    for (std::int64_t x = 0; x < n; ++x) out[x] += weight[t] * a[x];
  }
}

// 16 rows side by side: column x of all of them at out[16 x]. In squares, so that both sides
// stay in few cache lines.
template <class A>
[[gnu::always_inline]] inline void separable_turn_in(A const* const* rows,
                                                     std::int64_t n,
                                                     A* __restrict out) {
  for (std::int64_t x = 0; x < n; x += separable_lanes) {
    auto const width = std::min(separable_lanes, n - x);
    for (std::int64_t lane = 0; lane < separable_lanes; ++lane) {
      for (std::int64_t c = 0; c < width; ++c)
        out[(x + c) * separable_lanes + lane] = rows[lane][x + c];
    }
  }
}

// Along 16 rows that lie side by side, place after place.
template <class A>
[[gnu::always_inline]] inline void separable_along(A const* turned,
                                                   SeparableBand<A> const* band,
                                                   A* const* rows,
                                                   std::int64_t lanes) {
  constexpr std::size_t bytes = 64;
  using Vector [[gnu::vector_size(bytes), gnu::aligned(alignof(A)), gnu::may_alias]] = A;
  constexpr auto parts =
      separable_lanes * static_cast<std::int64_t>(sizeof(A) / sizeof(float)) / 16;
  constexpr auto per_part = separable_lanes / parts;
  auto const places = band->band->places();
  alignas(bytes) A square[separable_lanes * separable_lanes];
  for (std::int64_t x = 0; x < places; x += separable_lanes) {
    auto const width = std::min(separable_lanes, places - x);
    for (std::int64_t c = 0; c < width; ++c) {
      auto const line = (*band)[x + c];
      auto const* from = turned + line.first * separable_lanes;
      for (std::int64_t part = 0; part < parts; ++part) {
        Vector sum{};
        for (std::int64_t t = 0; t < line.count; ++t)
          sum += line.weight[t] *
                 *reinterpret_cast<Vector const*>(from + t * separable_lanes + part * per_part);
        *reinterpret_cast<Vector*>(square + c * separable_lanes + part * per_part) = sum;
      }
    }
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      for (std::int64_t c = 0; c < width; ++c)
        rows[lane][x + c] = square[c * separable_lanes + lane];
    }
  }
}

template <class T, class A>
[[gnu::always_inline]] inline void separable_convert(T const* __restrict in,
                                                     std::int64_t step,
                                                     A* __restrict out,
                                                     std::int64_t step_out,
                                                     std::int64_t n) {
  if (step == 1 && step_out == 1) {
    for (std::int64_t x = 0; x < n; ++x) out[x] = static_cast<A>(in[x]);
  } else {
    for (std::int64_t x = 0; x < n; ++x) out[x * step_out] = static_cast<A>(in[x * step]);
  }
}

template <class Out, class A>
[[gnu::always_inline]] inline void separable_store(A const* __restrict in,
                                                   Out* __restrict out,
                                                   std::int64_t n) {
  for (std::int64_t x = 0; x < n; ++x) out[x] = rounded_to<Out>(in[x]);
}

// --- one block of rows, slice after slice

struct SeparableTask {
  std::int64_t channel, j0, j1, k0, k1;  // of the output
};

template <class T, class A, class Out>
class SeparableBlock {
 public:
  SeparableBlock(Volume const& in,
                 Separable const& plan,
                 std::array<SeparableBand<A>, 3> const& bands,
                 A outside,
                 Volume& out,
                 SeparableTask const& task)
      : bands_(bands),
        task_(task),
        outside_(outside),
        in_(in.channel<T>(task.channel).data()),
        out_(out.write_channel<Out>(task.channel).data()),
        columns_(bands[0].band->voxels),
        width_(out.width()),
        height_(out.height()),
        identity_(bands[0].band->identity()) {
    std::array const stride{std::int64_t{1}, in.width(), in.width() * in.height()};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      stride_[axis] = stride[plan.from[axis]];
      in_ += plan.corner[axis] * stride[axis];
    }
    find_rows();
    find_columns();
    auto const make = [](auto& numbers, std::int64_t n) {
      numbers.resize(static_cast<std::size_t>(n));
    };
    slots_ = bands[2].band->most;
    held_.assign(static_cast<std::size_t>(slots_), -1);
    make(ring_, slots_ * separable_rows * width_);
    make(mixed_, separable_rows * columns_);
    if (!direct()) make(loaded_, (row_end_ - row_begin_) * columns_);
    if (!identity_) make(turned_, separable_lanes * columns_);
    make(sum_, width_);
    make(terms_, std::max(bands[1].band->most, bands[2].band->most));
  }

  void run() {
    for (auto k = task_.k0; k < task_.k1; ++k) {
      auto const line = bands_[2][k];
      for (std::int64_t t = 0; t < line.count && row_end_ > row_begin_; ++t)
        hold(line.first + t);
      for (auto j = task_.j0; j < task_.j1; ++j) write_row(j, k, line);
    }
  }

 private:
  // Rows can be read where they are.
  bool direct() const { return std::is_same_v<T, A> && stride_[0] == 1; }

  void find_rows() {
    row_begin_ = std::numeric_limits<std::int64_t>::max();
    for (auto j = task_.j0; j < task_.j1; ++j) {
      auto const line = bands_[1][j];
      if (line.count == 0) continue;
      row_begin_ = std::min(row_begin_, line.first);
      row_end_ = std::max(row_end_, line.first + line.count);
    }
    row_begin_ = std::min(row_begin_, row_end_);
  }

  // A line runs through the box once, so the places inside follow one another.
  void find_columns() {
    auto const inside = [&](std::int64_t x) { return bands_[0][x].count > 0; };
    while (column_begin_ < width_ && !inside(column_begin_)) ++column_begin_;
    column_end_ = column_begin_;
    while (column_end_ < width_ && inside(column_end_)) ++column_end_;
  }

  A* slot(std::int64_t slice) {
    return ring_.data() + slice % slots_ * separable_rows * width_;
  }

  // The block's rows of one slice of the input, done along j and i.
  void hold(std::int64_t slice) {
    auto& holder = held_[static_cast<std::size_t>(slice % slots_)];
    if (holder == slice) return;
    holder = slice;
    load(slice);
    std::array<A const*, separable_rows> rows{};
    for (auto j = task_.j0; j < task_.j1; ++j)
      rows[static_cast<std::size_t>(j - task_.j0)] = mixed_row(slice, j);
    auto* const to = slot(slice);
    if (identity_) {
      for (auto j = task_.j0; j < task_.j1; ++j)
        std::copy_n(rows[static_cast<std::size_t>(j - task_.j0)], width_,
                    to + (j - task_.j0) * width_);
      return;
    }
    for (std::int64_t r = 0; r < task_.j1 - task_.j0; r += separable_lanes)
      along(rows.data() + r, std::min(separable_lanes, task_.j1 - task_.j0 - r),
            to + r * width_);
  }

  void along(A const** rows, std::int64_t lanes, A* to) {
    std::array<A*, separable_lanes> out{};
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      out[static_cast<std::size_t>(lane)] = to + lane * width_;
    for (auto lane = lanes; lane < separable_lanes; ++lane) rows[lane] = rows[0];
    with_widest_vectors<separable_turn_in<A>>(static_cast<A const* const*>(rows), columns_,
                                              turned_.data());
    with_widest_vectors<separable_along<A>>(static_cast<A const*>(turned_.data()), &bands_[0],
                                            static_cast<A* const*>(out.data()), lanes);
  }

  // Whichever of the input's axes lies dense in memory is run along.
  void load(std::int64_t slice) {
    if (direct()) return;
    auto const* const from = in_ + slice * stride_[2] + row_begin_ * stride_[1];
    auto const rows = row_end_ - row_begin_;
    auto const dense_rows = stride_[1] < stride_[0];
    auto const lines = dense_rows ? columns_ : rows;
    for (std::int64_t n = 0; n < lines; ++n) {
      if (dense_rows)
        with_widest_vectors<separable_convert<T, A>>(from + n * stride_[0], stride_[1],
                                                     loaded_.data() + n, columns_, rows);
      else
        with_widest_vectors<separable_convert<T, A>>(from + n * stride_[1], stride_[0],
                                                     loaded_.data() + n * columns_,
                                                     std::int64_t{1}, columns_);
    }
  }

  A const* row_of(std::int64_t slice, std::int64_t row) const {
    if constexpr (std::is_same_v<T, A>) {
      if (direct()) return in_ + slice * stride_[2] + row * stride_[1];
    }
    return loaded_.data() + (row - row_begin_) * columns_;
  }

  A const* mixed_row(std::int64_t slice, std::int64_t j) {
    auto const line = bands_[1][j];
    if (line.count == 0) return row_of(slice, row_begin_);  // is not looked at
    if (bands_[1].band->copies(j)) return row_of(slice, line.first);
    auto* const to = mixed_.data() + (j - task_.j0) * columns_;
    sum_up(line, to, columns_, [&](std::int64_t row) { return row_of(slice, row); });
    return to;
  }

  template <class RowOf>
  void sum_up(SeparableLine<A> const& line, A* to, std::int64_t n, RowOf const& row_at) {
    for (std::int64_t t = 0; t < line.count; ++t)
      terms_[static_cast<std::size_t>(t)] = row_at(line.first + t);
    with_widest_vectors<separable_sum<A>>(static_cast<A const* const*>(terms_.data()),
                                          line.weight, line.count, to, n);
  }

  void write_row(std::int64_t j, std::int64_t k, SeparableLine<A> const& line) {
    auto* const to = out_ + (k * height_ + j) * width_;
    if (line.count == 0 || bands_[1][j].count == 0 || column_begin_ == column_end_) {
      std::fill_n(to, width_, rounded_to<Out>(outside_));
      return;
    }
    auto const row = (j - task_.j0) * width_;
    A const* values = slot(line.first) + row;
    if (!bands_[2].band->copies(k)) {
      sum_up(line, sum_.data(), width_,
             [&](std::int64_t slice) -> A const* { return slot(slice) + row; });
      values = sum_.data();
    }
    std::fill_n(to, column_begin_, rounded_to<Out>(outside_));
    with_widest_vectors<separable_store<Out, A>>(values + column_begin_, to + column_begin_,
                                                 column_end_ - column_begin_);
    std::fill_n(to + column_end_, width_ - column_end_, rounded_to<Out>(outside_));
  }

  std::array<SeparableBand<A>, 3> const& bands_;
  SeparableTask task_;
  A outside_;
  T const* in_;
  Out* out_;
  std::int64_t columns_, width_, height_;
  bool identity_;
  std::array<std::int64_t, 3> stride_{};
  std::int64_t row_begin_ = 0, row_end_ = 0, column_begin_ = 0, column_end_ = 0, slots_ = 1;
  std::vector<std::int64_t> held_;
  std::vector<A> ring_, mixed_, loaded_, turned_, sum_;
  std::vector<A const*> terms_;
};

template <class T, class A, class Out>
void separable_typed(
    Volume const& in, Separable const& plan, double outside, Volume& out, int threads) {
  std::array const bands{SeparableBand<A>{plan.bands[0]}, SeparableBand<A>{plan.bands[1]},
                         SeparableBand<A>{plan.bands[2]}};
  auto const parts = [](std::int64_t n, std::int64_t of) { return (n + of - 1) / of; };
  auto const across = parts(out.height(), separable_rows);
  // Blocks along j keep every core busy in most volumes; only a few rows are cut along k too,
  // where each cut computes as many slices twice as a place takes.
  auto const wanted = parts(4 * threads, across * out.channels());
  auto const slices = std::max({parts(out.depth(), wanted), 4 * plan.bands[2].most});
  auto const deep = parts(out.depth(), slices);
  in_parallel(out.channels() * across * deep, threads, [&](std::int64_t task) {
    auto const j = task % across * separable_rows;
    auto const k = task / across % deep * slices;
    SeparableTask const block{task / across / deep, j,
                              std::min(j + separable_rows, out.height()), k,
                              std::min(k + slices, out.depth())};
    SeparableBlock<T, A, Out>{in, plan, bands, static_cast<A>(outside), out, block}.run();
  });
}

}  // namespace

void run_separable(
    Volume const& in, Separable const& plan, double outside, Volume& out, int threads) {
  with_type(in.type(), [&](auto value) {
    using T = decltype(value);
    using A = std::conditional_t<fits_float(TypeOf<T>::value), float, double>;
    if (out.type() == in.type())
      return separable_typed<T, A, T>(in, plan, outside, out, threads);
    if constexpr (std::is_same_v<A, double>) {
      if (out.type() == Type::f64)
        return separable_typed<T, A, double>(in, plan, outside, out, threads);
    }
    separable_typed<T, A, float>(in, plan, outside, out, threads);
  });
}

}  // namespace fovea
