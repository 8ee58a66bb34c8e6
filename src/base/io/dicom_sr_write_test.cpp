#include "base/io/dicom_sr_write.hpp"

#include "base/core/words.hpp"
#include "base/dicom/uid.hpp"
#include "base/dicom/write.hpp"
#include "base/finding/structures.hpp"
#include "base/io/dicom_seg_write.hpp"
#include "base/io/made/source.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace fovea {
namespace {

// Of every content item, in the order of the tree: "NUM 118565006 12.5".
std::vector<std::string> srwrite_items(DicomItem const& root) {
  std::vector<std::string> out;
  std::function<void(DicomItem const&)> const walk = [&](DicomItem const& item) {
    auto const name = item.items(Tag{0x0040a043});
    auto words = text(item.text(Tag{0x0040a040}), ' ',
                      name.empty() ? "" : name[0].text(Tag{0x00080100}));
    for (auto const tag : {0x0040a160U, 0x0040a124U, 0x00700023U}) {
      auto const value = item.text(Tag{tag});
      if (!value.empty()) words += ' ' + value;
    }
    for (auto const& one : item.items(Tag{0x0040a168}))
      words += ' ' + one.text(Tag{0x00080100});
    for (auto const& one : item.items(Tag{0x0040a300}))
      words += ' ' + one.text(Tag{0x0040a30a}) + ' ' +
               one.items(Tag{0x004008ea})[0].text(Tag{0x00080100});
    for (auto const& one : item.items(Tag{0x00081199})) {
      words += ' ' + one.text(Tag{0x00081155});
      if (auto const segment = one.whole(Tag{0x0062000b})) words += text('#', *segment);
    }
    for (auto const& one : item.items(Tag{0x0040a504}))
      words += " TID" + one.text(Tag{0x0040db00});
    out.push_back(words);
    for (auto const& one : item.items(Tag{0x0040a730})) walk(one);
  };
  walk(root);
  return out;
}

bool srwrite_has(std::vector<std::string> const& items, std::string const& wanted) {
  return std::ranges::find(items, wanted) != items.end();
}

Finding srwrite_finding() {
  auto out = finding_of(segment_named("left kidney"));
  out.provenance = {MadeBy::program, "net", "2.1", std::string(64, 'b')};
  out.measurements = {{{"118565006", "SCT", "Volume"},
                       1.0 / 3,
                       {"mm3", "UCUM", "cubic millimeter"},
                       {"0", "99TEST", "counted"},
                       {"373098007", "SCT", "Mean"}}};
  out.evaluations = {
      {{"111037", "DCM", "Margins"}, {"129737002", "SCT", "Circumscribed lesion"}}};
  return out;
}

TEST(SrWriter, SaysWhatWhereHowMuchAndWhoMeasuredIt) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  auto finding = srwrite_finding();
  finding.slices = {1, 2};
  auto const bytes = dicom_file(dicom_sr({finding}, source));
  EXPECT_EQ(bytes, dicom_file(dicom_sr({finding}, source)));
  auto const scan = scan_dicom(bytes);
  EXPECT_TRUE(scan.notes().empty());
  auto const root = scan.root();
  EXPECT_EQ(root.text(Tag::modality), "SR");
  EXPECT_EQ(root.text(Tag::study), "1.2");
  EXPECT_EQ(root.text(Tag{0x0040a493}), "UNVERIFIED");
  auto const items = srwrite_items(root);
  for (auto const* wanted : {"CONTAINER 126000 TID1500",
                             "CODE 121049 en-US",
                             "CODE 121005 121007",
                             "TEXT 121013 net",
                             "CODE 121058 25045-6",
                             "CODE 121139 CT",
                             "UIDREF 112227 1.2.9",
                             "IMAGE  1.2.3.1",
                             "IMAGE  1.2.3.4",
                             "CONTAINER 125007 TID1501",
                             "TEXT 112039 Kidney 1",
                             "CODE 121071 64033007",
                             "CODE 363698007 64033007",
                             "CODE 272741003 7771000",
                             "TEXT 111001 net",
                             "TEXT 111003 2.1",
                             "NUM 118565006 0.33333333333333 mm3",
                             "CODE 370129005 0",
                             "CODE 121401 373098007",
                             "CODE 111037 129737002",
                             "IMAGE 121112 1.2.3.2",
                             "IMAGE 121112 1.2.3.3"})
    EXPECT_TRUE(srwrite_has(items, wanted)) << wanted << "\n" << joined(items, "\n");
  auto const evidence = root.items(Tag{0x0040a375})[0].items(Tag{0x00081115});
  ASSERT_EQ(evidence.size(), 1U);
  EXPECT_EQ(evidence[0].items(Tag{0x00081199}).size(), 4U);
}

