#include "base/io/dicom_images_write.hpp"

#include "base/core/hash.hpp"
#include "base/core/words.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/uid.hpp"
#include "base/dicom/write.hpp"
#include "base/geometry/grids.hpp"
#include "base/image/vector3.hpp"
#include "base/io/value_range.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

namespace dcm = attribute;

constexpr std::string_view images_ct = "1.2.840.10008.5.1.4.1.1.2";
constexpr std::string_view images_ct_enhanced = "1.2.840.10008.5.1.4.1.1.2.1";
constexpr std::string_view images_mr = "1.2.840.10008.5.1.4.1.1.4";
constexpr std::string_view images_mr_enhanced = "1.2.840.10008.5.1.4.1.1.4.1";
constexpr std::string_view images_sc = "1.2.840.10008.5.1.4.1.1.7";

std::string_view images_class(ResultSource const* source) {
  if (source == nullptr) return images_sc;
  auto const& was = source->images.front().sop_class;
  if (was == images_ct || was == images_ct_enhanced) return images_ct;
  if (was == images_mr || was == images_mr_enhanced) return images_mr;
  return images_sc;
}

Vector3 images_unit(Axis const& axis) {
  auto const length = std::hypot(axis.mm[0], axis.mm[1], axis.mm[2]);
  return {axis.mm[0] / length, axis.mm[1] / length, axis.mm[2] / length};
}

[[noreturn]] void images_not_exact(std::string const& what) {
  throw Refusal{"not-exact", what,
                "say how values may be rounded (--round STEP), or write NIfTI"};
}

// What to take off so that 16 bits hold all; 0 where that can be.
double images_offset(double least, double most) {
  if ((least >= 0 && most <= 65535) || (least >= -32768 && most <= 32767)) return 0;
  if (most - least <= 65535) return least;
  images_not_exact(text("16 bits do not hold all whole numbers from ", least, " to ", most));
}

void images_copy(DicomData& data, DicomItem const& item, Attribute which) {
  auto const words = item.text(which.tag);
  auto const plain = std::ranges::all_of(words, [](char letter) {
    return letter >= ' ' && static_cast<unsigned char>(letter) < 0x7f;
  });
  if (!words.empty() && plain) data.copy(which, words);
}

// How the source was taken (PS3.3 C.8.2.1, C.8.3.1): what is the same in all of its images.
void images_acquired(DicomData& data, ResultSource const& source, std::string_view sop_class) {
  constexpr Attribute both[] = {dcm::make(0x00180015, "CS"), dcm::make(0x00180010, "LO"),
                                dcm::make(0x00185100, "CS"), dcm::laterality};
  constexpr Attribute ct[] = {dcm::make(0x00180060, "DS"), dcm::make(0x00181210, "SH"),
                              dcm::make(0x00180090, "DS"), dcm::make(0x00180022, "CS")};
  constexpr Attribute mr[] = {dcm::make(0x00180020, "CS"), dcm::make(0x00180021, "CS"),
                              dcm::make(0x00180022, "CS"), dcm::make(0x00180023, "CS"),
                              dcm::make(0x00180080, "DS"), dcm::make(0x00180081, "DS"),
                              dcm::make(0x00180082, "DS"), dcm::make(0x00180087, "DS"),
                              dcm::make(0x00180091, "IS"), dcm::make(0x00181314, "DS")};
  // Type 2, and type 1 of MR, where the source is silent (enhanced ones say it elsewhere).
  data.set(dcm::make(0x00200012, "IS")).set(dcm::laterality).set(dcm::make(0x00185100, "CS"));
  DicomFile const file{source.first};
  auto const root = file.scan().root();
  for (auto const which : both) images_copy(data, root, which);
  if (sop_class == images_ct) {
    data.set(dcm::make(0x00180060, "DS"));
    for (auto const which : ct) images_copy(data, root, which);
  }
  if (sop_class == images_mr) {
    data.set(dcm::make(0x00180020, "CS"), "RM")
        .set(dcm::make(0x00180021, "CS"), "NONE")
        .set(dcm::make(0x00180022, "CS"))
        .set(dcm::make(0x00180023, "CS"))
        .set(dcm::make(0x00180080, "DS"))
        .set(dcm::make(0x00180081, "DS"))
        .set(dcm::make(0x00180091, "IS"));
    for (auto const which : mr) images_copy(data, root, which);
  }
}

