#pragma once

#include "app/found.hpp"

namespace fovea {

/// What the first header of a series says of its acquisition, under the names and in the units
/// of BIDS (times in s); nothing that names a person, a place or a day. What is not certain
/// (the sign of a phase encoding, when each slice was acquired) is left out. Of an image of
/// several volumes also what each of them is. Of other formats: their notes.
Json sidecar_of(FoundVolume const& volume, Volume const& written);

/// "ct.json" beside "ct.nii.gz".
fs::path sidecar_beside(fs::path const& file);

}  // namespace fovea
