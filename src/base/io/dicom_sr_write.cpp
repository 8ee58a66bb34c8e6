#include "base/io/dicom_sr_write.hpp"

#include "base/core/hash.hpp"
#include "base/core/version.hpp"
#include "base/core/words.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/uid.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_gate.hpp"
#include "base/io/dicom_seg_read.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace fovea {
namespace {

namespace dcm = attribute;

constexpr auto srw_instances = dcm::make(0x00081199, "SQ");
constexpr auto srw_performed = dcm::make(0x00081111, "SQ");
constexpr auto srw_mapping = dcm::make(0x00080105, "CS");
constexpr auto srw_relation = dcm::make(0x0040a010, "CS");
constexpr auto srw_value_type = dcm::make(0x0040a040, "CS");
constexpr auto srw_concept = dcm::make(0x0040a043, "SQ");
constexpr auto srw_continuity = dcm::make(0x0040a050, "CS");
constexpr auto srw_uid = dcm::make(0x0040a124, "UI");
constexpr auto srw_text = dcm::make(0x0040a160, "UT");
constexpr auto srw_exact = dcm::make(0x0040a161, "FD");
constexpr auto srw_code = dcm::make(0x0040a168, "SQ");
constexpr auto srw_measured = dcm::make(0x0040a300, "SQ");
constexpr auto srw_number = dcm::make(0x0040a30a, "DS");
constexpr auto srw_unit = dcm::make(0x004008ea, "SQ");
constexpr auto srw_procedures = dcm::make(0x0040a372, "SQ");
constexpr auto srw_evidence = dcm::make(0x0040a375, "SQ");
constexpr auto srw_complete = dcm::make(0x0040a491, "CS");
constexpr auto srw_verified = dcm::make(0x0040a493, "CS");
constexpr auto srw_preliminary = dcm::make(0x0040a496, "CS");
constexpr auto srw_template = dcm::make(0x0040a504, "SQ");
constexpr auto srw_content = dcm::make(0x0040a730, "SQ");
constexpr auto srw_template_id = dcm::make(0x0040db00, "CS");
constexpr auto srw_segment = dcm::make(0x0062000b, "US");
constexpr auto srw_graphic = dcm::make(0x00700022, "FL");
constexpr auto srw_graphic_type = dcm::make(0x00700023, "CS");
constexpr auto srw_graphic_frame = dcm::make(0x30060024, "UI");

Code srw_dcm(char const* value, char const* meaning) {
  return {value, "DCM", meaning};
}
Code srw_sct(char const* value, char const* meaning) {
  return {value, "SCT", meaning};
}

// --- content items (PS3.3 C.17.3)
// ---------------------------------------------------------------

using SrwItems = std::vector<DicomData>;

DicomData srw_item(std::string_view relation, std::string_view type, Code const& concept_name) {
  DicomData out;
  out.set(srw_relation, relation).set(srw_value_type, type);
  if (!concept_name.empty()) out.set(srw_concept, item_of(concept_name));
  return out;
}
DicomData srw_code_item(std::string_view relation, Code const& name, Code const& value) {
  auto out = srw_item(relation, "CODE", name);
  out.set(srw_code, item_of(value));
  return out;
}
DicomData srw_text_item(std::string_view relation, Code const& name, std::string const& words) {
  auto out = srw_item(relation, "TEXT", name);
  out.set(srw_text, words);
  return out;
}
DicomData srw_uid_item(std::string_view relation, Code const& name, std::string const& uid) {
  auto out = srw_item(relation, "UIDREF", name);
  out.copy(srw_uid, uid);
  return out;
}
DicomData srw_number_item(std::string_view relation,
                          Code const& name,
                          double value,
                          Code const& unit) {
  DicomData measured;
  measured.set(srw_number, value).set(srw_unit, item_of(unit));
  if (number(decimal_string(value)) != value) measured.set(srw_exact, value);
  auto out = srw_item(relation, "NUM", name);
  out.set(srw_measured, std::move(measured));
  return out;
}
DicomData srw_image_item(std::string_view relation, Code const& name, DicomData reference) {
  auto out = srw_item(relation, "IMAGE", name);
  out.set(srw_instances, std::move(reference));
  return out;
}
DicomData srw_container(std::string_view relation,
                        Code const& name,
                        SrwItems items,
                        std::string_view template_id = {}) {
  DicomData out;
  if (!relation.empty()) out.set(srw_relation, relation);
  out.set(srw_value_type, "CONTAINER")
      .set(srw_concept, item_of(name))
      .set(srw_continuity, "SEPARATE");
  if (!template_id.empty()) {
    DicomData which;
    which.set(srw_mapping, "DCMR").set(srw_template_id, template_id);
    out.set(srw_template, std::move(which));
  }
  if (!items.empty()) out.set(srw_content, std::move(items));
  return out;
}

constexpr std::string_view srw_contains = "CONTAINS";
constexpr std::string_view srw_modifies = "HAS CONCEPT MOD";
constexpr std::string_view srw_observed = "HAS OBS CONTEXT";
constexpr std::string_view srw_acquired = "HAS ACQ CONTEXT";

// --- what modalities are called
// ------------------------------------------------------------------

struct SrwModality {
  std::string_view modality, meaning;           // CID 29
  std::string_view procedure, procedure_means;  // LOINC, CID 100
};
constexpr SrwModality srw_modalities[] = {
    {"CT", "Computed Tomography", "25045-6", "CT unspecified body region"},
    {"MR", "Magnetic Resonance", "25056-3", "MRI unspecified body region"},
    {"PT", "Positron emission tomography", "44139-4", "PET unspecified body region"},
    {"NM", "Nuclear Medicine", "", ""},
    {"US", "Ultrasound", "25061-3", "US unspecified body region"},
    {"CR", "Computed Radiography", "", ""},
    {"DX", "Digital Radiography", "", ""},
    {"MG", "Mammography", "", ""},
    {"XA", "X-Ray Angiography", "", ""}};

SrwModality srw_modality(std::string_view modality) {
  auto const row = std::ranges::find(srw_modalities, modality, &SrwModality::modality);
  return row == std::end(srw_modalities) ? SrwModality{"OT", "Other Modality", "", ""} : *row;
}

Code srw_procedure(SrwModality const& row) {
  if (row.procedure.empty()) return srw_sct("363679005", "Imaging procedure");
  return {std::string{row.procedure}, "LN", std::string{row.procedure_means}};
}

class SrWriter {
 public:
  SrWriter(std::vector<Finding> const& findings,
           ResultSource const& source,
           SrWrite const& options)
      : findings_(findings), source_(source), options_(options) {
    std::set<std::string> seen;
    for (auto image : source.images) {
      if (!seen.insert(image.sop).second) continue;
      image.frame = 0;  // of an object of many frames: all of them
      images_.push_back(std::move(image));
    }
  }

