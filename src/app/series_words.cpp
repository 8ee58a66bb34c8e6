#include "app/series_words.hpp"

#include "base/core/words.hpp"
#include "base/dicom/charset.hpp"

namespace fovea {
namespace {

constexpr Tag words_study_date{0x00080020}, words_study_description{0x00081030};

std::string words_date(std::string const& digits) {
  if (digits.size() != 8 || !whole(digits)) return digits;
  return digits.substr(0, 4) + '-' + digits.substr(4, 2) + '-' + digits.substr(6, 2);
}

}  // namespace

SeriesWords words_of(DicomSeries const& series) try {
  DicomFile const file{series.slices.front().file()};
  auto const root = file.scan().root();
  auto const charset = charset_of(root);
  auto const words = [&](Tag tag) { return joined(text_of(root, tag, charset).values, "\\"); };
  return {.patient = words(Tag::patient_id),
          .study = words(Tag::study),
          .study_date = words_date(words(words_study_date)),
          .study_description = words(words_study_description),
          .number = words(Tag::series_number),
          .description = words(Tag::series_description)};
} catch (Error const&) {
  return {};
}

}  // namespace fovea
