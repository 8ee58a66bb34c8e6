#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fovea {

/// Group and element of an attribute. These have names because something here reads them; any
/// other number is one, too: Tag{0x00100010}.
enum class Tag : std::uint32_t {
  transfer_syntax = 0x00020010,
  character_set = 0x00080005,
  image_type = 0x00080008,
  sop_class = 0x00080016,
  sop_instance = 0x00080018,
  acquisition_time = 0x00080032,
  modality = 0x00080060,
  series_description = 0x0008103e,
  patient_id = 0x00100020,
  kvp = 0x00180060,
  slice_thickness = 0x00180050,
  echo_time = 0x00180081,
  echo_number = 0x00180086,
  trigger_time = 0x00181060,
  gantry_tilt = 0x00181120,
  kernel = 0x00181210,
  b_value = 0x00189087,
  study = 0x0020000d,
  series = 0x0020000e,
  series_number = 0x00200011,
  acquisition_number = 0x00200012,
  instance_number = 0x00200013,
  position = 0x00200032,
  orientation = 0x00200037,
  frame_of_reference = 0x00200052,
  time_point = 0x00200100,
  concatenation = 0x00209161,
  samples = 0x00280002,
  photometric = 0x00280004,
  planar = 0x00280006,
  frames = 0x00280008,
  rows = 0x00280010,
  columns = 0x00280011,
  pixel_spacing = 0x00280030,
  bits_allocated = 0x00280100,
  bits_stored = 0x00280101,
  high_bit = 0x00280102,
  signedness = 0x00280103,
  padding_value = 0x00280120,
  padding_limit = 0x00280121,
  window_centre = 0x00281050,
  window_width = 0x00281051,
  intercept = 0x00281052,
  slope = 0x00281053,
  rescale_type = 0x00281054,
  window_words = 0x00281055,
  window_function = 0x00281056,
  palette_red = 0x00281101,
  palette_green = 0x00281102,
  palette_blue = 0x00281103,
  palette_red_data = 0x00281201,
  palette_green_data = 0x00281202,
  palette_blue_data = 0x00281203,
  palette_red_segments = 0x00281221,
  palette_green_segments = 0x00281222,
  palette_blue_segments = 0x00281223,
  modality_table = 0x00283000,
  table_descriptor = 0x00283002,
  table_words = 0x00283003,
  table_type = 0x00283004,
  table_data = 0x00283006,
  voi_table = 0x00283010,
  presentation_shape = 0x20500020,
  contour_data = 0x30060050,
  extended_offsets = 0x7fe00001,
  float_pixels = 0x7fe00008,
  double_pixels = 0x7fe00009,
  pixels = 0x7fe00010,
  item = 0xfffee000,
  item_end = 0xfffee00d,
  sequence_end = 0xfffee0dd,
};

constexpr std::uint32_t number_of(Tag tag) {
  return static_cast<std::uint32_t>(tag);
}
constexpr std::uint16_t group_of(Tag tag) {
  return static_cast<std::uint16_t>(number_of(tag) >> 16);
}

/// "(0028,0010)"
std::string words_of(Tag tag);

/// The kind of an attribute's value, as its two letters: vr("US").
enum class Vr : std::uint16_t { none = 0 };
constexpr Vr vr(char const (&letters)[3]) {
  return static_cast<Vr>(static_cast<std::uint8_t>(letters[0]) << 8 |
                         static_cast<std::uint8_t>(letters[1]));
}

bool is_known(Vr kind);
/// True if its length has 32 bits in the explicit encodings.
bool is_long(Vr kind);
/// The kind that the standard gives an attribute, for data sets without kinds: the first where
/// it leaves a choice, LO of private creators, UL of group lengths; none if it is not known.
Vr usual_vr(Tag tag);
/// The standard's keyword, as "PatientName"; empty if it is not known.
std::string_view keyword_of(Tag tag);

}  // namespace fovea
