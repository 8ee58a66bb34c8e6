#include "base/core/words.hpp"
#include "base/io/gzip.hpp"
#include "base/io/nrrd_head.hpp"

#include <cmath>

namespace fovea {
namespace {

std::string nrrd_spelled(Axis const& axis, bool time) {
  return text('(', spelled(axis.mm[0]), ',', spelled(axis.mm[1]), ',', spelled(axis.mm[2]),
              time ? ",0" : "", ')');
}

struct NrrdWritten {
  std::vector<std::string> sizes, kinds, directions, spacings, units;
  bool time = false;  // a fourth axis in seconds

  void add(std::int64_t size,
           std::string kind,
           std::string direction,
           std::string spacing,
           std::string unit) {
    sizes.push_back(text(size));
    kinds.push_back(std::move(kind));
    directions.push_back(std::move(direction));
    spacings.push_back(std::move(spacing));
    units.push_back(text('"', unit, '"'));
  }
};

std::string_view nrrd_unit_of(int step_unit) {
  return step_unit == 8 ? "s" : step_unit == 16 ? "ms" : step_unit == 24 ? "us" : "";
}

NrrdWritten nrrd_written(ImageFile const& image) {
  auto const& grid = image.volume.grid();
  auto const axes = axes_of(image);
  auto const unit = nrrd_unit_of(image.step_unit);
  NrrdWritten out;
  out.time =
      !unit.empty() && image.step > 0 && std::isfinite(image.step) && axes.others.size() == 1;
  auto const vector = !image.colour && axes.components > 1;
  if (image.colour || vector) {
    auto const* const kind = vector                 ? "vector"
                             : axes.components == 3 ? "RGB-color"
                             : axes.components == 4 ? "RGBA-color"
                                                    : "list";
    out.add(axes.components, kind, "none", "nan", "");
  }
  auto const spacing = grid.spacing().mm;
  for (std::size_t a = 0; a < 3; ++a)
    out.add(grid.size[a], "domain", nrrd_spelled(grid.axes[a], out.time), spelled(spacing[a]),
            image.placed() ? "" : "mm");
  for (auto const size : axes.others) {
    if (out.time)
      out.add(size, "time", text("(0,0,0,", spelled(image.step), ')'), spelled(image.step),
              std::string{unit});
    else
      out.add(size, "list", "none", "nan", "");
  }
  return out;
}

// With one field a line and nothing that changes from day to day.
std::string nrrd_header(ImageFile const& image, NrrdOptions const& options) {
  auto const axes = nrrd_written(image);
  auto const& volume = image.volume;
  auto out = text("NRRD0005\n# Fovea\ntype: ", nrrd_name_of(volume.type()),
                  "\ndimension: ", axes.sizes.size(), '\n');
  if (image.placed())
    out += text("space: left-posterior-superior", axes.time ? "-time" : "", '\n');
  out += text("sizes: ", joined(axes.sizes, " "), '\n');
  if (image.placed())
    out += text("space directions: ", joined(axes.directions, " "), '\n');
  else
    out += text("spacings: ", joined(axes.spacings, " "), '\n');
  out += text("kinds: ", joined(axes.kinds, " "), '\n');
  if (!image.placed()) out += text("units: ", joined(axes.units, " "), '\n');
  if (bytes_of(volume.type()) > 1) out += "endian: little\n";
  out += text("encoding: ", options.packed ? "gzip" : "raw", '\n');
  if (image.placed() && axes.time)
    out += text("space units: \"mm\" \"mm\" \"mm\" ", axes.units.back(), '\n');
  if (image.placed())
    out += text("space origin: ", nrrd_spelled({volume.grid().origin.mm}, axes.time), '\n');
  return out;
}

Bytes nrrd_stored(ImageFile const& image, NrrdOptions const& options) {
  auto const volume = components_first(image);
  std::span<std::byte const> const bytes{volume.bytes().get(), volume.byte_count()};
  return options.packed ? gzip_packed(bytes, options.level) : Bytes{bytes.begin(), bytes.end()};
}

}  // namespace

Bytes encode_nrrd(ImageFile const& image, NrrdOptions const& options) {
  return with_voxels(nrrd_header(image, options) + '\n', nrrd_stored(image, options));
}

void write_nrrd(fs::path const& file, ImageFile const& image, NrrdOptions const& options) {
  auto const ending = lower(file.extension().string());
  if (ending == ".nrrd") return write_file(file, encode_nrrd(image, options));
  if (ending != ".nhdr")
    throw Error{Fault::usage, text("expected a name that ends in .nrrd or .nhdr, got ", file),
                "choose another one"};
  auto voxels = file;
  voxels.replace_extension(options.packed ? ".raw.gz" : ".raw");
  // The header comes last: who finds one finds its voxels, too.
  write_file(voxels, nrrd_stored(image, options));
  write_file(
      file, text(nrrd_header(image, options), "data file: ", voxels.filename().string(), '\n'));
}

}  // namespace fovea
