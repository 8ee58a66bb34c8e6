#include "base/core/words.hpp"
#include "base/dicom/lookup.hpp"
#include "base/io/dicom_series.hpp"

#include <algorithm>
#include <cmath>

// One image's header, as the gate sees it.
namespace fovea {
namespace {

constexpr double slice_far = 1e6;  // mm; nobody is a kilometre long

template <std::size_t count>
std::optional<std::array<double, count>> slice_numbers(DicomItem const& item, Tag tag) {
  auto const all = item.numbers(tag);
  auto const near = [](double value) { return std::abs(value) <= slice_far; };
  if (!all || all->size() != count || !std::ranges::all_of(*all, near)) return std::nullopt;
  std::array<double, count> out{};
  std::ranges::copy(*all, out.begin());
  return out;
}

// Values that stand in a table instead.
void slice_table(DicomItem const& item, DicomSlice& slice) {
  try {
    auto const table = modality_table(item);
    if (!table) return;
    auto const [low, high] = std::ranges::minmax(table->entries);
    slice.table = {static_cast<double>(low), static_cast<double>(high)};
    slice.hounsfield = slice.modality == "CT" && table->type == "HU";
    if (slice.slope != 1 || slice.intercept != 0) slice.refusal = "bad-scaling";
    auto const fractions = slice.shape.type == Type::f32 || slice.shape.type == Type::f64;
    if (fractions || slice.shape.samples != 1) slice.refusal = "bad-table";
  } catch (Refusal const&) {
    slice.refusal = "bad-table";
  }
}

void slice_scaling(DicomItem const& item, DicomSlice& slice) {
  auto const read = [&](Tag tag, double& value) {
    auto const* const element = item.find(tag);
    if (element == nullptr || element->length == 0) return true;
    auto const said = item.number(tag);
    if (said) value = *said;
    return said.has_value();
  };
  if (!read(Tag::slope, slice.slope) || !read(Tag::intercept, slice.intercept) ||
      slice.slope == 0)
    slice.refusal = "bad-scaling";
  auto const unit = item.text(Tag::rescale_type);
  slice.hounsfield = slice.modality == "CT" && (unit == "HU" || unit.empty()) &&
                     item.find(Tag::slope) != nullptr;
  slice_table(item, slice);
}

bool slice_says_twice(DicomScan const& scan) {
  return std::ranges::find(scan.notes(), std::string_view{"tag-twice"}, &Note::code) !=
         scan.notes().end();
}

}  // namespace

DicomSlice slice_of(DicomFile const& file, fs::path const& path) {
  auto const item = file.scan().root();
  DicomSlice out;
  out.file = path;
  out.sop_class = item.text(Tag::sop_class);
  out.sop = item.text(Tag::sop_instance);
  out.study = item.text(Tag::study);
  out.series = item.text(Tag::series);
  out.patient = item.text(Tag::patient_id);
  out.frame_of_reference = item.text(Tag::frame_of_reference);
  out.modality = item.text(Tag::modality);
  out.image_type = item.text(Tag::image_type);
  out.shape = dicom_shape(file.scan());
  out.position = slice_numbers<3>(item, Tag::position);
  out.orientation = slice_numbers<6>(item, Tag::orientation);
  out.spacing = slice_numbers<2>(item, Tag::pixel_spacing);
  out.thickness = std::min(item.number(Tag::slice_thickness).value_or(0), slice_far);
  slice_scaling(item, out);
  auto const* const spacing = item.find(Tag::pixel_spacing);
  auto const bad = spacing != nullptr && spacing->length > 0 &&
                   (!out.spacing || !((*out.spacing)[0] > 0) || !((*out.spacing)[1] > 0));
  if (bad) out.refusal = "bad-spacing";
  if (out.image_type.find("MOSAIC") != std::string::npos) out.refusal = "mosaic";
  if (item.find(Tag::concatenation) != nullptr) out.refusal = "concatenation";
  if (out.shape.frames > 1) out.refusal = "multi-frame";
  if (slice_says_twice(file.scan())) out.refusal = "tag-twice";
  auto const words = [&](std::initializer_list<Tag> tags) {
    std::string key;
    for (auto const tag : tags) {
      auto const number = item.numbers(tag);
      key += (number ? spelled(number->front()) : item.text(tag)) + '\n';
    }
    return key;
  };
  out.split = text(out.frame_of_reference, '\n', out.shape.rows, 'x', out.shape.columns, 'x',
                   out.shape.samples, '\n',
                   words({Tag::echo_time, Tag::echo_number, Tag::time_point, Tag::b_value}),
                   item.text(Tag::kernel));
  out.turn = words({Tag::acquisition_number, Tag::trigger_time, Tag::acquisition_time});
  return out;
}

}  // namespace fovea
