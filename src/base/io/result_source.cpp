#include "base/io/result_source.hpp"

#include "base/core/version.hpp"
#include "base/core/words.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/charset.hpp"
#include "base/geometry/grids.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace fovea {
namespace {

namespace dcm = attribute;

// Patient (PS3.3 C.7.1.1), clinical trial subject (C.7.1.3), general study (C.7.2.1), patient
// study (C.7.2.2), clinical trial study (C.7.2.3): what is text there.
constexpr Attribute result_copied[] = {dcm::study_date,
                                       dcm::study_time,
                                       dcm::accession_number,
                                       dcm::referring_physician,
                                       dcm::study_description,
                                       dcm::patient_name,
                                       dcm::patient_id,
                                       dcm::birth_date,
                                       dcm::sex,
                                       dcm::study,
                                       dcm::study_id,
                                       dcm::make(0x00080201, "SH"),
                                       dcm::make(0x00100021, "LO"),
                                       dcm::make(0x00100032, "TM"),
                                       dcm::make(0x00101010, "AS"),
                                       dcm::make(0x00101020, "DS"),
                                       dcm::make(0x00101030, "DS"),
                                       dcm::make(0x00102160, "SH"),
                                       dcm::make(0x001021b0, "LT"),
                                       dcm::make(0x00102201, "LO"),
                                       dcm::make(0x00102203, "CS"),
                                       dcm::make(0x00102292, "LO"),
                                       dcm::make(0x00102297, "PN"),
                                       dcm::make(0x00102298, "CS"),
                                       dcm::make(0x00102299, "LO"),
                                       dcm::make(0x00104000, "LT"),
                                       dcm::make(0x00120010, "LO"),
                                       dcm::make(0x00120020, "LO"),
                                       dcm::make(0x00120021, "LO"),
                                       dcm::make(0x00120030, "LO"),
                                       dcm::make(0x00120031, "LO"),
                                       dcm::make(0x00120040, "LO"),
                                       dcm::make(0x00120042, "LO"),
                                       dcm::make(0x00120050, "LO"),
                                       dcm::make(0x00120051, "ST"),
                                       dcm::make(0x00120062, "CS"),
                                       dcm::make(0x00120063, "LO")};

// Type 2: there, even if the source lacks them.
constexpr Attribute result_always[] = {
    dcm::study_date,          dcm::study_time,   dcm::accession_number,
    dcm::referring_physician, dcm::patient_name, dcm::patient_id,
    dcm::birth_date,          dcm::sex,          dcm::study_id};

// Text in the file's character set as UTF-8. What identifies a patient must not be guessed.
void result_copy(DicomData& data,
                 DicomItem const& item,
                 Attribute which,
                 Charset const& charset) {
  auto const* const element = item.find(which.tag);
  if (element == nullptr || element->length == 0) return;
  auto const bytes = item.value(*element);
  auto const words = decoded({reinterpret_cast<char const*>(bytes.data()), bytes.size()},
                             which.kind, has_charset(which.kind) ? charset : Charset{});
  if (!words.notes.empty())
    throw Refusal{"unsupported-charset",
                  text("the source's ", words_of(which.tag),
                       " cannot be turned into UTF-8: ", words.notes.front().words),
                  "correct its SpecificCharacterSet (0008,0005) first"};
  data.copy(which, joined(words.values, "\\"));
}

// Who is nameless must say how that was done (PS3.3 C.7.1.1): codes, words, or that the source
// says neither.
void result_copy_deidentified(DicomData& data, DicomItem const& item, Charset const& charset) {
  constexpr auto removed = dcm::make(0x00120062, "CS");
  constexpr auto method = dcm::make(0x00120063, "LO");
  constexpr auto codes = dcm::make(0x00120064, "SQ");
  std::vector<DicomData> copies;
  for (auto const& code : item.items(codes.tag)) {
    DicomData copy;
    for (auto const which : {dcm::code_value, dcm::code_scheme, dcm::code_meaning})
      result_copy(copy, code, which, charset_of(code, charset));
    copies.push_back(std::move(copy));
  }
  if (!copies.empty())
    data.set(codes, std::move(copies));
  else if (data.text(removed) == "YES" && data.find(method) == nullptr)
    data.set(method, "not said by the source");
}

bool result_is_date(std::string_view words) {
  return words.size() == 8 &&
         std::ranges::all_of(words, [](char letter) { return letter >= '0' && letter <= '9'; });
}

bool result_is_time(std::string_view words) {
  auto const digits = words.substr(0, words.find('.'));
  return words.size() <= 13 && digits.size() >= 2 && digits.size() <= 6 &&
         std::ranges::all_of(words, [](char letter) {
           return (letter >= '0' && letter <= '9') || letter == '.';
         });
}

// The first pair of the image's own, its acquisition's, its series' and its study's. One
// without any date (they were taken out) says so with the year 1900.
void result_when(ResultSource& source, DicomItem const& item) {
  struct Row {
    Attribute date, time;
  };
  constexpr Row rows[] = {{dcm::content_date, dcm::content_time},
                          {dcm::acquisition_date, dcm::acquisition_time},
                          {dcm::series_date, dcm::series_time},
                          {dcm::study_date, dcm::study_time}};
  source.date = "19000101";
  source.time = "000000";
  for (auto const& row : rows) {
    auto const date = item.text(row.date.tag);
    if (!result_is_date(date)) continue;
    source.date = date;
    if (auto const time = item.text(row.time.tag); result_is_time(time)) source.time = time;
    return;
  }
}

void result_losses(ResultSource& source, DicomItem const& item) {
  source.lossy = item.text(dcm::lossy.tag) == "01";
  if (!source.lossy) return;
  source.lossy_ratio = item.text(dcm::lossy_ratio.tag);
  source.lossy_method = item.text(dcm::lossy_method.tag);
}

std::array<Point, 8> result_corners(Grid const& grid) {
  std::array<Point, 8> out{};
  for (std::size_t corner = 0; corner < out.size(); ++corner) {
    Index at;
    for (std::size_t axis = 0; axis < 3; ++axis)
      at.ijk[axis] = (corner >> axis & 1U) != 0 ? static_cast<double>(grid.size[axis] - 1) : 0;
    out[corner] = grid.point_of(at);
  }
  return out;
}

double result_distance(Point const& one, Point const& other) {
  return std::hypot(one.mm[0] - other.mm[0], one.mm[1] - other.mm[1], one.mm[2] - other.mm[2]);
}

double result_tolerance(Grid const& grid) {
  auto const spacing = grid.spacing().mm;
  return std::max(1e-3, 0.01 * *std::ranges::min_element(spacing));
}

double result_off(Grid const& one, Grid const& other) {
  auto const here = result_corners(one);
  auto const there = result_corners(other);
  double off = 0;
  for (std::size_t i = 0; i < here.size(); ++i)
    off = std::max(off, result_distance(here[i], there[i]));
  return off;
}

std::string result_words(Grid const& grid) {
  auto const spacing = grid.spacing().mm;
  return text(grid.size[0], " x ", grid.size[1], " x ", grid.size[2], " voxels of ",
              fixed(spacing[0], 3), " x ", fixed(spacing[1], 3), " x ", fixed(spacing[2], 3),
              " mm from (", fixed(grid.origin.mm[0], 2), ", ", fixed(grid.origin.mm[1], 2),
              ", ", fixed(grid.origin.mm[2], 2), ")");
}

}  // namespace

