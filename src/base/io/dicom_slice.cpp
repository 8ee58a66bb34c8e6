#include "base/core/words.hpp"
#include "base/dicom/lookup.hpp"
#include "base/io/dicom_head.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

// A file's header, as the gate sees it.
namespace fovea {
namespace {

constexpr std::string_view slice_dose = "1.2.840.10008.5.1.4.1.1.481.2";
constexpr Tag slice_between{0x00180088};
constexpr Tag slice_tiles{0x00480006};  // columns of a picture that frames are tiles of

bool slice_says_twice(DicomScan const& scan) {
  return std::ranges::find(scan.notes(), std::string_view{"tag-twice"}, &Note::code) !=
         scan.notes().end();
}

// PS3.3 C.7.5.1.1.2: a value, or a range up to a limit; with a sign as the pixels have one,
// whatever kind it is said to be.
void slice_padding(DicomItem const& item, DicomHead& head) {
  auto const signed_as_pixels = [&](double value) {
    return head.shape.negative && value > 32767 ? value - 65536 : value;
  };
  auto const value = item.number(Tag::padding_value);
  if (!value || head.shape.samples != 1 || head.shape.photometric == "PALETTE COLOR") return;
  auto const from = signed_as_pixels(*value);
  auto const to = signed_as_pixels(item.number(Tag::padding_limit).value_or(*value));
  head.padding = {std::min(from, to), std::max(from, to)};
}

// What the numbers are, where they have no unit of ours.
void slice_say_unit(std::string const& type, DicomHead& head) {
  if (type.empty() || type == "US" || head.unit != Unit::arbitrary) return;
  auto words = type == "OD"
                   ? std::string{"its values are thousandths of optical density"}
                   : text("its values are ", printable(type, {}), ", as the header names them");
  head.notes.push_back({"value-unit", std::move(words)});
}

DicomHead slice_head(DicomFile const& file) {
  auto const item = file.scan().root();
  DicomHead head{.sop_class = item.text(Tag::sop_class),
                 .study = item.text(Tag::study),
                 .series = item.text(Tag::series),
                 .patient = item.text(Tag::patient_id),
                 .frame_of_reference = item.text(Tag::frame_of_reference),
                 .modality = item.text(Tag::modality),
                 .image_type = item.text(Tag::image_type),
                 .shape = dicom_shape(file.scan())};
  if (head.image_type.find("MOSAIC") != std::string::npos) head.refusal = "mosaic";
  if (item.find(Tag::concatenation) != nullptr) head.refusal = "concatenation";
  if (item.find(slice_tiles) != nullptr) head.refusal = "tiles";
  // Frames cost memory: none for those that are only promised.
  if (!holds_frames(file.scan(), head.shape)) head.refusal = "short-pixels";
  if (slice_says_twice(file.scan())) head.refusal = "tag-twice";
  slice_padding(item, head);
  head.split = text(head.frame_of_reference, '\n', head.shape.rows, 'x', head.shape.columns,
                    'x', head.shape.samples, '\n');
  return head;
}

// Values that stand in a table instead.
void slice_table(DicomItem const& item, DicomHead& head, DicomSlice const& slice) {
  try {
    auto const table = modality_table(item);
    if (!table) return;
    auto const [low, high] = std::ranges::minmax(table->entries);
    head.table = {static_cast<double>(low), static_cast<double>(high)};
    head.unit =
        head.modality == "CT" && table->type == "HU" ? Unit::hounsfield : Unit::arbitrary;
    slice_say_unit(table->type, head);
    if (slice.slope != 1 || slice.intercept != 0) head.refusal = "bad-scaling";
    auto const fractions = head.shape.type == Type::f32 || head.shape.type == Type::f64;
    if (fractions || head.shape.samples != 1) head.refusal = "bad-table";
  } catch (Refusal const&) {
    head.refusal = "bad-table";
  }
}

// Several frames and nothing that says where each of them lies: one place for all of them would
// be none.
std::vector<DicomSlice> slice_film(DicomHead const& head, DicomSlice slice) {
  slice.head = std::make_shared<DicomHead const>(head);
  slice.position.reset();
  std::vector<DicomSlice> out;
  out.reserve(static_cast<std::size_t>(head.shape.frames));
  for (std::int64_t frame = 0; frame < head.shape.frames; ++frame) {
    slice.frame = static_cast<std::int32_t>(frame);
    out.push_back(slice);
  }
  return out;
}

// B-value and direction: images of one place that differ in these are no repetitions.
std::string slice_diffusion(DicomMoment const& moment) {
  constexpr double digits = 1e4;
  auto out = moment.b_value ? spelled(*moment.b_value) : std::string{};
  if (moment.isotropic) out += " isotropic";
  if (!moment.gradient) return out + '\n';
  for (auto const part : *moment.gradient)
    out += ' ' + spelled(std::round(part * digits) / digits + 0.0);
  return out + '\n';
}

// A line for each, times marked as what they are.
std::string slice_turn(DicomItem const& item, DicomMoment const& moment) {
  auto const words = [](std::optional<double> const& value) {
    return value ? spelled(*value) : std::string{};
  };
  return text(item.text(Tag::image_type), '\n', words(moment.acquisition), "\nt",
              words(moment.trigger), "\nt", words(moment.acquired), "\nt", words(moment.made));
}

}  // namespace

std::string slice_words(DicomItem const& item, std::initializer_list<Tag> tags) {
  std::string key;
  for (auto const tag : tags) {
    auto const number = item.numbers(tag);
    key += (number ? spelled(number->front()) : item.text(tag)) + '\n';
  }
  return key;
}

void slice_scaling(DicomItem const& item, DicomHead& head, DicomSlice& slice) {
  auto const read = [&](Tag tag, double& value) {
    auto const* const element = item.find(tag);
    if (element == nullptr || element->length == 0) return true;
    auto const said = item.number(tag);
    if (said) value = *said;
    return said.has_value();
  };
  if (!read(Tag::slope, slice.slope) || !read(Tag::intercept, slice.intercept) ||
      slice.slope == 0)
    head.refusal = "bad-scaling";
  auto const unit = item.text(Tag::rescale_type);
  auto const hounsfield = head.modality == "CT" && (unit == "HU" || unit.empty()) &&
                          item.find(Tag::slope) != nullptr;
  if (hounsfield) head.unit = Unit::hounsfield;
  slice_say_unit(unit, head);
  slice_table(item, head, slice);
}

void slice_measures(DicomItem const& item, DicomHead& head) {
  head.spacing = slice_numbers<2>(item, Tag::pixel_spacing);
  head.thickness = std::min(item.number(Tag::slice_thickness).value_or(0), slice_far);
  head.between = std::clamp(item.number(slice_between).value_or(0), -slice_far, slice_far);
  auto const* const spacing = item.find(Tag::pixel_spacing);
  auto const bad = spacing != nullptr && spacing->length > 0 &&
                   (!head.spacing || !((*head.spacing)[0] > 0) || !((*head.spacing)[1] > 0));
  if (bad) head.refusal = "bad-spacing";
}

std::vector<DicomSlice> slices_of(DicomFile const& file, fs::path const& path) {
  auto const item = file.scan().root();
  auto head = slice_head(file);
  DicomSlice slice;
  slice.object = std::make_shared<DicomInstance const>(
      DicomInstance{.file = path.string(), .sop = item.text(Tag::sop_instance)});
  if (has_frame_groups(item)) return slices_of_groups(file, head, slice);
  slice_measures(item, head);
  slice_scaling(item, head, slice);
  slice.position = slice_numbers<3>(item, Tag::position);
  head.orientation = slice_numbers<6>(item, Tag::orientation);
  auto const moment = moment_of(item);
  head.split += slice_words(item, {Tag::echo_time, Tag::echo_number, Tag::time_point}) +
                slice_diffusion(moment) + item.text(Tag::kernel);
  slice.turn = std::make_shared<std::string const>(slice_turn(item, moment));
  if (head.sop_class == slice_dose) return slices_of_dose(file, head, slice);
  if (head.shape.frames > 1 && head.refusal.empty()) return slice_film(head, slice);
  slice.head = std::make_shared<DicomHead const>(std::move(head));
  return {slice};
}

// --- memory ----------------------------------------------------------------------------------

void DicomPool::share(DicomSlice& slice) {
  // Where heads of one series differ in each slice, looking for an equal one would never end.
  constexpr std::size_t most = 16;
  std::hash<std::string> const hash;
  auto const& head = *slice.head;
  auto& heads = heads_[hash(head.series) ^ hash(head.split) * 31];
  auto const from = heads.end() - static_cast<std::ptrdiff_t>(std::min(most, heads.size()));
  auto const same =
      std::find_if(from, heads.end(), [&](auto const& one) { return *one == head; });
  if (same != heads.end())
    slice.head = *same;
  else
    heads.push_back(slice.head);
  if (slice.turn) slice.turn = turns_.try_emplace(*slice.turn, slice.turn).first->second;
}

}  // namespace fovea
