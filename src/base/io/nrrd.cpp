#include "base/io/nrrd.hpp"

#include "base/core/words.hpp"
#include "base/io/voxel_input.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace fovea {
namespace {

constexpr std::size_t nrrd_head_most = 1 << 20;  // bytes; segmentations have many keys
constexpr std::size_t nrrd_axes_most = 7;        // as NIfTI

[[noreturn]] void nrrd_bad_header(std::string const& found) {
  throw Refusal{"bad-header", found, "the header is damaged; fetch the file again"};
}

// --- the header ------------------------------------------------------------------------------

struct NrrdHead {
  std::map<std::string, std::string, std::less<>> fields;
  std::size_t keys = 0;   // key:=value
  std::size_t bytes = 0;  // of the header, with the empty line
  bool ends = false;      // with an empty line

  std::optional<std::string_view> find(std::string_view name) const {
    auto const at = fields.find(name);
    if (at == fields.end()) return std::nullopt;
    return at->second;
  }
  std::string_view get(std::string_view name) const {
    auto const value = find(name);
    if (!value) nrrd_bad_header(text("expected the field '", name, "', got none"));
    return *value;
  }
};

// Fields that change nothing of what is read, and those that are read.
constexpr std::string_view nrrd_known[] = {"type",
                                           "dimension",
                                           "sizes",
                                           "encoding",
                                           "endian",
                                           "space",
                                           "space dimension",
                                           "space directions",
                                           "space origin",
                                           "space units",
                                           "spacings",
                                           "kinds",
                                           "units",
                                           "data file",
                                           "line skip",
                                           "byte skip",
                                           "measurement frame",
                                           "axis mins",
                                           "axis maxs",
                                           "centerings",
                                           "centers",
                                           "thicknesses",
                                           "labels",
                                           "content",
                                           "number",
                                           "block size",
                                           "min",
                                           "max",
                                           "old min",
                                           "old max",
                                           "sample units"};

// "datafile" and "data file" are one field.
std::string nrrd_field(std::string_view written) {
  auto const name = lower(trimmed(written));
  auto const squeezed = [](std::string_view words) {
    std::string out;
    std::ranges::copy_if(words, std::back_inserter(out), [](char c) { return c != ' '; });
    return out;
  };
  auto const known = std::ranges::find_if(
      nrrd_known, [&](auto field) { return squeezed(field) == squeezed(name); });
  return known == std::end(nrrd_known) ? name : std::string{*known};
}

void nrrd_line(std::string_view line, NrrdHead& head) {
  if (line.starts_with('#')) return;
  auto const colon = line.find(':');
  if (colon == std::string_view::npos)
    nrrd_bad_header(
        text("expected 'field: value', got '", printable(line.substr(0, 60), ""), "'"));
  if (line.substr(colon).starts_with(":=")) {
    ++head.keys;
    return;
  }
  auto const name = nrrd_field(line.substr(0, colon));
  auto const value = std::string{trimmed(line.substr(colon + 1))};
  if (!head.fields.emplace(name, value).second)
    throw Refusal{"tag-twice",
                  text("expected the field '", printable(name, ""), "' once, got it twice"),
                  "find out which one is meant and take the other out"};
}

NrrdHead nrrd_parse(std::span<std::byte const> bytes) {
  if (!begins_as_nrrd(bytes))
    throw Refusal{"not-nrrd", "expected a NRRD file, version 1 to 6, got other bytes",
                  "check that it is the right file"};
  std::string_view const words{reinterpret_cast<char const*>(bytes.data()),
                               std::min(bytes.size(), nrrd_head_most)};
  NrrdHead head;
  auto first = true;
  while (!head.ends && head.bytes < words.size()) {
    auto const end = words.find('\n', head.bytes);
    auto line = words.substr(head.bytes, end - head.bytes);
    if (line.ends_with('\r')) line.remove_suffix(1);
    head.bytes = end == std::string_view::npos ? words.size() : end + 1;
    head.ends = line.empty() && end != std::string_view::npos;
    if (!first && !line.empty()) nrrd_line(line, head);
    first = false;
    // Names of files follow, a line each.
    if (head.find("data file").value_or("").starts_with("LIST")) break;
  }
  if (!head.ends && bytes.size() > nrrd_head_most)
    nrrd_bad_header(text("expected a header of at most ", nrrd_head_most, " bytes"));
  return head;
}

std::vector<std::string> nrrd_words(std::string_view line) {
  std::vector<std::string> out;
  for (auto const& word : split(line, ' ')) {
    for (auto const& part : split(word, '\t')) {
      if (!part.empty()) out.push_back(part);
    }
  }
  return out;
}

// "mm" "" "s": quoted, with blanks inside.
std::vector<std::string> nrrd_quoted(std::string_view line) {
  auto const parts = split(line, '"');
  std::vector<std::string> out;
  for (std::size_t i = 1; i < parts.size(); i += 2) out.push_back(parts[i]);
  return out.empty() ? nrrd_words(line) : out;
}

// --- types and sizes -------------------------------------------------------------------------

struct NrrdTypeRow {
  Type type;
  std::string_view written;  // what we write
  std::string_view names;    // the others
};
constexpr NrrdTypeRow nrrd_types[] = {
    {Type::u8, "uint8", "|unsigned char|uchar|uint8_t|"},
    {Type::i8, "int8", "|signed char|int8_t|"},
    {Type::u16, "uint16", "|unsigned short|ushort|unsigned short int|uint16_t|"},
    {Type::i16, "int16", "|short|short int|signed short|signed short int|int16_t|"},
    {Type::u32, "uint32", "|unsigned int|uint|uint32_t|"},
    {Type::i32, "int32", "|int|signed int|int32_t|"},
    {Type::u64, "uint64", "|unsigned long long|ulonglong|unsigned long long int|uint64_t|"},
    {Type::i64, "int64",
     "|long long|longlong|long long int|signed long long|signed long long int|int64_t|"},
    {Type::f32, "float", "||"},
    {Type::f64, "double", "||"},
};

Type nrrd_type(std::string_view written) {
  auto const name = lower(written);
  for (auto const& row : nrrd_types) {
    auto const other = row.names.find(text('|', name, '|')) != std::string_view::npos;
    if (!name.empty() && (row.written == name || other)) return row.type;
  }
  throw Refusal{"unsupported-type",
                text("expected voxels of whole or real numbers, got type '",
                     printable(written.substr(0, 40), ""), "'"),
                "convert them to float, say"};
}

struct NrrdAxis {
  enum class Use { space, colour, vector, other };
  std::int64_t size = 1;
  std::string kind;
  std::string unit;
  std::optional<double> spacing;
  std::optional<std::vector<double>> direction;
  Use use = Use::space;
};

std::vector<std::int64_t> nrrd_sizes(NrrdHead const& head) {
  auto const words = nrrd_words(head.get("sizes"));
  auto const axes = whole(head.get("dimension"));
  std::vector<std::int64_t> sizes;
  std::int64_t all = 1;
  auto good = axes && *axes >= 1 && words.size() == static_cast<std::size_t>(*axes) &&
              words.size() <= nrrd_axes_most;
  for (auto const& word : words) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    auto const size = whole(word).value_or(0);
    good = good && size >= 1 && size <= most / all;
    if (!good) break;
    all *= size;
    sizes.push_back(size);
  }
  if (good) return sizes;
  throw Refusal{"bad-size",
                text("expected 1 to ", nrrd_axes_most,
                     " axes with sizes of at least 1 and 2^40 voxels at most, got dimension ",
                     printable(head.get("dimension").substr(0, 20), ""), " and sizes ",
                     printable(head.get("sizes").substr(0, 60), "")),
                "the header is damaged; fetch the file again"};
}