  DicomData run() {
    auto const& made_by = findings_.front().provenance;
    auto out = result_head(source_, {.sop_class = "1.2.840.10008.5.1.4.1.1.88.34",
                                     .modality = "SR",
                                     .series_description = options_.description,
                                     .series_number = options_.series_number,
                                     .made_by = made_by});
    SrwItems groups;
    for (std::size_t n = 0; n < findings_.size(); ++n) groups.push_back(group(n));
    auto const modality = srw_modality(source_.modality);
    SrwItems content{language()};
    for (auto& item : observer(made_by)) content.push_back(std::move(item));
    content.push_back(srw_code_item(srw_modifies, srw_dcm("121058", "Procedure reported"),
                                    srw_procedure(modality)));
    content.push_back(library(modality));
    content.push_back(srw_container(srw_contains, srw_dcm("126010", "Imaging Measurements"),
                                    std::move(groups)));
    out.merge(srw_container({}, srw_dcm("126000", "Imaging Measurement Report"),
                            std::move(content), "1500"));
    out.set(srw_performed, SrwItems{})
        .set(srw_procedures, SrwItems{})
        .set(srw_evidence, evidence())
        .set(srw_complete, "COMPLETE")
        .set(srw_verified, "UNVERIFIED")
        .set(srw_preliminary, "PRELIMINARY");
    identify(out);
    return out;
  }

 private:
  // TID 1204.
  static DicomData language() {
    auto out = srw_code_item(srw_modifies,
                             srw_dcm("121049", "Language of Content Item and Descendants"),
                             {"en-US", "RFC5646", "English (United States)"});
    out.set(srw_content, srw_code_item(srw_modifies, srw_dcm("121046", "Country of Language"),
                                       {"US", "ISO3166_1", "United States"}));
    return out;
  }

  // TID 1002 and 1004: the device, whoever looked over its shoulder.
  static SrwItems observer(Provenance const& made_by) {
    auto const name = made_by.name.empty() ? std::string{"Fovea"} : made_by.name;
    auto const uid = uid_of_hash(sha256(
        text("device\n", version, '\n', name, '\n', made_by.version, '\n', made_by.hash)));
    return {
        srw_code_item(srw_observed, srw_dcm("121005", "Observer Type"),
                      srw_dcm("121007", "Device")),
        srw_uid_item(srw_observed, srw_dcm("121012", "Device Observer UID"), uid),
        srw_text_item(srw_observed, srw_dcm("121013", "Device Observer Name"), name),
        srw_text_item(srw_observed, srw_dcm("121014", "Device Observer Manufacturer"), "Fovea"),
        srw_text_item(srw_observed, srw_dcm("121015", "Device Observer Model Name"), name)};
  }

