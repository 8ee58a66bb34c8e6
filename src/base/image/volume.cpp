#include "base/image/volume.hpp"

#include <algorithm>
#include <cstdlib>
#include <sys/mman.h>
#include <utility>

namespace fovea {
namespace {

// A fault for each 4 KiB costs more than filling them: large volumes ask for pages of 2 MiB,
// where the system has them. No more than a wish, so what it answers does not matter.
void volume_in_large_pages(std::byte* bytes, std::size_t size) {
  constexpr std::size_t large = 8U << 20;
  constexpr std::size_t page = 4096;
  if (size < large) return;
  auto const skipped = (page - reinterpret_cast<std::uintptr_t>(bytes) % page) % page;
  ::madvise(bytes + skipped, (size - skipped) / page * page, MADV_HUGEPAGE);
}

// calloc: aligned for every type, and pages of a large picture are touched once, by whoever
// fills it.
std::shared_ptr<std::byte[]> volume_zeros(std::size_t count, std::size_t each) {
  auto* const bytes = static_cast<std::byte*>(std::calloc(count, each));
  if (bytes == nullptr)
    throw Error{Fault::resource, text("no memory for ", count, " voxels of ", each, " bytes"),
                "close other programs or use smaller pictures"};
  volume_in_large_pages(bytes, count * each);
  return {bytes, [](std::byte* held) { std::free(held); }};
}

}  // namespace

std::size_t bytes_of(Type type) {
  return with_type(type, [](auto value) { return sizeof value; });
}

std::string_view name_of(Type type) {
  constexpr std::string_view names[] = {"u8",  "i8",  "u16", "i16", "u32",
                                        "i32", "u64", "i64", "f32", "f64"};
  return names[static_cast<std::size_t>(type)];
}

std::string_view name_of(Unit unit) {
  constexpr std::string_view names[] = {"arbitrary", "HU", "one", "Gy", "SUV"};
  return names[static_cast<std::size_t>(unit)];
}

Volume::Volume(Grid grid, Type type, Unit unit, std::int64_t channels)
    : Volume(grid, type, unit, channels, nullptr) {
  bytes_ = volume_zeros(count(), bytes_of(type));
}

Volume::Volume(
    Grid grid, Type type, Unit unit, std::int64_t channels, std::shared_ptr<std::byte[]> voxels)
    : grid_(grid), type_(type), unit_(unit), channels_(channels), bytes_(std::move(voxels)) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  std::int64_t all = 1;
  for (auto const size : {grid_.size[0], grid_.size[1], grid_.size[2], channels_}) {
    if (size < 1 || size > most / all)
      throw Error{
          Fault::input,
          text("expected sizes of at least 1 and at most 2^40 voxels, got ", grid_.size[0],
               " x ", grid_.size[1], " x ", grid_.size[2], " with ", channels_, " channels"),
          "check the header"};
    all *= size;
  }
}

void Volume::expect(Type type) const {
  if (type != type_)
    throw Error{Fault::bug,
                text("voxels stored as ", name_of(type_), " were asked for as ", name_of(type)),
                "convert them first"};
}

Volume as_float(Volume const& volume) {
  if (volume.type() == Type::f32) return volume;
  Volume out{volume.grid(), Type::f32, volume.unit(), volume.channels()};
  with_type(volume.type(), [&](auto value) {
    std::ranges::transform(volume.as<decltype(value)>(), out.write<float>().begin(),
                           [](auto voxel) { return static_cast<float>(voxel); });
  });
  return out;
}

bool is_grey(Volume const& picture) {
  if (picture.channels() != 3) return picture.channels() == 1;
  std::span const bytes{picture.bytes().get(), picture.byte_count()};
  auto const plane = bytes.size() / 3;
  auto const first = bytes.first(plane);
  return std::ranges::equal(first, bytes.subspan(plane, plane)) &&
         std::ranges::equal(first, bytes.subspan(2 * plane, plane));
}

Volume image2d(std::int64_t width, std::int64_t height, Type type, std::int64_t channels) {
  return Volume{upright({width, height, 1}, {}), type, Unit::arbitrary, channels};
}

Volume phantom(Grid const& grid) {
  Volume volume{grid, Type::i16, Unit::hounsfield};
  auto voxel = volume.write<std::int16_t>().begin();
  auto const centred = [](std::int64_t at, std::int64_t of) {
    return (2.0 * static_cast<double>(at) + 1) / static_cast<double>(of) - 1;
  };
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i) {
        auto const u = centred(i, grid.size[0]);
        auto const v = centred(j, grid.size[1]);
        auto const w = centred(k, grid.size[2]);
        *voxel++ = u * u + v * v + w * w < 0.5 ? 40 : -1000;
      }
    }
  }
  return volume;
}

}  // namespace fovea
