#include "base/io/nrrd.hpp"

#include "base/core/words.hpp"
#include "base/io/nrrd_head.hpp"
#include "base/io/voxel_input.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// --- voxels ----------------------------------------------------------------------------------

enum class NrrdEncoding { raw, text, gzip };

NrrdEncoding nrrd_encoding(std::string_view written) {
  auto const name = lower(written);
  if (name == "raw") return NrrdEncoding::raw;
  if (name == "gz" || name == "gzip") return NrrdEncoding::gzip;
  if (name == "txt" || name == "text" || name == "ascii") return NrrdEncoding::text;
  throw Refusal{"unsupported-encoding",
                text("expected the encoding raw, gzip or ascii, got '",
                     printable(written.substr(0, 40), ""), "'"),
                "write it anew as gzip"};
}

bool nrrd_big(NrrdHead const& head, Type type, NrrdEncoding encoding) {
  if (bytes_of(type) == 1 || encoding == NrrdEncoding::text) return false;
  auto const endian = lower(head.get("endian"));
  if (endian != "little" && endian != "big")
    nrrd_bad_header(text("expected the endian little or big, got '",
                         printable(endian.substr(0, 20), ""), "'"));
  return endian == "big";
}

std::int64_t nrrd_skip(NrrdHead const& head, std::string_view field, std::int64_t least) {
  auto const written = head.find(field);
  if (!written) return 0;
  auto const skip = whole(*written);
  if (skip && *skip >= least && *skip < std::int64_t{1} << 50) return *skip;
  throw Refusal{"bad-offset",
                text("expected a ", field, " of at least ", least, ", got '",
                     printable(written->substr(0, 20), ""), "'"),
                "the header is damaged; fetch the file again"};
}

// Where the voxels begin behind so many lines.
std::uint64_t nrrd_behind_lines(ByteSource const& from, std::uint64_t at, std::int64_t lines) {
  Bytes piece(1 << 16);
  while (lines > 0) {
    auto const count = std::min<std::uint64_t>(piece.size(), from.size() - at);
    if (count == 0)
      throw Refusal{"bad-offset", "expected more lines before the voxels, got the file's end",
                    "the file is cut short or its header damaged; fetch it again", at};
    auto const room = std::span{piece}.first(static_cast<std::size_t>(count));
    from.read(at, room);
    for (auto const value : room) {
      if (lines == 0) break;
      ++at;
      if (value == std::byte{'\n'}) --lines;
    }
  }
  return at;
}

struct NrrdLayout {
  std::vector<NrrdAxis> axes;
  AxisOrder order;
  std::vector<NrrdAxis const*> spatial;
  std::vector<std::int64_t> more;
  std::int64_t channels = 1;
  bool colour = false;
  bool vector = false;
  double step = 0;
  int step_unit = 0;
};

int nrrd_step_unit(std::string_view unit) {
  auto const name = lower(unit);
  return name == "s" || name == "sec" ? 8 : name == "ms" ? 16 : name == "us" ? 24 : 0;
}

