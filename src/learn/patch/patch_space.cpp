#include "learn/patch/patch_space.hpp"

#include "learn/patch/patch_room.hpp"
#include "learn/patch/voxel_kernels.hpp"

#include <cmath>
#include <numbers>
#include <vector>

namespace fovea {
namespace {

PatchMap space_product(PatchMap const& a, PatchMap const& b) {
  PatchMap out{};
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t n = 0; n < 3; ++n) out[r][c] += a[r][n] * b[n][c];
  return out;
}

double space_radians(double degrees) {
  return degrees * std::numbers::pi / 180;
}

bool space_is_flat(PatchMap const& map) {
  return map[0] == std::array<double, 3>{1, 0, 0} && map[1][0] == 0 && map[2][0] == 0;
}

struct SpaceRoom {
  PatchRoom<float> image;
  PatchRoom<std::int16_t> labels;
  std::vector<std::int32_t> mixed;
};

SpaceRoom& space_room() {
  thread_local SpaceRoom room;
  return room;
}

// One cut: a part of the patch at a time.
class SpaceCut {
 public:
  SpaceCut(StoredCase const& from,
           PatchPlace const& place,
           PatchMap const& map,
           PatchView const& out,
           std::int64_t room)
      : from_(from),
        place_(place),
        map_(map),
        out_(out),
        room_(room),
        flat_(space_is_flat(map)) {}

  void part(PatchBox const& part) {
    auto const reach = reached(part);
    auto const longest = std::max_element(part.size.begin(), part.size.end());
    if (voxels_of(reach.size) > room_ && *longest > 1) {
      auto const d = static_cast<std::size_t>(longest - part.size.begin());
      auto first = part;
      auto second = part;
      first.size[d] /= 2;
      second.size[d] -= first.size[d];
      second.from[d] += first.size[d];
      this->part(first);
      this->part(second);
      return;
    }
    image(part, reach);
    if (!out_.labels.empty()) labels(part, reach);
  }

 private:
  // Where a voxel of the patch lies in the case.
  std::array<double, 3> spot(std::array<double, 3> const& at) const {
    std::array<double, 3> spot{};
    for (std::size_t d = 0; d < 3; ++d) {
      spot[d] = static_cast<double>(place_.from[d]) + static_cast<double>(out_.size[d] - 1) / 2;
      for (std::size_t n = 0; n < 3; ++n)
        spot[d] += map_[d][n] * (at[n] - static_cast<double>(out_.size[n] - 1) / 2);
    }
    return spot;
  }

  // The box of the case that interpolation looks at, and one voxel more on each side.
  PatchBox reached(PatchBox const& part) const {
    std::array<double, 3> middle{};
    for (std::size_t d = 0; d < 3; ++d)
      middle[d] = static_cast<double>(part.from[d]) + static_cast<double>(part.size[d] - 1) / 2;
    auto const centre = spot(middle);
    PatchBox box;
    for (std::size_t d = 0; d < 3; ++d) {
      double extent = 0;
      for (std::size_t n = 0; n < 3; ++n)
        extent += std::abs(map_[d][n]) * static_cast<double>(part.size[n] - 1) / 2;
      box.from[d] = static_cast<std::int64_t>(std::floor(centre[d] - extent)) - 1;
      auto const last = static_cast<std::int64_t>(std::ceil(centre[d] + extent)) + 1;
      box.size[d] = last - box.from[d] + 1;
      // Nothing but 0 and -1 lies further out than one voxel beyond the case.
      auto const low = std::clamp<std::int64_t>(box.from[d], -1, from_.size()[d] - 1);
      auto const high =
          std::clamp<std::int64_t>(box.from[d] + box.size[d] - 1, low + 1, from_.size()[d]);
      box.from[d] = low;
      box.size[d] = high - low + 1;
    }
    if (flat_) {  // slice on slice, those beyond the case too
      box.from[0] = place_.from[0] + part.from[0];
      box.size[0] = part.size[0];
    }
    return box;
  }

