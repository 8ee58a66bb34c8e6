#pragma once

#include "learn/segment/setup.hpp"

namespace fovea {

/// Fits nnU-Net's plan, which reckons with a thousand epochs on a graphics card, into the
/// plan's time on this processor: a network learns by updates, so what one costs (patches at a
/// time, convolutions, channels, size of a patch) is lowered until there are enough of them.
/// Each key that changes says why; keys that a person set stay. Nothing changes without a time.
///
/// thickness  mm, of the thickest structure: patches are made smaller only where structures
///            are thin, as vessels are
void plan_budget(SegmentTargets const& targets, double thickness, Plan& plan);

}  // namespace fovea
