#pragma once

#include "app/found.hpp"
#include "base/io/dicom_images_write.hpp"

#include <optional>

namespace fovea {

/// A volume as a series of DICOM images in a new folder: all of them or none. `from` is the
/// series that it was made from; a volume that was DICOM itself is taken for made from its own,
/// and any other becomes a study of nobody. Throws Error{input} if it has no place; as
/// DicomImages and write_dicom.
void write_images(ImageFile const& image,
                  FoundVolume const& volume,
                  fs::path const& folder,
                  std::optional<ResultSource> const& from,
                  ImagesWrite const& options,
                  Stop const& stop);

}  // namespace fovea
