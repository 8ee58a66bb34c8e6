#pragma once

#include "learn/task/report.hpp"

namespace fovea {

/// The worst mistakes and why they were made, cases that look like them, whether the maps
/// depend on the weights (Adebayo 2018), and what was learnt from. Throws Interrupted.
std::vector<Panel> classify_pictures(ReportParts const& parts);

}  // namespace fovea
