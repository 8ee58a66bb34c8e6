#pragma once

#include "learn/task/job.hpp"

namespace fovea {

/// What a report shows beside the evaluation: everything that a job knows when it has ended.
struct ReportParts {
  Work const& work;
  Model const& model;
  std::vector<Fold> const& folds;
  Evaluation const& proof;  ///< on the test split, or on validation where there is none
  Split proven_on = Split::test;
  fs::path run;        ///< its history is drawn
  Json about;          ///< run.json: versions, hashes, times
  bool images = true;  ///< without: no images, no paths, no names of files
  Stop const& stop;    ///< looked at between images
};

/// The whole page. Explains the worst mistakes and checks that the maps depend on the weights
/// (Adebayo 2018). Throws Interrupted if stopped.
Page report_of(ReportParts const& parts);

/// A map over the image it explains, in colour: u8, 3 channels.
Volume picture_of(Explanation const& why);

/// The same, 224 pixels wide or more, with its colour scale below: dark is 0, bright is the
/// map's largest value, which is written out.
Volume framed_picture_of(Explanation const& why);

/// A picture of a stored image for people: u8, its range stretched if it is not 8 bits.
Volume shown(Volume const& image);

}  // namespace fovea
