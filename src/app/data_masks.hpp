#pragma once

#include "app/data.hpp"
#include "learn/data/mask_quality.hpp"

namespace fovea {

/// `data inspect` of a set whose targets are masks. Returns the exit code. Throws Error{input}
/// if no image can be read.
int inspect_masks(Dataset const& set, DataInspect const& options);

/// `data clean` of it: the list, and beside it LIST.json, which says what labels and channels
/// are. Returns the exit code. Throws Error{usage} if one of the two exists, or masks are no
/// images of their own; Error{input} if nothing is left.
int clean_masks(Dataset const& set, DataClean const& options);

/// Its page: counts, problems, and contact sheets of the suspicious cases and of a sample, each
/// the slice that shows most of the mask, its outline over it. Reads the shown cases again, one
/// at a time.
std::string masks_page(Dataset const& set, MaskReport const& report);

/// Cases whose mask shows a label, in a split.
std::size_t showing(Dataset const& set,
                    MaskReport const& report,
                    std::size_t label,
                    Split split);

}  // namespace fovea
