#pragma once

#include "base/core/error.hpp"
#include "base/dicom/made/phantom.hpp"
#include "base/io/result_source.hpp"

#include <functional>

// Source series of phantoms for the tests of what is written as DICOM.
namespace fovea {

/// A series of `slices` in files of its own, as the gate sorted it. `change` may change a
/// slice.
inline DicomSeries made_source(
    fs::path const& folder,
    int slices = 4,
    std::function<void(MadeSlice&, int)> const& change = [](MadeSlice&, int) {}) {
  std::vector<fs::path> files;
  for (int k = 0; k < slices; ++k) {
    MadeSlice slice;
    slice.sop = text("1.2.3.", k + 1);
    slice.at(-10, -20, 30 + 2.5 * k);
    slice.more = {{Tag{0x00080020}, "20240131"}, {Tag{0x00080030}, "120000"}};
    change(slice, k);
    files.push_back(folder / text(k, ".dcm"));
    write_file(files.back(), slice.bytes());
  }
  return find_series(files, 1).series.at(0);
}

}  // namespace fovea
