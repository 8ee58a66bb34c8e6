#include "base/io/formats.hpp"

#include "base/core/words.hpp"
#include "base/io/codec.hpp"
#include "base/io/mha.hpp"
#include "base/io/nifti.hpp"
#include "base/io/npy.hpp"
#include "base/io/nrrd.hpp"
#include "base/io/resolution.hpp"
#include "base/io/voxel_input.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace fovea {
namespace {

constexpr std::size_t formats_first = 512;  // bytes

// --- NIfTI -----------------------------------------------------------------------------------

// The length of the header, in either order of bytes. What is packed goes by its name.
bool formats_begins_as_nifti(std::span<std::byte const> bytes) {
  using namespace std::string_view_literals;
  return begins_with(bytes, "\x5c\x01\0\0"sv) || begins_with(bytes, "\0\0\x01\x5c"sv) ||
         begins_with(bytes, "\x1c\x02\0\0"sv) || begins_with(bytes, "\0\0\x02\x1c"sv);
}

ImageFile formats_read_nifti(fs::path const& file, ImageLimits const& limits) {
  return read_nifti(file, limits);
}

// NIfTI has colours of 8 bits only; others become a vector of them, and a vector lies along
// axis 5.
ImageFile formats_for_nifti(ImageFile image) {
  auto const axes = axes_of(image);
  auto const bytes =
      image.volume.type() == Type::u8 && (axes.components == 3 || axes.components == 4);
  if (image.colour && !bytes) {
    auto const rest = image.volume.channels() / axes.components;
    image.volume =
        reordered(image.volume, {{image.volume.voxels(), axes.components, rest}, {0, 2, 1}});
    image.colour = false;
    constexpr int rgb = 2003;
    constexpr int rgba = 2004;
    image.intent = axes.components == 3 ? rgb : axes.components == 4 ? rgba : vector_intent;
    if (image.more.empty()) image.more.push_back(1);
    image.more.push_back(axes.components);
  }
  if (image.intent == vector_intent && image.more.size() == 1)
    image.more.insert(image.more.begin(), 1);
  return image;
}

void formats_write_nifti(fs::path const& file,
                         ImageFile const& image,
                         WriteOptions const& options) {
  write_nifti(file, formats_for_nifti(image), {.level = options.level});
}

// --- NRRD and MetaImage ----------------------------------------------------------------------

void formats_write_nrrd(fs::path const& file,
                        ImageFile const& image,
                        WriteOptions const& options) {
  write_nrrd(file, in_lps(image), {.packed = options.packed, .level = options.level});
}

void formats_write_mha(fs::path const& file,
                       ImageFile const& image,
                       WriteOptions const& options) {
  write_mha(file, in_lps(image), {.packed = options.packed, .level = options.level});
}

// --- NumPy -----------------------------------------------------------------------------------

bool formats_begins_as_npy(std::span<std::byte const> bytes) {
  return begins_with(bytes, "\x93NUMPY");
}

Note formats_no_position() {
  return {"no-position",
          "the file does not say where its voxels lie: left and right are unknown"};
}

// The last axis is i: a picture is [j, i], a volume [k, j, i], and what stands before them are
// channels, the last of those the fastest.
ImageFile formats_read_npy(fs::path const& file, ImageLimits const& limits) {
  auto const array = decode_npy(read_file(file, limits.bytes), text(file), limits.bytes);
  auto const axes = array.shape.size();
  constexpr std::size_t most = 7;
  if (axes < 2 || axes > most || array.count() < 1)
    throw Refusal{
        "bad-size",
        text(file, ": expected an array of 2 to ", most, " axes with at least one value, got ",
             axes, " axes and ", array.count(), " values"),
        "save it as [k, j, i] or [channel, k, j, i]"};
  std::vector<std::int64_t> const sizes{array.shape.rbegin(), array.shape.rend()};
  std::array<std::int64_t, 3> size{1, 1, 1};
  auto const spatial = std::min<std::size_t>(axes, 3);
  std::copy_n(sizes.begin(), spatial, size.begin());
  std::vector<std::int64_t> const more{sizes.begin() + static_cast<std::ptrdiff_t>(spatial),
                                       sizes.end()};
  auto const channels =
      std::accumulate(more.begin(), more.end(), std::int64_t{1}, std::multiplies<>{});
  return {
      .volume = Volume{upright(size, {}), array.type, Unit::arbitrary, channels, array.bytes},
      .more = more,
      .space = ImageSpace::none,
      .measured = false,
      .notes = {formats_no_position()}};
}

void formats_write_npy(fs::path const& file,
                       ImageFile const& image,
                       WriteOptions const& /*options*/) {
  auto const& volume = image.volume;
  auto const axes = axes_of(image);
  std::vector<std::int64_t> shape{image.more.rbegin(), image.more.rend()};
  if (image.colour) shape.push_back(axes.components);
  shape.insert(shape.end(), {volume.depth(), volume.height(), volume.width()});
  write_npy(file, {.shape = shape, .type = volume.type(), .bytes = volume.bytes()});
}

// --- pictures --------------------------------------------------------------------------------

ImageFile formats_read_picture(fs::path const& file, ImageLimits const& limits) {
  PictureLimits const most{.file = std::min(limits.bytes, PictureLimits{}.file)};
  auto const bytes = read_file(file, most.file);
  auto picture = decode_picture(bytes, text(file), most);
  std::vector<Note> notes{formats_no_position()};
  if (auto const spacing = picture_spacing(bytes)) {
    auto const grid = upright(picture.grid().size, {{(*spacing)[0], (*spacing)[1], 1}});
    picture = {grid, picture.type(), picture.unit(), picture.channels(), picture.bytes()};
    notes.push_back(
        {"resolution", text("its resolution makes a pixel ", fixed((*spacing)[0], 4), " x ",
                            fixed((*spacing)[1], 4), " mm")});
  }
  return {.volume = picture,
          .more = {},
          .colour = picture.channels() > 1,
          .space = ImageSpace::none,
          .measured = notes.size() > 1,
          .notes = std::move(notes)};
}

void formats_write_png(fs::path const& file,
                       ImageFile const& image,
                       WriteOptions const& /*options*/) {
  auto const& volume = image.volume;
  auto const channels = volume.channels();
  auto const fits = volume.depth() == 1 &&
                    (volume.type() == Type::u8 || volume.type() == Type::u16) &&
                    (channels == 1 || channels == 3 || channels == 4);
  if (!fits)
    throw Error{Fault::usage,
                text("expected one slice of u8 or u16 in 1, 3 or 4 channels for PNG, got ",
                     volume.depth(), " of ", name_of(volume.type()), " in ", channels),
                "write it as .nii.gz"};
  // 1 mm is also what a picture has that does not say.
  auto const spacing = volume.grid().spacing().mm;
  auto const said = image.placed() || spacing[0] != 1 || spacing[1] != 1;
  write_png(file, volume,
            said ? std::optional{std::array{spacing[0], spacing[1]}} : std::nullopt);
}

// --- the table -------------------------------------------------------------------------------

constexpr FormatRow formats_rows[] = {
    {"NIfTI", ".nii.gz .nii .hdr .img .hdr.gz .img.gz", formats_begins_as_nifti,
     formats_read_nifti, look_nifti, formats_write_nifti},
    {"NRRD", ".nrrd .nhdr", begins_as_nrrd, read_nrrd, look_nrrd, formats_write_nrrd},
    {"MetaImage", ".mha .mhd", begins_as_mha, read_mha, look_mha, formats_write_mha},
    {"NumPy", ".npy", formats_begins_as_npy, formats_read_npy, nullptr, formats_write_npy},
    {"PNG", ".png", begins_as_png, formats_read_picture, nullptr, formats_write_png},
    {"JPEG", ".jpg .jpeg", begins_as_jpeg, formats_read_picture, nullptr, nullptr},
    {"TIFF", ".tif .tiff", begins_as_tiff, formats_read_picture, nullptr, nullptr},
    {"BMP", ".bmp", begins_as_bmp, formats_read_picture, nullptr, nullptr},
    {"GIF", ".gif", begins_as_gif, formats_read_picture, nullptr, nullptr},
};

FormatRow const* formats_named(fs::path const& file) {
  auto const name = lower(file.filename().string());
  auto const row = std::ranges::find_if(formats_rows, [&](auto const& format) {
    return std::ranges::any_of(split(format.endings, ' '),
                               [&](auto const& ending) { return name.ends_with(ending); });
  });
  return row == std::end(formats_rows) ? nullptr : row;
}

FormatRow const* formats_begun(fs::path const& file) {
  FileReader const reader{file};
  Bytes first(std::min<std::uint64_t>(reader.size(), formats_first));
  reader.read(0, first);
  constexpr std::size_t preamble = 128;
  if (first.size() > preamble && begins_with(std::span{first}.subspan(preamble), "DICM"))
    throw Error{Fault::usage,
                text("expected an image in one file, got ", file, ", which is DICOM"),
                "give the folder of its series"};
  auto const row = std::ranges::find_if(
      formats_rows, [&](auto const& format) { return format.begins(first); });
  return row == std::end(formats_rows) ? nullptr : row;
}

[[noreturn]] void formats_unknown(fs::path const& file, bool writing) {
  std::vector<std::string> known;
  for (auto const& row : formats_rows) {
    if (writing && row.write == nullptr) continue;
    for (auto const& ending : split(row.endings, ' ')) known.push_back(ending);
  }
  auto const ending = lower(file.extension().string());
  throw Error{Fault::usage,
              text("expected a name that ends as one of an image does, got ", file),
              text("choose another one", did_you_mean(ending, known))};
}

// Calls use(the row that the first bytes tell, or else the name).
template <class Use>
auto formats_told(fs::path const& file, Use&& use) {
  auto const* const named = formats_named(file);
  auto const* const begun = formats_begun(file);
  if (begun == nullptr && named == nullptr) formats_unknown(file, false);
  auto image = use(begun != nullptr ? *begun : *named);
  if (begun != nullptr && named != nullptr && begun != named)
    image.notes.push_back({"other-format", text("the name ends as one of ", named->name,
                                                ", but the file is ", begun->name)});
  return image;
}

}  // namespace

std::span<FormatRow const> formats() {
  return formats_rows;
}

ImageFile read_volume(fs::path const& file, ImageLimits const& limits) {
  return formats_told(file, [&](FormatRow const& row) { return row.read(file, limits); });
}

ImageHead look_volume(fs::path const& file, ImageLimits const& limits) {
  return formats_told(file, [&](FormatRow const& row) {
    return row.look != nullptr ? row.look(file, limits) : head_of(row.read(file, limits));
  });
}

void write_volume(fs::path const& file, ImageFile const& image, WriteOptions const& options) {
  auto const* const row = formats_named(file);
  if (row == nullptr || row->write == nullptr) formats_unknown(file, true);
  row->write(file, image, options);
}

void write_volume(fs::path const& file, Volume const& volume, WriteOptions const& options) {
  write_volume(file, image_of(volume), options);
}

}  // namespace fovea
