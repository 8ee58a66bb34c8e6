#include "base/dicom/codec.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fovea {
namespace {

[[noreturn]] void rle_damaged(std::string const& found) {
  refuse_stream("RLE", found);
}

std::uint32_t rle_word(std::span<std::byte const> packed, std::size_t at) {
  std::uint32_t word = 0;
  std::memcpy(&word, packed.data() + 4 * at, 4);
  return word;
}

// PackBits: a count, then so many bytes, or one to be repeated.
void rle_segment(std::span<std::byte const> in, std::span<std::byte> out) {
  std::size_t from = 0;
  std::size_t to = 0;
  while (to < out.size()) {
    if (from >= in.size()) rle_damaged("a segment that breaks off");
    auto const mark = std::to_integer<std::size_t>(in[from++]);
    if (mark == 128) continue;
    auto const repeated = mark > 128;
    auto const count = repeated ? 257 - mark : mark + 1;
    auto const taken = repeated ? 1 : count;
    if (taken > in.size() - from) rle_damaged("a segment that breaks off");
    if (count > out.size() - to) rle_damaged("a segment of more bytes than the frame has");
    if (repeated)
      std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(to), count, in[from]);
    else
      std::memcpy(out.data() + to, in.data() + from, count);
    from += taken;
    to += count;
  }
}

// PS3.5 annex G: one segment after the other fills the room.
void rle_segments(std::span<std::byte const> packed,
                  std::span<std::byte> room,
                  std::size_t segments) {
  constexpr std::size_t header = 64;
  if (packed.size() < header) rle_damaged("a header that breaks off");
  if (rle_word(packed, 0) != segments || segments > 15 || room.size() % segments != 0)
    rle_damaged(text(rle_word(packed, 0), " segments where ", segments, " make a frame"));
  auto const each = room.size() / segments;
  for (std::size_t s = 0; s < segments; ++s) {
    auto const begin = rle_word(packed, s + 1);
    auto const end = s + 1 < segments ? rle_word(packed, s + 2) : packed.size();
    if (begin < header || begin > end || end > packed.size())
      rle_damaged("segments at places that make no sense");
    rle_segment(packed.subspan(begin, end - begin), room.subspan(s * each, each));
  }
}

// Segments hold one byte of each sample, the highest first; here they become samples, the
// lowest byte first.
Bytes rle_joined(Bytes const& planes, std::size_t width, std::size_t samples) {
  auto const pixels = planes.size() / (width * samples);
  Bytes out(planes.size());
  for (std::size_t s = 0; s < samples; ++s) {
    for (std::size_t b = 0; b < width; ++b) {
      auto const* in = planes.data() + (s * width + width - 1 - b) * pixels;
      auto* to = out.data() + s * pixels * width + b;
      for (std::size_t i = 0; i < pixels; ++i, to += width) *to = in[i];
    }
  }
  return out;
}

}  // namespace

UnpackedFrame unpack_rle(std::span<std::byte const> packed, DicomShape const& shape) {
  if (shape.allocated == 1) {
    UnpackedFrame bits{.bytes = Bytes(native_bytes(shape)), .planes = true};
    rle_segments(packed, bits.bytes, 1);
    return bits;
  }
  auto const width = sample_bytes(shape);
  auto const samples = static_cast<std::size_t>(shape.samples);
  Bytes planes(frame_samples(shape) * width);
  rle_segments(packed, planes, samples * width);
  if (width > 1) planes = rle_joined(planes, width, samples);
  return {.bytes = std::move(planes), .planes = true};
}

}  // namespace fovea
