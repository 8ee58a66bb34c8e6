#include "base/core/error.hpp"
#include "learn/patch/case_table.hpp"
#include "learn/patch/stored_case.hpp"
#include "learn/patch/voxel_kernels.hpp"

#include <algorithm>
#include <memory>
#include <ostream>
#include <zstd.h>

namespace fovea {
namespace {

// Literals are kept as they are: 8 % more bytes than level 1 and unpacked two to three times as
// fast, some 3 GB/s.
constexpr int store_level = -1;
constexpr std::size_t store_notes_limit = 1U << 20;

void store_expect(bool holds, char const* what) {
  if (!holds) throw Error{Fault::bug, what, "please report it"};
}

void store_limit(std::int64_t has, std::int64_t most, char const* what, std::string_view id) {
  if (has > most)
    throw Error{Fault::input,
                text("'", id, "' has ", has, " ", what, ", more than the ", most,
                     " that can be stored for training"),
                "use a coarser spacing, or leave the case out"};
}

// Throws unless the arrays are what the case says, and within the limits.
void store_check(CaseToStore const& given) {
  std::int64_t voxels = 1;
  for (auto const edge : given.size) {
    store_expect(edge >= 1, "a case without voxels to store");
    store_limit(edge, case_voxel_limit / voxels, "voxels", given.id);
    voxels *= edge;
  }
  store_limit(given.channels, case_channel_limit, "channels", given.id);
  store_limit(std::ssize(given.classes), case_class_limit, "classes", given.id);
  store_expect(given.channels >= 0 && std::ssize(given.image) == given.channels * voxels,
               "an image to store that is not of the size said");
  store_expect(given.labels.empty() || std::ssize(given.labels) == voxels,
               "labels to store that are not of the size said");
  store_expect(given.notes.size() <= store_notes_limit, "notes above 1 MiB on a case to store");
}

StoredLabels store_labels(std::span<std::int16_t const> labels) {
  if (labels.empty()) return StoredLabels::none;
  auto const [least, most] = std::ranges::minmax(labels);
  store_expect(least >= -1, "a label below -1 to store");
  return most <= 127 ? StoredLabels::i8 : StoredLabels::i16;
}

struct StoreFree {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// Packs chunk after chunk of voxels into a stream.
class StorePacker {
 public:
  explicit StorePacker(std::ostream& out) : out_(out) {
    auto const set = [this](ZSTD_cParameter what, int value) {
      return context_ != nullptr &&
             !ZSTD_isError(ZSTD_CCtx_setParameter(context_.get(), what, value));
    };
    if (!set(ZSTD_c_compressionLevel, store_level) || !set(ZSTD_c_checksumFlag, 1))
      throw Error{Fault::resource, "no memory to pack a case", "free some"};
  }

  // The voxels of a box of an array of this size, as `Stored`.
  template <class Stored, class T>
  void pack(T const* voxels, Kji const& size, PatchBox const& box) {
    std::vector<Stored> chunk;
    for (auto k = box.from[0]; k < box.from[0] + box.size[0]; ++k) {
      for (auto j = box.from[1]; j < box.from[1] + box.size[1]; ++j) {
        auto const* const row = voxels + (k * size[1] + j) * size[2] + box.from[2];
        for (std::int64_t i = 0; i < box.size[2]; ++i)
          chunk.push_back(static_cast<Stored>(row[i]));
      }
    }
    shuffled_.resize(chunk.size() * sizeof(Stored));
    shuffle(std::as_bytes(std::span{chunk}), sizeof(Stored), shuffled_);
    packed_.resize(ZSTD_compressBound(shuffled_.size()));
    auto const got = ZSTD_compress2(context_.get(), packed_.data(), packed_.size(),
                                    shuffled_.data(), shuffled_.size());
    if (ZSTD_isError(got))
      throw Error{Fault::resource, text("packing a case failed: ", ZSTD_getErrorName(got)),
                  "free some memory"};
    out_.write(reinterpret_cast<char const*>(packed_.data()),
               static_cast<std::streamsize>(got));
    offsets_.push_back(offsets_.back() + got);
  }

  std::vector<std::uint64_t> const& offsets() const { return offsets_; }

 private:
  std::ostream& out_;
  std::unique_ptr<ZSTD_CCtx, StoreFree> context_{ZSTD_createCCtx()};
  std::vector<std::byte> shuffled_;
  std::vector<std::byte> packed_;
  std::vector<std::uint64_t> offsets_{case_head_bytes};
};

template <class Use>
void store_each_chunk(CaseTable const& table, Use&& use) {
  auto const counts = table.chunks();
  for (std::int64_t k = 0; k < counts[0]; ++k)
    for (std::int64_t j = 0; j < counts[1]; ++j)
      for (std::int64_t i = 0; i < counts[2]; ++i) use(table.box_of({k, j, i}));
}

CaseTable store_table(CaseToStore const& given) {
  CaseTable table;
  table.channels = given.channels;
  table.size = given.size;
  table.chunk = chunk_for(given.size, given.patch);
  table.labels = store_labels(given.labels);
  table.classes = given.classes;
  table.annotated = given.annotated;
  table.id = given.id;
  table.key = given.key;
  table.notes = given.notes;
  return table;
}

}  // namespace

void store_case(fs::path const& file, CaseToStore const& given) {
  store_check(given);
  auto const table = store_table(given);
  auto sets = given.classes;
  if (!given.annotated.empty()) sets.push_back(given.annotated);
  auto const places = class_places(given.labels, sets);

  write_file(file, [&](std::ostream& out) {
    out << case_head();
    StorePacker packer{out};
    for (std::int64_t channel = 0; channel < given.channels; ++channel) {
      auto const* const voxels = given.image.data() + channel * voxels_of(given.size);
      store_each_chunk(
          table, [&](PatchBox const& box) { packer.pack<float>(voxels, given.size, box); });
    }
    if (table.labels != StoredLabels::none) {
      store_each_chunk(table, [&](PatchBox const& box) {
        if (table.labels == StoredLabels::i8)
          packer.pack<std::int8_t>(given.labels.data(), given.size, box);
        else
          packer.pack<std::int16_t>(given.labels.data(), given.size, box);
      });
    }
    out << case_tail(table, packer.offsets(), places);
  });
}

}  // namespace fovea
