#include "app/convert_dicom.hpp"

#include "app/dicom.hpp"
#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/dicom/write.hpp"

namespace fovea {
namespace {

/// A folder that gets its name only when all is in it.
class ConvertDraft {
 public:
  explicit ConvertDraft(fs::path const& folder) : folder_(folder), draft_(folder) {
    draft_ += ".part";
    make_folder(draft_);
  }
  ~ConvertDraft() {
    std::error_code ignored;
    if (!done_) fs::remove_all(draft_, ignored);
  }
  ConvertDraft(ConvertDraft const&) = delete;
  ConvertDraft& operator=(ConvertDraft const&) = delete;

  fs::path const& path() const { return draft_; }
  void keep() {
    std::error_code failed;
    fs::rename(draft_, folder_, failed);
    if (failed)
      throw Error{Fault::resource, text("cannot name ", folder_, ": ", failed.message()),
                  "choose another place"};
    done_ = true;
  }

 private:
  fs::path folder_, draft_;
  bool done_ = false;
};

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
  ConvertDraft draft{folder};
  in_parallel(static_cast<std::int64_t>(images.count()), usable_cores(), [&](std::int64_t k) {
    heed(stop);
    write_dicom(draft.path() / convert_image_name(k, images.count()),
                images(static_cast<std::size_t>(k)));
  });
  draft.keep();
}

}  // namespace fovea
