#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

// What our decoders of JPEG share: markers, tables, bits. ITU-T T.81. Inside base/dicom only.
namespace fovea {

struct JpegComponent {
  int id = 0;
  int across = 1, down = 1;  ///< sampling factors
  int quantiser = 0;         ///< which table
};

/// A frame header.
struct JpegFrame {
  int process = -1;  ///< n of SOFn: 0 baseline, 1 extended, 2 progressive, 3 lossless; -1: none
  int precision = 0;
  std::int64_t rows = 0, columns = 0;
  std::vector<JpegComponent> components{};
};

/// A scan header.
struct JpegScan {
  struct Part {
    std::size_t component = 0;  ///< place in the frame header
    std::size_t dc = 0, ac = 0;
  };
  std::vector<Part> parts{};
  int first = 0;  ///< of the coefficients; a lossless scan's predictor
  int low = 0;    ///< point transform
};

/// Up to 16 bits become a symbol.
class JpegHuffman {
 public:
  struct Code {
    std::uint8_t length = 0;  ///< 0: no code begins so
    std::uint8_t symbol = 0;
  };

  JpegHuffman() = default;
  /// `counts` of codes of each length. Throws Refusal{damaged} if they do not fit.
  JpegHuffman(std::span<std::uint8_t const, 16> counts, std::span<std::uint8_t const> symbols);

  bool known() const { return !symbols_.empty(); }
  /// The code at the top of a window of 64 bits. Throws Refusal{damaged} if there is none.
  Code look(std::uint64_t window) const {
    auto const code = fast_[window >> (64 - fast_bits)];
    return code.length != 0 ? code : look_longer(window);
  }

 private:
  static constexpr int fast_bits = 11;
  Code look_longer(std::uint64_t window) const;

  std::array<Code, std::size_t{1} << fast_bits> fast_{};
  std::array<std::uint32_t, 17> end_{};      // behind the last code of each length
  std::array<std::int32_t, 17> to_place_{};  // from a code to the place of its symbol
  std::vector<std::uint8_t> symbols_;
};

/// The bits between two markers, without what was stuffed between them. Behind their end there
/// are zeros without end: whoever reads on checks `overran` now and then.
class JpegBits {
 public:
  static constexpr std::size_t padding = 8;

  /// Bytes with padding behind them.
  explicit JpegBits(std::span<std::uint8_t const> padded)
      : from_(padded.data()), end_(padded.size() - padding) {}

  /// At least 57 bits, the next one highest.
  std::uint64_t window() const {
    std::uint64_t word = 0;
    std::memcpy(&word, from_ + std::min(bit_ >> 3, end_), sizeof word);
    return __builtin_bswap64(word) << (bit_ & 7);
  }
  void skip(int bits) { bit_ += static_cast<std::size_t>(bits); }
  bool overran() const { return bit_ > 8 * end_; }

 private:
  std::uint8_t const* from_;
  std::size_t end_;
  std::size_t bit_ = 0;
};

/// The number that follows a code: `bits` (at most 15) behind the code in this window, with its
/// sign. T.81 F.2.2.1, EXTEND.
inline int jpeg_extended_number(std::uint64_t window, int code_length, int bits) {
  auto const raw = static_cast<int>((window << code_length >> 1) >> (63 - bits));
  return raw < (1 << bits >> 1) ? raw - (1 << bits) + 1 : raw;
}

/// Walks over the markers of a stream and keeps its tables.
class JpegReader {
 public:
  /// Reads up to the frame header. Throws Refusal{damaged}.
  explicit JpegReader(std::span<std::byte const> bytes);

  JpegFrame const& frame() const { return frame_; }
  /// The next scan; none at the end. Throws Refusal{damaged}.
  std::optional<JpegScan> next_scan();
  /// The bits of the scan, up to its next marker; good until the next call of it.
  JpegBits bits();
  /// As bits(), behind the n-th restart marker (counted from 0), which must be there.
  JpegBits bits_behind_restart(std::int64_t n);

  std::int64_t restart_interval() const { return restart_interval_; }
  /// Throw Refusal{damaged} if the stream has no such table.
  JpegHuffman const& dc(std::size_t at) const { return table(dc_, at); }
  JpegHuffman const& ac(std::size_t at) const { return table(ac_, at); }
  std::array<std::uint16_t, 64> const& quantiser(int at) const;

 private:
  static JpegHuffman const& table(std::array<JpegHuffman, 4> const& tables, std::size_t at);
  int next_marker();
  std::span<std::byte const> segment();
  void take(int marker);
  void take_frame(int marker, std::span<std::byte const> in);
  void take_huffman(std::span<std::byte const> in);
  void take_quantisers(std::span<std::byte const> in);
  JpegScan scan_header(std::span<std::byte const> in) const;

  std::span<std::byte const> left_;
  JpegFrame frame_;
  std::array<JpegHuffman, 4> dc_, ac_;
  std::array<std::optional<std::array<std::uint16_t, 64>>, 4> quantisers_;  // zigzag
  std::int64_t restart_interval_ = 0;
  std::vector<std::uint8_t> unstuffed_;
};

}  // namespace fovea
