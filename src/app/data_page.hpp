#pragma once

#include "learn/data/quality.hpp"
#include "learn/report/page.hpp"

#include <string>

namespace fovea {

/// The page of `data inspect --html`: counts, problems, a contact sheet (a sample of each
/// class, the same for the same set) and the suspicious images with the reason on them.
std::string data_page(Dataset const& set, QualityReport const& report);

/// What to look at, as a table.
Panel problems_panel(std::vector<Problem> const& problems);

/// "normal", or "effusion, edema": the classes of a case in words.
std::string labels_in_words(Dataset const& set, Case const& one);

/// Cases of each class in a split.
std::vector<std::size_t> class_counts(Dataset const& set, Split split);

}  // namespace fovea
