#include "base/io/gzip.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <atomic>
#include <libdeflate.h>
#include <memory>
#include <numeric>
#include <vector>
#include <zlib.h>

namespace fovea {
namespace {

constexpr std::size_t gzip_part = 2U << 20;
constexpr std::size_t gzip_head = 12;  // up to the extra field's length
constexpr std::size_t gzip_tail = 8;   // checksum and size
constexpr std::size_t gzip_most_extra = 0xFFFF;

[[noreturn]] void gzip_no_memory(char const* what) {
  throw Error{Fault::resource, text("no memory to ", what, " with"), "close other programs"};
}

void gzip_put(Bytes& out, std::uint32_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i)
    out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFFU));
}

std::uint32_t gzip_number(std::span<std::byte const> from, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    value |= std::to_integer<std::uint32_t>(from[at + i]) << (8 * i);
  return value;
}

Bytes gzip_deflated(std::span<std::byte const> bytes, int level) {
  std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> const zip{
      libdeflate_alloc_compressor(std::clamp(level, 1, 12)), libdeflate_free_compressor};
  if (!zip) gzip_no_memory("compress");
  Bytes out(libdeflate_deflate_compress_bound(zip.get(), bytes.size()));
  out.resize(libdeflate_deflate_compress(zip.get(), bytes.data(), bytes.size(), out.data(),
                                         out.size()));
  return out;
}

/// A bit of a stream.
struct GzipBit {
  std::size_t byte = 0;
  unsigned bit = 0;
};

/// Where the header of a stream's last block begins, and where that block ends.
struct GzipLast {
  GzipBit begin, end;
};

// Only reading it tells where blocks begin: they are as long as they are, to the bit.
GzipLast gzip_last_block(std::span<std::byte const> stream, std::size_t unpacked) {
  Bytes scratch(unpacked + 1);
  z_stream in{};
  if (inflateInit2(&in, -MAX_WBITS) != Z_OK) gzip_no_memory("compress");
  std::unique_ptr<z_stream, int (*)(z_stream*)> const owner{&in, inflateEnd};
  in.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(stream.data()));
  in.avail_in = static_cast<uInt>(stream.size());
  in.next_out = reinterpret_cast<Bytef*>(scratch.data());
  in.avail_out = static_cast<uInt>(scratch.size());
  GzipLast last;
  constexpr int between_blocks = 128;
  constexpr int was_last = 64;
  while (inflate(&in, Z_BLOCK) == Z_OK) {
    if ((in.data_type & between_blocks) == 0) break;
    auto const taken = stream.size() - in.avail_in;
    auto const unused = static_cast<unsigned>(in.data_type) & 7U;
    auto const here = unused == 0 ? GzipBit{taken, 0} : GzipBit{taken - 1, 8 - unused};
    if ((in.data_type & was_last) != 0) {
      last.end = here;
      return last;
    }
    last.begin = here;
  }
  throw Error{Fault::bug, "what was just compressed cannot be read back", ""};
}

// So that another part may follow: the last block is no longer the last, and an empty stored
// block brings the stream to a whole byte.
void gzip_leave_open(Bytes& stream, std::size_t unpacked) {
  auto const last = gzip_last_block(stream, unpacked);
  stream[last.begin.byte] &= ~(std::byte{1} << last.begin.bit);
  stream.resize(last.end.byte + (last.end.bit == 0 ? 0U : 1U));
  // Three bits of header, zeros as the rest of the byte is.
  if (last.end.bit == 0 || last.end.bit > 5) stream.push_back(std::byte{0});
  gzip_put(stream, 0xFFFF0000U, 4);
}

struct GzipPiece {
  Bytes stream;
  std::uint32_t checksum = 0;
};

std::vector<GzipPiece> gzip_pieces(std::span<std::byte const> bytes, int level) {
  auto const count = std::max<std::size_t>(1, (bytes.size() + gzip_part - 1) / gzip_part);
  std::vector<GzipPiece> pieces(count);
  in_parallel(static_cast<std::int64_t>(count), usable_cores(), [&](std::int64_t which) {
    auto const at = static_cast<std::size_t>(which);
    auto const some =
        bytes.subspan(at * gzip_part, std::min(gzip_part, bytes.size() - at * gzip_part));
    auto& piece = pieces[at];
    piece.stream = gzip_deflated(some, level);
    piece.checksum = libdeflate_crc32(0, some.data(), some.size());
    if (at + 1 < count) gzip_leave_open(piece.stream, some.size());
  });
  return pieces;
}

/// What the index of a member says.
struct GzipIndex {
  std::size_t part = 0;             ///< unpacked bytes of each but the last
  std::vector<std::size_t> begins;  ///< in the member; one more than there are parts
};