ResultSource result_source(DicomSeries const& series) {
  if (series.verdict == Verdict::refused)
    throw Refusal{series.reasons.front().code,
                  text("the source has no true place: ", series.reasons.front().words),
                  "choose another series"};
  if (series.labels || series.fourth > 1)
    throw Refusal{"no-position",
                  text("expected a series of slices, got ",
                       series.labels ? "a segmentation" : "a film, which has no place"),
                  "choose the images that it was made from"};
  ResultSource out;
  auto const& first = series.slices.front();
  DicomFile const file{first.file()};
  auto const root = file.scan().root();
  if (root.text(Tag::sop_instance) != first.sop())
    throw Refusal{"changed", text(first.file(), " is no longer the image that it was"),
                  "read the folder again when nothing writes to it"};
  for (auto const which : result_always) out.patient_and_study.set(which);
  auto const charset = charset_of(root);
  for (auto const which : result_copied)
    result_copy(out.patient_and_study, root, which, charset);
  result_copy_deidentified(out.patient_and_study, root, charset);
  result_copy(out.frame_of_reference, root, dcm::frame_of_reference, charset);
  if (!out.frame_of_reference.elements().empty()) {
    out.frame_of_reference.set(dcm::position_reference);
    result_copy(out.frame_of_reference, root, dcm::position_reference, charset);
  }
  out.study = first.head->study;
  out.series = first.head->series;
  out.modality = first.head->modality;
  result_when(out, root);
  result_losses(out, root);
  for (auto const& slice : series.slices)
    out.images.push_back({.sop_class = slice.head->sop_class,
                          .sop = slice.sop(),
                          .frame = slice.shape().frames > 1 ? slice.frame + 1 : 0,
                          .position = slice.position,
                          .orientation = slice.head->orientation});
  out.grid = series.grid;
  out.placed = series.placed;
  out.spacing = first.head->spacing.value_or(out.spacing);
  out.thickness = first.head->thickness;
  out.first = first.file();
  return out;
}

