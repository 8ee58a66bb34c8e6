#include "base/io/nifti.hpp"

#include "base/core/words.hpp"
#include "base/io/nifti_head.hpp"
#include "base/io/voxel_input.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>

namespace fovea {
namespace {

// --- sizes -----------------------------------------------------------------------------------

struct NiftiLayout {
  NiftiType type{};
  std::array<std::int64_t, 3> size{1, 1, 1};
  std::vector<std::int64_t> more;
  std::int64_t channels = 1;  // with colours
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

[[noreturn]] void nifti_refuse_size(NiftiHead const& head) {
  std::vector<std::string> sizes;
  for (auto const size : head.dim) sizes.push_back(text(size));
  throw Refusal{
      "bad-size",
      text("expected 1 to 7 axes with sizes of at least 1 and 2^40 voxels at most, got "
           "dim ",
           joined(sizes, " ")),
      "the header is damaged; fetch the file again"};
}

NiftiLayout nifti_layout(NiftiHead const& head) {
  NiftiLayout out;
  out.type = nifti_type(head.datatype);
  auto const axes = head.dim[0];
  if (axes < 1 || axes > 7) nifti_refuse_size(head);
  std::int64_t all = out.type.samples;
  for (std::size_t a = 1; a <= static_cast<std::size_t>(axes); ++a) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    if (head.dim[a] < 1 || head.dim[a] > most / all) nifti_refuse_size(head);
    all *= head.dim[a];
    if (a <= 3)
      out.size[a - 1] = head.dim[a];
    else
      out.more.push_back(head.dim[a]);
  }
  out.channels = all / (out.size[0] * out.size[1] * out.size[2]);
  out.bytes = static_cast<std::uint64_t>(all) * bytes_of(out.type.type);
  // Behind the header stand four bytes that say whether extensions follow.
  auto const least = head.single ? head.length() + 4 : 0;
  if (!(head.offset >= static_cast<double>(least)) || head.offset > 0x1p53 ||
      head.offset != std::floor(head.offset))
    throw Refusal{"bad-offset",
                  text("expected voxels to begin at byte ", least, " or behind it, got ",
                       spelled(head.offset)),
                  "the header is damaged; fetch the file again", 108};
  out.offset = static_cast<std::uint64_t>(head.offset);
  return out;
}

// --- voxels ----------------------------------------------------------------------------------

// Voxel by voxel becomes colour by colour.
Volume nifti_planes(Volume const& mixed, std::int64_t samples) {
  Volume out{mixed.grid(), Type::u8, mixed.unit(), mixed.channels()};
  for (std::int64_t c = 0; c < mixed.channels(); ++c) {
    auto const* in =
        mixed.as<std::uint8_t>().data() + c / samples * samples * mixed.voxels() + c % samples;
    for (auto& value : out.write_channel<std::uint8_t>(c)) {
      value = *in;
      in += samples;
    }
  }
  return out;
}

// Can every value of a type, scaled by whole numbers, be a whole number of 32 bits?
bool nifti_stays_whole(Type type, double slope, double intercept) {
  return with_type(type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_integral_v<T> || sizeof(T) > 2) return false;
    auto const fits = [&](double value) {
      auto const scaled = value * slope + intercept;
      return scaled >= -0x1p31 && scaled < 0x1p31;
    };
    return slope == std::floor(slope) && intercept == std::floor(intercept) &&
           fits(static_cast<double>(std::numeric_limits<T>::lowest())) &&
           fits(static_cast<double>(std::numeric_limits<T>::max()));
  });
}

template <class To>
Volume nifti_scaled_as(Volume const& stored, double slope, double intercept) {
  Volume out{stored.grid(), TypeOf<To>::value, stored.unit(), stored.channels()};
  with_type(stored.type(), [&](auto zero) {
    std::ranges::transform(
        stored.as<decltype(zero)>(), out.write<To>().begin(), [=](auto value) {
          return static_cast<To>(static_cast<double>(value) * slope + intercept);
        });
  });
  return out;
}

