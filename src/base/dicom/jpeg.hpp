#pragma once

#include "base/dicom/codec.hpp"
#include "base/dicom/jpeg_stream.hpp"

// The processes of JPEG (T.81), each by its decoder. Size and bits were compared with the
// header. Inside base/dicom only.
namespace fovea {

/// Process 14, SOF3: 2 to 16 bits, any predictor, interleaved or not.
UnpackedFrame unpack_jpeg_lossless(JpegReader& stream,
                                   std::span<std::byte const> packed,
                                   DicomShape const& shape);
/// Processes 2 and 4, SOF1, with 12 bits, which libjpeg was built without.
UnpackedFrame unpack_jpeg_extended(JpegReader& stream,
                                   std::span<std::byte const> packed,
                                   DicomShape const& shape);
/// Baseline, extended and progressive of 8 bits, by libjpeg, without any change of colours.
UnpackedFrame unpack_jpeg_8bit(JpegReader& stream,
                               std::span<std::byte const> packed,
                               DicomShape const& shape);

}  // namespace fovea
