#include "base/io/mha.hpp"

#include "base/core/words.hpp"
#include "base/io/mha_head.hpp"
#include "base/io/voxel_input.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace fovea {
namespace {

constexpr std::size_t mha_head_most = 1 << 20;  // bytes

[[noreturn]] void mha_bad_header(std::string const& found) {
  throw Refusal{"bad-header", found, "the header is damaged; fetch the file again"};
}

// --- the header ------------------------------------------------------------------------------

struct MhaHead {
  std::map<std::string, std::string, std::less<>> fields;
  std::size_t bytes = 0;  // of the header, with its last line's end

  std::optional<std::string_view> find(std::string_view name) const {
    auto const at = fields.find(name);
    if (at == fields.end()) return std::nullopt;
    return at->second;
  }
  std::string_view get(std::string_view name) const {
    auto const value = find(name);
    if (!value) mha_bad_header(text("expected the field '", name, "', got none"));
    return *value;
  }
  bool yes(std::string_view name) const {
    auto const value = lower(find(name).value_or("false"));
    if (value == "true" || value == "t" || value == "1") return true;
    if (value == "false" || value == "f" || value == "0") return false;
    mha_bad_header(text("expected ", name, " to be True or False, got '",
                        printable(value.substr(0, 20), ""), "'"));
  }
};

struct MhaAlias {
  std::string_view also, name;
};
constexpr MhaAlias mha_aliases[] = {
    {"Position", "Offset"},
    {"Origin", "Offset"},
    {"Orientation", "TransformMatrix"},
    {"Rotation", "TransformMatrix"},
    {"ElementByteOrderMSB", "BinaryDataByteOrderMSB"},
};
// Those that change what is read; others, such as comments, may stand twice.
constexpr std::string_view mha_known[] = {"ObjectType",
                                          "NDims",
                                          "DimSize",
                                          "BinaryData",
                                          "BinaryDataByteOrderMSB",
                                          "CompressedData",
                                          "HeaderSize",
                                          "TransformMatrix",
                                          "Offset",
                                          "ElementSpacing",
                                          "ElementSize",
                                          "ElementNumberOfChannels",
                                          "ElementType",
                                          "AnatomicalOrientation",
                                          "ElementDataFile"};

// True if it was the last one.
bool mha_line(std::string_view line, MhaHead& head) {
  auto const equals = line.find('=');
  if (trimmed(line).empty()) return false;
  if (equals == std::string_view::npos)
    mha_bad_header(
        text("expected 'Field = value', got '", printable(line.substr(0, 60), ""), "'"));
  auto name = trimmed(line.substr(0, equals));
  auto const alias = std::ranges::find(mha_aliases, name, &MhaAlias::also);
  if (alias != std::end(mha_aliases)) name = alias->name;
  if (std::ranges::find(mha_known, name) == std::end(mha_known)) return false;
  auto const value = std::string{trimmed(line.substr(equals + 1))};
  auto const [at, fresh] = head.fields.emplace(name, value);
  if (!fresh && at->second != value)
    throw Refusal{"tag-twice",
                  text("expected the field ", name, " once, got it twice with other values"),
                  "find out which one is meant and take the other out"};
  return name == "ElementDataFile";
}

MhaHead mha_parse(std::span<std::byte const> bytes) {
  if (!begins_as_mha(bytes))
    throw Refusal{"not-mha", "expected a MetaImage file, got other bytes",
                  "check that it is the right file"};
  std::string_view const words{reinterpret_cast<char const*>(bytes.data()),
                               std::min(bytes.size(), mha_head_most)};
  MhaHead head;
  for (auto last = false; !last;) {
    if (head.bytes == words.size())
      mha_bad_header("expected a header that ends with ElementDataFile, got none");
    auto const end = std::min(words.find('\n', head.bytes), words.size());
    last = mha_line(words.substr(head.bytes, end - head.bytes), head);
    head.bytes = std::min(end + 1, words.size());
  }
  if (head.find("ObjectType").value_or("Image") != "Image")
    throw Refusal{"not-mha",
                  text("expected an object of the type Image, got '",
                       printable(head.get("ObjectType").substr(0, 40), ""), "'"),
                  "check that it is the right file"};
  return head;
}

// --- types and sizes -------------------------------------------------------------------------

struct MhaType {
  std::string_view name;
  Type type;
};
// The first one of each type is what we write. A long has 4 bytes in these files, whatever the
// machine.
constexpr MhaType mha_types[] = {
    {"MET_UCHAR", Type::u8},       {"MET_CHAR", Type::i8},       {"MET_USHORT", Type::u16},
    {"MET_SHORT", Type::i16},      {"MET_UINT", Type::u32},      {"MET_INT", Type::i32},
    {"MET_ULONG_LONG", Type::u64}, {"MET_LONG_LONG", Type::i64}, {"MET_FLOAT", Type::f32},
    {"MET_DOUBLE", Type::f64},     {"MET_ULONG", Type::u32},     {"MET_LONG", Type::i32},
};

std::vector<double> mha_numbers(MhaHead const& head,
                                std::string_view field,
                                std::size_t count) {
  std::vector<double> out;
  for (auto const& word : split(head.get(field), ' ')) {
    if (word.empty()) continue;
    auto const value = number(trimmed(word));
    if (!value) break;
    out.push_back(*value);
  }
  if (out.size() == count) return out;
  throw Refusal{
      field.ends_with("Spacing") || field.ends_with("Size") ? "bad-spacing" : "bad-affine",
      text("expected ", count, " finite numbers as ", field, ", got '",
           printable(head.get(field).substr(0, 80), ""), "'"),
      "the header is damaged; write the file anew from its source"};
}

struct MhaLayout {
  Type type = Type::u8;
  std::vector<std::int64_t> sizes;
  std::int64_t components = 1;