// The type of the values once they are scaled; none if they stay as they are stored.
std::optional<Type> nifti_scaled_type(NiftiHead const& head, std::vector<Note>& notes) {
  auto const slope = head.slope;
  if (slope == 0 || !std::isfinite(slope)) return std::nullopt;
  if (!std::isfinite(head.intercept))
    throw Refusal{"bad-scaling",
                  text("expected a number behind a slope of ", spelled(slope),
                       ", got an intercept that is none"),
                  "the header is damaged; fetch the file again"};
  if (slope == 1 && head.intercept == 0) return std::nullopt;
  auto const stored = nifti_type(head.datatype);
  if (stored.samples > 1) {
    notes.push_back(
        {"colour-scaled", "colours are never scaled: slope and intercept are left"});
    return std::nullopt;
  }
  return nifti_stays_whole(stored.type, slope, head.intercept) ? Type::i32 : Type::f64;
}

Volume nifti_scaled(Volume const& stored, NiftiHead const& head, Type type) {
  return type == Type::i32 ? nifti_scaled_as<std::int32_t>(stored, head.slope, head.intercept)
                           : nifti_scaled_as<double>(stored, head.slope, head.intercept);
}

Volume nifti_voxels(NiftiHead const& head,
                    NiftiLayout const& layout,
                    Grid const& grid,
                    VoxelInput& in) {
  auto const room = voxel_room(layout.offset, layout.bytes);
  in.fill({room.get(), layout.offset + layout.bytes});
  Volume volume{grid, layout.type.type, Unit::arbitrary, layout.channels,
                std::shared_ptr<std::byte[]>{room, room.get() + layout.offset}};
  if (head.big) turn_bytes(volume);
  return layout.type.samples > 1 ? nifti_planes(volume, layout.type.samples) : volume;
}

// --- place -----------------------------------------------------------------------------------

double nifti_volume_of(NiftiAffine const& a) {
  return a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
         a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
         a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]);
}

double nifti_along(NiftiAffine const& a, std::size_t axis) {
  return std::sqrt(a[0][axis] * a[0][axis] + a[1][axis] * a[1][axis] + a[2][axis] * a[2][axis]);
}

void nifti_check_affine(NiftiAffine const& affine, std::string_view which) {
  check_grid(grid_of_ras(affine, {1, 1, 1}), which);
}

// The largest distance in mm between two places of one voxel.
double nifti_apart(NiftiAffine const& a,
                   NiftiAffine const& b,
                   std::array<std::int64_t, 3> const& size) {
  double most = 0;
  for (unsigned corner = 0; corner < 8; ++corner) {
    double sum = 0;
    for (std::size_t r = 0; r < 3; ++r) {
      auto off = a[r][3] - b[r][3];
      for (std::size_t c = 0; c < 3; ++c) {
        if ((corner >> c & 1) != 0)
          off += (a[r][c] - b[r][c]) * static_cast<double>(size[c] - 1);
      }
      sum += off * off;
    }
    most = std::max(most, std::sqrt(sum));
  }
  return most;
}

void nifti_compare(NiftiAffine const& sform,
                   NiftiAffine const& qform,
                   std::array<std::int64_t, 3> const& size,
                   std::vector<Note>& notes) {
  if ((nifti_volume_of(sform) < 0) != (nifti_volume_of(qform) < 0))
    throw Refusal{"mirrored",
                  "expected sform and qform to agree on what is left and what is right, got "
                  "mirror images",
                  "find out which one is true and write the file anew with one of them"};
  auto const apart = nifti_apart(sform, qform, size);
  auto const spacing =
      std::min({nifti_along(sform, 0), nifti_along(sform, 1), nifti_along(sform, 2)});
  if (apart > std::max(1e-3, 0.01 * spacing))
    notes.push_back(
        {"sform-qform-differ", text("sform and qform place the voxels up to ", fixed(apart, 3),
                                    " mm apart; the sform is taken")});
}

void nifti_check_spacing(NiftiHead const& head,
                         NiftiAffine const& affine,
                         std::vector<Note>& notes) {
  for (std::size_t a = 0; a < 3; ++a) {
    auto const said = head.pixdim[a + 1];
    auto const along = nifti_along(affine, a);
    if (std::abs(said - along) <= 0.01 * along) continue;
    notes.push_back(
        {"pixdim-differs", text("the header's pixdim says ", spelled(said), ", its affine ",
                                fixed(along, 4), " between voxels; the affine is taken")});
    return;
  }
}