DicomData item_of(Code const& code) {
  if (code.value.empty() || code.scheme.empty() || code.meaning.empty())
    throw Error{Fault::input,
                text("expected a code of value, scheme and meaning, got '", code.value, "', '",
                     code.scheme, "', '", code.meaning, "'"),
                "give all three"};
  constexpr std::size_t short_code = 16;
  DicomData out;
  out.set(code.value.size() > short_code ? dcm::long_code_value : dcm::code_value, code.value)
      .set(dcm::code_scheme, code.scheme)
      .set(dcm::code_meaning, code.meaning);
  return out;
}

DicomData item_of(SourceImage const& image) {
  DicomData out;
  out.copy(dcm::referenced_sop_class, image.sop_class)
      .copy(dcm::referenced_sop_instance, image.sop);
  if (image.frame > 0) out.set(dcm::referenced_frame, image.frame);
  return out;
}

std::vector<SourceImage> instances_of(ResultSource const& source) {
  std::vector<SourceImage> out;
  std::set<std::string> seen;
  for (auto const& image : source.images) {
    if (seen.insert(image.sop).second)
      out.push_back({.sop_class = image.sop_class, .sop = image.sop});
  }
  return out;
}

DicomData result_head(ResultSource const& source, ResultHead const& head) {
  DicomData out;
  out.merge(source.patient_and_study)
      .set(dcm::sop_class, head.sop_class)
      .set(dcm::modality, head.modality)
      .set(dcm::series_number, head.series_number)
      .set(dcm::series_description, head.series_description)
      .set(dcm::series_date, source.date)
      .set(dcm::series_time, source.time)
      .set(dcm::content_date, source.date)
      .set(dcm::content_time, source.time)
      .set(dcm::instance_number, 1)
      .set(dcm::manufacturer, "Fovea")
      .set(dcm::model_name, head.made_by.name.empty() ? "Fovea" : head.made_by.name)
      .set(dcm::serial_number,
           "none")  // of a program; the enhanced equipment module asks for one
      .set(dcm::software_versions, {std::string{version}});
  if (!head.made_by.version.empty())
    out.set(dcm::software_versions, {std::string{version}, head.made_by.version});
  return out;
}

DicomData result_references(ResultSource const& source) {
  std::vector<DicomData> images;
  std::set<std::string_view> seen;  // frames of one object are one reference to all of it
  for (auto const& image : source.images) {
    if (!seen.insert(image.sop).second) continue;
    auto all = image;
    all.frame = 0;
    images.push_back(item_of(all));
  }
  DicomData series;
  series.copy(dcm::series, source.series).set(dcm::referenced_instance, std::move(images));
  DicomData out;
  out.set(dcm::referenced_series, std::move(series));
  return out;
}

void put_lossy(DicomData& data, ResultSource const& source) {
  data.set(dcm::lossy, source.lossy ? "01" : "00");
  if (!source.lossy_ratio.empty()) data.copy(dcm::lossy_ratio, source.lossy_ratio);
  if (!source.lossy_method.empty()) data.copy(dcm::lossy_method, source.lossy_method);
}

DicomData algorithm_item(Provenance const& made_by) {
  DicomData out;
  out.set(dcm::algorithm_family, item_of(Code{"123110", "DCM", "Artificial Intelligence"}))
      .set(dcm::algorithm_name, made_by.name)
      .set(dcm::algorithm_version, made_by.version.empty() ? "unknown" : made_by.version);
  if (!made_by.hash.empty())
    out.set(dcm::algorithm_parameters, text("weights SHA-256 ", made_by.hash));
  return out;
}

bool same_grid(Grid const& a_grid, Grid const& b_grid) {
  return a_grid.size == b_grid.size && result_off(a_grid, b_grid) <= result_tolerance(a_grid);
}

void expect_grid_of(ResultSource const& source, Grid const& grid) {
  if (!source.placed)
    throw Refusal{"no-position", "the source has no place in the patient",
                  "choose a series of slices"};
  if (same_grid(source.grid, grid)) return;
  auto const far = source.grid.size == grid.size
                       ? text(", up to ", fixed(result_off(source.grid, grid), 3), " mm apart")
                       : std::string{};
  throw Refusal{"other-grid",
                text("expected the source's grid, ", result_words(source.grid), ", got ",
                     result_words(grid), far),
                "bring it back onto the source's grid: with --resample, or where it was made"};
}

}  // namespace fovea
