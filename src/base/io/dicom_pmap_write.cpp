#include "base/io/dicom_pmap_write.hpp"

#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/io/result_frames.hpp"
#include "base/io/value_range.hpp"

#include <algorithm>
#include <cstring>

namespace fovea {
namespace {

namespace dcm = attribute;

constexpr std::string_view pmap_class = "1.2.840.10008.5.1.4.1.1.30";

// The standard's derivations (context group 7203) have no word for what a model computes.
Code const pmap_derivation{"computed-values", "99FOVEA", "Computed values"};

template <class Stored>
Bytes pmap_bytes(Volume const& volume) {
  std::vector<Stored> values(static_cast<std::size_t>(volume.voxels()));
  with_type(volume.type(), [&](auto zero) {
    using T = decltype(zero);
    std::ranges::transform(volume.as<T>(), values.begin(),
                           [](T value) { return static_cast<Stored>(value); });
  });
  Bytes out(values.size() * sizeof(Stored));
  std::memcpy(out.data(), values.data(), out.size());  // little endian, as this program's CPUs
  return out;
}

DicomData pmap_mapping(PmapWrite const& options, ValueRange const& range) {
  DicomData quantity;
  quantity.set(dcm::make(0x0040a040, "CS"), "CODE")
      .set(dcm::make(0x0040a043, "SQ"), item_of(Code{"246205007", "SCT", "Quantity"}))
      .set(dcm::make(0x0040a168, "SQ"), item_of(options.quantity));
  DicomData out;
  out.set(dcm::make(0x00283003, "LO"), options.quantity.meaning)
      .set(dcm::make(0x00409210, "SH"), "1")
      .set(dcm::make(0x00409213, "FD"), range.most)
      .set(dcm::make(0x00409214, "FD"), range.least)
      .set(dcm::make(0x00409220, "SQ"), std::move(quantity))
      .set(dcm::make(0x00409224, "FD"), 0.0)
      .set(dcm::make(0x00409225, "FD"), 1.0)
      .set(dcm::make(0x004008ea, "SQ"), item_of(options.unit));
  return out;
}

void pmap_image(DicomData& out,
                Volume const& volume,
                ResultSource const& source,
                PmapWrite const& options) {
  out.set(dcm::image_type, {"DERIVED", "PRIMARY", "VOLUME", "QUANTITY"})
      .set(dcm::make(0x00189004, "CS"), "RESEARCH")
      .set(dcm::content_label, "PARAMETRIC_MAP")
      .set(dcm::content_description, options.description)
      .set(dcm::content_creator)
      .set(dcm::burned_in, "NO")
      .set(dcm::laterality)
      .set(dcm::make(0x00280302, "CS"), "NO")
      .set(dcm::make(0x20500020, "CS"), "IDENTITY")
      .set(dcm::make(0x00400555, "SQ"), std::vector<DicomData>{})
      .set(dcm::samples, 1)
      .set(dcm::photometric, "MONOCHROME2")
      .set(dcm::frames, volume.depth())
      .set(dcm::rows, volume.height())
      .set(dcm::columns, volume.width());
  put_lossy(out, source);
}

// 16-bit integers and f32 are exact in f32; 32-bit integers and f64 in f64.
bool pmap_wide(Volume const& volume) {
  auto const type = volume.type();
  if (type == Type::i64 || type == Type::u64)
    throw Error{Fault::input, "64-bit integers do not fit a parametric map exactly",
                "convert them to f64 first"};
  return type == Type::f64 || type == Type::i32 || type == Type::u32;
}

}  // namespace

DicomData dicom_pmap(Volume const& volume,
                     ResultSource const& source,
                     PmapWrite const& options) {
  expect_grid_of(source, volume.grid());
  if (volume.channels() != 1)
    throw Error{Fault::input, text("expected one channel, got ", volume.channels()),
                "write each into a map of its own"};
  auto shared = shared_groups(source);
  auto const range = value_range(volume);
  auto const wide = pmap_wide(volume);
  DicomData type;
  type.set(dcm::make(0x00089007, "CS"), {"DERIVED", "PRIMARY", "VOLUME", "QUANTITY"});
  DicomData identity;
  identity.set(dcm::intercept, 0).set(dcm::slope, 1).set(dcm::rescale_type, "US");
  shared.set(dcm::make(0x00409092, "SQ"), std::move(type))
      .set(dcm::make(0x00289145, "SQ"), std::move(identity))
      .set(dcm::make(0x00409096, "SQ"), pmap_mapping(options, range));
  auto out = result_head(source, {.sop_class = std::string{pmap_class},
                                  .modality = source.modality,
                                  .series_description = options.description,
                                  .series_number = options.series_number,
                                  .made_by = options.made_by});
  out.merge(source.frame_of_reference).merge(result_references(source));
  pmap_image(out, volume, source, options);
  std::vector<DicomData> frames;
  for (std::size_t k = 0; k < source.images.size(); ++k)
    frames.push_back(
        frame_groups(source, k, pmap_derivation, {static_cast<std::int64_t>(k + 1)}));
  out.set(dcm::make(0x52009229, "SQ"), std::move(shared))
      .set(dcm::make(0x52009230, "SQ"), std::move(frames))
      .set(dcm::bits_allocated, wide ? 64 : 32);
  // Every map of a series has the same frames at the same places.
  out.merge(result_dimensions({position_dimension}, text("slices of ", source.series)));
  if (wide)
    out.set(dcm::make(0x7fe00009, "OD"), pmap_bytes<double>(volume));
  else
    out.set(dcm::make(0x7fe00008, "OF"), pmap_bytes<float>(volume));
  identify(out);
  return out;
}

}  // namespace fovea
