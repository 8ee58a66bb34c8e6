#include "learn/patch/patch_cascade.hpp"

#include "base/core/error.hpp"
#include "base/core/vectors.hpp"
#include "base/geometry/components.hpp"
#include "learn/patch/patch_room.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::int64_t cascade_most_radius = 8;
constexpr std::uint16_t cascade_far = 30'000;  // beyond every square of a distance that counts

using CascadeRow = std::uint16_t;

// nearest[n] becomes at most other[n] + more.
[[gnu::always_inline]] inline void cascade_nearer(CascadeRow* __restrict nearest,
                                                  CascadeRow const* other,
                                                  CascadeRow more,
                                                  std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) {
    auto const way = static_cast<CascadeRow>(other[n] + more);
    nearest[n] = way < nearest[n] ? way : nearest[n];
  }
}

// Squares of the distance along one axis, of rows `step` apart: of the values of a column, the
// least of value + distance^2.
void cascade_along(CascadeRow const* from,
                   CascadeRow* to,
                   std::int64_t rows,
                   std::int64_t step,
                   std::int64_t width,
                   std::int64_t reach) {
  for (std::int64_t row = 0; row < rows; ++row) {
    auto* const nearest = to + row * step;
    std::copy_n(from + row * step, width, nearest);
    for (auto other = std::max<std::int64_t>(row - reach, 0);
         other <= std::min(row + reach, rows - 1); ++other) {
      auto const far = static_cast<CascadeRow>((other - row) * (other - row));
      if (far != 0)
        with_widest_vectors<cascade_nearer>(nearest, from + other * step, far, width);
    }
  }
}

// Along i: steps since the last voxel of the mask, from both ends.
void cascade_along_i(std::uint8_t const* mask, CascadeRow* to, std::int64_t width) {
  constexpr std::int64_t far = 170;  // its square is still below cascade_far
  auto since = far;
  for (std::int64_t i = 0; i < width; ++i) {
    since = mask[i] != 0 ? 0 : std::min(since + 1, far);
    to[i] = static_cast<CascadeRow>(since);
  }
  since = far;
  for (std::int64_t i = width - 1; i >= 0; --i) {
    since = mask[i] != 0 ? 0 : std::min(since + 1, far);
    auto const steps = std::min<std::int64_t>(since, to[i]);
    to[i] = static_cast<CascadeRow>(std::min<std::int64_t>(steps * steps, cascade_far));
  }
}

// A voxel is taken if one of the mask (of what is not in it, if eroded) is within the radius.
void cascade_grow(std::span<std::uint8_t> mask, Kji const& size, double radius, bool erode) {
  thread_local PatchRoom<CascadeRow> first_room;
  thread_local PatchRoom<CascadeRow> second_room;
  auto const count = voxels_of(size);
  auto const first = first_room.of(count);
  auto const second = second_room.of(count);
  if (erode)
    for (auto& voxel : mask) voxel = voxel == 0 ? 1 : 0;
  auto const width = size[2];
  auto const plane = size[1] * width;
  auto const reach = static_cast<std::int64_t>(radius);
  for (std::int64_t row = 0; row < size[0] * size[1]; ++row)
    cascade_along_i(mask.data() + row * width, first.data() + row * width, width);
  for (std::int64_t k = 0; k < size[0]; ++k)
    cascade_along(first.data() + k * plane, second.data() + k * plane, size[1], width, width,
                  reach);
  cascade_along(second.data(), first.data(), size[0], plane, plane, reach);
  auto const most = static_cast<CascadeRow>(std::floor(radius * radius));
  for (std::size_t n = 0; n < mask.size(); ++n)
    mask[n] = static_cast<std::uint8_t>((first[n] <= most) != erode);
}

}  // namespace

void one_hot(std::span<std::int16_t const> found,
             std::span<std::int16_t const> labels,
             std::span<float> out) {
  if (out.size() != found.size() * labels.size())
    throw Error{Fault::bug, "channels of labels without room for them", "please report it"};
  for (std::size_t n = 0; n < labels.size(); ++n) {
    auto* const channel = out.data() + n * found.size();
    for (std::size_t at = 0; at < found.size(); ++at)
      channel[at] = static_cast<float>(found[at] == labels[n]);
  }
}

void expect_same_size(StoredCase const& from, StoredCase const& found) {
  if (from.size() != found.size())
    throw Error{Fault::input,
                text("what the first stage found in a case has ", found.size()[0], " x ",
                     found.size()[1], " x ", found.size()[2], " voxels, the case ",
                     from.size()[0], " x ", from.size()[1], " x ", from.size()[2]),
                "let the first stage predict on the second one's grid"};
}

void cut_patch(StoredCase const& from,
               StoredCase const& found,
               std::span<std::int16_t const> labels,
               PatchPlace const& place,
               PatchView const& out) {
  expect_same_size(from, found);
  thread_local PatchRoom<std::int16_t> room;
  auto const count = voxels_of(out.size);
  auto const own = static_cast<std::size_t>(from.channels() * count);
  if (out.image.size() < own)
    throw Error{Fault::bug, "a patch without room for it", "please report it"};
  cut_patch(from, place, {out.size, from.channels(), out.image.first(own), out.labels});
  auto const seen = room.of(count);
  found.read_labels({place.from, out.size}, seen);
  one_hot(seen, labels, out.image.subspan(own));
}

void patch_morphology(std::span<std::uint8_t> mask,
                      Kji const& size,
                      Morphology which,
                      double radius) {
  if (radius < 0 || radius > static_cast<double>(cascade_most_radius))
    throw Error{Fault::bug, text("a ball of ", radius, " voxels"), "please report it"};
  auto const first_erodes = which == Morphology::erode || which == Morphology::open;
  cascade_grow(mask, size, radius, first_erodes);
  if (which == Morphology::close || which == Morphology::open)
    cascade_grow(mask, size, radius, !first_erodes);
}

void patch_remove_part(std::span<std::uint8_t> mask,
                       Kji const& size,
                       std::int64_t most,
                       double chosen) {
  Volume volume{upright({size[2], size[1], size[0]}, {}), Type::u8};
  std::ranges::copy(mask, volume.write<std::uint8_t>().begin());
  auto const found = components(volume, {.threads = 1});
  std::vector<std::uint32_t> small;
  for (std::size_t n = 0; n < found.parts.size(); ++n)
    if (found.parts[n].voxels < most) small.push_back(static_cast<std::uint32_t>(n + 1));
  if (small.empty()) return;
  auto const which = small[std::min(
      static_cast<std::size_t>(chosen * static_cast<double>(small.size())), small.size() - 1)];
  auto const of = found.labels.as<std::uint32_t>();
  for (std::size_t n = 0; n < mask.size(); ++n)
    if (of[n] == which) mask[n] = 0;
}

}  // namespace fovea
