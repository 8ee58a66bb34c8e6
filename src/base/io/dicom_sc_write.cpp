#include "base/io/dicom_sc_write.hpp"

#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_sc_mark.hpp"

#include <algorithm>

namespace fovea {
namespace {

namespace dcm = attribute;

constexpr std::string_view sc_class = "1.2.840.10008.5.1.4.1.1.7";

// Channels one behind the other become pixels of three values.
Bytes sc_pixels(Volume const& picture) {
  auto const size = bytes_of(picture.type());
  auto const count = static_cast<std::size_t>(picture.voxels());
  auto const channels = static_cast<std::size_t>(picture.channels());
  auto const* const in = picture.bytes().get();
  Bytes out(picture.byte_count());
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(in + (c * count + i) * size, size, out.data() + (i * channels + c) * size);
  }
  return out;
}

std::string sc_marked(ResultSource const& source, Provenance const& by) {
  auto const version = by.version.empty() ? std::string{} : text(" ", by.version);
  auto const hash = by.hash.empty() ? std::string{} : text(", weights SHA-256 ", by.hash);
  return text("Made by ", by.name.empty() ? "Fovea" : by.name, version, hash, " from ",
              source.images.size(), " images of ", source.date, " ", source.time,
              ". A picture only: not for measuring.");
}

// The same for people: short enough to be read.
std::string sc_words(ResultSource const& source, Provenance const& by) {
  auto const version = by.version.empty() ? std::string{} : text(" ", by.version);
  // Where no image says when, the source counts from 1900.
  auto const known = source.date.size() == 8 && source.date != "19000101";
  auto const when = known ? text("of ", source.date.substr(0, 4), "-", source.date.substr(4, 2),
                                 "-", source.date.substr(6))
                          : std::string{"without a date"};
  auto const time = known && source.time.size() >= 4
                        ? text(" ", source.time.substr(0, 2), ":", source.time.substr(2, 2))
                        : std::string{};
  return text("Made by ", by.name.empty() ? "Fovea" : by.name, version, " from images ", when,
              time, ". Not for measuring.");
}

}  // namespace

DicomData dicom_sc(Volume const& original, ResultSource const& source, ScWrite const& options) {
  auto const colour = original.channels() == 3;
  auto const narrow = original.type() == Type::u8;
  if (original.depth() != 1 ||
      !(narrow ? colour || original.channels() == 1
               : original.type() == Type::u16 && original.channels() == 1))
    throw Error{
        Fault::input,
        text("expected a picture of 8 bits, grey or coloured, or of 16 bits, grey; got ",
             original.depth(), " slices of ", original.channels(), " x ",
             name_of(original.type())),
        "save it as an 8-bit PNG"};
  auto const picture =
      options.words ? with_words_below(original, sc_words(source, options.made_by)) : original;
  auto const bits = narrow ? 8 : 16;
  auto out = result_head(source, {.sop_class = std::string{sc_class},
                                  .modality = "OT",
                                  .series_description = options.description,
                                  .series_number = options.series_number,
                                  .made_by = options.made_by});
  std::vector<DicomData> images;
  for (auto const& image : instances_of(source)) {
    auto item = item_of(image);
    item.set(dcm::purpose_of_reference,
             item_of(Code{"121322", "DCM", "Source image for image processing operation"}));
    images.push_back(std::move(item));
  }
  auto const marked = sc_marked(source, options.made_by);
  out.set(dcm::image_type, {"DERIVED", "SECONDARY"})
      .set(dcm::conversion_type, "WSD")
      .set(dcm::derivation_description, marked)
      .set(dcm::image_comments, marked)
      .set(dcm::source_image, std::move(images))
      .set(dcm::laterality)
      .set(dcm::make(0x00200020, "CS"))
      .set(dcm::samples, picture.channels())
      .set(dcm::photometric, colour ? "RGB" : "MONOCHROME2")
      .set(dcm::rows, picture.height())
      .set(dcm::columns, picture.width())
      .set(dcm::bits_allocated, bits)
      .set(dcm::bits_stored, bits)
      .set(dcm::high_bit, bits - 1)
      .set(dcm::signedness, 0)
      .set(dcm::make(0x7fe00010, narrow ? "OB" : "OW"), sc_pixels(picture));
  if (colour) out.set(dcm::planar, 0);
  put_lossy(out, source);
  identify(out);
  return out;
}

}  // namespace fovea