std::vector<double> nrrd_vector(std::string_view written) {
  std::vector<double> out;
  for (auto const& part : split(written, ',')) {
    auto const value = number(trimmed(part));
    if (!value)
      throw Refusal{"bad-affine",
                    text("expected vectors of finite numbers, got '",
                         printable(written.substr(0, 60), ""), "'"),
                    "the header is damaged; write the file anew from its source"};
    out.push_back(*value);
  }
  return out;
}

// "none (1,0,0) (0,1,0)": blanks may stand inside.
std::vector<std::optional<std::vector<double>>> nrrd_vectors(std::string_view line) {
  std::vector<std::optional<std::vector<double>>> out;
  for (line = trimmed(line); !line.empty(); line = trimmed(line)) {
    auto const vector = line.starts_with('(');
    auto const end =
        vector ? line.find(')') : std::min(line.find_first_of(" \t("), line.size());
    if (end == std::string_view::npos || (!vector && lower(line.substr(0, end)) != "none"))
      nrrd_bad_header(text("expected 'none' or a vector in brackets, got '",
                           printable(line.substr(0, 60), ""), "'"));
    out.push_back(vector ? std::optional{nrrd_vector(line.substr(1, end - 1))} : std::nullopt);
    line.remove_prefix(end + (vector ? 1 : 0));
  }
  return out;
}

