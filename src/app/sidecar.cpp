#include "app/sidecar.hpp"

#include "base/core/version.hpp"
#include "base/core/words.hpp"
#include "base/dicom/charset.hpp"
#include "base/dicom/clock.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

enum class SidecarKind { words, whole, number, milliseconds, numbers, clock };

struct SidecarRow {
  std::string_view name;  // BIDS 1.9, or dcm2niix's where BIDS has none
  std::uint32_t tag;
  SidecarKind kind;
  std::uint32_t inside = 0;  // the first item of this sequence
};

// Nothing that names a person, a place or a day.
constexpr SidecarRow sidecar_rows[] = {
    {"Modality", 0x00080060, SidecarKind::words},
    {"MagneticFieldStrength", 0x00180087, SidecarKind::number},
    {"ImagingFrequency", 0x00180084, SidecarKind::number},
    {"Manufacturer", 0x00080070, SidecarKind::words},
    {"ManufacturersModelName", 0x00081090, SidecarKind::words},
    {"BodyPartExamined", 0x00180015, SidecarKind::words},
    {"PatientPosition", 0x00185100, SidecarKind::words},
    {"ProcedureStepDescription", 0x00400254, SidecarKind::words},
    {"SoftwareVersions", 0x00181020, SidecarKind::words},
    {"MRAcquisitionType", 0x00180023, SidecarKind::words},
    {"SeriesDescription", 0x0008103e, SidecarKind::words},
    {"ProtocolName", 0x00181030, SidecarKind::words},
    {"ScanningSequence", 0x00180020, SidecarKind::words},
    {"SequenceVariant", 0x00180021, SidecarKind::words},
    {"ScanOptions", 0x00180022, SidecarKind::words},
    {"SequenceName", 0x00180024, SidecarKind::words},
    {"ImageType", 0x00080008, SidecarKind::words},
    {"SeriesNumber", 0x00200011, SidecarKind::whole},
    {"AcquisitionTime", 0x00080032, SidecarKind::clock},
    {"AcquisitionNumber", 0x00200012, SidecarKind::whole},
    {"SliceThickness", 0x00180050, SidecarKind::number},
    {"SpacingBetweenSlices", 0x00180088, SidecarKind::number},
    {"SAR", 0x00181316, SidecarKind::number},
    {"NumberOfAverages", 0x00180083, SidecarKind::number},
    {"EchoNumber", 0x00180086, SidecarKind::whole},
    {"EchoTime", 0x00180081, SidecarKind::milliseconds},
    {"RepetitionTime", 0x00180080, SidecarKind::milliseconds},
    {"InversionTime", 0x00180082, SidecarKind::milliseconds},
    {"FlipAngle", 0x00181314, SidecarKind::number},
    {"EchoTrainLength", 0x00180091, SidecarKind::whole},
    {"PercentPhaseFOV", 0x00180094, SidecarKind::number},
    {"PercentSampling", 0x00180093, SidecarKind::number},
    {"PixelBandwidth", 0x00180095, SidecarKind::number},
    {"ReceiveCoilName", 0x00181250, SidecarKind::words},
    {"KVP", 0x00180060, SidecarKind::number},
    {"ExposureTime", 0x00181150, SidecarKind::milliseconds},
    {"XRayTubeCurrent", 0x00181151, SidecarKind::number},
    {"XRayExposure", 0x00181152, SidecarKind::number},
    {"ConvolutionKernel", 0x00181210, SidecarKind::words},
    {"GantryDetectorTilt", 0x00181120, SidecarKind::number},
    {"Radiopharmaceutical", 0x00180031, SidecarKind::words, 0x00540016},
    {"RadionuclideTotalDose", 0x00181074, SidecarKind::number, 0x00540016},
    {"RadionuclideHalfLife", 0x00181075, SidecarKind::number, 0x00540016},
    {"RadionuclidePositronFraction", 0x00181076, SidecarKind::number, 0x00540016},
    {"DecayCorrection", 0x00541102, SidecarKind::words},
    {"AttenuationCorrectionMethod", 0x00541101, SidecarKind::words},
    {"ReconstructionMethod", 0x00541103, SidecarKind::words},
    {"DoseCalibrationFactor", 0x00541322, SidecarKind::number},
    {"InPlanePhaseEncodingDirectionDICOM", 0x00181312, SidecarKind::words},
    {"ImageOrientationPatientDICOM", 0x00200037, SidecarKind::numbers}};

// "10:30:05.250000"
Json sidecar_clock(std::string const& written) {
  auto const seconds = seconds_of_time(written);
  if (!seconds) return {};
  auto const whole_minutes = static_cast<int>(*seconds) / 60;
  auto const two = [](int value) { return text(value < 10 ? "0" : "", value); };
  auto const rest = fixed(*seconds - 60.0 * whole_minutes, 6);
  return text(two(whole_minutes / 60), ':', two(whole_minutes % 60), ':',
              rest.find('.') < 2 ? "0" : "", rest);
}

