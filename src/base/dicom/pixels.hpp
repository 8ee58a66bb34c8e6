#pragma once

#include "base/dicom/scan.hpp"
#include "base/image/volume.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

/// What the header says about the pixels, checked against itself.
struct DicomShape {
  std::int64_t rows = 0, columns = 0, frames = 1, samples = 1;
  std::string photometric{};  ///< as written: "MONOCHROME2"
  bool planes = false;        ///< colour by colour, not pixel by pixel
  int allocated = 16;         ///< bits of a sample in the file
  int stored = 16;            ///< bits of its value
  int high = 15;              ///< the highest of these
  bool negative = false;      ///< two's complement
  Type type = Type::u16;      ///< of the decoded samples

  std::int64_t pixels() const { return rows * columns; }
  bool operator==(DicomShape const&) const = default;
};

/// Throws Refusal: no-pixels, bad-size (zero rows, senseless numbers of samples or frames),
/// bad-bits.
DicomShape dicom_shape(DicomScan const& scan);

/// Could the pixels of so many frames be there? Native ones by their bytes, packed ones by
/// their pieces: what is cut short inside a frame only decode_frame sees.
bool holds_frames(DicomScan const& scan, DicomShape const& shape);

/// A frame's values as stored: one slice, a channel for each sample, spacing 1. Only the bits
/// that the header calls stored are kept (what overlays hide in the others is cut off), with
/// their sign; YBR_FULL_422 gets its colours at every pixel, nothing else is converted. Reads
/// no other frame.
///
/// Of YBR_RCT and YBR_ICT the codec makes red, green and blue, as the standard has it.
///
/// Formats  native in all four encodings, encapsulated uncompressed, RLE, JPEG (baseline,
///          extended, progressive, lossless), JPEG-LS, JPEG 2000, HTJ2K, deflated frames
/// Throws   Refusal: as dicom_shape; no-frame, short-pixels, unsupported-codec, damaged,
/// too-large;
///          bad-size and bad-bits if the packed frame is not what the header says
Volume decode_frame(DicomFile const& file, std::int64_t frame = 0);
Volume decode_frame(DicomFile const& file, DicomShape const& shape, std::int64_t frame);

/// The pieces of one frame of encapsulated pixels. Throws as DicomFile::frame_pieces.
std::span<DicomFragment const> fragments_of(DicomFile const& file,
                                            DicomShape const& shape,
                                            std::int64_t frame);

/// Stored values in red, green and blue, u8 or u16: of palettes (values beyond their ends
/// become the first or last colour, as PS3.3 C.7.6.3.1.5 says), YBR_FULL and YBR_FULL_422; RGB
/// and what the codec made RGB as it is. Throws Refusal{unsupported-colour, bad-palette}.
Volume in_colour(Volume const& stored, DicomScan const& scan);

}  // namespace fovea