// RAS, in the file's own unit.
NiftiAffine nifti_affine(NiftiHead const& head,
                         NiftiLayout const& layout,
                         std::vector<Note>& notes) {
  auto const qform = head.qform > 0 ? nifti_qform(head) : std::nullopt;
  if (head.sform > 0) {
    nifti_check_affine(head.affine, "sform");
    if (qform) nifti_compare(head.affine, *qform, layout.size, notes);
    nifti_check_spacing(head, head.affine, notes);
    return head.affine;
  }
  if (head.qform > 0) {
    if (!qform)
      throw Refusal{
          "bad-affine",
          "expected a qform of a unit quaternion and spacings above 0, got another one",
          "the header is damaged; write the file anew from its source"};
    nifti_check_affine(*qform, "qform");
    return *qform;
  }
  notes.push_back({"no-position",
                   "the file does not say where its voxels lie: left and right are unknown"});
  NiftiAffine affine{};
  for (std::size_t a = 0; a < 3; ++a) {
    auto const flat = layout.size[a] == 1 && head.pixdim[a + 1] == 0;
    affine[a][a] = flat ? 1 : std::abs(head.pixdim[a + 1]);
    if (!(affine[a][a] > 0) || !std::isfinite(affine[a][a]))
      throw Refusal{"bad-spacing",
                    text("expected a spacing above 0, got ", spelled(head.pixdim[a + 1])),
                    "the header is damaged; write the file anew from its source"};
  }
  return affine;
}

double nifti_millimetres(NiftiHead const& head, std::vector<Note>& notes) {
  switch (head.units & 7) {
    case 1:
      return 1000;
    case 2:
      return 1;
    case 3:
      return 0.001;
    default:
      notes.push_back({"unknown-unit", "the file names no unit of length: mm are assumed"});
      return 1;
  }
}

Grid nifti_grid(NiftiHead const& head, NiftiLayout const& layout, std::vector<Note>& notes) {
  auto affine = nifti_affine(head, layout, notes);
  auto const unit = nifti_millimetres(head, notes);
  for (auto& row : affine) {
    for (auto& value : row) value *= unit;
  }
  nifti_check_affine(affine, "place in mm");
  return grid_of_ras(affine, layout.size);
}

// --- the whole -------------------------------------------------------------------------------

NiftiSpace nifti_space(NiftiHead const& head) {
  auto const code = head.sform > 0 ? head.sform : head.qform;
  return static_cast<NiftiSpace>(std::clamp(code, 0, 5));
}

// What is known before a voxel is read.
struct NiftiLook {
  NiftiLayout layout;
  Grid grid;
  std::optional<Type> scaled;
  std::vector<Note> notes;
};

NiftiLook nifti_look(NiftiHead const& head, VoxelInput const& in, NiftiLimits const& limits) {
  NiftiLook out{.layout = nifti_layout(head), .grid = {}, .scaled = {}, .notes = {}};
  auto const& layout = out.layout;
  check_voxel_bytes(layout.offset, layout.bytes, in, limits);
  auto const width =
      static_cast<int>(8 * bytes_of(layout.type.type)) * static_cast<int>(layout.type.samples);
  if (head.bitpix != width)
    out.notes.push_back(
        {"bitpix-differs", text("the header says ", head.bitpix, " bits for voxels of ", width,
                                "; those are read")});
  out.grid = nifti_grid(head, layout, out.notes);
  out.scaled = nifti_scaled_type(head, out.notes);
  return out;
}

void nifti_say_behind(NiftiLayout const& layout,
                      VoxelInput const& in,
                      std::vector<Note>& notes) {
  if (in.larger_than(layout.offset + layout.bytes))
    notes.push_back({"bytes-behind", "there are more bytes behind the voxels; they are left"});
}

ImageHead nifti_head(NiftiHead const& head, VoxelInput const& in, NiftiLimits const& limits) {
  auto look = nifti_look(head, in, limits);
  nifti_say_behind(look.layout, in, look.notes);
  return {.grid = look.grid,
          .type = look.scaled.value_or(look.layout.type.type),
          .channels = look.layout.channels,
          .space = nifti_space(head),
          .notes = std::move(look.notes)};
}