  std::string frame() const { return source_.frame_of_reference.text(dcm::frame_of_reference); }

  // TID 1600: what all images share stands at their group.
  DicomData library(SrwModality const& modality) const {
    SrwItems items{srw_code_item(
        srw_acquired, srw_dcm("121139", "Modality"),
        Code{std::string{modality.modality}, "DCM", std::string{modality.meaning}})};
    if (!frame().empty())
      items.push_back(
          srw_uid_item(srw_acquired, srw_dcm("112227", "Frame of Reference UID"), frame()));
    if (source_.placed) {
      Code const mm{"mm", "UCUM", "millimeter"};
      items.push_back(srw_number_item(
          srw_acquired, srw_dcm("111026", "Horizontal Pixel Spacing"), source_.spacing[1], mm));
      items.push_back(srw_number_item(srw_acquired, srw_dcm("111066", "Vertical Pixel Spacing"),
                                      source_.spacing[0], mm));
    }
    for (auto const& image : images_)
      items.push_back(srw_image_item(srw_contains, {}, item_of(image)));
    return srw_container(srw_contains, srw_dcm("111028", "Image Library"),
                         {srw_container(srw_contains, srw_dcm("126200", "Image Library Group"),
                                        std::move(items))});
  }

  DicomData evidence() const {
    SrwItems all;
    for (auto const& image : images_) all.push_back(item_of(image));
    SrwItems series(1);
    series[0].copy(dcm::series, source_.series).set(srw_instances, std::move(all));
    if (options_.segmentation) {
      DicomData seg;
      seg.copy(dcm::series, options_.segmentation->series).set(srw_instances, segmentation());
      series.push_back(std::move(seg));
    }
    DicomData out;
    out.copy(dcm::study, source_.study).set(dcm::referenced_series, std::move(series));
    return out;
  }

  DicomData segmentation() const {
    return item_of(SourceImage{.sop_class = options_.segmentation->sop_class,
                               .sop = options_.segmentation->sop,
                               .position = {},
                               .orientation = {}});
  }

  // TID 1411 with a segment, 1410 with a region, else 1501.
  DicomData group(std::size_t n) const {
    auto const& finding = findings_[n];
    auto items = tracking(finding, n);
    if (!finding.category.empty())
      items.push_back(srw_code_item(srw_contains, srw_sct("276214006", "Finding category"),
                                    finding.category));
    items.push_back(srw_code_item(srw_contains, srw_dcm("121071", "Finding"), finding.type));
    place(finding, items);
    algorithm(finding.provenance, items);
    for (auto const& one : finding.measurements) items.push_back(measured(one));
    for (auto const& one : finding.evaluations)
      items.push_back(srw_code_item(srw_contains, one.what, one.answer));
    auto const id = reference(finding, items);
    return srw_container(srw_contains, srw_dcm("125007", "Measurement Group"), std::move(items),
                         id);
  }

  SrwItems tracking(Finding const& finding, std::size_t n) const {
    auto const name =
        finding.tracking.empty() ? text(finding.type.meaning, ' ', n + 1) : finding.tracking;
    auto const uid = finding.tracking_uid.empty()
                         ? uid_of_hash(sha256(
                               text("tracking\n", source_.study, '\n', source_.series, '\n',
                                    finding.type.scheme, '\n', finding.type.value, '\n',
                                    finding.site.value, '\n', finding.side.value, '\n', name)))
                         : finding.tracking_uid;
    return {srw_text_item(srw_observed, srw_dcm("112039", "Tracking Identifier"), name),
            srw_uid_item(srw_observed, srw_dcm("112040", "Tracking Unique Identifier"), uid)};
  }

  // An organ of a pair is its own site: the side belongs to a site.
  static void place(Finding const& finding, SrwItems& items) {
    auto const& where = finding.site.empty() ? finding.type : finding.site;
    if (finding.site.empty() && finding.side.empty()) return;
    auto site = srw_code_item(srw_modifies, srw_sct("363698007", "Finding Site"), where);
    if (!finding.side.empty())
      site.set(srw_content,
               srw_code_item(srw_modifies, srw_sct("272741003", "Laterality"), finding.side));
    items.push_back(std::move(site));
  }

  // TID 4019.
  static void algorithm(Provenance const& by, SrwItems& items) {
    if (by.made_by == MadeBy::person) return;
    auto const name = by.name.empty() ? std::string{"Fovea"} : by.name;
    auto const its_version = !by.version.empty() ? by.version
                             : by.name.empty()   ? std::string{version}
                                                 : "unknown";
    items.push_back(srw_text_item(srw_modifies, srw_dcm("111001", "Algorithm Name"), name));
    items.push_back(
        srw_text_item(srw_modifies, srw_dcm("111003", "Algorithm Version"), its_version));
    if (!by.hash.empty())
      items.push_back(srw_text_item(srw_modifies, srw_dcm("111002", "Algorithm Parameters"),
                                    text("weights SHA-256 ", by.hash)));
  }

