#include "base/dicom/jpeg.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdio>

// libjpeg's headers use FILE without including it, so <cstdio> stands before them.
#include <jpeglib.h>
// and the list of message codes needs the main header first
#include <jerror.h>

namespace fovea {
namespace {

// Each scan of a progressive stream goes over the whole frame: a small one with thousands would
// take hours.
constexpr int jpeg_8bit_scans = 200;

// libjpeg leaves by longjmp; what it crosses must have no destructors, so this holds plain
// things and is destroyed by the frame above.
struct Jpeg8bit {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf back{};
  char fault[JMSG_LENGTH_MAX]{};
  bool damaged = false;

  Jpeg8bit();
  Jpeg8bit(Jpeg8bit const&) = delete;
  Jpeg8bit& operator=(Jpeg8bit const&) = delete;
  ~Jpeg8bit() { jpeg_destroy_decompress(&info); }
};

extern "C" void jpeg_8bit_on_error(j_common_ptr info) {
  auto& self = *static_cast<Jpeg8bit*>(info->client_data);
  info->err->format_message(info, self.fault);
  std::longjmp(self.back, 1);
}

// libjpeg goes on after damage and fills up with grey; here that is an error. Some warnings
// touch no sample.
extern "C" void jpeg_8bit_on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  constexpr int harmless[] = {JWRN_ADOBE_XFORM, JWRN_EXTRANEOUS_DATA, JWRN_JFIF_MAJOR,
                              JWRN_BOGUS_ICC, JWRN_NOT_SEQUENTIAL};
  auto& self = *static_cast<Jpeg8bit*>(info->client_data);
  if (self.damaged || std::ranges::count(harmless, info->err->msg_code) > 0) return;
  self.damaged = true;
  info->err->format_message(info, self.fault);
}

extern "C" void jpeg_8bit_say_nothing(j_common_ptr) {}

extern "C" void jpeg_8bit_on_progress(j_common_ptr info) {
  auto& self = *static_cast<Jpeg8bit*>(info->client_data);
  if (self.info.input_scan_number <= jpeg_8bit_scans) return;
  std::snprintf(self.fault, sizeof self.fault, "more than %d scans", jpeg_8bit_scans);
  std::longjmp(self.back, 1);
}

template <class Step>
bool jpeg_8bit_jumped(Jpeg8bit& self, Step const& step) {
  if (setjmp(self.back) != 0) return true;
  step();
  return false;
}

// Calls into libjpeg; throws what it complained about, from a frame that the jump did not
// cross.
template <class Step>
void jpeg_8bit_do(Jpeg8bit& self, Step const& step) {
  if (jpeg_8bit_jumped(self, step) || self.damaged) refuse_stream("a whole JPEG", self.fault);
}

Jpeg8bit::Jpeg8bit() {
  info.err = jpeg_std_error(&errors);
  info.client_data = this;
  errors.error_exit = jpeg_8bit_on_error;
  errors.emit_message = jpeg_8bit_on_message;
  errors.output_message = jpeg_8bit_say_nothing;
  progress.progress_monitor = jpeg_8bit_on_progress;
  jpeg_8bit_do(*this, [&] { jpeg_create_decompress(&info); });
}

// Stored values are asked for, whatever the stream says about their colours: the data set knows
// better.
void jpeg_8bit_begin(Jpeg8bit& self, std::span<std::byte const> packed) {
  jpeg_8bit_do(self, [&] {
    self.info.progress = &self.progress;
    jpeg_mem_src(&self.info, reinterpret_cast<unsigned char const*>(packed.data()),
                 packed.size());
    jpeg_read_header(&self.info, TRUE);
    self.info.jpeg_color_space = JCS_UNKNOWN;
    self.info.out_color_space = JCS_UNKNOWN;
    jpeg_start_decompress(&self.info);
  });
}

}  // namespace

UnpackedFrame unpack_jpeg_8bit(JpegReader& stream,
                               std::span<std::byte const> packed,
                               DicomShape const& shape) {
  // A block takes a bit at least, and holds 64 samples, or as many pixels again where they
  // share their colours.
  if (static_cast<std::uint64_t>(shape.pixels()) / 8 / 64 / 16 > packed.size())
    refuse_stream("a whole JPEG", "only a part of it");
  Jpeg8bit self;
  jpeg_8bit_begin(self, packed);
  auto const each = static_cast<std::size_t>(stream.frame().columns * shape.samples);
  if (self.info.output_width * static_cast<std::size_t>(self.info.output_components) != each ||
      self.info.output_height != shape.rows)
    refuse_stream("a whole JPEG", "one of two sizes");
  std::vector<std::uint8_t> samples(frame_samples(shape));
  for (auto* row = samples.data(); row != samples.data() + samples.size(); row += each)
    jpeg_8bit_do(self, [&] { jpeg_read_scanlines(&self.info, &row, 1); });
  jpeg_8bit_do(self, [&] { jpeg_finish_decompress(&self.info); });
  return {.bytes = as_samples(std::span<std::uint8_t const>{samples}, sample_bytes(shape))};
}

}  // namespace fovea