// A field with a value for each axis, if it is there: calls use(axis, value).
template <class Split, class Use>
void nrrd_each_axis(NrrdHead const& head,
                    std::string_view field,
                    std::vector<NrrdAxis>& axes,
                    Split&& split_up,
                    Use&& use) {
  auto const line = head.find(field);
  if (!line) return;
  auto const values = split_up(*line);
  if (values.size() != axes.size())
    nrrd_bad_header(
        text("expected ", axes.size(), " values in '", field, "', got ", values.size()));
  for (std::size_t a = 0; a < axes.size(); ++a) use(axes[a], values[a]);
}

NrrdAxis::Use nrrd_use(NrrdAxis const& axis) {
  auto const kind = lower(axis.kind);
  auto const any = [&](std::string_view names) {
    return names.find(text('|', kind, '|')) != std::string_view::npos;
  };
  if (kind == "complex")
    throw Refusal{"unsupported-type",
                  "expected voxels of whole or real numbers, got complex numbers",
                  "convert them to magnitude and phase, say"};
  auto const colours = (any("|rgb-color|3-color|") && axis.size == 3) ||
                       (any("|rgba-color|4-color|") && axis.size == 4);
  if (colours) return NrrdAxis::Use::colour;
  if (any("|vector|covariant-vector|normal|2-vector|3-vector|3-gradient|3-normal|4-vector|"))
    return axis.size > 1 ? NrrdAxis::Use::vector : NrrdAxis::Use::other;
  if (any("||domain|space|???|none|")) return NrrdAxis::Use::space;
  return NrrdAxis::Use::other;
}

// "nan" stands where an axis has none.
std::optional<double> nrrd_spacing(std::string_view written) {
  auto const value = number(written);
  if (value || lower(written) == "nan") return value;
  throw Refusal{
      "bad-spacing",
      text("expected a spacing above 0, got '", printable(written.substr(0, 20), ""), "'"),
      "the header is damaged; write the file anew from its source"};
}

