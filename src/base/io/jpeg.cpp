#include "base/dicom/libjpeg.hpp"
#include "base/io/codec.hpp"

#include <vector>

namespace fovea {
namespace {

void jpeg_refuse(char const* found) {
  refuse_picture(text("expected a whole JPEG, got: ", found));
}

void jpeg_header(LibJpeg& self, std::span<std::byte const> bytes) {
  self([&] {
    self.source(bytes);
    jpeg_save_markers(&self.info, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&self.info, TRUE);
  });
}

int jpeg_orientation(LibJpeg const& self) {
  for (auto const* marker = self.info.marker_list; marker != nullptr; marker = marker->next) {
    auto const data = std::as_bytes(std::span{marker->data, marker->data_length});
    using namespace std::string_view_literals;
    if (begins_with(data, "Exif\0\0"sv)) return exif_orientation(data.subspan(6));
  }
  return 1;
}

// What to ask libjpeg for: grey as grey, four inks as they are, everything else as red, green,
// blue.
void jpeg_choose(LibJpeg& self) {
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

void jpeg_rows(LibJpeg& self, Volume& picture) {
  auto const each = std::int64_t{self.info.output_components};
  std::vector<std::uint8_t> row(static_cast<std::size_t>(picture.width() * each));
  for (std::int64_t j = 0; j < picture.height(); ++j) {
    auto* target =
        each == 1 ? picture.write<std::uint8_t>().data() + j * picture.width() : row.data();
    self([&] { jpeg_read_scanlines(&self.info, &target, 1); });
    if (each == 4) jpeg_ink_to_light(row, self.info.saw_Adobe_marker != 0);
    if (each > 1) put_row(picture, j, row.data(), each, each == 4 ? 3 : 0);
  }
}

}  // namespace

bool begins_as_jpeg(std::span<std::byte const> bytes) {
  return begins_with(bytes, "\xff\xd8\xff");
}

Volume decode_jpeg(std::span<std::byte const> bytes,
                   PictureLimits const& limits,
                   PictureNumbers /*numbers*/) {
  LibJpeg self{jpeg_refuse};
  jpeg_header(self, bytes);
  check_picture_size(self.info.image_width, self.info.image_height, limits);
  jpeg_choose(self);
  self([&] { jpeg_start_decompress(&self.info); });
  auto picture = image2d(self.info.output_width, self.info.output_height, Type::u8,
                         self.info.output_components == 1 ? 1 : 3);
  jpeg_rows(self, picture);
  auto const orientation = jpeg_orientation(self);
  self([&] { jpeg_finish_decompress(&self.info); });
  return oriented(picture, orientation);
}

}  // namespace fovea
