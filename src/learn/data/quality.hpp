#pragma once

#include "learn/data/dataset.hpp"
#include "learn/data/near_duplicates.hpp"

namespace fovea {

/// What one look at an image gave.
struct ImageFacts {
  bool readable = false;
  std::string fault;  ///< why not
  bool finite =
      true;  ///< false: holds NaN or infinite values, which the numbers below leave out
  std::int64_t width = 0, height = 0, channels = 0;
  bool grey = false;  ///< one channel, or three that are equal
  Type type = Type::u8;
  double low = 0, high = 0, mean = 0, deviation = 0;  ///< over all channels
  std::string hash;  ///< SHA-256 of size, channels, type and voxels; of the one plane where
                     ///< three are equal, as in a grey picture that was saved in colour
  Looks looks;
};

/// Of an image in memory; `looks` only if they are asked for.
ImageFacts facts_of(Volume const& image, bool looked_at = true);

struct QualityReport {
  std::vector<ImageFacts> facts;  ///< by case
  std::vector<Problem> problems;  ///< most severe first; those found while reading included
};

/// Reads every image once, on `threads` threads; the result does not depend on their number.
/// `seen` hears how many are done, one call at a time. Throws Error{input} if an array (a
/// member of an npz) holds no image that can be read.
std::vector<ImageFacts> look_at(Dataset const& set,
                                int threads,
                                std::function<void(std::size_t done)> const& seen = {});

/// What a person should look at, by these kinds:
/// unreadable · not-finite · constant · conflicting-labels (pixel-equal, labelled otherwise) ·
/// duplicate · duplicate-across-splits (severe if a test image equals a training or validation
/// image) · near-duplicate · near-duplicate-across-splits · near-in-part (not
/// all were compared) · odd-size · odd-channels ·
/// odd-type (stored in other types of number) · odd-intensity · patient-across-splits ·
/// imbalance · few-cases · one-class (severe) · unseen-label (in val or test, never in train;
/// severe). `facts` are those of the set's cases, in their order.
std::vector<Problem> problems_of(Dataset const& set, std::vector<ImageFacts> const& facts);

/// Both. Splits may be assigned afterwards: then call problems_of again with the same facts.
QualityReport quality(Dataset const& set,
                      int threads,
                      std::function<void(std::size_t done)> const& seen = {});

/// Groups (two members or more) of images that are equal pixel for pixel. Images of one even
/// shade are equal without being copies: they are in no group.
std::vector<std::vector<std::size_t>> equal_images(std::vector<ImageFacts> const& facts);

/// True if two of the cases contradict each other by their classes; unknown labels contradict
/// nothing.
bool labelled_differently(Dataset const& set, std::vector<std::size_t> const& cases);

/// Sets Case::together of cases whose images are equal or look almost the same, so that
/// assign_splits and folds_of never part them: call it before both. Test images are joined with
/// each other only: how the others are cut must not depend on them. Patients and given splits
/// stay as they are. Notes how many images it joined, if any.
void keep_together(Dataset& set, std::vector<ImageFacts> const& facts);

}  // namespace fovea
