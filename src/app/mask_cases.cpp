#include "app/mask_cases.hpp"

#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace fovea {
namespace {

constexpr std::string_view mask_endings[] = {".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha",
                                             ".mhd",    ".hdr", ".img",  ".png",  ".tiff",
                                             ".tif",    ".jpg", ".jpeg", ".gif",  ".bmp"};

// "scan.nii.gz" is "scan" and ".nii.gz".
std::pair<std::string, std::string> mask_split(fs::path const& file) {
  auto const name = file.filename().string();
  auto const small = lower(name);
  for (auto const ending : mask_endings) {
    if (small.ends_with(ending) && small.size() > ending.size())
      return {name.substr(0, name.size() - ending.size()), std::string{ending}};
  }
  return {name, {}};
}

// Pictures that cannot hold a mask exactly, and headers beside their voxels, become one file.
std::string mask_ending(std::string const& format, std::string const& of_input, bool dicom) {
  if (format == "nifti") return ".nii.gz";
  if (format == "nrrd") return ".nrrd";
  if (format == "mha") return ".mha";
  if (format == "png") return ".png";
  if (format == "seg" || format == "rtstruct" || dicom) return ".dcm";
  if (of_input == ".hdr" || of_input == ".img") return ".nii.gz";
  if (of_input == ".nhdr") return ".nrrd";
  if (of_input == ".mhd") return ".mha";
  auto const picture = of_input == ".jpg" || of_input == ".jpeg" || of_input == ".gif" ||
                       of_input == ".bmp" || of_input == ".tif" || of_input == ".tiff";
  return picture ? ".png" : of_input;
}

// nnU-Net's files of a case: scan_0000.nii.gz, scan_0001.nii.gz.
std::optional<std::size_t> mask_channel(std::string const& stem) {
  constexpr std::size_t digits = 5;
  if (stem.size() <= digits || stem[stem.size() - digits] != '_') return std::nullopt;
  auto const number = whole(std::string_view{stem}.substr(stem.size() - digits + 1));
  return number && *number >= 0 ? std::optional{static_cast<std::size_t>(*number)}
                                : std::nullopt;
}

}  // namespace

std::vector<MaskCase> mask_cases(std::vector<FoundVolume> volumes,
                                 std::size_t channels,
                                 std::string const& format) {
  std::vector<MaskCase> out;
  std::map<std::string, std::map<std::size_t, FoundVolume>> parts;
  std::set<std::string> taken;  // in lower case: some file systems know no other
  auto const add = [&](std::string const& name, std::vector<FoundVolume> files,
                       std::string ending) {
    auto id = name;
    for (int more = 2; !taken.insert(lower(id)).second; ++more) id = text(name, '-', more);
    out.push_back({std::move(id), std::move(files), std::move(ending)});
  };
  for (auto& volume : volumes) {
    auto const [stem, of_input] = mask_split(volume.source);
    auto const ending = mask_ending(format, of_input, volume.dicom != nullptr);
    auto const channel = volume.dicom == nullptr ? mask_channel(stem) : std::nullopt;
    if (channel && (channels > 1 || *channel == 0)) {
      auto const id = (volume.source.parent_path() / stem.substr(0, stem.size() - 5)).string();
      if (auto const [at, fresh] = parts[id].try_emplace(*channel, volume); !fresh)
        warn(text(volume.source, ": left out, channel ", *channel, " of the case is ",
                  at->second.source));
    } else {
      add(stem, {std::move(volume)}, ending);
    }
  }
  for (auto& [path, files] : parts) {
    std::vector<FoundVolume> in_order;
    for (auto& [channel, volume] : files) in_order.push_back(std::move(volume));
    auto const ending = mask_ending(format, mask_split(in_order.front().source).second, false);
    add(fs::path{path}.filename().string(), std::move(in_order), ending);
  }
  return out;
}

Volume mask_image(MaskCase const& one, std::size_t channels) {
  auto first = one.channels.front().read();
  if (one.channels.size() == 1) return first.volume;
  if (one.channels.size() != channels)
    throw Error{Fault::input,
                text("expected ", channels, " files of channels, got ", one.channels.size()),
                "name them CASE_0000, CASE_0001 …"};
  auto const& grid = first.volume.grid();
  Volume out{grid, Type::f32, first.volume.unit(), static_cast<std::int64_t>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    auto const volume = c == 0 ? first.volume : one.channels[c].read().volume;
    if (volume.grid().size != grid.size || volume.channels() != 1)
      throw Error{Fault::input,
                  text("channel ", c, " (", one.channels[c].source,
                       ") has another size than the first"),
                  "bring them onto one grid with fovea convert --like"};
    std::ranges::copy(as_float(volume).as<float>(),
                      out.write_channel<float>(static_cast<std::int64_t>(c)).begin());
  }
  return out;
}

void mask_expect_writable(MaskCase const& one, Volume const& image) {
  auto const& first = one.channels.front();
  if (one.ending == ".dcm" && first.dicom == nullptr)
    throw Error{Fault::input, text(first.source, " is no DICOM series"),
                "choose --format nifti, nrrd, mha or png"};
  if (one.ending == ".png" && image.depth() > 1)
    throw Error{Fault::input,
                text(first.source, " has ", image.depth(), " slices, a PNG holds one"),
                "choose --format nifti, nrrd or mha"};
}

}  // namespace fovea