std::vector<NrrdAxis> nrrd_axes(NrrdHead const& head) {
  auto const sizes = nrrd_sizes(head);
  std::vector<NrrdAxis> axes(sizes.size());
  for (std::size_t a = 0; a < axes.size(); ++a) axes[a].size = sizes[a];
  nrrd_each_axis(head, "kinds", axes, nrrd_words,
                 [](NrrdAxis& axis, auto const& kind) { axis.kind = kind; });
  nrrd_each_axis(head, "units", axes, nrrd_quoted,
                 [](NrrdAxis& axis, auto const& unit) { axis.unit = unit; });
  nrrd_each_axis(head, "spacings", axes, nrrd_words, [](NrrdAxis& axis, auto const& spacing) {
    axis.spacing = nrrd_spacing(spacing);
  });
  nrrd_each_axis(head, "space directions", axes, nrrd_vectors,
                 [](NrrdAxis& axis, auto const& direction) { axis.direction = direction; });
  auto const directions = head.find("space directions").has_value();
  auto const spacings = head.find("spacings").has_value();
  // A fourth axis of space is none of ours.
  std::size_t in_space = 0;
  for (auto& axis : axes) {
    axis.use = nrrd_use(axis);
    auto const none = (directions && !axis.direction) ||
                      (!directions && spacings && !axis.spacing) || in_space == 3;
    if (axis.use == NrrdAxis::Use::space && none) axis.use = NrrdAxis::Use::other;
    if (axis.use == NrrdAxis::Use::space) ++in_space;
  }
  if (in_space == 0)
    throw Refusal{"bad-size", "expected at least one axis in space, got none",
                  "check that the file holds an image"};
  return axes;
}

// --- place -----------------------------------------------------------------------------------

struct NrrdSpace {
  std::string_view name, letters;
  std::size_t size;              // of its vectors
  std::array<double, 3> to_lps;  // signs
};
constexpr NrrdSpace nrrd_spaces[] = {
    {"right-anterior-superior", "ras", 3, {-1, -1, 1}},
    {"left-anterior-superior", "las", 3, {1, -1, 1}},
    {"left-posterior-superior", "lps", 3, {1, 1, 1}},
    {"right-anterior-superior-time", "rast", 4, {-1, -1, 1}},
    {"left-anterior-superior-time", "last", 4, {1, -1, 1}},
    {"left-posterior-superior-time", "lpst", 4, {1, 1, 1}},
};

NrrdSpace const* nrrd_space(NrrdHead const& head) {
  auto const written = lower(head.find("space").value_or(""));
  auto const row = std::ranges::find_if(nrrd_spaces, [&](auto const& space) {
    return space.name == written || space.letters == written;
  });
  return row == std::end(nrrd_spaces) ? nullptr : row;
}

double nrrd_millimetres(std::string_view unit, std::vector<Note>& notes) {
  auto const name = lower(unit);
  if (name.empty() || name == "mm" || name == "millimeter" || name == "millimeters") return 1;
  if (name == "cm") return 10;
  if (name == "m") return 1000;
  if (name == "um" || name == "micron" || name == "microns") return 0.001;
  if (std::ranges::find(notes, "unknown-unit", &Note::code) == notes.end())
    notes.push_back({"unknown-unit", text("the file names '", printable(unit.substr(0, 20), ""),
                                          "' as its unit of length: mm are assumed")});
  return 1;
}

// One unit for all of space; formats of ours know no other.
double nrrd_unit(NrrdHead const& head, std::vector<Note>& notes) {
  auto const line = head.find("space units");
  if (!line) return 1;
  auto const units = nrrd_quoted(*line);
  auto const spatial = std::span{units}.first(std::min<std::size_t>(units.size(), 3));
  auto const same = !spatial.empty() && std::ranges::all_of(spatial, [&](auto const& unit) {
    return unit == spatial.front();
  });
  return nrrd_millimetres(same ? spatial.front() : std::string{*line}, notes);
}

double nrrd_length(std::vector<double> const& vector) {
  double sum = 0;
  for (auto const value : vector) sum += value * value;
  return std::sqrt(sum);
}

double nrrd_along(NrrdAxis const& axis) {
  auto const along =
      axis.direction ? nrrd_length(*axis.direction) : std::abs(axis.spacing.value_or(1));
  if (along > 0 && std::isfinite(along)) return along;
  throw Refusal{"bad-spacing", text("expected a spacing above 0, got ", spelled(along)),
                "the header is damaged; write the file anew from its source"};
}