// Empty if there is none that could be right.
GzipIndex gzip_index(std::span<std::byte const> packed, std::size_t unpacked) {
  constexpr std::size_t least = gzip_head + 8 + gzip_tail;
  constexpr std::uint32_t start =
      0x04088B1FU;  // gzip, deflate, an extra field and nothing else
  if (packed.size() < least || gzip_number(packed, 0, 4) != start) return {};
  auto const extra = gzip_number(packed, 10, 2);
  if (extra < 8 || (extra - 8) % 4 != 0 || packed.size() < gzip_head + extra + gzip_tail)
    return {};
  auto const field = packed.subspan(gzip_head, extra);
  if (field[0] != std::byte{'F'} || field[1] != std::byte{'V'} ||
      gzip_number(field, 2, 2) != extra - 4)
    return {};
  GzipIndex index{.part = gzip_number(field, 4, 4), .begins = {gzip_head + extra}};
  auto const count = (extra - 8) / 4;
  if (index.part == 0 || count < 2 || (unpacked + index.part - 1) / index.part != count)
    return {};
  for (std::size_t i = 0; i < count; ++i)
    index.begins.push_back(index.begins.back() + gzip_number(field, 8 + 4 * i, 4));
  if (index.begins.back() != packed.size() - gzip_tail) return {};
  return index;
}

// True if the part is whole blocks, makes just what `room` holds, and looks back at nothing
// before it: then it makes the same wherever it stands.
bool gzip_unpack_part(std::span<std::byte const> part, bool last, std::span<std::byte> room) {
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> const unzip{
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor};
  if (!unzip) gzip_no_memory("unpack");
  Bytes closed;
  if (!last) {
    // An empty last block ends it.
    closed.reserve(part.size() + 5);
    closed.assign(part.begin(), part.end());
    gzip_put(closed, 1, 1);
    gzip_put(closed, 0xFFFF0000U, 4);
    part = closed;
  }
  std::size_t taken = 0;
  std::size_t made = 0;
  auto const state = libdeflate_deflate_decompress_ex(unzip.get(), part.data(), part.size(),
                                                      room.data(), room.size(), &taken, &made);
  return state == LIBDEFLATE_SUCCESS && taken == part.size() && made == room.size();
}

}  // namespace

Bytes gzip_packed(std::span<std::byte const> bytes, int level) {
  auto pieces = gzip_pieces(bytes, level);
  auto const extra = pieces.size() < 2 ? 0 : 8 + 4 * pieces.size();
  auto const indexed = extra > 0 && extra <= gzip_most_extra;
  Bytes out;
  out.reserve(std::accumulate(
      pieces.begin(), pieces.end(), gzip_head + extra + gzip_tail,
      [](std::size_t sum, GzipPiece const& piece) { return sum + piece.stream.size(); }));
  gzip_put(out, indexed ? 0x04088B1FU : 0x00088B1FU, 4);
  gzip_put(out, 0, 4);        // no time: the same bytes at any
  gzip_put(out, 0xFF00U, 2);  // system unknown
  if (indexed) {
    gzip_put(out, static_cast<std::uint32_t>(extra), 2);
    gzip_put(out, 'F' | 'V' << 8U, 2);
    gzip_put(out, static_cast<std::uint32_t>(extra - 4), 2);
    gzip_put(out, gzip_part, 4);
    for (auto const& piece : pieces)
      gzip_put(out, static_cast<std::uint32_t>(piece.stream.size()), 4);
  }
  auto checksum = pieces[0].checksum;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    out.insert(out.end(), pieces[i].stream.begin(), pieces[i].stream.end());
    pieces[i].stream = {};
    auto const length = std::min(gzip_part, bytes.size() - i * gzip_part);
    if (i > 0)
      checksum = static_cast<std::uint32_t>(
          crc32_combine(checksum, pieces[i].checksum, static_cast<z_off_t>(length)));
  }
  gzip_put(out, checksum, 4);
  gzip_put(out, static_cast<std::uint32_t>(bytes.size()), 4);  // modulo 2^32
  return out;
}

bool unpack_gzip_parts(std::span<std::byte const> packed, std::span<std::byte> room) {
  auto const index = gzip_index(packed, room.size());
  if (index.begins.empty()) return false;
  auto const count = index.begins.size() - 1;
  std::vector<std::uint32_t> checksums(count);
  std::atomic<bool> fits = true;
  in_parallel(static_cast<std::int64_t>(count), usable_cores(), [&](std::int64_t which) {
    if (!fits) return;
    auto const at = static_cast<std::size_t>(which);
    auto const into =
        room.subspan(at * index.part, std::min(index.part, room.size() - at * index.part));
    auto const from = packed.subspan(index.begins[at], index.begins[at + 1] - index.begins[at]);
    if (!gzip_unpack_part(from, at + 1 == count, into)) fits = false;
    checksums[at] = libdeflate_crc32(0, into.data(), into.size());
  });
  if (!fits) return false;
  auto checksum = checksums[0];
  for (std::size_t i = 1; i < count; ++i) {
    auto const length = std::min(index.part, room.size() - i * index.part);
    checksum = static_cast<std::uint32_t>(
        crc32_combine(checksum, checksums[i], static_cast<z_off_t>(length)));
  }
  auto const tail = packed.size() - gzip_tail;
  return gzip_number(packed, tail, 4) == checksum &&
         gzip_number(packed, tail + 4, 4) == static_cast<std::uint32_t>(room.size());
}

}  // namespace fovea
