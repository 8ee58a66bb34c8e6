#include "app/convert_dicom.hpp"

#include "app/dicom.hpp"
#include "base/core/draft.hpp"
#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/dicom/write.hpp"

namespace fovea {
namespace {

std::string convert_image_name(std::int64_t k, std::size_t count) {
  auto const digits = std::max<std::size_t>(4, text(count).size());
  auto const number = text(k + 1);
  return std::string(digits - number.size(), '0') + number + ".dcm";
}

}  // namespace

void write_images(ImageFile const& image,
                  FoundVolume const& volume,
                  fs::path const& folder,
                  std::optional<ResultSource> const& from,
                  ImagesWrite const& options,
                  Stop const& stop) {
  if (!image.placed())
    throw Error{Fault::input, "it has no place in the patient, so it is no series of images",
                "write a picture with fovea dicom sc"};
  auto source = from;
  if (!source && volume.dicom != nullptr) source = result_source(*volume.dicom);
  DicomImages const images{source ? turned_onto(image.volume, *source) : image.volume,
                           source ? &*source : nullptr, options};
  Draft draft{folder};
  make_folder(draft.path());
  in_parallel(static_cast<std::int64_t>(images.count()), usable_cores(), [&](std::int64_t k) {
    heed(stop);
    write_dicom(draft.path() / convert_image_name(k, images.count()),
                images(static_cast<std::size_t>(k)));
  });
  if (auto const fault = draft.keep())
    throw Error{Fault::resource, text("cannot name ", folder, ": ", fault.message()),
                "choose another place"};
}

}  // namespace fovea