  std::size_t axes() const { return sizes.size(); }
};

[[noreturn]] void mha_refuse_size(MhaHead const& head) {
  throw Refusal{
      "bad-size",
      text("expected 2 to 4 axes and channels with sizes of at least 1 and 2^40 voxels at "
           "most, got NDims ",
           printable(head.get("NDims").substr(0, 20), ""), " and DimSize ",
           printable(head.get("DimSize").substr(0, 60), "")),
      "the header is damaged; fetch the file again"};
}

MhaLayout mha_layout(MhaHead const& head) {
  auto const name = head.get("ElementType");
  auto const row = std::ranges::find(mha_types, name, &MhaType::name);
  if (row == std::end(mha_types))
    throw Refusal{"unsupported-type",
                  text("expected voxels of whole or real numbers, got the ElementType '",
                       printable(name.substr(0, 40), ""), "'"),
                  "convert them to MET_FLOAT, say"};
  MhaLayout out{.type = row->type, .sizes = {}};
  auto const axes = whole(head.get("NDims")).value_or(0);
  auto const components = whole(head.find("ElementNumberOfChannels").value_or("1"));
  constexpr std::int64_t most = std::int64_t{1} << 40;
  std::int64_t all = components.value_or(0);
  if (axes < 2 || axes > 4 || all < 1 || all > most) mha_refuse_size(head);
  for (auto const& word : split(head.get("DimSize"), ' ')) {
    if (word.empty()) continue;
    auto const size = whole(trimmed(word)).value_or(0);
    if (size < 1 || size > most / all) mha_refuse_size(head);
    all *= size;
    out.sizes.push_back(size);
  }
  if (out.axes() != static_cast<std::size_t>(axes)) mha_refuse_size(head);
  out.components = *components;
  return out;
}

// --- place -----------------------------------------------------------------------------------

std::vector<double> mha_spacing(MhaHead const& head, std::size_t axes) {
  std::vector<double> spacing(axes, 1);
  // Without a spacing, voxels are thought to touch.
  if (head.find("ElementSpacing"))
    spacing = mha_numbers(head, "ElementSpacing", axes);
  else if (head.find("ElementSize"))
    spacing = mha_numbers(head, "ElementSize", axes);
  for (auto const along : spacing) {
    if (!(along > 0))
      throw Refusal{"bad-spacing", text("expected a spacing above 0, got ", spelled(along)),
                    "the header is damaged; write the file anew from its source"};
  }
  return spacing;
}

// The matrix has a row for each axis; a fourth axis must keep to itself.
void mha_place(MhaHead const& head, std::span<double const> spacing, Grid& grid) {
  auto const axes = spacing.size();
  std::vector<double> matrix(axes * axes, 0);
  for (std::size_t a = 0; a < axes; ++a) matrix[a * axes + a] = 1;
  std::vector<double> offset(axes, 0);
  if (head.find("TransformMatrix")) matrix = mha_numbers(head, "TransformMatrix", axes * axes);
  if (head.find("Offset")) offset = mha_numbers(head, "Offset", axes);
  for (std::size_t a = 0; a < axes; ++a) {
    auto const mixed = axes == 4 && a < 3 && (matrix[a * 4 + 3] != 0 || matrix[12 + a] != 0);
    if (mixed)
      throw Refusal{"bad-affine",
                    "expected a fourth axis apart from those of space, got one among them",
                    "the header is damaged; write the file anew from its source"};
  }
  for (std::size_t a = 0; a < 3; ++a) {
    grid.origin.mm[a] = offset[a];
    for (std::size_t r = 0; r < 3; ++r) grid.axes[a].mm[r] = matrix[a * axes + r] * spacing[a];
  }
  check_grid(grid, "TransformMatrix");
}

// The grid, and whether it is placed.
std::pair<Grid, bool> mha_grid(MhaHead const& head,
                               MhaLayout const& layout,
                               std::vector<Note>& notes) {
  auto const spatial = std::min<std::size_t>(layout.axes(), 3);
  auto const spacing = mha_spacing(head, layout.axes());
  Grid grid{.size = {1, 1, 1}, .origin = {}};
  for (std::size_t a = 0; a < spatial; ++a) {
    grid.size[a] = layout.sizes[a];
    grid.axes[a].mm[a] = spacing[a];
  }
  if (layout.axes() < 3 || (!head.find("TransformMatrix") && !head.find("Offset"))) {
    notes.push_back({"no-position",
                     "the file does not say where in the patient its voxels lie: left and "
                     "right are unknown"});
    check_grid(grid, "set of spacings");
    return {grid, false};
  }
  mha_place(head, spacing, grid);
  auto const said = head.find("AnatomicalOrientation").value_or("");
  auto const true_one = mha_orientation(grid);
  if (said.size() >= 3 && said.find('?') == std::string_view::npos &&
      said.substr(0, 3) != true_one)
    notes.push_back({"orientation-differs",
                     text("AnatomicalOrientation says ", printable(said.substr(0, 8), ""),
                          ", the matrix ", true_one, "; the matrix is taken")});
  return {grid, true};
}

// --- voxels ----------------------------------------------------------------------------------

struct MhaVoxels {
  ByteSource from;
  std::uint64_t begin;  // of what lies behind the header
};

std::uint64_t mha_begin(MhaHead const& head,
                        MhaVoxels const& stored,
                        std::uint64_t bytes,
                        bool plain) {
  auto const written = head.find("HeaderSize");
  auto const skip = whole(written.value_or("0"));
  if (!skip || *skip < (plain ? -1 : 0))
    throw Refusal{"bad-offset",
                  text("expected a HeaderSize of at least ", plain ? -1 : 0, ", got '",
                       printable(written->substr(0, 20), ""), "'"),
                  "the header is damaged; fetch the file again"};
  if (*skip == 0) return stored.begin;
  auto const size = stored.from.size();
  auto const there = size - std::min(stored.begin, size);
  if (*skip == -1 && bytes > there)
    refuse_truncated(text("expected ", bytes, " bytes of voxels, got ", there));
  // Counted from the beginning of the file, with our header in it or not.
  auto const begin = *skip == -1 ? size - bytes : static_cast<std::uint64_t>(*skip);
  if (begin < stored.begin || begin > size)
    throw Refusal{
        "bad-offset",
        text("expected voxels between byte ", stored.begin, " and the file's end, got ", begin),
        "the header is damaged; fetch the file again"};
  return begin;
}

Packing mha_packing(ByteSource const& from, std::uint64_t begin) {
  std::array<std::byte, 2> first{};
  if (from.size() < begin + first.size()) return Packing::zlib;
  from.read(begin, first);
  return first[0] == std::byte{0x1f} && first[1] == std::byte{0x8b} ? Packing::gzip
                                                                    : Packing::zlib;
}

struct MhaPlace {
  bool in_text = false;
  Packing packing = Packing::none;
  std::uint64_t begin = 0;
};

MhaPlace mha_place_of(MhaHead const& head, MhaVoxels const& stored, VoxelShape const& shape) {
  auto const text_only = head.find("BinaryData") && !head.yes("BinaryData");
  auto const packed = head.yes("CompressedData");
  if (text_only && packed) mha_bad_header("expected voxels in text or packed, got both");
  auto const begin = mha_begin(head, stored, shape.bytes(), !text_only && !packed);
  return {text_only, packed ? mha_packing(stored.from, begin) : Packing::none, begin};
}

Volume mha_voxels(MhaHead const& head,
                  MhaVoxels const& stored,
                  VoxelShape const& shape,
                  std::vector<Note>& notes) {
  auto const place = mha_place_of(head, stored, shape);
  if (place.in_text) return voxels_in_text(stored.from, place.begin, shape);
  VoxelInput in{stored.from, place.packing, place.begin};
  return voxels_in_bytes(in, 0, shape, notes);
}

void mha_look_at_voxels(MhaHead const& head,
                        MhaVoxels const& stored,
                        VoxelShape const& shape,
                        std::vector<Note>& notes) {
  auto const place = mha_place_of(head, stored, shape);
  if (place.in_text) return look_at_text(stored.from, place.begin, shape);
  look_at_bytes({stored.from, place.packing, place.begin}, 0, shape, notes);
}

// --- the whole -------------------------------------------------------------------------------

// What is known before a voxel is read.
struct MhaLook {
  MhaLayout layout;
  VoxelShape shape;
  bool placed = false;
  std::vector<Note> notes;

