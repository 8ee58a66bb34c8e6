#pragma once

#include "base/core/stop.hpp"
#include "learn/data/quality.hpp"
#include "learn/patch/case_store.hpp"
#include "learn/recipe/preprocess.hpp"
#include "learn/segment/first_stage.hpp"
#include "learn/segment/setup.hpp"

#include <memory>
#include <vector>

namespace fovea {

/// What each channel is, as the set says; else "channel 1" …
std::vector<std::string> channels_of(Dataset const& set, std::vector<ImageFacts> const& facts);

/// The image of a case as recipes take it: 2D pictures as one slice, else as it is.
Volume segment_image(Volume const& image);
/// Its mask, in values that are stored: i16 on the same voxels.
Volume segment_labels(Dataset const& set,
                      Case const& one,
                      Volume const& image,
                      SegmentTargets const& targets);

/// Where prepared cases lie if the plan does not say: $XDG_CACHE_HOME/fovea/cases, else
/// ~/.cache/fovea/cases.
fs::path segment_cache(Plan const& plan);

/// Prepares the cases `which` (indices), or finds them prepared, and opens them, in that order.
/// Throws what loading a case throws, Error{resource} if the disk is full, Interrupted.
std::vector<std::shared_ptr<StoredCase const>> segment_cases(
    Dataset const& set,
    std::vector<std::size_t> const& which,
    Recipe const& recipe,
    SegmentTargets const& targets,
    Plan const& plan,
    std::array<std::int64_t, 3> const& patch,
    Stop const& stop);

/// What the first stage of a cascade says of the same cases: labels alone, on the voxels that
/// segment_cases gives. Throws as segment_cases and segmented.
std::vector<std::shared_ptr<StoredCase const>> found_cases(
    Dataset const& set,
    std::vector<std::size_t> const& which,
    FirstStage const& first,
    SegmentSetup const& setup,
    Plan const& plan,
    Stop const& stop);

}  // namespace fovea
