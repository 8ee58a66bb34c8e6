#include "base/geometry/pick.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/rounded.hpp"

#include <algorithm>

namespace fovea {
namespace {

// Rows of 16 x 16 places along j and k are one task: where i crosses the input's rows, the
// cache lines that one row of the output touches serve the next ones too.
constexpr std::int64_t pick_block = 16;

struct PickTables {
  std::array<std::vector<std::int64_t>, 3> offset;  // into a channel's voxels; -1: outside
  bool along_k;                                     // neighbours in memory lie along k
  std::int64_t begin = 0;                           // the columns in between are consecutive
  std::int64_t end = 0;
};

PickTables pick_tables(Volume const& in, Pick const& which) {
  std::array const stride{std::int64_t{1}, in.width(), in.width() * in.height()};
  PickTables tables{.offset = which.at, .along_k = which.from[2] == 0};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (auto& at : tables.offset[axis]) at = at < 0 ? -1 : at * stride[which.from[axis]];
  }
  auto const& columns = tables.offset[0];
  auto const count = static_cast<std::int64_t>(columns.size());
  while (tables.begin < count && columns[static_cast<std::size_t>(tables.begin)] < 0)
    ++tables.begin;
  tables.end = tables.begin;
  auto const first = tables.begin < count ? columns[static_cast<std::size_t>(tables.begin)] : 0;
  while (tables.end < count &&
         columns[static_cast<std::size_t>(tables.end)] == first + (tables.end - tables.begin))
    ++tables.end;
  return tables;
}

template <class T, class Out>
void pick_row(PickTables const& tables, T const* in, std::int64_t at, Out outside, Out* out) {
  auto const* const columns = tables.offset[0].data();
  auto const count = static_cast<std::int64_t>(tables.offset[0].size());
  if (at < 0) {
    std::fill_n(out, count, outside);
    return;
  }
  std::fill_n(out, tables.begin, outside);
  if (tables.end > tables.begin)
    std::transform(in + at + columns[tables.begin],
                   in + at + columns[tables.begin] + (tables.end - tables.begin),
                   out + tables.begin, [](T value) { return static_cast<Out>(value); });
  for (auto x = tables.end; x < count; ++x)
    out[x] = columns[x] < 0 ? outside : static_cast<Out>(in[at + columns[x]]);
}

template <class T, class Out>
void pick_typed(
    Volume const& in, PickTables const& tables, double outside, Volume& out, int threads) {
  auto const beyond = rounded_to<Out>(outside);
  auto const blocks = [](std::int64_t n) { return (n + pick_block - 1) / pick_block; };
  auto const across = blocks(out.height());
  auto const deep = blocks(out.depth());
  in_parallel(out.channels() * deep * across, threads, [&](std::int64_t task) {
    auto const channel = task / (deep * across);
    auto const j0 = task % across * pick_block;
    auto const k0 = task / across % deep * pick_block;
    auto const* const from = in.channel<T>(channel).data();
    auto* const to = out.write_channel<Out>(channel).data();
    for (std::int64_t n = 0; n < pick_block * pick_block; ++n) {
      auto const slow = n / pick_block;
      auto const fast = n % pick_block;
      auto const j = j0 + (tables.along_k ? slow : fast);
      auto const k = k0 + (tables.along_k ? fast : slow);
      if (j >= out.height() || k >= out.depth()) continue;
      auto const row = tables.offset[1][static_cast<std::size_t>(j)];
      auto const slice = tables.offset[2][static_cast<std::size_t>(k)];
      pick_row(tables, from, row < 0 || slice < 0 ? -1 : row + slice, beyond,
               to + (k * out.height() + j) * out.width());
    }
  });
}

}  // namespace

void pick(Volume const& in, Pick const& which, double outside, Volume& out, int threads) {
  auto const tables = pick_tables(in, which);
  with_type(in.type(), [&](auto value) {
    using T = decltype(value);
    if (out.type() == in.type()) return pick_typed<T, T>(in, tables, outside, out, threads);
    pick_typed<T, float>(in, tables, outside, out, threads);
  });
}

}  // namespace fovea