  std::int64_t fourth() const { return layout.axes() == 4 ? layout.sizes[3] : 1; }
  ImageSpace space() const { return placed ? ImageSpace::scanner : ImageSpace::none; }
};

MhaLook mha_look(MhaHead const& head, ImageLimits const& limits) {
  MhaLook out{.layout = mha_layout(head), .shape = {}, .notes = {}};
  auto const [grid, placed] = mha_grid(head, out.layout, out.notes);
  out.placed = placed;
  out.shape = {.grid = grid,
               .type = out.layout.type,
               .channels = out.layout.components * out.fourth(),
               .big = head.yes("BinaryDataByteOrderMSB"),
               .limits = limits};
  return out;
}

ImageHead mha_head(MhaHead const& head, MhaVoxels const& stored, ImageLimits const& limits) {
  auto look = mha_look(head, limits);
  mha_look_at_voxels(head, stored, look.shape, look.notes);
  return {.grid = look.shape.grid,
          .type = look.shape.type,
          .channels = look.shape.channels,
          .space = look.space(),
          .notes = std::move(look.notes)};
}

ImageFile mha_read(MhaHead const& head, MhaVoxels const& stored, ImageLimits const& limits) {
  auto look = mha_look(head, limits);
  auto const& layout = look.layout;
  auto const mixed = mha_voxels(head, stored, look.shape, look.notes);
  ImageFile out{
      .volume = mixed, .more = {}, .space = look.space(), .notes = std::move(look.notes)};
  if (layout.axes() == 4) {
    out.more.push_back(look.fourth());
    out.step = mha_spacing(head, 4)[3];
  }
  if (layout.components == 1) return out;
  out.more.resize(1, 1);
  out.more.push_back(layout.components);
  out.intent = vector_intent;
  out.volume =
      reordered(mixed, {{layout.components, mixed.voxels(), look.fourth()}, {1, 2, 0}});
  return out;
}

bool mha_local(std::string_view named) {
  return lower(named) == "local";
}

fs::path mha_data_file(fs::path const& file, std::string_view named) {
  // "slice%03d.raw 1 60 1": a pattern and three numbers.
  auto const pattern =
      named.find('%') != std::string_view::npos && std::ranges::count(named, ' ') >= 2;
  if (pattern || named.starts_with("LIST"))
    throw Refusal{"several-files", "expected all voxels in one file, got several files",
                  "put them into one with the program that wrote them"};
  return voxel_file(file, named);
}

MhaHead mha_head_of(ByteSource const& source) {
  Bytes start(std::min<std::uint64_t>(source.size(), mha_head_most + 1));
  source.read(0, start);
  return mha_parse(start);
}

// Calls use(header, where its voxels lie).
template <class Use>
auto mha_opened(fs::path const& file, Use&& use) {
  return with_file_name(text(file), [&] {
    FileReader const reader{file};
    ByteSource const source{reader};
    auto const head = mha_head_of(source);
    auto const named = head.get("ElementDataFile");
    if (mha_local(named)) return use(head, MhaVoxels{source, head.bytes});
    FileReader const voxels{mha_data_file(file, named)};
    return use(head, MhaVoxels{ByteSource{voxels}, 0});
  });
}

}  // namespace

