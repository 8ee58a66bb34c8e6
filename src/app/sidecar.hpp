#pragma once

#include "app/found.hpp"

namespace fovea {

/// What the first header of a series says of its acquisition, under the names and in the units
/// of BIDS (times in s); nothing that names a person or a place. Of other formats: their notes.
Json sidecar_of(FoundVolume const& volume);

/// "ct.json" beside "ct.nii.gz".
fs::path sidecar_beside(fs::path const& file);

}  // namespace fovea