Axis nrrd_axis(std::vector<double> const& vector, NrrdSpace const& space, double unit) {
  if (vector.size() != space.size)
    nrrd_bad_header(text("expected vectors of ", space.size, " numbers in the space ",
                         space.name, ", got one of ", vector.size()));
  if (space.size == 4 && vector[3] != 0)
    throw Refusal{"bad-affine", "expected axes either in space or in time, got one in both",
                  "the header is damaged; write the file anew from its source"};
  Axis out;
  for (std::size_t r = 0; r < 3; ++r) out.mm[r] = space.to_lps[r] * vector[r] * unit;
  return out;
}

// A single slice: its normal, 1 mm long.
Axis nrrd_normal(Axis const& a, Axis const& b) {
  Axis out{{a.mm[1] * b.mm[2] - a.mm[2] * b.mm[1], a.mm[2] * b.mm[0] - a.mm[0] * b.mm[2],
            a.mm[0] * b.mm[1] - a.mm[1] * b.mm[0]}};
  auto const length = nrrd_length({out.mm.begin(), out.mm.end()});
  for (auto& value : out.mm) value /= length;
  return out;
}

Grid nrrd_placed(std::span<NrrdAxis const* const> axes,
                 NrrdHead const& head,
                 NrrdSpace const& space,
                 Grid grid,
                 std::vector<Note>& notes) {
  auto const unit = nrrd_unit(head, notes);
  auto const line = head.get("space origin");
  auto origin = nrrd_vectors(line);
  if (origin.size() != 1 || !origin[0])
    nrrd_bad_header(text("expected one vector as the space origin, got '",
                         printable(line.substr(0, 60), ""), "'"));
  // When the first volume was taken is no place.
  if (origin[0]->size() == 4) (*origin[0])[3] = 0;
  grid.origin.mm = nrrd_axis(*origin[0], space, unit).mm;
  for (std::size_t a = 0; a < axes.size(); ++a)
    grid.axes[a] = nrrd_axis(*axes[a]->direction, space, unit);
  if (axes.size() == 2) {
    grid.axes[2] = nrrd_normal(grid.axes[0], grid.axes[1]);
    notes.push_back({"no-thickness",
                     "a single slice that does not say how thick it is; 1 mm "
                     "is assumed"});
  }
  check_grid(grid, "set of space directions");
  return grid;
}

// The grid, and whether it is placed.
std::pair<Grid, bool> nrrd_grid(std::span<NrrdAxis const* const> axes,
                                NrrdHead const& head,
                                std::vector<Note>& notes) {
  Grid grid{.size = {1, 1, 1}, .origin = {}};
  for (std::size_t a = 0; a < axes.size(); ++a) grid.size[a] = axes[a]->size;
  auto const* const space = nrrd_space(head);
  auto const directions =
      std::ranges::all_of(axes, [](auto const* axis) { return axis->direction.has_value(); });
  if (space != nullptr && directions && axes.size() > 1 && head.find("space origin"))
    return {nrrd_placed(axes, head, *space, grid, notes), true};
  notes.push_back({"no-position",
                   "the file does not say where in the patient its voxels lie: left and right "
                   "are unknown"});
  for (std::size_t a = 0; a < axes.size(); ++a) {
    // In a space that is none of the patient's, its unit still holds.
    auto const unit = axes[a]->direction      ? nrrd_unit(head, notes)
                      : axes[a]->unit.empty() ? 1
                                              : nrrd_millimetres(axes[a]->unit, notes);
    grid.axes[a].mm[a] = nrrd_along(*axes[a]) * unit;
  }
  check_grid(grid, "set of spacings");
  return {grid, false};
}

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

