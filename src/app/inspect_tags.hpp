#pragma once

#include "base/core/file.hpp"

namespace fovea {

/// Prints a DICOM file's attributes, one a line: number, kind, keyword and value; text in
/// UTF-8, pixels and other long values as their size. Throws as DicomFile.
void print_tags(fs::path const& path);

}  // namespace fovea
