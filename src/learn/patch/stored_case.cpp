#include "learn/patch/stored_case.hpp"

#include "base/core/error.hpp"
#include "base/core/mapped.hpp"
#include "base/core/words.hpp"
#include "learn/patch/case_table.hpp"
#include "learn/patch/voxel_kernels.hpp"

#include <algorithm>
#include <cstring>
#include <variant>
#include <zstd.h>

namespace fovea {
namespace {

void stored_expect(bool holds, char const* what) {
  if (!holds) throw Error{Fault::bug, what, "please report it"};
}

struct StoredFree {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Behind the last whole chunk of a thread: what it needs to unpack the next one.
struct StoredRoom {
  std::unique_ptr<ZSTD_DCtx, StoredFree> context{ZSTD_createDCtx()};
  std::vector<std::byte> shuffled;
};

StoredRoom& stored_room() {
  thread_local StoredRoom room;
  if (!room.context)
    throw Error{Fault::resource, "no memory to unpack a stored case",
                "free some, or use fewer threads"};
  return room;
}

}  // namespace

struct StoredCase::Parts {
  std::variant<std::unique_ptr<MappedFile>, std::shared_ptr<Bytes const>> holder;
  std::span<std::byte const> bytes;
  std::string name;
  CaseTable table;
  std::vector<std::int64_t> places_before;  // of the classes before each
  std::shared_ptr<ChunkCache> cache;
  std::uint64_t owner = ChunkCache::new_owner();

  void open() {
    table = read_case_table(bytes, name);
    places_before.push_back(0);
    for (auto const count : table.places) places_before.push_back(places_before.back() + count);
  }

  std::span<std::byte const> packed(std::int64_t chunk) const {
    std::uint64_t ends[2];
    std::memcpy(ends, bytes.data() + table.offsets_at + 8 * static_cast<std::uint64_t>(chunk),
                sizeof ends);
    return bytes.subspan(ends[0], ends[1] - ends[0]);
  }

  // Voxels as they are used: float, or int16.
  ChunkCache::Chunk unpack(std::int64_t channel,
                           std::int64_t chunk,
                           std::int64_t voxels) const {
    auto& room = stored_room();
    auto const from = packed(chunk);
    auto const wide = table.voxel_bytes(channel);
    auto const count = static_cast<std::size_t>(voxels);
    room.shuffled.resize(count * wide);
    auto const got = ZSTD_decompressDCtx(room.context.get(), room.shuffled.data(),
                                         room.shuffled.size(), from.data(), from.size());
    if (ZSTD_isError(got) || got != room.shuffled.size())
      throw Error{Fault::input,
                  text("chunk ", chunk, " of the stored case '", name, "' is damaged (",
                       ZSTD_isError(got) ? ZSTD_getErrorName(got) : "its size is another", ")"),
                  "delete the file; it is made again from the data set. Check the disk"};
    auto out = std::make_shared<std::vector<std::byte>>(count * (wide == 4 ? 4 : 2));
    if (wide == 4)
      unshuffle(room.shuffled, {reinterpret_cast<float*>(out->data()), count});
    else
      unshuffle(room.shuffled, {reinterpret_cast<std::int16_t*>(out->data()), count});
    return out;
  }

