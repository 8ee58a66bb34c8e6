#pragma once

#include "base/dicom/scan.hpp"

#include <array>
#include <compare>
#include <optional>
#include <string>

namespace fovea {

/// What images of one place may differ in: echo, time and diffusion. Nothing where the header
/// says nothing.
struct DicomMoment {
  std::optional<double> echo_time{};  ///< ms
  std::optional<double> echo{};       ///< its number
  std::optional<double> time_point{};
  std::optional<double> acquisition{};  ///< its number
  std::optional<double> trigger{};      ///< ms behind a heart beat, or since the first image
  std::optional<double> acquired{};     ///< s by the clock on the wall
  std::optional<double> made{};         ///< its content, likewise
  std::optional<double> b_value{};      ///< s/mm2
  /// The diffusion gradient's direction in the patient (LPS), as written; none if b is 0.
  std::optional<std::array<double, 3>> gradient{};
  bool isotropic = false;            ///< diffusion in no one direction: a trace or its like
  std::optional<double> duration{};  ///< of a PET frame, s

  auto operator<=>(DicomMoment const&) const = default;
};

/// Of an image. B-values and gradients as the standard has them (0018,9087 and 9089, by
/// themselves or in 0018,9117), else as Siemens (0019,xx0c and 0e), Philips (2001,xx03 and
/// 2005,xxb0-b2) or GE (0043,xx39; its gradients are in the scanner's axes, so none is given).
DicomMoment moment_of(DicomItem const& image);

/// B-value and gradient as the standard has them, of an item that holds them.
void add_diffusion(DicomItem const& item, DicomMoment& moment);

}  // namespace fovea
