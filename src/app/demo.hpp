#pragma once

#include "app/full.hpp"
#include "base/core/file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// One job of the demo: a data set, and where everything about it goes.
struct DemoJob {
  fs::path folder;
  std::string data, time, patient_from;
  std::vector<std::string> set;  ///< KEY=VALUE of the plan
};

/// Says what comes, as the command that does the same. Throws Interrupted if stopped.
void demo_step(std::string_view words);

PlanFlags demo_flags(DemoJob const& job);
std::string demo_words(PlanFlags const& flags);  ///< as they would be typed

void demo_inspect(DemoJob const& job);
void demo_train(DemoJob const& job, PlanFlags const& flags);
void demo_export(DemoJob const& job);

/// The whole job on a set of masks: its run, why, found (masks of test cases), model.fovea.
void demo_segment(DemoJob const& job);

/// The same on made-up CT in DICOM, and a new patient's series as a segmentation: new/found,
/// beside the truth in a picture: found.png.
void demo_ct(fs::path const& folder, std::string const& time);

}  // namespace fovea
