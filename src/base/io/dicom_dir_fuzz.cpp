#include "base/io/dicom_dir.hpp"

#include <cstdint>

// Any bytes as a DICOMDIR: records whose places are plain names, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    fovea::DicomFile const file{std::as_bytes(std::span{data, size}), "input"};
    for (auto const& record : fovea::dicomdir_records(file)) {
      for (auto const& name : record.place) {
        if (name.empty() || name == ".." || name.find('/') != std::string::npos)
          __builtin_trap();
      }
    }
  } catch (fovea::Error const&) {
  }
  return 0;
}
