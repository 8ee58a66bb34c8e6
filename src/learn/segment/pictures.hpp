#pragma once

#include "learn/task/report.hpp"

namespace fovea {

/// The best, a middling and the worst cases with outlines in three planes, why the worst was
/// answered so, and what was learnt from. Throws Interrupted.
std::vector<Panel> segment_pictures(ReportParts const& parts);

}  // namespace fovea