TEST(SrWriter, KeepsTheExactNumberBesideARoundedOne) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  for (auto const& [value, rounded] : {std::pair{1.0 / 3, true}, {12.5, false}, {0.0, false}}) {
    auto finding = srwrite_finding();
    finding.measurements[0].value = value;
    auto const bytes = dicom_file(dicom_sr({finding}, source));
    auto const scan = scan_dicom(bytes);
    std::optional<double> exact;
    for (auto const& element : scan.elements()) {
      if (element.tag != Tag{0x0040a161}) continue;
      exact.emplace();
      std::memcpy(&*exact, scan.value(element).data(), sizeof *exact);
    }
    EXPECT_EQ(exact.has_value(), rounded);
    EXPECT_EQ(exact.value_or(value), value);
  }
}

TEST(SrWriter, RefersToSegmentsOfTheSameStudy) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  LabelMap map{Volume{source.grid, Type::u8},
               {segment_named("liver"), segment_named("spleen")}};
  map.segments[1].value = 2;
  map.voxels.write<std::uint8_t>()[5] = 1;
  map.voxels.write<std::uint8_t>()[6] = 2;
  auto const seg_bytes = dicom_file(dicom_seg(map, source));
  DicomFile const seg{seg_bytes, "seg"};
  SrWrite const with{.segmentation = seg_reference(seg, source)};
  EXPECT_EQ(with.segmentation->numbers, (std::vector<std::int64_t>{1, 2}));
  auto finding = srwrite_finding();
  finding.segment = 2;
  auto const bytes = dicom_file(dicom_sr({finding}, source, with));
  auto const scan = scan_dicom(bytes);
  auto const items = srwrite_items(scan.root());
  auto const sop = seg.scan().root().text(Tag::sop_instance);
  EXPECT_TRUE(srwrite_has(items, "CONTAINER 125007 TID1411"));
  EXPECT_TRUE(srwrite_has(items, text("IMAGE 121191 ", sop, "#2")));
  EXPECT_TRUE(srwrite_has(items, "UIDREF 121232 1.2.3"));
  EXPECT_EQ(scan.root().items(Tag{0x0040a375})[0].items(Tag{0x00081115}).size(), 2U);
  finding.segment = 3;
  EXPECT_THROW(dicom_sr({finding}, source, with), Refusal);
  finding.segment = 1;
  EXPECT_THROW(dicom_sr({finding}, source), Refusal);
  ScratchFolder const others;
  for (auto const what : {0, 1}) {
    auto const other = result_source(made_source(others.path(), 4, [&](MadeSlice& slice, int) {
      (what == 0 ? slice.study : slice.frame_of_reference) = "1.7";
    }));
    EXPECT_THROW(seg_reference(seg, other), Refusal);
  }
}

TEST(SrWriter, ClosesPolygonsAndKeepsPoints) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  auto point = srwrite_finding();
  point.region = {{{1, 2, 3}}};
  auto polygon = srwrite_finding();
  polygon.tracking = "other";
  polygon.region = {{{0, 0, 30}}, {{5, 0, 30}}, {{5, 5, 30}}, {{1, 1, 30}}};
  auto const bytes = dicom_file(dicom_sr({point, polygon}, source));
  auto const scan = scan_dicom(bytes);
  auto const items = srwrite_items(scan.root());
  EXPECT_TRUE(srwrite_has(items, "SCOORD3D 111030 POINT"));
  EXPECT_TRUE(srwrite_has(items, "SCOORD3D 111030 POLYGON"));
  std::vector<std::uint64_t> lengths;
  for (auto const& element : scan.elements())
    if (element.tag == Tag{0x00700022}) lengths.push_back(element.length);
  EXPECT_EQ(lengths, (std::vector<std::uint64_t>{12, 5 * 12}));
}

TEST(SrWriter, RefusesWhatIsIncomplete) {
  ScratchFolder const folder;
  auto const source = result_source(made_source(folder.path()));
  EXPECT_THROW(dicom_sr({}, source), Refusal);
  std::function<void(Finding&)> const faults[] = {
      [](Finding& one) { one.type = {}; },
      [](Finding& one) { one.measurements[0].quantity.meaning = ""; },
      [](Finding& one) { one.measurements[0].unit = {}; },
      [](Finding& one) { one.measurements[0].value = std::numeric_limits<double>::infinity(); },
      [](Finding& one) { one.measurements[0].value = std::nan(""); },
      [](Finding& one) { one.evaluations[0].answer = {}; },
      [](Finding& one) {
        one.region = {{{0, 0, 0}}, {{1, 0, 0}}};
      },
      [](Finding& one) {
        one.region = {{{0, 0, 0}}, {{1, 0, 0}}, {{2, 0, 0}}};
      },
      [](Finding& one) {
        one.region = {{{0, 0, 0}}, {{9, 0, 0}}, {{9, 9, 1}}, {{0, 9, 0}}};
      },
      [](Finding& one) {
        one.region = {{{0, 0, 1e9}}};
      },
      [](Finding& one) { one.tracking_uid = "not a uid"; }};
  for (auto const& fault : faults) {
    auto finding = srwrite_finding();
    fault(finding);
    EXPECT_THROW(dicom_sr({finding}, source), Error) << &fault - faults;
  }
}

}  // namespace
}  // namespace fovea
