#include "base/core/words.hpp"
#include "base/io/gzip.hpp"
#include "base/io/nifti.hpp"
#include "base/io/nifti_head.hpp"
#include "base/io/voxel_input.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <ostream>
#include <string>

namespace fovea {
namespace {

constexpr std::int64_t nifti_small = 32767;  // the largest size that version 1 holds

std::int64_t nifti_samples(Nifti const& image) {
  auto const others = std::accumulate(image.more.begin(), image.more.end(), std::int64_t{1},
                                      std::multiplies<>{});
  auto const samples = image.volume.channels() / std::max<std::int64_t>(1, others);
  auto const whole =
      others >= 1 && samples * others == image.volume.channels() && image.more.size() <= 4;
  if (!whole || (samples != 1) != image.colour)
    throw Error{Fault::bug,
                text("expected the sizes of axes 4 to 7 to make ", image.volume.channels(),
                     " channels", image.colour ? " with their colours" : "", ", got ", others),
                "change both together"};
  return samples;
}

NiftiHead nifti_head_for(Nifti const& image, NiftiOptions const& options) {
  auto const& volume = image.volume;
  auto const& grid = volume.grid();
  auto const samples = nifti_samples(image);
  auto head = nifti_head_on(grid, image.more, image.space, options.version);
  head.pixdim[4] = image.step;
  head.datatype = nifti_code(volume.type(), samples);
  head.bitpix = static_cast<int>(8 * bytes_of(volume.type())) * static_cast<int>(samples);
  head.units = 2 | image.step_unit;
  head.intent = image.intent;
  return head;
}

// Colour by colour becomes voxel by voxel.
Bytes nifti_mixed(Volume const& volume, std::int64_t samples) {
  Bytes out(volume.byte_count());
  for (std::int64_t c = 0; c < volume.channels(); ++c) {
    auto* to = out.data() + c / samples * samples * volume.voxels() + c % samples;
    for (auto const value : volume.channel<std::uint8_t>(c)) {
      *to = static_cast<std::byte>(value);
      to += samples;
    }
  }
  return out;
}

// Calls use(header, voxels): the voxels as the file has them.
template <class Use>
void nifti_parts(Nifti const& image, NiftiOptions const& options, bool single, Use&& use) {
  auto const start = nifti_start(nifti_head_for(image, options), single);
  auto const& volume = image.volume;
  if (!image.colour)
    return use(std::span<std::byte const>{start},
               std::span<std::byte const>{volume.bytes().get(), volume.byte_count()});
  auto const mixed = nifti_mixed(volume, nifti_samples(image));
  use(std::span<std::byte const>{start}, std::span<std::byte const>{mixed});
}

void nifti_put(std::ostream& out, std::span<std::byte const> bytes) {
  out.write(reinterpret_cast<char const*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

NiftiHead nifti_head_on(Grid const& grid,
                        std::vector<std::int64_t> const& more,
                        ImageSpace space,
                        int version) {
  NiftiHead head;
  std::vector<std::int64_t> sizes{grid.size.begin(), grid.size.end()};
  sizes.insert(sizes.end(), more.begin(), more.end());
  head.version = std::ranges::max(sizes) > nifti_small ? 2 : version;
  head.dim.fill(1);
  head.dim[0] = static_cast<std::int64_t>(sizes.size());
  std::ranges::copy(sizes, head.dim.begin() + 1);
  head.pixdim.fill(0);
  head.slope = 1;
  head.units = 2;
  head.affine = ras_affine(grid);
  head.sform = static_cast<int>(space);
  head.qform = grid.sheared() ? 0 : head.sform;
  for (auto const along : grid.spacing().mm) {
    if (!(along > 0) || !std::isfinite(along))
      throw Error{Fault::input, text("expected spacings above 0, got ", spelled(along)),
                  "give the image a place first"};
  }
  set_nifti_qform(head, head.affine);
  return head;
}

Bytes nifti_start(NiftiHead head, bool single) {
  head.single = single;
  head.offset = single ? static_cast<double>((head.length() + 4 + 15) / 16 * 16) : 0;
  auto start = encode_nifti_head(head);
  if (single) start.resize(static_cast<std::size_t>(head.offset));
  return start;
}

Bytes encode_nifti(Nifti const& image, NiftiOptions const& options) {
  Bytes out;
  nifti_parts(image, options, true, [&](auto start, auto voxels) {
    out.resize(start.size() + voxels.size());
    std::ranges::copy(start, out.begin());
    std::memcpy(out.data() + start.size(), voxels.data(), voxels.size());
  });
  return out;
}

void write_nifti(fs::path const& file, Nifti const& image, NiftiOptions const& options) {
  auto const name = lower(file.filename().string());
  if (name.ends_with(".nii.gz"))
    return write_file(file, gzip_packed(encode_nifti(image, options), options.level));
  if (name.ends_with(".nii"))
    return nifti_parts(image, options, true, [&](auto start, auto voxels) {
      write_file(file, [&](std::ostream& out) {
        nifti_put(out, start);
        nifti_put(out, voxels);
      });
    });
  auto const ending =
      std::string_view{name}.substr(name.size() - std::min<std::size_t>(4, name.size()));
  if (ending != ".hdr" && ending != ".img")
    throw Error{Fault::usage,
                text("expected a name that ends in .nii, .nii.gz, .hdr or .img, got ", file),
                "choose another one"};
  // The header comes last: who finds one finds its voxels, too.
  nifti_parts(image, options, false, [&](auto start, auto voxels) {
    write_file(nifti_beside(file, ending, ".img"), voxels);
    write_file(nifti_beside(file, ending, ".hdr"), start);
  });
}

void write_nifti(fs::path const& file, Volume const& volume, NiftiOptions const& options) {
  write_nifti(file, image_of(volume), options);
}

}  // namespace fovea
