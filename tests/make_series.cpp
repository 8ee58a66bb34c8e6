// make_series FOLDER SLICES [plain|missing|tilted|other|variable|inverted]: a phantom CT series
// for the tests of the programs; `other` is a second series of the same patient, `variable` has
// 1.6 times the distance between the later slices and is tilted, `inverted` is MONOCHROME1.
#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/dicom/made/phantom.hpp"

#include <iostream>

namespace fovea {
namespace {

constexpr std::uint32_t series_rows = 8, series_columns = 12;
constexpr std::int64_t series_half = 3;  // slice behind which `variable` changes

MadeSlice series_slice(std::int64_t k, std::string const& kind) {
  MadeSlice slice;
  slice.rows = series_rows;
  slice.columns = series_columns;
  slice.series = kind == "other" ? "1.2.3.9" : "1.2.3";
  if (kind == "inverted") slice.photometric = "MONOCHROME1";
  slice.sop = text(slice.series, ".", k + 1);
  auto const away = static_cast<double>(k);
  auto const half = static_cast<double>(series_half);
  auto const along = kind == "variable" && away > half ? half + 1.6 * (away - half) : away;
  auto const leans = kind == "tilted" || kind == "variable";
  slice.at(-10, leans ? -20 + 0.8 * along : -20, 30 + 2.5 * along);
  for (std::uint32_t i = 0; i < series_rows * series_columns; ++i)
    slice.pixels.push_back(static_cast<std::uint16_t>((31 * i + 97 * k) % 4096));
  return slice;
}

void series_write(fs::path const& folder, std::int64_t slices, std::string const& kind) {
  make_folder(folder);
  for (std::int64_t k = 0; k < slices; ++k) {
    if (kind == "missing" && k == slices / 2) continue;
    // Names in another order than places.
    write_file(folder / text("im", (k * 7) % slices, "-", k, ".dcm"),
               series_slice(k, kind).bytes());
  }
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) try {
  auto const slices = argc >= 3 ? fovea::whole(argv[2]) : std::nullopt;
  std::string const kind = argc == 4 ? argv[3] : "plain";
  if (!slices || argc > 4)
    throw fovea::Error{fovea::Fault::usage, "expected FOLDER SLICES [KIND]", "give both"};
  fovea::series_write(argv[1], *slices, kind);
} catch (fovea::Error const& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.fault());
}