Volume nrrd_voxels(NrrdHead const& head,
                   NrrdVoxels const& stored,
                   VoxelShape shape,
                   std::vector<Note>& notes) {
  auto const encoding = nrrd_encoding(head.get("encoding"));
  shape.big = nrrd_big(head, shape.type, encoding);
  auto const& from = stored.from;
  auto const begin = nrrd_behind_lines(from, stored.begin, nrrd_skip(head, "line skip", 0));
  auto const skip = nrrd_skip(head, "byte skip", encoding == NrrdEncoding::raw ? -1 : 0);
  if (skip == -1 && shape.bytes() > from.size() - begin)
    refuse_truncated(
        text("expected ", shape.bytes(), " bytes of voxels, got ", from.size() - begin));
  auto const bytes = static_cast<std::uint64_t>(skip);
  // Lines are skipped before unpacking, bytes behind it.
  if (encoding == NrrdEncoding::gzip) {
    VoxelInput in{from, Packing::gzip, begin};
    return voxels_in_bytes(in, bytes, shape, notes);
  }
  auto const at =
      skip == -1 ? from.size() - shape.bytes() : std::min(begin + bytes, from.size());
  if (encoding == NrrdEncoding::text) return voxels_in_text(from, at, shape);
  VoxelInput in{from, Packing::none, at};
  return voxels_in_bytes(in, 0, shape, notes);
}

// --- the whole -------------------------------------------------------------------------------

void nrrd_say_rest(NrrdHead const& head, std::vector<Note>& notes) {
  if (head.find("measurement frame"))
    notes.push_back(
        {"measurement-frame", "vectors are given in a frame of their own and are left in it"});
  for (auto const& [name, value] : head.fields) {
    if (std::ranges::find(nrrd_known, name) == std::end(nrrd_known))
      notes.push_back({"unknown-field", text("the field '", printable(name.substr(0, 40), ""),
                                             "' is not known; it is left")});
  }
  if (head.keys > 0)
    notes.push_back({"keys-left", text(head.keys, " pairs of key and value are left")});
}

ImageFile nrrd_read(NrrdHead const& head, NrrdVoxels const& stored, ImageLimits const& limits) {
  auto const type = nrrd_type(head.get("type"));
  auto const layout = nrrd_layout(head);
  std::vector<Note> notes;
  auto const [grid, placed] = nrrd_grid(layout.spatial, head, notes);
  auto const mixed = nrrd_voxels(
      head, stored, {.grid = grid, .type = type, .channels = layout.channels, .limits = limits},
      notes);
  nrrd_say_rest(head, notes);
  return {.volume = reordered(mixed, layout.order),
          .more = layout.more,
          .colour = layout.colour,
          .space = placed ? ImageSpace::scanner : ImageSpace::none,
          .intent = layout.vector ? vector_intent : 0,
          .step = layout.step,
          .step_unit = layout.step_unit,
          .notes = std::move(notes)};
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

NrrdHead nrrd_head_of(ByteSource const& source) {
  Bytes start(std::min<std::uint64_t>(source.size(), nrrd_head_most + 1));
  source.read(0, start);
  return nrrd_parse(start);
}

void nrrd_expect_end(NrrdHead const& head) {
  if (!head.ends)
    refuse_truncated("expected an empty line behind the header, got the file's end");
}

}  // namespace

bool begins_as_nrrd(std::span<std::byte const> bytes) {
  std::string_view const words{reinterpret_cast<char const*>(bytes.data()),
                               std::min<std::size_t>(bytes.size(), 10)};
  return words.size() > 8 && words.starts_with("NRRD000") && words[7] >= '1' &&
         words[7] <= '6' && (words[8] == '\n' || words.substr(8) == "\r\n");
}

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
  return with_file_name(text(file), [&] {
    FileReader const reader{file};
    ByteSource const source{reader};
    auto const head = nrrd_head_of(source);
    if (auto const named = head.find("data file")) {
      FileReader const voxels{nrrd_data_file(file, *named)};
      return nrrd_read(head, {ByteSource{voxels}, 0}, limits);
    }
    nrrd_expect_end(head);
    return nrrd_read(head, {source, head.bytes}, limits);
  });
}

// --- writing ---------------------------------------------------------------------------------

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
  auto const row = std::ranges::find(nrrd_types, volume.type(), &NrrdTypeRow::type);
  auto out =
      text("NRRD0005\n# Fovea\ntype: ", row->written, "\ndimension: ", axes.sizes.size(), '\n');
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
