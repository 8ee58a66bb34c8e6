#include "app/predict_dicom.hpp"

#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/geometry/measured.hpp"
#include "base/io/dicom_rtstruct_write.hpp"
#include "base/io/dicom_seg_write.hpp"
#include "base/io/dicom_sr_write.hpp"

namespace fovea {
namespace {

// Of the segmentation as it will be written: its segments are the map's, in their order.
SegReference objects_reference(DicomData const& seg, LabelMap const& map) {
  SegReference out{.sop_class = seg.text(attribute::sop_class),
                   .sop = seg.text(attribute::sop_instance),
                   .series = seg.text(attribute::series),
                   .segments = map.segments,
                   .numbers = {}};
  for (std::size_t n = 0; n < map.segments.size(); ++n)
    out.numbers.push_back(static_cast<std::int64_t>(n) + 1);
  return out;
}

}  // namespace

void write_mask_objects(LabelMap const& map,
                        DicomSeries const& series,
                        Volume const& image,
                        MaskObjects const& objects) {
  auto const source = result_source(series);
  auto const masks = objects.contours ? dicom_rtstruct(map, source) : dicom_seg(map, source);
  if (!objects.report.empty()) {
    auto const in_hu = image.unit() == Unit::hounsfield && image.channels() == 1;
    auto findings = measured(map, in_hu ? &image : nullptr);
    SrWrite how;
    if (!objects.contours) {
      how.segmentation = objects_reference(masks, map);
      for (std::size_t n = 0; n < findings.size(); ++n)
        findings[n].segment = how.segmentation->numbers[n];
    }
    write_dicom(objects.report, dicom_sr(findings, source, how));
  }
  write_dicom(objects.file, masks);
}

}  // namespace fovea
