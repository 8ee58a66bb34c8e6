#pragma once

#include "learn/task/job.hpp"

namespace fovea {

/// Trains the plan as it is and each of the task's candidates for a short while (the same time,
/// or the same number of epochs), and gives the plan whose validation score was best. Only
/// training and validation cases take part. The plan that comes back says what was tried, and
/// asks for no search again. Throws Interrupted if `stop` was asked.
///
/// `seconds`: for all trials together; 0: each runs a tenth of the plan's epochs, at least one
Plan searched(
    Task const& task, Dataset const& set, Plan plan, double seconds, Stop const* stop);

}  // namespace fovea
