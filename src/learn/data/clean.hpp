#pragma once

#include "learn/data/mask_quality.hpp"

#include <set>

namespace fovea {

/// A case that a cleaned list does without.
struct LeftOut {
  std::size_t at = 0;  ///< index in the set
  std::string kind;    ///< as of the problems
  std::string why;     ///< a sentence
};

/// The cases that should not be trained on or tested with: images that cannot be read, hold
/// values that are no numbers or a single shade; equal images that are labelled differently
/// (all of them: nobody knows which label is right); copies in another split than the one that
/// is kept (test before validation before train), or, where there are no splits yet, all copies
/// but the first. Sorted by index. Near duplicates stay.
std::vector<LeftOut> unfit(Dataset const& set, std::vector<ImageFacts> const& facts);

/// The same of a set of masks: images as above, masks that cannot be used (`grid-differs`,
/// `undeclared-label`, …), images of other channels than the set's; equal images whose masks
/// differ, and copies. What is only doubtful stays unless its kind is in `also` (`empty-mask`,
/// `mask-off-edges`, `odd-spacing`, …: expect_doubts).
std::vector<LeftOut> unfit_masks(Dataset const& set,
                                 MaskReport const& report,
                                 std::vector<std::string> const& also = {});

/// Cases that stay although a check names them, by kind.
struct Doubt {
  std::string kind;
  std::set<std::size_t> cases;  ///< indices in the set
};
/// Throws Error{usage} with the nearest name if no doubt is called so.
void expect_doubts(std::vector<std::string> const& kinds);
std::vector<Doubt> doubts(MaskReport const& report, std::vector<LeftOut> const& left);

/// The set as a table that the csv layout reads: path (relative to `folder`, where the table
/// will lie), label or a column for each label, and split, patient, weight where the set has
/// them. Throws Error{input} if a class is named as one of these columns in a set of several
/// labels.
///
/// Of masks, as the layout of tables of masks reads it: image (and image_2, …), mask, and
/// field_of_view, second_reader, split, patient, weight where the set has them. What labels and
/// channels are says labels_of. Throws Error{usage} if masks are no images of their own (COCO,
/// DICOM).
std::string list_of(Dataset const& set, fs::path const& folder);

/// What lies beside a table of masks, as TABLE.json: labels, regions, the ignored value,
/// channels; as nnU-Net's dataset.json.
std::string labels_of(Dataset const& set);

}  // namespace fovea