Json sidecar_value(DicomItem const& item, SidecarRow const& row, Charset const& charset) {
  Tag const tag{row.tag};
  if (row.kind == SidecarKind::words) {
    auto const words = text_of(item, tag, charset).values;
    if (words.empty() || (words.size() == 1 && words[0].empty())) return {};
    return words.size() == 1 ? Json(words[0]) : Json(words);
  }
  if (row.kind == SidecarKind::clock) return sidecar_clock(item.text(tag));
  if (row.kind == SidecarKind::whole) {
    auto const value = item.whole(tag);
    return value ? Json(*value) : Json{};
  }
  auto const values = item.numbers(tag);
  if (!values) return {};
  if (row.kind == SidecarKind::numbers) return *values;
  return row.kind == SidecarKind::milliseconds ? Json(values->front() / 1000)
                                               : Json(values->front());
}

// Along which axis of the image phases were encoded; its sign no header says for sure. Nothing
// if the image was turned out of the axes of the scan.
std::optional<std::string> sidecar_phase_axis(DicomItem const& root,
                                              DicomSeries const& series,
                                              Grid const& grid) {
  auto const kind = root.text(Tag{0x00181312});
  if (!series.placed || (kind != "ROW" && kind != "COL")) return std::nullopt;
  auto const& along = series.grid.axes[kind == "ROW" ? 0 : 1].mm;
  auto const dot = [](auto const& a, auto const& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  constexpr double least = 0.9999;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const& mine = grid.axes[axis].mm;
    auto const cosine = dot(mine, along) / std::sqrt(dot(mine, mine) * dot(along, along));
    if (std::abs(cosine) >= least) return std::string(1, "ijk"[axis]);
  }
  return std::nullopt;
}

std::optional<std::string> sidecar_units(DicomItem const& root, Volume const& volume) {
  if (volume.unit() == Unit::suv) return "SUV";
  auto const units = root.text(Tag{0x00541001});
  if (units.empty()) return std::nullopt;
  return units == "BQML" ? "Bq/mL" : utf8(units);
}

template <class Value>
void sidecar_put(Json& out, char const* name, std::optional<Value> const& value) {
  if (value) out[name] = *value;
}

// What each volume along the fourth axis is.
Json sidecar_volumes(std::vector<DicomMoment> const& moments) {
  auto out = Json::array();
  for (auto const& moment : moments) {
    auto one = Json::object();
    auto const since = [&](auto DicomMoment::*part) -> std::optional<double> {
      auto const& first = moments.front().*part;
      if (!first || !(moment.*part)) return std::nullopt;
      return *(moment.*part) - *first;
    };
    sidecar_put(one, "EchoNumber", moment.echo);
    if (moment.echo_time) one["EchoTime"] = *moment.echo_time / 1000;
    sidecar_put(one, "TemporalPosition", moment.time_point);
    sidecar_put(one, "AcquisitionNumber", moment.acquisition);
    if (moment.trigger) one["TriggerTime"] = *moment.trigger / 1000;
    sidecar_put(one, "AcquiredAfter", since(&DicomMoment::acquired));
    sidecar_put(one, "BValue", moment.b_value);
    sidecar_put(one, "GradientLPS", moment.gradient);
    out.push_back(std::move(one));
  }
  return out;
}

// As BIDS has them for PET, in s from the beginning of the first.
void sidecar_frames(Json& out, std::vector<DicomMoment> const& moments) {
  auto starts = Json::array();
  auto durations = Json::array();
  for (auto const& moment : moments) {
    if (!moment.acquired || !moment.duration) return;
    starts.push_back(*moment.acquired - *moments.front().acquired);
    durations.push_back(*moment.duration);
  }
  out["FrameTimesStart"] = std::move(starts);
  out["FrameDuration"] = std::move(durations);
}

Json sidecar_of_dicom(DicomSeries const& series, Volume const& written) {
  Json out = Json::object();
  DicomFile const file{series.slices.front().file()};
  auto const root = file.scan().root();
  auto const charset = charset_of(root);
  for (auto const& row : sidecar_rows) {
    auto const inside = row.inside == 0 ? std::vector{root} : root.items(Tag{row.inside});
    if (inside.size() != 1) continue;
    auto value = sidecar_value(inside.front(), row, charset);
    if (!value.is_null()) out[std::string{row.name}] = std::move(value);
  }
  sidecar_put(out, "PhaseEncodingAxis", sidecar_phase_axis(root, series, written.grid()));
  sidecar_put(out, "Units", sidecar_units(root, written));
  if (series.moments.empty()) return out;
  if (series.modality == "PT") sidecar_frames(out, series.moments);
  out["FoveaVolumes"] = sidecar_volumes(series.moments);
  return out;
}

}  // namespace

Json sidecar_of(FoundVolume const& volume, Volume const& written) {
  auto out =
      volume.dicom != nullptr ? sidecar_of_dicom(*volume.dicom, written) : Json::object();
  out["ConversionSoftware"] = "Fovea";
  out["ConversionSoftwareVersion"] = version;
  auto const reasons = to_json(volume);
  out["FoveaVerdict"] = reasons["verdict"];
  out["FoveaReasons"] = reasons["reasons"];
  return out;
}

fs::path sidecar_beside(fs::path const& file) {
  auto name = file.filename().string();
  if (lower(name).ends_with(".gz")) name.resize(name.size() - 3);
  return file.parent_path() / fs::path{name}.stem().concat(".json");
}

}  // namespace fovea
