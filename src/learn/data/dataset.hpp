#pragma once

#include "base/core/file.hpp"
#include "base/finding/label_map.hpp"
#include "base/image/volume.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

enum class Split : std::uint8_t { unassigned, train, validation, test };
inline constexpr std::array all_splits = {Split::train, Split::validation, Split::test};
std::string_view name_of(Split split);  ///< "train", "val", "test", "unassigned"
/// Any case; also "validation", "valid", "dev", "training", "testing".
std::optional<Split> split_named(std::string_view name);

/// Where an image lies: a file, or a row of an array inside one (a MedMNIST npz).
struct Location {
  fs::path file{};
  std::string member{};   ///< of an npz; empty for a file of its own
  std::int64_t row = -1;  ///< of the member; -1 for a file of its own
};

/// What is known of one case's class: with one label a case, `labels` holds one class index;
/// with several (multi-label), one entry a class: 1 yes, 0 no, `unknown`. Where targets are
/// masks: one entry for each of the set's labels, 1 if its mask shows it, once somebody has
/// looked (note_presence); else nothing.
inline constexpr std::int32_t unknown = -1;

/// One subject's inputs and, when known, targets.
struct Case {
  std::string id{};  ///< unique in its set and stable: "train/NORMAL/1.png", "train_images/17"
  std::string patient{};  ///< cases of one patient are never split apart; empty: one of its own
  std::string together{};  ///< nor are those with the same word here, whoever they show
                           ///< (keep_together sets it); empty: with nobody
  Split split = Split::unassigned;
  double weight = 1;                 ///< in the loss
  Location image{};                  ///< all of it, or its first channel
  std::vector<Location> channels{};  ///< further ones, each a file of its own
  std::vector<std::int32_t> labels{};
  // Of sets whose targets are masks:
  Location mask{};           ///< empty file: not known
  Location field_of_view{};  ///< where the mask says anything; empty file: everywhere
  Location second_reader{};  ///< what another person drew; never learnt from; empty file: none
};

/// What masks show: a structure, and the values of a mask's voxels that belong to it. A region
/// covers several values, and regions may share them (whole tumour 1, 2, 3; its core 2, 3).
struct MaskLabel {
  std::string name{};
  std::vector<std::int32_t> values{};  ///< sorted, from 1 to 65535
  /// Its value where answers are written as one label map. Labels are written in their order,
  /// later ones over earlier ones (nnU-Net's regions_class_order).
  std::int32_t written = 0;

  bool operator==(MaskLabel const&) const = default;
};

/// Something that a person should look at. `severe`: training on it would prove nothing (a test
/// image that is pixel-equal to a training image).
struct Problem {
  std::string kind{};     ///< a stable word: "unreadable", "duplicate", "near-duplicate", …
  std::string message{};  ///< a sentence for people
  std::vector<std::size_t> cases{};  ///< indices; empty: the whole set
  bool severe = false;
};

/// How images come into memory, where the set does not know it better.
using ImageReader = std::function<Volume(fs::path const&)>;

/// Cases + splits + how to read them. Cheap to copy (arrays that were read are shared).
class Dataset {
 public:
  fs::path root{};
  std::string form{};  ///< the row of layouts that read it: "medmnist-npz", "csv", …
  std::vector<std::string> notes{};  ///< what was decided while reading, a sentence each
  std::vector<std::string> classes{};
  bool multi_label = false;
  /// Targets are masks: there are no `classes`, `labels` says what there is to be found; the
  /// background (0) is none of them.
  bool masks = false;
  std::vector<MaskLabel> labels{};
  /// By label: category, type, side, site and colour, as the segmentations that are learnt from
  /// describe it; empty codes where they do not. Empty: nobody says.
  std::vector<Segment> described{};
  std::optional<std::int32_t> ignore{};  ///< a mask's value that says nothing of its voxels
  std::vector<std::string> channels{};   ///< what each channel is: "CT", "T1", "red"
  std::vector<Case> cases{};
  std::vector<Problem> problems{};  ///< found while reading; quality() finds more

  /// The image of a case, as stored; channels that lie in files of their own become channels of
  /// one volume (of their type, or f32 if they differ in it). Thread-safe. Throws Error{input}
  /// naming the case if it cannot be read, or its channels lie on different grids.
  Volume image(Case const& one) const;

  /// The values of a case's mask on the grid of its image: one layer, the values that `labels`
  /// and `ignore` declare, a segment for each value above 0 that is not ignored. Masks of 0 and
  /// 255 count as 0 and 1 where 255 is not declared; `heard` is told so. Nothing is turned,
  /// moved or resampled. Thread-safe.
  /// Throws Refusal naming the case: unreadable; grid-differs, with the differences of size,
  /// spacing, origin and direction in mm; not-finite; non-integer-label; negative-label;
  /// undeclared-label; Error{bug} if the case has no mask.
  LabelMap mask(Case const& one,
                Grid const& image,
                std::vector<std::string>* heard = nullptr) const;
  /// What a second person drew in the same case, read and checked as the mask; none if there is
  /// nothing.
  std::optional<LabelMap> second_mask(Case const& one, Grid const& image) const;
  /// Where the mask says anything: u8, 1 inside the field of view; none if everywhere. Throws
  /// as mask.
  std::optional<Volume> field_of_view(Case const& one, Grid const& image) const;
  /// Whether a label covers several values of masks, or labels share one: then each is learnt
  /// as a yes or no of its own.
  bool regions() const;

  std::vector<std::size_t> in(Split split) const;  ///< indices of its cases
  /// Those of them that can be learnt from: at least one label, or the mask, is known.
  std::vector<std::size_t> labelled(Split split) const;

  /// True if the case is known to be of the class, with one label a case or with several.
  bool is(Case const& one, std::size_t of_class) const;

  /// SHA-256 over ids, splits, labels, weights and the images' bytes: the same set gives the
  /// same hash, wherever it lies. Reads every file once.
  std::string hash() const;

  ImageReader reader{};  ///< for files of their own; empty: read_picture, of masks read_volume
  std::function<Volume(Location const&)> rows{};  ///< for rows of arrays; set by the layout
  /// For masks that are no images (outlines, DICOM): their values on the image's grid, one
  /// channel; set by the layout.
  std::function<Volume(Location const&, Grid const& image)> drawn{};
};

/// The set without these cases (indices); problems keep naming the cases that stay. A class of
/// which no case stays is no class any more, with a note (with one label a case).
Dataset without(Dataset const& set, std::vector<std::size_t> const& cases);

/// "3 images (a.png, b.png, c.png)": names at most `most` of them, then "and 7 more".
std::string named(std::vector<std::string> const& names, std::size_t most = 3);

}  // namespace fovea
