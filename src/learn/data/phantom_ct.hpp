#pragma once

#include "base/core/file.hpp"
#include "base/core/stop.hpp"
#include "base/finding/label_map.hpp"
#include "base/image/volume.hpp"

#include <cstdint>
#include <string_view>

namespace fovea {

/// A made-up data set of masks: CT of the lower chest and the upper belly with contrast medium,
/// 160 mm of each patient, whose anatomy, lesions, noise and spacing differ. The same options
/// give the same files.
struct PhantomCt {
  int train = 16;            ///< patients to learn from; at least 2
  int test = 4;              ///< patients in the test split; at least 1
  std::int64_t size = 128;   ///< pixels along rows and columns of about 360 mm; 48 to 512
  std::int64_t slices = 32;  ///< 16 to 160; about 5 mm each
  std::uint64_t seed = 1;
};

/// One patient: i16 in HU, and what is where.
struct PhantomCtCase {
  Volume image;
  LabelMap truth;  ///< a segment for each of phantom_ct_structures, values from 1
};

/// In the order of the values, which is that of the labels of the set when it is read: numbers
/// of what was found and of what is true mean the same. Lesions are no part of their organs.
inline constexpr std::string_view phantom_ct_structures[] = {
    "aorta", "kidneys", "liver", "liver tumour", "lung nodule", "lungs", "spleen"};

/// The patient's number, from 1, decides everything. Throws Error{usage} on options that make
/// no set.
PhantomCtCase phantom_ct(PhantomCt const& options, int patient);

/// The patient as a DICOM CT series, FOLDER/0001.dcm …, and the truth as a DICOM segmentation
/// in the file `truth` (empty: none). The folder must be new or empty. Throws as
/// write_phantom_ct.
void write_phantom_ct_patient(fs::path const& folder,
                              fs::path const& truth,
                              PhantomCt const& options,
                              int patient,
                              Stop const& stop);

/// Writes train/p01 … and test/p17 …, each with its series and its segmentation.dcm. Throws
/// Error{usage} if the folder holds something already or the options make no set,
/// Error{resource} if it cannot be written, Interrupted.
void write_phantom_ct(fs::path const& folder, PhantomCt const& options, Stop const& stop);

}  // namespace fovea