// Axes of space first, then colours, others, vectors: as channels are kept.
NrrdLayout nrrd_layout(NrrdHead const& head) {
  NrrdLayout out{.axes = nrrd_axes(head), .order = {}, .spatial = {}, .more = {}};
  for (auto const& axis : out.axes) out.order.sizes.push_back(axis.size);
  using Use = NrrdAxis::Use;
  std::size_t colours = 0;
  std::size_t vectors = 0;
  NrrdAxis const* fourth = nullptr;
  for (auto const use : {Use::space, Use::colour, Use::other, Use::vector}) {
    for (std::size_t a = 0; a < out.axes.size(); ++a) {
      auto const& axis = out.axes[a];
      if (axis.use != use) continue;
      out.order.order.push_back(a);
      if (use == Use::space) {
        out.spatial.push_back(&axis);
        continue;
      }
      out.channels *= axis.size;
      if (use == Use::colour) ++colours;
      if (use == Use::vector && ++vectors == 1 && out.more.empty()) out.more.push_back(1);
      if (use == Use::other && fourth == nullptr) fourth = &axis;
      if (use != Use::colour) out.more.push_back(axis.size);
    }
  }
  if (colours + vectors > 1 || out.more.size() > 4)
    throw Refusal{"bad-size",
                  "expected one axis of colours or of vectors and at most 4 axes besides those "
                  "of space, got more",
                  "take the file apart with the program that wrote it"};
  out.colour = colours == 1;
  out.vector = vectors == 1;
  if (fourth != nullptr) {
    // In a space with time, its unit stands with those of space.
    auto const units = nrrd_quoted(head.find("space units").value_or(""));
    auto const in_time =
        fourth->direction && fourth->direction->size() == 4 && units.size() == 4;
    auto const along =
        fourth->direction ? nrrd_length(*fourth->direction) : fourth->spacing.value_or(0);
    if (std::isfinite(along)) out.step = along;
    out.step_unit = nrrd_step_unit(in_time ? units[3] : fourth->unit);
  }
  return out;
}

struct NrrdVoxels {
  ByteSource from;
  std::uint64_t begin;  // of what lies behind the header
};

// Where they lie, once the header's skips are followed.
struct NrrdPlace {
  NrrdEncoding encoding = NrrdEncoding::raw;
  std::uint64_t begin = 0;   // of the source
  std::uint64_t offset = 0;  // of what is unpacked from there
};

NrrdPlace nrrd_place(NrrdHead const& head, NrrdVoxels const& stored, VoxelShape const& shape) {
  auto const encoding = nrrd_encoding(head.get("encoding"));
  auto const& from = stored.from;
  auto const begin = nrrd_behind_lines(from, stored.begin, nrrd_skip(head, "line skip", 0));
  auto const skip = nrrd_skip(head, "byte skip", encoding == NrrdEncoding::raw ? -1 : 0);
  if (skip == -1 && shape.bytes() > from.size() - begin)
    refuse_truncated(
        text("expected ", shape.bytes(), " bytes of voxels, got ", from.size() - begin));
  auto const bytes = static_cast<std::uint64_t>(skip);
  // Lines are skipped before unpacking, bytes behind it.
  if (encoding == NrrdEncoding::gzip) return {encoding, begin, bytes};
  return {encoding,
          skip == -1 ? from.size() - shape.bytes() : std::min(begin + bytes, from.size()), 0};
}

Volume nrrd_voxels(NrrdHead const& head,
                   NrrdVoxels const& stored,
                   VoxelShape const& shape,
                   std::vector<Note>& notes) {
  auto const place = nrrd_place(head, stored, shape);
  if (place.encoding == NrrdEncoding::text)
    return voxels_in_text(stored.from, place.begin, shape);
  auto const packed = place.encoding == NrrdEncoding::gzip;
  VoxelInput in{stored.from, packed ? Packing::gzip : Packing::none, place.begin};
  return voxels_in_bytes(in, place.offset, shape, notes);
}

void nrrd_look_at_voxels(NrrdHead const& head,
                         NrrdVoxels const& stored,
                         VoxelShape const& shape,
                         std::vector<Note>& notes) {
  auto const place = nrrd_place(head, stored, shape);
  if (place.encoding == NrrdEncoding::text)
    return look_at_text(stored.from, place.begin, shape);
  auto const packed = place.encoding == NrrdEncoding::gzip;
  VoxelInput const in{stored.from, packed ? Packing::gzip : Packing::none, place.begin};
  look_at_bytes(in, place.offset, shape, notes);
}

// --- the whole -------------------------------------------------------------------------------

// What is known before a voxel is read.
struct NrrdLook {
  NrrdLayout layout;
  VoxelShape shape;
  bool placed = false;
  std::vector<Note> notes;
};

