#include "base/dicom/jpeg.hpp"

namespace fovea {
namespace {

[[noreturn]] void jpeg_lossless_damaged(std::string_view found) {
  refuse_stream("lossless JPEG", found);
}

using JpegLosslessTables = std::vector<JpegHuffman const*>;

// How much each sample differs from what its predictor says, modulo 2^16. T.81 H.1.2.2.
void jpeg_lossless_differences(JpegBits& bits,
                               JpegLosslessTables const& tables,
                               std::span<std::uint16_t> row) {
  auto* out = row.data();
  auto* const end = out + row.size();
  while (out != end) {
    for (auto const* const table : tables) {
      auto const window = bits.window();
      auto const code = table->look(window);
      if (code.symbol > 16) jpeg_lossless_damaged("a difference of more than 16 bits");
      auto const extra = code.symbol & 15;  // of the one with 16 bits there is but one
      *out++ =
          code.symbol == 16
              ? std::uint16_t{32768}
              : static_cast<std::uint16_t>(jpeg_extended_number(window, code.length, extra));
      bits.skip(code.length + extra);
    }
  }
  if (bits.overran()) jpeg_lossless_damaged("a scan that breaks off");
}

// T.81 table H.1: from the sample to the left, above, and above left.
template <int predictor>
int jpeg_lossless_guess(int left, int above, int corner) {
  switch (predictor) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return corner;
    case 4:
      return left + above - corner;
    case 5:
      return left + ((above - corner) >> 1);
    case 6:
      return above + ((left - corner) >> 1);
    default:
      return (left + above) >> 1;
  }
}

// A row of one component, every `step` samples of it; `above` is null where nothing is above.
struct JpegLosslessRow {
  std::uint16_t* now;
  std::uint16_t const* above;
  std::uint16_t const* differences;
  std::size_t step, difference_step, columns;
  std::uint16_t start;  // what the first sample of all is compared with
};

void jpeg_lossless_first_row(JpegLosslessRow const& row) {
  auto left = row.start;
  for (std::size_t i = 0; i < row.columns; ++i) {
    left = static_cast<std::uint16_t>(left + row.differences[i * row.difference_step]);
    row.now[i * row.step] = left;
  }
}

template <int predictor>
void jpeg_lossless_row(JpegLosslessRow const& row) {
  if (row.above == nullptr) return jpeg_lossless_first_row(row);
  auto corner = row.above[0];
  auto left = static_cast<std::uint16_t>(corner + row.differences[0]);
  row.now[0] = left;
  for (std::size_t i = 1; i < row.columns; ++i) {
    auto const above = row.above[i * row.step];
    auto const guess = jpeg_lossless_guess<predictor>(left, above, corner);
    left = static_cast<std::uint16_t>(guess + row.differences[i * row.difference_step]);
    row.now[i * row.step] = left;
    corner = above;
  }
}

constexpr void (*jpeg_lossless_rows[])(JpegLosslessRow const&) = {
    nullptr,
    jpeg_lossless_row<1>,
    jpeg_lossless_row<2>,
    jpeg_lossless_row<3>,
    jpeg_lossless_row<4>,
    jpeg_lossless_row<5>,
    jpeg_lossless_row<6>,
    jpeg_lossless_row<7>,
};

// How a scan goes over the image.
struct JpegLosslessPlan {
  JpegScan scan;
  JpegLosslessTables tables;
  std::int64_t rows_between_restarts;
  std::uint16_t start;
};

JpegLosslessPlan jpeg_lossless_plan(JpegReader const& stream, JpegScan const& scan) {
  auto const& frame = stream.frame();
  JpegLosslessPlan plan{
      .scan = scan, .tables = {}, .rows_between_restarts = frame.rows, .start = 0};
  if (scan.first < 1 || scan.first > 7) jpeg_lossless_damaged("an impossible predictor");
  if (scan.low >= frame.precision) jpeg_lossless_damaged("an impossible point transform");
  for (auto const& part : scan.parts) {
    auto const& component = frame.components[part.component];
    if (component.across != frame.components[0].across ||
        component.down != frame.components[0].down ||
        (scan.parts.size() > 1 && component.across * component.down != 1))
      refuse_codec("lossless JPEG whose components have different sizes");
    plan.tables.push_back(&stream.dc(part.dc));
  }
  auto const interval = stream.restart_interval();
  if (interval % frame.columns != 0)
    jpeg_lossless_damaged("restarts that do not stand at the beginning of rows");
  if (interval > 0) plan.rows_between_restarts = interval / frame.columns;
  plan.start = static_cast<std::uint16_t>(1U << (frame.precision - scan.low - 1));
  return plan;
}

void jpeg_lossless_scan(JpegReader& stream,
                        JpegLosslessPlan const& plan,
                        std::span<std::uint16_t> image) {
  auto const samples = stream.frame().components.size();
  auto const columns = static_cast<std::size_t>(stream.frame().columns);
  auto const parts = plan.scan.parts.size();
  auto const decode = jpeg_lossless_rows[plan.scan.first];
  std::vector<std::uint16_t> differences(columns * parts);
  auto bits = stream.bits();
  for (std::int64_t j = 0; j < stream.frame().rows; ++j) {
    auto const restarts = j % plan.rows_between_restarts == 0;
    if (restarts && j > 0)
      bits = stream.bits_behind_restart(j / plan.rows_between_restarts - 1);
    jpeg_lossless_differences(bits, plan.tables, differences);
    auto* const row = image.data() + static_cast<std::size_t>(j) * columns * samples;
    for (std::size_t p = 0; p < parts; ++p) {
      auto* const now = row + plan.scan.parts[p].component;
      decode({.now = now,
              .above = restarts ? nullptr : now - columns * samples,
              .differences = differences.data() + p,
              .step = samples,
              .difference_step = parts,
              .columns = columns,
              .start = plan.start});
    }
  }
}

// The lowest bits were left out when it was written.
void jpeg_lossless_shift(JpegScan const& scan,
                         std::size_t samples,
                         std::span<std::uint16_t> image) {
  if (scan.low == 0) return;
  for (auto const& part : scan.parts) {
    for (auto at = part.component; at < image.size(); at += samples)
      image[at] = static_cast<std::uint16_t>(image[at] << scan.low);
  }
}

}  // namespace

UnpackedFrame unpack_jpeg_lossless(JpegReader& stream,
                                   std::span<std::byte const> packed,
                                   DicomShape const& shape) {
  auto const samples = stream.frame().components.size();
  // A sample takes a bit at least.
  if (frame_samples(shape) / 8 > packed.size()) jpeg_lossless_damaged("only a part of it");
  std::vector<std::uint16_t> image(frame_samples(shape));
  std::vector<bool> there(samples);
  while (auto const scan = stream.next_scan()) {
    for (auto const& part : scan->parts) {
      if (there[part.component]) jpeg_lossless_damaged("a component that is there twice");
      there[part.component] = true;
    }
    jpeg_lossless_scan(stream, jpeg_lossless_plan(stream, *scan), image);
    jpeg_lossless_shift(*scan, samples, image);
  }
  if (std::ranges::count(there, false) > 0) jpeg_lossless_damaged("a component too few");
  return {.bytes = as_samples(std::span<std::uint16_t const>{image}, sample_bytes(shape))};
}

}  // namespace fovea