  static DicomData measured(Measurement const& one) {
    auto out = srw_number_item(srw_contains, one.quantity, one.value, one.unit);
    SrwItems more;
    if (!one.method.empty())
      more.push_back(
          srw_code_item(srw_modifies, srw_sct("370129005", "Measurement Method"), one.method));
    if (!one.derivation.empty())
      more.push_back(
          srw_code_item(srw_modifies, srw_dcm("121401", "Derivation"), one.derivation));
    if (!more.empty()) out.set(srw_content, std::move(more));
    return out;
  }

  std::string_view reference(Finding const& finding, SrwItems& items) const {
    if (finding.segment > 0) {
      auto seg = segmentation();
      seg.set(srw_segment, finding.segment);
      items.push_back(
          srw_image_item(srw_contains, srw_dcm("121191", "Referenced Segment"), seg));
      items.push_back(srw_uid_item(
          srw_contains, srw_dcm("121232", "Source series for segmentation"), source_.series));
      return "1411";
    }
    if (!finding.region.empty()) {
      items.push_back(region(finding.region));
      return "1410";
    }
    for (auto const k : finding.slices)
      items.push_back(srw_image_item(srw_contains, srw_dcm("121112", "Source of Measurement"),
                                     item_of(source_.images.at(k))));
    return "1501";
  }

  DicomData region(std::vector<Point> const& points) const {
    std::vector<double> numbers;
    for (auto const& point : points)
      numbers.insert(numbers.end(), point.mm.begin(), point.mm.end());
    // A polygon ends where it began.
    if (points.size() > 1 && points.front().mm != points.back().mm)
      numbers.insert(numbers.end(), points.front().mm.begin(), points.front().mm.end());
    auto out = srw_item(srw_contains, "SCOORD3D", srw_dcm("111030", "Image Region"));
    out.set(srw_graphic_type, points.size() == 1 ? "POINT" : "POLYGON")
        .set(srw_graphic, std::span<double const>{numbers})
        .copy(srw_graphic_frame, frame());
    return out;
  }

  std::vector<Finding> const& findings_;
  ResultSource const& source_;
  SrWrite const& options_;
  std::vector<SourceImage> images_;  // each file once
};

}  // namespace

SegReference seg_reference(DicomFile const& file, ResultSource const& source) {
  auto const root = file.scan().root();
  SegReference out{.sop_class = root.text(Tag::sop_class),
                   .sop = root.text(Tag::sop_instance),
                   .series = root.text(Tag::series)};
  if (!is_segmentation(out.sop_class))
    throw Refusal{"not-segmentation",
                  text(file.name(), ": expected a segmentation, got another object"),
                  "see fovea inspect"};
  if (root.text(Tag::study) != source.study)
    throw Refusal{"other-study", text(file.name(), " belongs to another study than the images"),
                  "choose the segmentation of this study"};
  if (root.text(Tag::frame_of_reference) !=
      source.frame_of_reference.text(dcm::frame_of_reference))
    throw Refusal{"other-frame-of-reference",
                  text(file.name(), " lies in another frame of reference than the images"),
                  "choose the segmentation of this series"};
  out.segments = segments_of(root);
  for (auto const& item : root.items(Tag{0x00620002}))
    out.numbers.push_back(item.whole(Tag{0x00620004}).value_or(0));
  return out;
}

DicomData dicom_sr(std::vector<Finding> const& findings,
                   ResultSource const& source,
                   SrWrite const& options) {
  if (findings.empty())
    throw Refusal{"empty", "there is no finding to report", "measure something first"};
  for (auto const& finding : findings) {
    check(finding);
    if (!finding.tracking_uid.empty() && !valid_uid(finding.tracking_uid))
      throw Error{Fault::input,
                  text("expected a UID to track a finding, got '", finding.tracking_uid, "'"),
                  "leave it out: one is made then"};
    auto const& seg = options.segmentation;
    auto const known =
        seg && std::ranges::find(seg->numbers, finding.segment) != seg->numbers.end();
    if (finding.segment != 0 && !known)
      throw Refusal{"unknown-segment",
                    text("a finding names segment ", finding.segment,
                         ", which the segmentation does not have"),
                    "name the segmentation that the findings belong to"};
    if (!finding.region.empty() && source.frame_of_reference.elements().empty())
      throw Refusal{"no-frame-of-reference",
                    "the source does not name its frame of reference, so a region has no place",
                    "choose another series"};
  }
  return SrWriter{findings, source, options}.run();
}

}  // namespace fovea