NrrdLook nrrd_look(NrrdHead const& head, ImageLimits const& limits) {
  auto const type = nrrd_type(head.get("type"));
  NrrdLook out{.layout = nrrd_layout(head), .shape = {}, .notes = {}};
  auto const [grid, placed] = nrrd_grid(out.layout.spatial, head, out.notes);
  out.placed = placed;
  out.shape = {.grid = grid,
               .type = type,
               .channels = out.layout.channels,
               .big = nrrd_big(head, type, nrrd_encoding(head.get("encoding"))),
               .limits = limits};
  return out;
}

ImageHead nrrd_head(NrrdHead const& head, NrrdVoxels const& stored, ImageLimits const& limits) {
  auto look = nrrd_look(head, limits);
  nrrd_look_at_voxels(head, stored, look.shape, look.notes);
  nrrd_say_rest(head, look.notes);
  return {.grid = look.shape.grid,
          .type = look.shape.type,
          .channels = look.shape.channels,
          .space = look.placed ? ImageSpace::scanner : ImageSpace::none,
          .notes = std::move(look.notes)};
}

ImageFile nrrd_read(NrrdHead const& head, NrrdVoxels const& stored, ImageLimits const& limits) {
  auto look = nrrd_look(head, limits);
  auto const& layout = look.layout;
  auto const mixed = nrrd_voxels(head, stored, look.shape, look.notes);
  nrrd_say_rest(head, look.notes);
  return {.volume = reordered(mixed, layout.order),
          .more = layout.more,
          .colour = layout.colour,
          .space = look.placed ? ImageSpace::scanner : ImageSpace::none,
          .intent = layout.vector ? vector_intent : 0,
          .step = layout.step,
          .step_unit = layout.step_unit,
          .notes = std::move(look.notes)};
}

fs::path nrrd_data_file(fs::path const& file, std::string_view named) {
  // "slice%03d.raw 1 60 1": a pattern and three numbers or four.
  auto const pattern =
      named.find('%') != std::string_view::npos && nrrd_words(named).size() >= 4;
  if (pattern || named.starts_with("LIST"))
    throw Refusal{"several-files", "expected all voxels in one file, got several files",
                  "put them into one with the program that wrote them"};
  return voxel_file(file, named);
}

void nrrd_expect_end(NrrdHead const& head) {
  if (!head.ends)
    refuse_truncated("expected an empty line behind the header, got the file's end");
}

// Calls use(header, where its voxels lie).
template <class Use>
auto nrrd_opened(fs::path const& file, Use&& use) {
  return with_file_name(text(file), [&] {
    FileReader const reader{file};
    ByteSource const source{reader};
    auto const head = nrrd_head_of(source);
    if (auto const named = head.find("data file")) {
      FileReader const voxels{nrrd_data_file(file, *named)};
      return use(head, NrrdVoxels{ByteSource{voxels}, 0});
    }
    nrrd_expect_end(head);
    return use(head, NrrdVoxels{source, head.bytes});
  });
}

}  // namespace

ImageFile decode_nrrd(std::span<std::byte const> bytes,
                      std::string_view name,
                      ImageLimits const& limits) {
  return with_file_name(std::string{name}, [&] {
    ByteSource const source{bytes};
    auto const head = nrrd_head_of(source);
    if (head.find("data file"))
      throw Refusal{"not-nrrd", "expected one file with the voxels in it, got a header alone",
                    "read the .nhdr that lies beside its voxels"};
    nrrd_expect_end(head);
    return nrrd_read(head, {source, head.bytes}, limits);
  });
}

ImageFile read_nrrd(fs::path const& file, ImageLimits const& limits) {
  return nrrd_opened(file, [&](auto const& head, auto const& stored) {
    return nrrd_read(head, stored, limits);
  });
}

ImageHead look_nrrd(fs::path const& file, ImageLimits const& limits) {
  return nrrd_opened(file, [&](auto const& head, auto const& stored) {
    return nrrd_head(head, stored, limits);
  });
}

}  // namespace fovea
