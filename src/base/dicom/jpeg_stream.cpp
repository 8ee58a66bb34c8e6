#include "base/dicom/jpeg_stream.hpp"

#include "base/dicom/codec.hpp"

namespace fovea {
namespace {

constexpr int jpeg_stream_end = 0xd9;
constexpr int jpeg_stream_scan = 0xda;

[[noreturn]] void jpeg_stream_damaged(std::string_view found) {
  refuse_stream("JPEG", found);
}

int jpeg_stream_byte(std::span<std::byte const> in, std::size_t at) {
  if (at >= in.size()) jpeg_stream_damaged("a marker that breaks off");
  return std::to_integer<int>(in[at]);
}

int jpeg_stream_word(std::span<std::byte const> in, std::size_t at) {
  return jpeg_stream_byte(in, at) << 8 | jpeg_stream_byte(in, at + 1);
}

bool jpeg_stream_is_frame(int marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

}  // namespace

// --- Huffman
// -----------------------------------------------------------------------------------

// T.81 annex C: codes of a length count up, and go on with a bit more.
JpegHuffman::JpegHuffman(std::span<std::uint8_t const, 16> counts,
                         std::span<std::uint8_t const> symbols)
    : symbols_(symbols.begin(), symbols.end()) {
  std::uint32_t code = 0;
  std::size_t place = 0;
  for (int length = 1; length <= 16; ++length) {
    auto const count = counts[static_cast<std::size_t>(length - 1)];
    auto const at = static_cast<std::size_t>(length);
    if (code + count > 1U << length) jpeg_stream_damaged("more Huffman codes than bits make");
    to_place_[at] = static_cast<std::int32_t>(place) - static_cast<std::int32_t>(code);
    for (int i = 0; i < count; ++i, ++code, ++place) {
      if (length > fast_bits) continue;
      auto const spread = fast_bits - length;
      std::fill_n(fast_.begin() + (code << spread), 1 << spread,
                  Code{static_cast<std::uint8_t>(length), symbols_[place]});
    }
    end_[at] = code;
    code <<= 1;
  }
}

JpegHuffman::Code JpegHuffman::look_longer(std::uint64_t window) const {
  for (int length = fast_bits + 1; length <= 16; ++length) {
    auto const code = static_cast<std::uint32_t>(window >> (64 - length));
    auto const at = static_cast<std::size_t>(length);
    if (code < end_[at])
      return {
          static_cast<std::uint8_t>(length),
          symbols_[static_cast<std::size_t>(static_cast<std::int32_t>(code) + to_place_[at])]};
  }
  jpeg_stream_damaged("a Huffman code that its table does not have");
}

// --- markers
// -----------------------------------------------------------------------------------

JpegReader::JpegReader(std::span<std::byte const> bytes) : left_(bytes) {
  if (bytes.size() < 2 || jpeg_stream_word(bytes, 0) != 0xffd8)
    jpeg_stream_damaged("something that does not begin as one");
  left_ = left_.subspan(2);
  while (frame_.process < 0) {
    auto const marker = next_marker();
    if (marker == jpeg_stream_end || marker == jpeg_stream_scan)
      jpeg_stream_damaged("a stream without a frame header");
    take(marker);
  }
}

std::optional<JpegScan> JpegReader::next_scan() {
  for (;;) {
    auto const marker = next_marker();
    if (marker == jpeg_stream_end) return std::nullopt;
    if (marker == jpeg_stream_scan) return scan_header(segment());
    if (jpeg_stream_is_frame(marker)) jpeg_stream_damaged("a second frame header");
    take(marker);
  }
}

// The number of the next marker; what stands before it is left out, as decoders do. There must
// be one: where the end was lost, it was overwritten by zeros perhaps, which may be codes.
int JpegReader::next_marker() {
  for (;;) {
    auto const mark = std::ranges::find(left_, std::byte{0xff});
    left_ = left_.subspan(static_cast<std::size_t>(mark - left_.begin()));
    while (!left_.empty() && left_[0] == std::byte{0xff}) left_ = left_.subspan(1);
    if (left_.empty()) jpeg_stream_damaged("a stream without an end");
    auto const marker = std::to_integer<int>(left_[0]);
    left_ = left_.subspan(1);
    if (marker != 0) return marker;
  }
}

std::span<std::byte const> JpegReader::segment() {
  auto const length = static_cast<std::size_t>(jpeg_stream_word(left_, 0));
  if (length < 2 || length > left_.size()) jpeg_stream_damaged("a marker that breaks off");
  auto const in = left_.subspan(2, length - 2);
  left_ = left_.subspan(length);
  return in;
}

void JpegReader::take(int marker) {
  auto const bare = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
  if (bare) return;
  auto const in = segment();
  if (jpeg_stream_is_frame(marker)) return take_frame(marker, in);
  if (marker == 0xc4) return take_huffman(in);
  if (marker == 0xdb) return take_quantisers(in);
  if (marker == 0xdd) restart_interval_ = jpeg_stream_word(in, 0);
}

void JpegReader::take_frame(int marker, std::span<std::byte const> in) {
  frame_.process = marker & 15;
  frame_.precision = jpeg_stream_byte(in, 0);
  frame_.rows = jpeg_stream_word(in, 1);
  frame_.columns = jpeg_stream_word(in, 3);
  auto const count = jpeg_stream_byte(in, 5);
  for (std::size_t at = 6; at < 6 + 3 * static_cast<std::size_t>(count); at += 3) {
    auto const factors = jpeg_stream_byte(in, at + 1);
    frame_.components.push_back({.id = jpeg_stream_byte(in, at),
                                 .across = factors >> 4,
                                 .down = factors & 15,
                                 .quantiser = jpeg_stream_byte(in, at + 2)});
    auto const& added = frame_.components.back();
    if (added.across < 1 || added.across > 4 || added.down < 1 || added.down > 4)
      jpeg_stream_damaged("impossible sampling factors");
  }
}

void JpegReader::take_huffman(std::span<std::byte const> in) {
  while (!in.empty()) {
    auto const which = jpeg_stream_byte(in, 0);
    std::array<std::uint8_t, 16> counts{};
    std::size_t total = 0;
    for (std::size_t i = 0; i < 16; ++i) {
      counts[i] = static_cast<std::uint8_t>(jpeg_stream_byte(in, i + 1));
      total += counts[i];
    }
    if ((which & 15) > 3 || which >> 4 > 1 || total > 256 || total > in.size() - 17)
      jpeg_stream_damaged("an impossible Huffman table");
    std::vector<std::uint8_t> symbols(total);
    std::ranges::transform(in.subspan(17, total), symbols.begin(),
                           [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    auto& tables = which >> 4 == 0 ? dc_ : ac_;
    tables[static_cast<std::size_t>(which & 15)] = JpegHuffman{counts, symbols};
    in = in.subspan(17 + total);
  }
}

void JpegReader::take_quantisers(std::span<std::byte const> in) {
  while (!in.empty()) {
    auto const which = jpeg_stream_byte(in, 0);
    auto const wide = which >> 4 == 1;
    if ((which & 15) > 3 || which >> 4 > 1) jpeg_stream_damaged("an impossible quantiser");
    auto& table = quantisers_[static_cast<std::size_t>(which & 15)].emplace();
    for (std::size_t i = 0; i < 64; ++i)
      table[i] = static_cast<std::uint16_t>(wide ? jpeg_stream_word(in, 1 + 2 * i)
                                                 : jpeg_stream_byte(in, 1 + i));
    in = in.subspan(wide ? 129 : 65);
  }
}

JpegScan JpegReader::scan_header(std::span<std::byte const> in) const {
  auto const count = static_cast<std::size_t>(jpeg_stream_byte(in, 0));
  if (count < 1 || count > 4) jpeg_stream_damaged("an impossible scan header");
  JpegScan scan;
  for (std::size_t at = 1; at < 1 + 2 * count; at += 2) {
    auto const found =
        std::ranges::find(frame_.components, jpeg_stream_byte(in, at), &JpegComponent::id);
    if (found == frame_.components.end())
      jpeg_stream_damaged("a scan of a component that the frame does not have");
    auto const tables = static_cast<std::size_t>(jpeg_stream_byte(in, at + 1));
    scan.parts.push_back(
        {.component = static_cast<std::size_t>(found - frame_.components.begin()),
         .dc = tables >> 4,
         .ac = tables & 15});
  }
  scan.first = jpeg_stream_byte(in, 1 + 2 * count);
  scan.low = jpeg_stream_byte(in, 3 + 2 * count) & 15;
  return scan;
}

JpegHuffman const& JpegReader::table(std::array<JpegHuffman, 4> const& tables, std::size_t at) {
  if (at >= tables.size() || !tables[at].known())
    jpeg_stream_damaged("a scan by a Huffman table that is not there");
  return tables[at];
}

std::array<std::uint16_t, 64> const& JpegReader::quantiser(int at) const {
  if (at < 0 || at > 3 || !quantisers_[static_cast<std::size_t>(at)])
    jpeg_stream_damaged("a component by a quantiser that is not there");
  return *quantisers_[static_cast<std::size_t>(at)];
}

// --- bits
// --------------------------------------------------------------------------------------

JpegBits JpegReader::bits() {
  unstuffed_.clear();
  while (!left_.empty()) {
    auto const mark = std::ranges::find(left_, std::byte{0xff});
    auto const plain = static_cast<std::size_t>(mark - left_.begin());
    auto const before = unstuffed_.size();
    auto const stuffed = plain + 1 < left_.size() && left_[plain + 1] == std::byte{0};
    unstuffed_.resize(before + plain + (stuffed ? 1 : 0));
    if (plain > 0) std::memcpy(unstuffed_.data() + before, left_.data(), plain);
    left_ = left_.subspan(plain);
    if (!stuffed) break;
    unstuffed_.back() = 0xff;
    left_ = left_.subspan(2);
  }
  unstuffed_.resize(unstuffed_.size() + JpegBits::padding);
  return JpegBits{unstuffed_};
}

JpegBits JpegReader::bits_behind_restart(std::int64_t n) {
  if (next_marker() != 0xd0 + n % 8) jpeg_stream_damaged("a scan without one of its restarts");
  return bits();
}

}  // namespace fovea