// A study of nobody, for volumes that belong to no patient here.
DicomData images_nobody(ImagesWrite const& options) {
  ResultSource nobody;
  nobody.date = "19000101";
  nobody.time = "000000";
  for (auto const which :
       {dcm::study_date, dcm::study_time, dcm::accession_number, dcm::referring_physician,
        dcm::patient_name, dcm::patient_id, dcm::birth_date, dcm::sex, dcm::study_id})
    nobody.patient_and_study.set(which);
  auto out = result_head(nobody, {.sop_class = std::string{images_sc},
                                  .modality = "OT",
                                  .series_description = options.description,
                                  .series_number = options.series_number,
                                  .made_by = options.made_by});
  out.set(dcm::laterality);
  return out;
}

void images_check(Volume const& volume, ResultSource const* source) {
  if (volume.channels() != 1)
    throw Error{Fault::input,
                text("expected grey images of one channel, got ", volume.channels()),
                "write each channel as a series of its own"};
  auto const& grid = volume.grid();
  constexpr double cosines = 1e-3;  // as the gate's
  if (std::abs(dot(images_unit(grid.axes[0]), images_unit(grid.axes[1]))) > cosines)
    throw Refusal{"not-orthogonal", "rows and columns do not stand at right angles",
                  "resample it: --straighten"};
  if (source == nullptr) return;
  if (!source->placed)
    throw Refusal{"no-position", "the source has no place in the patient",
                  "choose a series of slices"};
  if (source->frame_of_reference.elements().empty())
    throw Refusal{"no-frame-of-reference",
                  "the source names no frame of reference, so a result cannot lie in it",
                  "give the source's images a frame of reference UID"};
}

}  // namespace

DicomImages::DicomImages(Volume volume, ResultSource const* source, ImagesWrite const& options)
    : volume_(std::move(volume)) {
  images_check(volume_, source);
  store(options);
  auto const sop_class = images_class(source);
  if (source != nullptr) {
    head_ = result_head(*source, {.sop_class = std::string{sop_class},
                                  .modality = source->modality,
                                  .series_description = options.description,
                                  .series_number = options.series_number,
                                  .made_by = options.made_by});
    head_.merge(source->frame_of_reference);
    images_acquired(head_, *source, sop_class);
    put_lossy(head_, *source);
    auto const same = same_grid(source->grid, volume_.grid());
    (same ? sliced_ : sources_) = same ? source->images : instances_of(*source);
  } else {
    head_ = images_nobody(options);
  }
  describe(options, sop_class);
  name(source == nullptr);
}

// How values become 16 bits.
void DicomImages::store(ImagesWrite const& options) {
  auto const range = value_range(volume_);
  constexpr double exact = 9007199254740992;  // whole numbers that a double holds
  if (std::abs(range.least) > exact || std::abs(range.most) > exact)
    images_not_exact("values beyond 2^53 are not read exactly");
  if (options.round_to) {
    step_ = *options.round_to;
    if (!(step_ > 0) || number(decimal_string(step_)) != step_)
      throw Error{Fault::usage,
                  text("expected a step above 0 of at most 16 characters, got ", step_),
                  "for example 0.01"};
  } else if (!range.whole) {
    images_not_exact("values with fractions are no 16-bit integers");
  }
  auto const least = std::round(range.least / step_);
  auto const offset = images_offset(least, std::round(range.most / step_));
  intercept_ = number(decimal_string(offset * step_)).value_or(0);
  if (!options.round_to && intercept_ != offset)
    images_not_exact(text("16 characters do not hold the intercept ", offset));
  negative_ = least - offset < 0;
}