std::string_view mha_name_of(Type type) {
  return std::ranges::find(mha_types, type, &MhaType::type)->name;
}

std::string mha_orientation(Grid const& grid) {
  std::string out;
  for (auto const& axis : grid.axes) {
    std::size_t most = 0;
    for (std::size_t r = 1; r < 3; ++r) {
      if (std::abs(axis.mm[r]) > std::abs(axis.mm[most])) most = r;
    }
    out += (axis.mm[most] > 0 ? "RAI" : "LPS")[most];
  }
  return out;
}

bool begins_as_mha(std::span<std::byte const> bytes) {
  std::string_view const words{reinterpret_cast<char const*>(bytes.data()),
                               std::min<std::size_t>(bytes.size(), 256)};
  auto const line = words.substr(0, words.find('\n'));
  auto const name = trimmed(line.substr(0, line.find('=')));
  return line.size() < words.size() && line.find('=') != std::string_view::npos &&
         (name == "ObjectType" || name == "NDims" || name == "Comment");
}

ImageFile decode_mha(std::span<std::byte const> bytes,
                     std::string_view name,
                     ImageLimits const& limits) {
  return with_file_name(std::string{name}, [&] {
    ByteSource const source{bytes};
    auto const head = mha_head_of(source);
    if (!mha_local(head.get("ElementDataFile")))
      throw Refusal{"not-mha", "expected one file with the voxels in it, got a header alone",
                    "read the .mhd that lies beside its voxels"};
    return mha_read(head, {source, head.bytes}, limits);
  });
}

ImageFile read_mha(fs::path const& file, ImageLimits const& limits) {
  return mha_opened(file, [&](auto const& head, auto const& stored) {
    return mha_read(head, stored, limits);
  });
}

ImageHead look_mha(fs::path const& file, ImageLimits const& limits) {
  return mha_opened(file, [&](auto const& head, auto const& stored) {
    return mha_head(head, stored, limits);
  });
}

}  // namespace fovea