  // The row of the part at k, j, in the voxels of what is reached.
  CubeRow row(PatchBox const& part,
              PatchBox const& reach,
              std::int64_t k,
              std::int64_t j) const {
    auto const at = spot(
        {static_cast<double>(k), static_cast<double>(j), static_cast<double>(part.from[2])});
    CubeRow row{};
    for (std::size_t d = 0; d < 3; ++d) {
      row.at[d] = static_cast<float>(at[d] - static_cast<double>(reach.from[d]));
      row.step[d] = static_cast<float>(map_[d][2]);
    }
    return row;
  }

  // Calls use(cube of what a row lies in, row, where it begins in the patch).
  template <class T, class Use>
  void each_row(PatchBox const& part, PatchBox const& reach, T const* voxels, Use&& use) const {
    for (auto k = part.from[0]; k < part.from[0] + part.size[0]; ++k) {
      Cube<T> cube{voxels, reach.size};
      if (flat_) {
        cube.size[0] = 1;
        cube.voxels += (k - part.from[0]) * reach.size[1] * reach.size[2];
      }
      for (auto j = part.from[1]; j < part.from[1] + part.size[1]; ++j)
        use(cube, row(part, reach, k, j), (k * out_.size[1] + j) * out_.size[2] + part.from[2]);
    }
  }

  void image(PatchBox const& part, PatchBox const& reach) {
    auto const voxels = space_room().image.of(voxels_of(reach.size));
    for (std::int64_t channel = 0; channel < out_.channels; ++channel) {
      from_.read_channel(channel, reach, voxels);
      auto* const out = out_.image.data() + channel * voxels_of(out_.size);
      each_row(part, reach, voxels.data(),
               [&](Cube<float> const& cube, CubeRow const& row, std::int64_t at) {
                 sample_cube(cube, row, out + at, part.size[2]);
               });
    }
  }

  void labels(PatchBox const& part, PatchBox const& reach) {
    auto& room = space_room();
    auto const voxels = room.labels.of(voxels_of(reach.size));
    from_.read_labels(reach, voxels);
    each_row(part, reach, voxels.data(),
             [&](Cube<std::int16_t> const& cube, CubeRow const& row, std::int64_t at) {
               auto* const out = out_.labels.data() + at;
               room.mixed.clear();
               sample_labels(cube, row, out, part.size[2], room.mixed);
               for (auto const n : room.mixed) out[n] = vote(cube, row, n);
             });
  }

  StoredCase const& from_;
  PatchPlace const& place_;
  PatchMap const& map_;
  PatchView const& out_;
  std::int64_t room_;
  bool flat_;
};

}  // namespace

PatchMap turned_map(std::array<double, 3> const& degrees, double scale) {
  std::array<double, 3> c{};
  std::array<double, 3> s{};
  for (std::size_t d = 0; d < 3; ++d) {
    c[d] = std::cos(space_radians(degrees[d]));
    s[d] = std::sin(space_radians(degrees[d]));
  }
  PatchMap const about_k{{{1, 0, 0}, {0, c[0], -s[0]}, {0, s[0], c[0]}}};
  PatchMap const about_j{{{c[1], 0, s[1]}, {0, 1, 0}, {-s[1], 0, c[1]}}};
  PatchMap const about_i{{{c[2], -s[2], 0}, {s[2], c[2], 0}, {0, 0, 1}}};
  PatchMap const scaled{{{scale, 0, 0}, {0, scale, 0}, {0, 0, scale}}};
  return space_product(about_i, space_product(about_j, space_product(about_k, scaled)));
}

PatchMap turned_in_plane(double degrees, double scale) {
  auto const c = std::cos(space_radians(degrees)) * scale;
  auto const s = std::sin(space_radians(degrees)) * scale;
  return {{{1, 0, 0}, {0, c, -s}, {0, s, c}}};
}

void cut_turned(StoredCase const& from,
                PatchPlace const& place,
                PatchMap const& map,
                PatchView const& out,
                std::int64_t room) {
  SpaceCut{from, place, map, out, room}.part({{0, 0, 0}, out.size});
}

}  // namespace fovea
