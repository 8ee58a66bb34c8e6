#include "base/core/words.hpp"
#include "base/io/mha_head.hpp"
#include "base/io/voxel_input.hpp"

#include <cmath>

namespace fovea {
namespace {

std::string mha_spelled(std::span<double const> values) {
  std::vector<std::string> out;
  for (auto const value : values) out.push_back(spelled(value));
  return joined(out, " ");
}

std::string mha_placed(Grid const& grid, std::size_t axes) {
  std::vector<double> matrix(axes * axes, 0);
  std::vector<double> offset(axes, 0);
  auto const spacing = grid.spacing().mm;
  for (std::size_t a = 0; a < 3; ++a) {
    offset[a] = grid.origin.mm[a];
    for (std::size_t r = 0; r < 3; ++r) matrix[a * axes + r] = grid.axes[a].mm[r] / spacing[a];
  }
  if (axes == 4) matrix[15] = 1;
  return text("TransformMatrix = ", mha_spelled(matrix), "\nOffset = ", mha_spelled(offset),
              "\nAnatomicalOrientation = ", axes == 4 ? "????" : mha_orientation(grid), '\n');
}

std::string mha_header(ImageFile const& image,
                       MhaOptions const& options,
                       std::uint64_t packed_bytes,
                       std::string_view data_file) {
  auto const& volume = image.volume;
  auto const& grid = volume.grid();
  auto const axes = axes_of(image);
  std::vector<std::string> sizes;
  for (auto const size : grid.size) sizes.push_back(text(size));
  for (auto const size : axes.others) sizes.push_back(text(size));
  auto const along = grid.spacing().mm;
  std::vector<double> spacing{along.begin(), along.end()};
  // ITK wants one above 0 for every axis.
  if (!axes.others.empty())
    spacing.push_back(image.step > 0 && std::isfinite(image.step) ? image.step : 1);
  auto out = text("ObjectType = Image\nNDims = ", sizes.size(),
                  "\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = ",
                  options.packed ? "True" : "False", '\n');
  if (options.packed) out += text("CompressedDataSize = ", packed_bytes, '\n');
  if (image.placed()) out += mha_placed(grid, sizes.size());
  out +=
      text("ElementSpacing = ", mha_spelled(spacing), "\nDimSize = ", joined(sizes, " "), '\n');
  if (axes.components > 1) out += text("ElementNumberOfChannels = ", axes.components, '\n');
  return out + text("ElementType = ", mha_name_of(volume.type()),
                    "\nElementDataFile = ", data_file, '\n');
}

Bytes mha_stored(ImageFile const& image, MhaOptions const& options) {
  if (axes_of(image).others.size() > 1)
    throw Error{Fault::input,
                text("expected at most one axis behind the third for MetaImage, got ",
                     axes_of(image).others.size()),
                "write it as .nrrd or .nii.gz"};
  auto const volume = components_first(image);
  std::span<std::byte const> const bytes{volume.bytes().get(), volume.byte_count()};
  return options.packed ? zlib_packed(bytes, options.level) : Bytes{bytes.begin(), bytes.end()};
}

}  // namespace

Bytes encode_mha(ImageFile const& image, MhaOptions const& options) {
  auto const voxels = mha_stored(image, options);
  return with_voxels(mha_header(image, options, voxels.size(), "LOCAL"), voxels);
}

void write_mha(fs::path const& file, ImageFile const& image, MhaOptions const& options) {
  auto const ending = lower(file.extension().string());
  if (ending == ".mha") return write_file(file, encode_mha(image, options));
  if (ending != ".mhd")
    throw Error{Fault::usage, text("expected a name that ends in .mha or .mhd, got ", file),
                "choose another one"};
  auto beside = file;
  beside.replace_extension(options.packed ? ".zraw" : ".raw");
  auto const voxels = mha_stored(image, options);
  // The header comes last: who finds one finds its voxels, too.
  write_file(beside, voxels);
  write_file(file, mha_header(image, options, voxels.size(), beside.filename().string()));
}

}  // namespace fovea
