#include "base/io/codec.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <vector>

// libjpeg's headers use FILE without including it, so <cstdio> stands before them.
#include <jpeglib.h>
// and the list of message codes needs the main header first
#include <jerror.h>

namespace fovea {
namespace {

// Each scan of a progressive file goes over the whole picture: a small file with thousands
// would take hours.
constexpr int jpeg_scans = 200;

// libjpeg leaves by longjmp; what it crosses must have no destructors, so this holds plain
// things and is destroyed by the frame above.
struct Jpeg {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf back{};
  char fault[JMSG_LENGTH_MAX]{};
  bool damaged = false;

  Jpeg();
  Jpeg(Jpeg const&) = delete;
  Jpeg& operator=(Jpeg const&) = delete;
  ~Jpeg() { jpeg_destroy_decompress(&info); }
};

extern "C" void jpeg_on_error(j_common_ptr info) {
  auto& self = *static_cast<Jpeg*>(info->client_data);
  info->err->format_message(info, self.fault);
  std::longjmp(self.back, 1);
}

// libjpeg goes on after damage and fills up with grey; here that is an error. Some warnings
// touch no pixel.
extern "C" void jpeg_on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  constexpr int harmless[] = {JWRN_ADOBE_XFORM, JWRN_EXTRANEOUS_DATA, JWRN_JFIF_MAJOR,
                              JWRN_BOGUS_ICC};
  auto& self = *static_cast<Jpeg*>(info->client_data);
  if (self.damaged || std::ranges::count(harmless, info->err->msg_code) > 0) return;
  self.damaged = true;
  info->err->format_message(info, self.fault);
}

extern "C" void jpeg_say_nothing(j_common_ptr) {}

extern "C" void jpeg_on_progress(j_common_ptr info) {
  auto& self = *static_cast<Jpeg*>(info->client_data);
  if (self.info.input_scan_number <= jpeg_scans) return;
  std::snprintf(self.fault, sizeof self.fault, "more than %d scans", jpeg_scans);
  std::longjmp(self.back, 1);
}

template <class Step>
bool jpeg_jumped(Jpeg& self, Step const& step) {
  if (setjmp(self.back) != 0) return true;
  step();
  return false;
}

// Calls into libjpeg; throws what it complained about, from a frame that the jump did not
// cross.
template <class Step>
void jpeg_do(Jpeg& self, Step const& step) {
  if (jpeg_jumped(self, step) || self.damaged)
    refuse_picture(text("expected a whole JPEG, got: ", self.fault));
}

Jpeg::Jpeg() {
  info.err = jpeg_std_error(&errors);
  info.client_data = this;
  errors.error_exit = jpeg_on_error;
  errors.emit_message = jpeg_on_message;
  errors.output_message = jpeg_say_nothing;
  progress.progress_monitor = jpeg_on_progress;
  jpeg_do(*this, [&] { jpeg_create_decompress(&info); });
}

void jpeg_header(Jpeg& self, std::span<std::byte const> bytes) {
  jpeg_do(self, [&] {
    self.info.progress = &self.progress;
    jpeg_mem_src(&self.info, reinterpret_cast<unsigned char const*>(bytes.data()),
                 bytes.size());
    jpeg_save_markers(&self.info, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&self.info, TRUE);
  });
}

int jpeg_orientation(Jpeg const& self) {
  for (auto const* marker = self.info.marker_list; marker != nullptr; marker = marker->next) {
    auto const data = std::as_bytes(std::span{marker->data, marker->data_length});
    using namespace std::string_view_literals;
    if (begins_with(data, "Exif\0\0"sv)) return exif_orientation(data.subspan(6));
  }
  return 1;
}

// What to ask libjpeg for: grey as grey, four inks as they are, everything else as red, green,
// blue.
void jpeg_choose(Jpeg& self) {
  switch (self.info.jpeg_color_space) {
    case JCS_GRAYSCALE:
      self.info.out_color_space = JCS_GRAYSCALE;
      break;
    case JCS_YCbCr:
    case JCS_RGB:
      self.info.out_color_space = JCS_RGB;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      self.info.out_color_space = JCS_CMYK;
      break;
    default:
      refuse_picture(text("expected a JPEG of grey, colour or four inks, got ",
                          self.info.num_components, " components"),
                     "save it as PNG");
  }
}

// Four inks on white paper, without a profile: light passes all that lie over one another.
// Adobe stores how much light passes, others how much ink there is.
void jpeg_ink_to_light(std::span<std::uint8_t> row, bool light) {
  for (std::size_t i = 0; i + 3 < row.size(); i += 4) {
    for (std::size_t c = 0; c < 4; ++c)
      row[i + c] = light ? row[i + c] : static_cast<std::uint8_t>(255 - row[i + c]);
  }
}

void jpeg_rows(Jpeg& self, Volume& picture) {
  auto const each = std::int64_t{self.info.output_components};
  std::vector<std::uint8_t> row(static_cast<std::size_t>(picture.width() * each));
  for (std::int64_t j = 0; j < picture.height(); ++j) {
    auto* target =
        each == 1 ? picture.write<std::uint8_t>().data() + j * picture.width() : row.data();
    jpeg_do(self, [&] { jpeg_read_scanlines(&self.info, &target, 1); });
    if (each == 4) jpeg_ink_to_light(row, self.info.saw_Adobe_marker != 0);
    if (each > 1) put_row(picture, j, row.data(), each, each == 4 ? 3 : 0);
  }
}

}  // namespace

bool begins_as_jpeg(std::span<std::byte const> bytes) {
  return begins_with(bytes, "\xff\xd8\xff");
}

Volume decode_jpeg(std::span<std::byte const> bytes, PictureLimits const& limits) {
  Jpeg self;
  jpeg_header(self, bytes);
  check_picture_size(self.info.image_width, self.info.image_height, limits);
  jpeg_choose(self);
  jpeg_do(self, [&] { jpeg_start_decompress(&self.info); });
  auto picture = image2d(self.info.output_width, self.info.output_height, Type::u8,
                         self.info.output_components == 1 ? 1 : 3);
  jpeg_rows(self, picture);
  auto const orientation = jpeg_orientation(self);
  jpeg_do(self, [&] { jpeg_finish_decompress(&self.info); });
  return oriented(picture, orientation);
}

}  // namespace fovea
