#include "app/sidecar.hpp"

#include "base/core/words.hpp"
#include "base/dicom/charset.hpp"

namespace fovea {
namespace {

enum class SidecarKind { words, whole, number, milliseconds };

struct SidecarRow {
  std::string_view name;  // BIDS 1.9, or dcm2niix's where BIDS has none
  std::uint32_t tag;
  SidecarKind kind;
};

constexpr SidecarRow sidecar_rows[] = {
    {"Modality", 0x00080060, SidecarKind::words},
    {"Manufacturer", 0x00080070, SidecarKind::words},
    {"ManufacturersModelName", 0x00081090, SidecarKind::words},
    {"SoftwareVersions", 0x00181020, SidecarKind::words},
    {"MagneticFieldStrength", 0x00180087, SidecarKind::number},
    {"SeriesDescription", 0x0008103e, SidecarKind::words},
    {"ProtocolName", 0x00181030, SidecarKind::words},
    {"BodyPartExamined", 0x00180015, SidecarKind::words},
    {"PatientPosition", 0x00185100, SidecarKind::words},
    {"ScanningSequence", 0x00180020, SidecarKind::words},
    {"SequenceVariant", 0x00180021, SidecarKind::words},
    {"MRAcquisitionType", 0x00180023, SidecarKind::words},
    {"SeriesNumber", 0x00200011, SidecarKind::whole},
    {"AcquisitionNumber", 0x00200012, SidecarKind::whole},
    {"ImageType", 0x00080008, SidecarKind::words},
    {"SliceThickness", 0x00180050, SidecarKind::number},
    {"SpacingBetweenSlices", 0x00180088, SidecarKind::number},
    {"EchoTime", 0x00180081, SidecarKind::milliseconds},
    {"RepetitionTime", 0x00180080, SidecarKind::milliseconds},
    {"InversionTime", 0x00180082, SidecarKind::milliseconds},
    {"FlipAngle", 0x00181314, SidecarKind::number},
    {"KVP", 0x00180060, SidecarKind::number},
    {"XRayTubeCurrent", 0x00181151, SidecarKind::number},
    {"ConvolutionKernel", 0x00181210, SidecarKind::words},
    {"GantryDetectorTilt", 0x00181120, SidecarKind::number}};

Json sidecar_value(DicomItem const& item, SidecarRow const& row, Charset const& charset) {
  Tag const tag{row.tag};
  if (row.kind == SidecarKind::words) {
    auto const words = text_of(item, tag, charset).values;
    if (words.empty() || (words.size() == 1 && words[0].empty())) return {};
    return words.size() == 1 ? Json(words[0]) : Json(words);
  }
  if (row.kind == SidecarKind::whole) {
    auto const value = item.whole(tag);
    return value ? Json(*value) : Json{};
  }
  auto const value = item.number(tag);
  if (!value) return {};
  return row.kind == SidecarKind::milliseconds ? Json(*value / 1000) : Json(*value);
}

}  // namespace

Json sidecar_of(FoundVolume const& volume) {
  Json out = Json::object();
  if (volume.dicom != nullptr) {
    DicomFile const file{volume.dicom->slices.front().file()};
    auto const root = file.scan().root();
    auto const charset = charset_of(root);
    for (auto const& row : sidecar_rows) {
      auto value = sidecar_value(root, row, charset);
      if (!value.is_null()) out[std::string{row.name}] = std::move(value);
    }
  }
  out["ConversionSoftware"] = "Fovea";
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
