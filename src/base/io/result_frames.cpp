#include "base/io/result_frames.hpp"

#include "base/core/hash.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/uid.hpp"
#include "base/geometry/grids.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

namespace dcm = attribute;

constexpr auto frames_measures = dcm::make(0x00289110, "SQ");
constexpr auto frames_orientation = dcm::make(0x00209116, "SQ");
constexpr auto frames_position = dcm::make(0x00209113, "SQ");
constexpr auto frames_content = dcm::make(0x00209111, "SQ");
constexpr auto frames_indices = dcm::make(0x00209157, "UL");
constexpr auto frames_preserved = dcm::make(0x0028135a, "CS");
constexpr auto frames_organizations = dcm::make(0x00209221, "SQ");
constexpr auto frames_organization = dcm::make(0x00209164, "UI");
constexpr auto frames_dimensions = dcm::make(0x00209222, "SQ");
constexpr auto frames_pointer = dcm::make(0x00209165, "AT");
constexpr auto frames_group = dcm::make(0x00209167, "AT");
constexpr auto frames_label = dcm::make(0x00209421, "LO");

bool frames_one_orientation(ResultSource const& source) {
  return std::ranges::all_of(source.images, [&](SourceImage const& image) {
    return image.orientation == source.images.front().orientation;
  });
}

DicomData frames_turn(SourceImage const& image) {
  DicomData out;
  out.set(dcm::orientation, std::span<double const>{*image.orientation});
  return out;
}

}  // namespace

ResultDimension const position_dimension{dcm::position, frames_position,
                                         "ImagePositionPatient"};

DicomData shared_groups(ResultSource const& source) {
  if (!source.placed)
    throw Refusal{"no-position", "the source has no place in the patient",
                  "choose a series of slices"};
  if (source.frame_of_reference.elements().empty())
    throw Refusal{"no-frame-of-reference",
                  "the source names no frame of reference, so a result cannot lie in it",
                  "give the source's images a frame of reference UID"};
  auto const gap = plane_distance(source.grid);
  DicomData measures;
  measures.set(dcm::pixel_spacing, {source.spacing[0], source.spacing[1]})
      .set(dcm::slice_thickness, source.thickness > 0 ? source.thickness : gap);
  if (source.images.size() > 1) measures.set(dcm::spacing_between_slices, gap);
  DicomData out;
  out.set(frames_measures, std::move(measures));
  if (frames_one_orientation(source))
    out.set(frames_orientation, frames_turn(source.images.front()));
  return out;
}

DicomData frame_groups(ResultSource const& source,
                       std::size_t k,
                       Code const& derivation,
                       std::vector<std::int64_t> const& place) {
  auto const& image = source.images.at(k);
  DicomData content;
  content.set(frames_indices, std::span<std::int64_t const>{place});
  DicomData position;
  position.set(dcm::position, std::span<double const>{*image.position});
  auto origin = item_of(image);
  origin
      .set(dcm::purpose_of_reference,
           item_of(Code{"121322", "DCM", "Source image for image processing operation"}))
      .set(frames_preserved, "YES");
  DicomData derived;
  derived.set(dcm::derivation_code, item_of(derivation)).set(dcm::source_image, origin);
  DicomData out;
  out.set(frames_content, std::move(content))
      .set(frames_position, std::move(position))
      .set(dcm::derivation_image, std::move(derived));
  if (!frames_one_orientation(source)) out.set(frames_orientation, frames_turn(image));
  return out;
}

DicomData result_dimensions(std::vector<ResultDimension> const& dimensions,
                            std::string const& seed) {
  auto const uid = uid_of_hash(sha256(text("dimensions\n", seed)));
  DicomData organization;
  organization.set(frames_organization, uid);
  std::vector<DicomData> items;
  for (auto const& one : dimensions) {
    DicomData item;
    item.set(frames_organization, uid)
        .set(frames_pointer, one.attribute.tag)
        .set(frames_group, one.group.tag)
        .set(frames_label, one.name);
    items.push_back(std::move(item));
  }
  DicomData out;
  out.set(frames_organizations, std::move(organization))
      .set(frames_dimensions, std::move(items));
  return out;
}

}  // namespace fovea