  ChunkCache::Chunk chunk(std::int64_t channel, std::int64_t at, std::int64_t voxels) const {
    if (!cache) return unpack(channel, at, voxels);
    return cache->get(owner, static_cast<std::uint64_t>(at),
                      [&] { return unpack(channel, at, voxels); });
  }
};

StoredCase::StoredCase(fs::path const& file, std::shared_ptr<ChunkCache> cache)
    : parts_(std::make_unique<Parts>()) {
  auto mapped = std::make_unique<MappedFile>(file);
  parts_->bytes = mapped->bytes();
  parts_->holder = std::move(mapped);
  parts_->name = printable(file.string(), "");
  parts_->cache = std::move(cache);
  parts_->open();
}

StoredCase::StoredCase(std::shared_ptr<Bytes const> bytes, std::string name)
    : parts_(std::make_unique<Parts>()) {
  parts_->bytes = *bytes;
  parts_->holder = std::move(bytes);
  parts_->name = std::move(name);
  parts_->open();
}

StoredCase::~StoredCase() = default;

std::int64_t StoredCase::channels() const {
  return parts_->table.channels;
}
Kji const& StoredCase::size() const {
  return parts_->table.size;
}
Kji const& StoredCase::chunk() const {
  return parts_->table.chunk;
}
bool StoredCase::has_labels() const {
  return parts_->table.labels != StoredLabels::none;
}
std::string const& StoredCase::id() const {
  return parts_->table.id;
}
std::string const& StoredCase::key() const {
  return parts_->table.key;
}
std::string const& StoredCase::notes() const {
  return parts_->table.notes;
}
std::vector<LabelSet> const& StoredCase::classes() const {
  return parts_->table.classes;
}
LabelSet const& StoredCase::annotated() const {
  return parts_->table.annotated;
}

std::int64_t StoredCase::places(std::size_t of_class) const {
  auto const& counts = parts_->table.places;
  return of_class < counts.size() ? counts[of_class] : 0;
}

Kji StoredCase::place(std::size_t of_class, std::int64_t at) const {
  stored_expect(at >= 0 && at < places(of_class), "a place that a stored case does not have");
  auto const number = static_cast<std::uint64_t>(parts_->places_before[of_class] + at);
  std::uint32_t voxel = 0;
  std::memcpy(&voxel, parts_->bytes.data() + parts_->table.places_at + 4 * number,
              sizeof voxel);
  auto const& size = parts_->table.size;
  if (voxel >= voxels_of(size))
    throw Error{Fault::input,
                text("the stored case '", parts_->name, "' has a place outside of it"),
                "delete the file; it is made again from the data set"};
  return {voxel / (size[1] * size[2]), voxel / size[2] % size[1], voxel % size[2]};
}

template <class T>
void StoredCase::read(std::int64_t channel, PatchBox const& box, T outside, T* out) const {
  auto const& table = parts_->table;
  PatchBox there;  // what of the box the case has
  for (std::size_t d = 0; d < 3; ++d) {
    there.from[d] = std::clamp<std::int64_t>(box.from[d], 0, table.size[d]);
    auto const end = std::clamp<std::int64_t>(box.from[d] + box.size[d], 0, table.size[d]);
    there.size[d] = std::max<std::int64_t>(end - there.from[d], 0);
  }
  if (there != box) std::fill_n(out, voxels_of(box.size), outside);
  if (voxels_of(there.size) == 0) return;

  auto const counts = table.chunks();
  Kji first{};
  Kji last{};
  for (std::size_t d = 0; d < 3; ++d) {
    first[d] = there.from[d] / table.chunk[d];
    last[d] = (there.from[d] + there.size[d] - 1) / table.chunk[d];
  }
  for (auto k = first[0]; k <= last[0]; ++k) {
    for (auto j = first[1]; j <= last[1]; ++j) {
      for (auto i = first[2]; i <= last[2]; ++i) {
        auto const of = table.box_of({k, j, i});
        auto const at = ((channel * counts[0] + k) * counts[1] + j) * counts[2] + i;
        auto const chunk = parts_->chunk(channel, at, voxels_of(of.size));
        auto const* const voxels = reinterpret_cast<T const*>(chunk->data());
        Kji low{};
        Kji high{};
        for (std::size_t d = 0; d < 3; ++d) {
          low[d] = std::max(of.from[d], there.from[d]);
          high[d] = std::min(of.from[d] + of.size[d], there.from[d] + there.size[d]);
        }
        for (auto z = low[0]; z < high[0]; ++z) {
          for (auto y = low[1]; y < high[1]; ++y) {
            auto const from = ((z - of.from[0]) * of.size[1] + y - of.from[1]) * of.size[2] +
                              low[2] - of.from[2];
            auto const to = ((z - box.from[0]) * box.size[1] + y - box.from[1]) * box.size[2] +
                            low[2] - box.from[2];
            std::copy_n(voxels + from, high[2] - low[2], out + to);
          }
        }
      }
    }
  }
}

void StoredCase::read_channel(std::int64_t channel,
                              PatchBox const& box,
                              std::span<float> out) const {
  stored_expect(channel >= 0 && channel < channels() && std::ssize(out) == voxels_of(box.size),
                "a channel of a stored case that it does not have, or no room for the box");
  read(channel, box, 0.0F, out.data());
}

void StoredCase::read_image(PatchBox const& box, std::span<float> out) const {
  auto const count = voxels_of(box.size);
  stored_expect(std::ssize(out) == channels() * count, "no room for the image of a box");
  for (std::int64_t channel = 0; channel < channels(); ++channel)
    read(channel, box, 0.0F, out.data() + channel * count);
}

void StoredCase::read_labels(PatchBox const& box, std::span<std::int16_t> out) const {
  stored_expect(std::ssize(out) == voxels_of(box.size), "no room for the labels of a box");
  if (has_labels())
    read(channels(), box, std::int16_t{-1}, out.data());
  else
    std::ranges::fill(out, std::int16_t{-1});
}

}  // namespace fovea
