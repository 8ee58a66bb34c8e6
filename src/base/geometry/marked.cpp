#include "base/geometry/marked.hpp"

#include "base/core/pool.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <type_traits>

namespace fovea {
namespace {

// Of begin … end - 1.
double marked_sum(double begin, double end) {
  return (end - begin) * (begin + end - 1) / 2;
}
double marked_squares(double begin, double end) {
  auto const below = [](double n) { return (n - 1) * n * (2 * n - 1) / 6; };
  return below(end) - below(begin);
}

void marked_add_run(
    Marked& to, std::int64_t begin, std::int64_t end, std::int64_t j, std::int64_t k) {
  IndexBox const box{{begin, j, k}, {end - begin, 1, 1}};
  to.box = to.voxels == 0 ? box : joint_box(to.box, box);
  to.voxels += end - begin;
  auto const count = static_cast<double>(end - begin);
  auto const along = marked_sum(static_cast<double>(begin), static_cast<double>(end));
  auto const row = static_cast<double>(j);
  auto const slice = static_cast<double>(k);
  std::array const sum{along, count * row, count * slice};
  std::array const product{marked_squares(static_cast<double>(begin), static_cast<double>(end)),
                           count * row * row,
                           count * slice * slice,
                           along * row,
                           along * slice,
                           count * row * slice};
  for (std::size_t n = 0; n < sum.size(); ++n) to.sum[n] += sum[n];
  for (std::size_t n = 0; n < product.size(); ++n) to.product[n] += product[n];
}

void marked_add(Marked& to, Marked const& more) {
  to.value = more.value;
  to.box = to.voxels == 0 ? more.box : joint_box(to.box, more.box);
  to.voxels += more.voxels;
  for (std::size_t n = 0; n < to.sum.size(); ++n) to.sum[n] += more.sum[n];
  for (std::size_t n = 0; n < to.product.size(); ++n) to.product[n] += more.product[n];
}

using MarkedTable = std::map<std::int64_t, Marked>;

template <class T>
void marked_slice(Volume const& labels, std::int64_t k, MarkedTable& table) {
  auto const width = labels.width();
  auto const* row = labels.as<T>().data() + k * labels.height() * width;
  Marked* known = nullptr;  // of the last run: the next is most often of the same value
  for (std::int64_t j = 0; j < labels.height(); ++j, row += width) {
    for (std::int64_t x = 0; x < width;) {
      auto const value = row[x];
      auto end = x + 1;
      while (end < width && row[end] == value) ++end;
      if (value != T{}) {
        auto const number = static_cast<std::int64_t>(value);
        if (known == nullptr || known->value != number) {
          known = &table[number];
          known->value = number;
        }
        marked_add_run(*known, x, end, j, k);
      }
      x = end;
    }
  }
}

template <class Use>
void marked_with_whole(Volume const& labels, Use const& use) {
  with_type(labels.type(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      use(zero);
    } else {
      throw Error{Fault::input,
                  text("expected a mask of whole numbers, got ", name_of(labels.type())),
                  "make a label map of it first"};
    }
  });
}

}  // namespace

double voxel_mm3(Grid const& grid) {
  auto const& [i, j, k] = grid.axes;
  return std::abs(i.mm[0] * (j.mm[1] * k.mm[2] - j.mm[2] * k.mm[1]) +
                  i.mm[1] * (j.mm[2] * k.mm[0] - j.mm[0] * k.mm[2]) +
                  i.mm[2] * (j.mm[0] * k.mm[1] - j.mm[1] * k.mm[0]));
}

IndexBox joint_box(IndexBox const& a, IndexBox const& b) {
  IndexBox box;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    box.first[axis] = std::min(a.first[axis], b.first[axis]);
    box.size[axis] =
        std::max(a.first[axis] + a.size[axis], b.first[axis] + b.size[axis]) - box.first[axis];
  }
  return box;
}

std::vector<Marked> marked_of(Volume const& labels, int threads) {
  if (labels.channels() != 1)
    throw Error{Fault::input, text("expected a mask of one channel, got ", labels.channels()),
                "take its layers one by one"};
  // As many slabs whatever the threads: the sums are the same.
  constexpr std::int64_t slabs = 32;
  auto const count = std::min(slabs, labels.depth());
  std::vector<MarkedTable> tables(static_cast<std::size_t>(count));
  marked_with_whole(labels, [&](auto zero) {
    in_parallel(count, threads > 0 ? threads : usable_cores(), [&](std::int64_t n) {
      for (auto k = labels.depth() * n / count; k < labels.depth() * (n + 1) / count; ++k)
        marked_slice<decltype(zero)>(labels, k, tables[static_cast<std::size_t>(n)]);
    });
  });
  MarkedTable all;
  for (auto const& table : tables) {
    for (auto const& [value, marked] : table) marked_add(all[value], marked);
  }
  std::vector<Marked> out;
  for (auto const& [value, marked] : all) out.push_back(marked);
  return out;
}

Volume mask_within(Volume const& labels, std::int64_t value, IndexBox const& box) {
  Grid grid = labels.grid();
  grid.size = box.size;
  std::array<double, 3> first{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    first[axis] = static_cast<double>(box.first[axis]);
  grid.origin = labels.grid().point_of({first});
  Volume out{grid, Type::u8, Unit::one};
  auto* to = out.write<std::uint8_t>().data();
  marked_with_whole(labels, [&](auto zero) {
    using T = decltype(zero);
    auto const wanted = static_cast<T>(value);
    auto const* const voxels = labels.as<T>().data();
    for (auto k = box.first[2]; k < box.first[2] + box.size[2]; ++k) {
      for (auto j = box.first[1]; j < box.first[1] + box.size[1]; ++j, to += box.size[0]) {
        auto const* const row =
            voxels + (k * labels.height() + j) * labels.width() + box.first[0];
        for (std::int64_t i = 0; i < box.size[0]; ++i)
          to[i] = static_cast<std::uint8_t>(row[i] == wanted);
      }
    }
  });
  return out;
}

Volume channel_of(Volume const& volume, std::int64_t channel) {
  auto const offset =
      static_cast<std::size_t>(channel * volume.voxels()) * bytes_of(volume.type());
  return Volume{volume.grid(), volume.type(), volume.unit(), 1,
                std::shared_ptr<std::byte[]>{volume.bytes(), volume.bytes().get() + offset}};
}

std::optional<IndexBox> joint_box_of_marked(Volume const& a, Volume const& b) {
  auto const of_a = box_of_marked(a);
  auto const of_b = box_of_marked(b);
  if (!of_a) return of_b;
  if (!of_b) return of_a;
  return joint_box(*of_a, *of_b);
}

}  // namespace fovea