void DicomImages::describe(ImagesWrite const& options, std::string_view sop_class) {
  auto const spacing = volume_.grid().spacing().mm;
  auto const gap = plane_distance(volume_.grid());
  std::vector<std::string> type{"DERIVED", "SECONDARY"};
  if (sop_class != images_sc) type.emplace_back(sop_class == images_ct ? "AXIAL" : "OTHER");
  head_.set(dcm::image_type, std::span<std::string const>{type})
      .set(dcm::derivation_description,
           options.round_to ? text("values rounded to multiples of ", spelled(step_))
                            : std::string{"values not rounded"})
      .set(dcm::pixel_spacing, {spacing[1], spacing[0]})
      .set(dcm::slice_thickness, gap)
      .set(dcm::spacing_between_slices, gap)
      .set(dcm::samples, 1)
      .set(dcm::photometric, "MONOCHROME2")
      .set(dcm::rows, volume_.height())
      .set(dcm::columns, volume_.width())
      .set(dcm::bits_allocated, 16)
      .set(dcm::bits_stored, 16)
      .set(dcm::high_bit, 15)
      .set(dcm::signedness, negative_ ? 1 : 0);
  if (sop_class == images_sc)
    head_.set(dcm::conversion_type, "WSD").set(dcm::make(0x00200020, "CS"));
  // CT has a scale always; MR gets one, beyond what its class asks for, only where it needs it.
  if (sop_class == images_ct || step_ != 1 || intercept_ != 0)
    head_.set(dcm::intercept, intercept_)
        .set(dcm::slope, step_)
        .set(dcm::rescale_type, volume_.unit() == Unit::hounsfield ? "HU" : "US");
}

// One series for all: its identifier, and those of a study of nobody, follow from everything.
void DicomImages::name(bool nobody) {
  Sha256 all;
  all.add(text(hash_of(head_), '\n', implementation_version_name(), '\n',
               name_of(volume_.type()), '\n'));
  for (auto const& axis : volume_.grid().axes) {
    for (auto const part : axis.mm) all.add(text(spelled(part), ' '));
  }
  for (auto const part : volume_.grid().origin.mm) all.add(text(spelled(part), ' '));
  for (auto const* some : {&sliced_, &sources_}) {
    for (auto const& image : *some) all.add(text(image.sop, ' ', image.frame, ' '));
  }
  all.add(std::span{volume_.bytes().get(), volume_.byte_count()});
  auto const seed = all.hex();
  auto const uid = [&](std::string_view of) { return uid_of_hash(sha256(text(of, seed))); };
  head_.set(dcm::series, uid("series"));
  if (!nobody) return;
  head_.set(dcm::study, uid("study"))
      .set(dcm::frame_of_reference, uid("frame of reference"))
      .set(dcm::position_reference);
}

Bytes DicomImages::pixels(std::size_t k) const {
  auto const plane = static_cast<std::size_t>(volume_.width() * volume_.height());
  Bytes out;
  out.reserve(2 * plane);
  with_type(volume_.type(), [&](auto zero) {
    using T = decltype(zero);
    for (auto const value : volume_.as<T>().subspan(k * plane, plane)) {
      auto const stored = std::lround((static_cast<double>(value) - intercept_) / step_);
      out.push_back(static_cast<std::byte>(stored & 255));
      out.push_back(static_cast<std::byte>(stored >> 8 & 255));
    }
  });
  return out;
}

DicomData DicomImages::operator()(std::size_t k) const {
  auto out = head_;
  auto const& grid = volume_.grid();
  auto const row = images_unit(grid.axes[0]);
  auto const column = images_unit(grid.axes[1]);
  std::array<double, 6> turn{row[0], row[1], row[2], column[0], column[1], column[2]};
  auto place = grid.point_of({{0, 0, static_cast<double>(k)}}).mm;
  std::vector<SourceImage> from = sources_;
  if (!sliced_.empty()) {  // as the source wrote them
    place = *sliced_[k].position;
    turn = *sliced_[k].orientation;
    from = {sliced_[k]};
  }
  out.set(dcm::instance_number, k + 1)
      .set(dcm::position, std::span<double const>{place})
      .set(dcm::orientation, std::span<double const>{turn});
  std::vector<DicomData> items;
  for (auto const& image : from) {
    auto item = item_of(image);
    item.set(dcm::purpose_of_reference,
             item_of(Code{"121322", "DCM", "Source image for image processing operation"}));
    items.push_back(std::move(item));
  }
  if (!items.empty()) out.set(dcm::source_image, std::move(items));
  out.set(dcm::make(0x7fe00010, "OW"), pixels(k));
  identify(out);
  return out;
}

}  // namespace fovea
