#pragma once

#include "base/core/refusal.hpp"
#include "base/dicom/scan.hpp"
#include "base/io/dicom_series.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// Which measure of the patient the uptake is divided by.
enum class SuvKind { body_weight, lean_mass, body_surface };
std::string_view name_of(SuvKind kind);                     ///< "bw", "lbm", "bsa"
std::optional<SuvKind> suv_kind_of(std::string_view name);  ///< none on other words

/// What one PET image says that its uptake values hang on. Times are seconds since 1970 by the
/// clock on the wall.
struct SuvFacts {
  std::string units{}, type{}, decay{}, sex{};
  bool attenuation = false, decayed = false;  ///< corrected for
  std::size_t tracers = 0;                    ///< items that describe one
  std::optional<double> dose{};               ///< Bq
  std::optional<double> half_life{};          ///< s
  std::string nuclide{};                      ///< its code
  std::optional<double> weight{}, height{};   ///< kg, m
  std::optional<double> series{}, acquired{}, started_ge{};
  std::optional<double> injected{};       ///< with its day
  std::optional<double> injected_time{};  ///< of an unknown day
  bool zone_unsure = false;  ///< the injection's time has a zone, the scan's has none
  std::optional<double> reference{}, duration{};  ///< of the frame, s
  std::optional<double> philips_suv{}, philips_activity{};
};
SuvFacts suv_facts(DicomItem const& image);

/// For each image what its values are to be multiplied by: to give g/ml (bw, lbm) or cm2/ml.
///
/// Follows the vendor-neutral pseudo-code of the QIBA FDG-PET/CT profile. BQML: weight over the
/// dose, decayed to the start of the scan (START) or not (ADMIN). The scan starts at the
/// series' time unless that is later than an acquisition (a series that was made afterwards);
/// then at what GE keeps, or an acquisition less its frame's reference time. CNTS: by Philips'
/// factors. GML: as they are. Lean mass by Janmahasatian, surface by Du Bois.
///
/// Throws  Refusal{suv-unsure} that names the attribute: values that are not corrected for
///         attenuation and decay, several tracers, a dose, half-life, weight or time that is
///         missing or cannot be (a dose in MBq, a half-life of another nuclide, injected after
///         the scan or days before it), a time whose day or zone nobody can say, images that
///         disagree
std::vector<double> suv_factors(std::span<SuvFacts const> images, SuvKind kind);

/// The same of a PET series; reads its headers. Throws also as DicomFile does.
std::vector<double> suv_factors(DicomSeries const& series, SuvKind kind);

/// What people should know of the values of a PET series: which unit they have (value-unit),
/// and whether SUV by body weight can be computed (suv) or not (suv-unsure) and why. None if it
/// is no PET series.
std::vector<Note> suv_notes(DicomSeries const& series);

/// The volume of that series as SUV, f32.
Volume as_suv(Volume const& volume, std::span<double const> factors);

}  // namespace fovea