Nifti nifti_read(NiftiHead const& head, VoxelInput& in, NiftiLimits const& limits) {
  auto look = nifti_look(head, in, limits);
  auto const& layout = look.layout;
  check_voxel_room(layout.offset, layout.bytes, in, limits);
  auto volume = nifti_voxels(head, layout, look.grid, in);
  nifti_say_behind(layout, in, look.notes);
  if (look.scaled) volume = nifti_scaled(volume, head, *look.scaled);
  return {.volume = std::move(volume),
          .more = layout.more,
          .colour = layout.type.samples > 1,
          .space = nifti_space(head),
          .intent = head.intent,
          .step = head.pixdim[4],
          .step_unit = head.units & 0x38,
          .notes = std::move(look.notes)};
}

NiftiHead nifti_head_of(VoxelInput& in) {
  std::array<std::byte, nifti_head_most> start{};
  return parse_nifti_head(std::span{start}.first(in.start(start)));
}

// "scan.hdr.gz" has "scan.img.gz" beside it, or "scan.img".
fs::path nifti_partner(fs::path const& file, std::string_view from, std::string_view to) {
  auto const partner = nifti_beside(file, from, to);
  if (fs::exists(partner)) return partner;
  auto const name = partner.filename().string();
  auto const packed = lower(name).ends_with(".gz");
  return partner.parent_path() / (packed ? name.substr(0, name.size() - 3) : name + ".gz");
}

bool nifti_ends(fs::path const& file, std::string_view ending) {
  auto const name = lower(file.filename().string());
  return name.ends_with(ending) || name.ends_with(text(ending, ".gz"));
}

// Calls use(header, input of the voxels).
template <class Use>
auto nifti_opened(fs::path const& file, Use&& use) {
  auto const header = nifti_ends(file, ".img") ? nifti_partner(file, ".img", ".hdr") : file;
  return with_file_name(text(file), [&] {
    FileReader const reader{header};
    ByteSource const source{reader};
    VoxelInput in{source, gzip_or_none(source)};
    auto const head = nifti_head_of(in);
    if (head.single) return use(head, in);
    if (!nifti_ends(header, ".hdr"))
      throw Refusal{"not-nifti",
                    text("expected the name of a pair to end in .hdr, got ", header),
                    "rename both of its files"};
    FileReader const voxels{nifti_partner(header, ".hdr", ".img")};
    ByteSource const beside{voxels};
    VoxelInput from{beside, gzip_or_none(beside)};
    return use(head, from);
  });
}

}  // namespace

std::array<std::array<double, 4>, 3> ras_affine(Grid const& grid) {
  NiftiAffine affine{};
  for (std::size_t r = 0; r < 3; ++r) {
    auto const sign = r < 2 ? -1.0 : 1.0;
    for (std::size_t c = 0; c < 3; ++c) affine[r][c] = sign * grid.axes[c].mm[r];
    affine[r][3] = sign * grid.origin.mm[r];
  }
  return affine;
}

Grid grid_of_ras(std::array<std::array<double, 4>, 3> const& affine,
                 std::array<std::int64_t, 3> size) {
  Grid grid{.size = size, .origin = {}};
  for (std::size_t r = 0; r < 3; ++r) {
    auto const sign = r < 2 ? -1.0 : 1.0;
    for (std::size_t c = 0; c < 3; ++c) grid.axes[c].mm[r] = sign * affine[r][c];
    grid.origin.mm[r] = sign * affine[r][3];
  }
  return grid;
}

bool named_as_nifti(fs::path const& file) {
  return nifti_ends(file, ".nii") || nifti_ends(file, ".hdr") || nifti_ends(file, ".img");
}

Nifti decode_nifti(std::span<std::byte const> bytes,
                   std::string_view name,
                   NiftiLimits const& limits) {
  return with_file_name(std::string{name}, [&] {
    ByteSource const source{bytes};
    VoxelInput in{source, gzip_or_none(source)};
    auto const head = nifti_head_of(in);
    if (!head.single)
      throw Refusal{"not-nifti", "expected one file with the voxels in it, got half of a pair",
                    "read the .hdr that lies beside its .img"};
    return nifti_read(head, in, limits);
  });
}

Nifti read_nifti(fs::path const& file, NiftiLimits const& limits) {
  return nifti_opened(
      file, [&](auto const& head, VoxelInput& in) { return nifti_read(head, in, limits); });
}

ImageHead look_nifti(fs::path const& file, NiftiLimits const& limits) {
  return nifti_opened(
      file, [&](auto const& head, VoxelInput& in) { return nifti_head(head, in, limits); });
}

}  // namespace fovea
