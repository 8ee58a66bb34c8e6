#pragma once

#include "base/dicom/data.hpp"

// Attributes that several kinds of objects have (PS3.6), with the kinds of their values. What
// only one writer needs stands in its own file.
namespace fovea::attribute {

constexpr Attribute make(std::uint32_t tag, char const (&kind)[3]) {
  return {Tag{tag}, vr(kind)};
}

inline constexpr auto character_set = make(0x00080005, "CS");
inline constexpr auto image_type = make(0x00080008, "CS");
inline constexpr auto sop_class = make(0x00080016, "UI");
inline constexpr auto sop_instance = make(0x00080018, "UI");
inline constexpr auto study_date = make(0x00080020, "DA");
inline constexpr auto series_date = make(0x00080021, "DA");
inline constexpr auto acquisition_date = make(0x00080022, "DA");
inline constexpr auto content_date = make(0x00080023, "DA");
inline constexpr auto acquisition_date_time = make(0x0008002a, "DT");
inline constexpr auto study_time = make(0x00080030, "TM");
inline constexpr auto series_time = make(0x00080031, "TM");
inline constexpr auto acquisition_time = make(0x00080032, "TM");
inline constexpr auto content_time = make(0x00080033, "TM");
inline constexpr auto accession_number = make(0x00080050, "SH");
inline constexpr auto modality = make(0x00080060, "CS");
inline constexpr auto conversion_type = make(0x00080064, "CS");
inline constexpr auto manufacturer = make(0x00080070, "LO");
inline constexpr auto referring_physician = make(0x00080090, "PN");
inline constexpr auto code_value = make(0x00080100, "SH");
inline constexpr auto code_scheme = make(0x00080102, "SH");
inline constexpr auto code_meaning = make(0x00080104, "LO");
inline constexpr auto long_code_value = make(0x00080119, "UC");
inline constexpr auto study_description = make(0x00081030, "LO");
inline constexpr auto series_description = make(0x0008103e, "LO");
inline constexpr auto model_name = make(0x00081090, "LO");
inline constexpr auto referenced_series = make(0x00081115, "SQ");
inline constexpr auto referenced_image = make(0x00081140, "SQ");
inline constexpr auto referenced_sop_class = make(0x00081150, "UI");
inline constexpr auto referenced_sop_instance = make(0x00081155, "UI");
inline constexpr auto referenced_frame = make(0x00081160, "IS");
inline constexpr auto derivation_description = make(0x00082111, "ST");
inline constexpr auto source_image = make(0x00082112, "SQ");
inline constexpr auto referenced_instance = make(0x0008114a, "SQ");
inline constexpr auto anatomic_region = make(0x00082218, "SQ");
inline constexpr auto derivation_image = make(0x00089124, "SQ");
inline constexpr auto derivation_code = make(0x00089215, "SQ");
inline constexpr auto patient_name = make(0x00100010, "PN");
inline constexpr auto patient_id = make(0x00100020, "LO");
inline constexpr auto birth_date = make(0x00100030, "DA");
inline constexpr auto sex = make(0x00100040, "CS");
inline constexpr auto serial_number = make(0x00181000, "LO");
inline constexpr auto software_versions = make(0x00181020, "LO");
inline constexpr auto study = make(0x0020000d, "UI");
inline constexpr auto series = make(0x0020000e, "UI");
inline constexpr auto study_id = make(0x00200010, "SH");
inline constexpr auto series_number = make(0x00200011, "IS");
inline constexpr auto instance_number = make(0x00200013, "IS");
inline constexpr auto position = make(0x00200032, "DS");
inline constexpr auto orientation = make(0x00200037, "DS");
inline constexpr auto frame_of_reference = make(0x00200052, "UI");
inline constexpr auto laterality = make(0x00200060, "CS");
inline constexpr auto position_reference = make(0x00201040, "LO");
inline constexpr auto image_comments = make(0x00204000, "LT");
inline constexpr auto slice_thickness = make(0x00180050, "DS");
inline constexpr auto spacing_between_slices = make(0x00180088, "DS");
inline constexpr auto samples = make(0x00280002, "US");
inline constexpr auto photometric = make(0x00280004, "CS");
inline constexpr auto planar = make(0x00280006, "US");
inline constexpr auto frames = make(0x00280008, "IS");
inline constexpr auto rows = make(0x00280010, "US");
inline constexpr auto columns = make(0x00280011, "US");
inline constexpr auto pixel_spacing = make(0x00280030, "DS");
inline constexpr auto bits_allocated = make(0x00280100, "US");
inline constexpr auto bits_stored = make(0x00280101, "US");
inline constexpr auto high_bit = make(0x00280102, "US");
inline constexpr auto signedness = make(0x00280103, "US");
inline constexpr auto burned_in = make(0x00280301, "CS");
inline constexpr auto intercept = make(0x00281052, "DS");
inline constexpr auto slope = make(0x00281053, "DS");
inline constexpr auto rescale_type = make(0x00281054, "LO");
inline constexpr auto lossy = make(0x00282110, "CS");
inline constexpr auto lossy_ratio = make(0x00282112, "DS");
inline constexpr auto lossy_method = make(0x00282114, "CS");
inline constexpr auto purpose_of_reference = make(0x0040a170, "SQ");
inline constexpr auto algorithm_family = make(0x0066002f, "SQ");
inline constexpr auto algorithm_version = make(0x00660031, "LO");
inline constexpr auto algorithm_parameters = make(0x00660032, "LT");
inline constexpr auto algorithm_name = make(0x00660036, "LO");
inline constexpr auto content_label = make(0x00700080, "CS");
inline constexpr auto content_description = make(0x00700081, "LO");
inline constexpr auto content_creator = make(0x00700084, "PN");

}  // namespace fovea::attribute
