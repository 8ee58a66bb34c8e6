#include "base/io/nrrd_head.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::size_t nrrd_head_most = 1 << 20;  // bytes; segmentations have many keys
constexpr std::size_t nrrd_axes_most = 7;        // as NIfTI

// --- the header ------------------------------------------------------------------------------

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

}  // namespace

[[noreturn]] void nrrd_bad_header(std::string const& found) {
  throw Refusal{"bad-header", found, "the header is damaged; fetch the file again"};
}

std::string_view NrrdHead::get(std::string_view name) const {
  auto const value = find(name);
  if (!value) nrrd_bad_header(text("expected the field '", name, "', got none"));
  return *value;
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

std::vector<std::string> nrrd_quoted(std::string_view line) {
  auto const parts = split(line, '"');
  std::vector<std::string> out;
  for (std::size_t i = 1; i < parts.size(); i += 2) out.push_back(parts[i]);
  return out.empty() ? nrrd_words(line) : out;
}

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

std::string_view nrrd_name_of(Type type) {
  return std::ranges::find(nrrd_types, type, &NrrdTypeRow::type)->written;
}

double nrrd_length(std::vector<double> const& vector) {
  double sum = 0;
  for (auto const value : vector) sum += value * value;
  return std::sqrt(sum);
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

NrrdHead nrrd_head_of(ByteSource const& source) {
  Bytes start(std::min<std::uint64_t>(source.size(), nrrd_head_most + 1));
  source.read(0, start);
  return nrrd_parse(start);
}

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

bool begins_as_nrrd(std::span<std::byte const> bytes) {
  std::string_view const words{reinterpret_cast<char const*>(bytes.data()),
                               std::min<std::size_t>(bytes.size(), 10)};
  return words.size() > 8 && words.starts_with("NRRD000") && words[7] >= '1' &&
         words[7] <= '6' && (words[8] == '\n' || words.substr(8) == "\r\n");
}

}  // namespace fovea
