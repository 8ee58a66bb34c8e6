#include "base/core/refusal.hpp"
#include "base/core/words.hpp"
#include "base/geometry/same_grid.hpp"
#include "base/image/vector3.hpp"
#include "base/io/formats.hpp"
#include "base/io/picture.hpp"
#include "learn/data/mask_values.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace fovea {
namespace {

constexpr std::int32_t mask_most = 65535;

Volume mask_read(Dataset const& set, Location const& at, Grid const& image) {
  if (set.drawn) return set.drawn(at, image);
  if (named_as_picture(at.file)) return read_picture(at.file, {}, PictureNumbers::stored);
  return set.reader ? set.reader(at.file) : read_volume(at.file).volume;
}

std::string mask_numbers(std::array<double, 3> const& values) {
  std::vector<std::string> words;
  for (auto const value : values) words.push_back(spelled(std::round(value * 1e4) / 1e4));
  return joined(words, " x ");
}

std::string mask_sizes(Grid const& grid) {
  return text(grid.size[0], " x ", grid.size[1], " x ", grid.size[2]);
}

double mask_degrees(Axis const& a, Axis const& b) {
  auto const scale = length_of(a.mm) * length_of(b.mm);
  if (!(scale > 0)) return 0;
  return std::acos(std::clamp(dot(a.mm, b.mm) / scale, -1.0, 1.0)) * 180 / std::numbers::pi;
}

// In what the mask's grid is not the image's: sizes, spacing, origin, direction.
std::string mask_differences(Grid const& image, Grid const& mask) {
  std::vector<std::string> parts;
  if (image.size != mask.size)
    parts.push_back(text("sizes ", mask_sizes(mask), ", the image has ", mask_sizes(image)));
  auto const wanted = image.spacing().mm;
  auto const got = mask.spacing().mm;
  double spacing = 0;
  for (std::size_t axis = 0; axis < 3; ++axis)
    spacing = std::max(spacing, std::abs(wanted[axis] - got[axis]));
  if (spacing > 1e-4)
    parts.push_back(text("spacing ", mask_numbers(got), " mm, the image has ",
                         mask_numbers(wanted), " mm (up to ", fixed(spacing, 4), " mm off)"));
  auto const origin = length_of(difference(image.origin.mm, mask.origin.mm));
  if (origin > 1e-4)
    parts.push_back(text("first voxel ", fixed(origin, 3), " mm from the image's"));
  constexpr std::string_view names[] = {"i", "j", "k"};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const turned = mask_degrees(image.axes[axis], mask.axes[axis]);
    if (turned > 0.01)
      parts.push_back(text("axis ", names[axis], " turned by ", fixed(turned, 2), " degrees"));
  }
  if (auto const apart = apart_mm(image, mask))
    parts.push_back(text("voxels up to ", fixed(*apart, 3), " mm from the image's"));
  return joined(parts, "; ");
}

void mask_expect_grid(std::string const& id, Grid const& image, Grid const& mask) {
  if (same_places(image, mask)) return;
  throw Refusal{
      "grid-differs",
      text("case ", id, ": expected a mask on the grid of its image, got one with ",
           mask_differences(image, mask)),
      "nothing is turned or moved unasked: if the mask belongs to this image, bring it "
      "onto its grid by fovea convert MASK OUT --like IMAGE --interpolation nearest"};
}

// Which values occur, 0 to 65535. Throws Refusal on any other.
template <class T>
std::vector<char> mask_values(std::string const& id, std::span<T const> voxels) {
  std::vector<char> there(static_cast<std::size_t>(mask_most) + 1);
  for (auto const voxel : voxels) {
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(voxel))
        throw Refusal{
            "not-finite",
            text("case ", id, ": expected a mask of whole numbers, got NaN or infinity"),
            "correct the mask"};
      if (voxel != std::floor(voxel))
        throw Refusal{
            "non-integer-label",
            text("case ", id, ": expected a mask of whole numbers, got ", spelled(voxel)),
            "it may have been resampled smoothly, or be an image: give the mask as it was "
            "drawn"};
    }
    if (voxel < T{0})
      throw Refusal{"negative-label",
                    text("case ", id, ": expected a mask of whole numbers from 0, got ",
                         spelled(static_cast<double>(voxel))),
                    "correct the mask"};
    if (static_cast<double>(voxel) > mask_most)
      throw Refusal{"undeclared-label",
                    text("case ", id, ": expected a mask of whole numbers up to ", mask_most,
                         ", got ", spelled(static_cast<double>(voxel))),
                    "correct the mask"};
    there[static_cast<std::size_t>(voxel)] = 1;
  }
  return there;
}

// Volume of one channel: of three equal ones (grey saved in colour) the first.
Volume mask_single(std::string const& id, Volume const& read) {
  if (read.channels() == 1) return read;
  if (read.channels() == 3 && is_grey(read))
    return {read.grid(), read.type(), read.unit(), 1, read.bytes()};
  throw Refusal{"unreadable",
                text("case ", id, ": expected a mask of one number a voxel, got ",
                     read.channels(), " channels"),
                "save the mask with the number of the label in each voxel, not as colours"};
}

bool mask_declares(Dataset const& set, std::int32_t value) {
  if (set.ignore == value) return true;
  return std::ranges::any_of(set.labels, [&](MaskLabel const& label) {
    return std::ranges::binary_search(label.values, value);
  });
}

// 0 and 255 are what pictures write for no and yes.
bool mask_is_white(Dataset const& set, std::vector<char> const& there) {
  if (there[255] == 0 || mask_declares(set, 255)) return false;
  if (!set.labels.empty() && !mask_declares(set, 1)) return false;
  return std::ranges::count(there, 1) == 1 + there[0];
}

void mask_expect_declared(Dataset const& set,
                          std::string const& id,
                          std::vector<char> const& there) {
  if (set.labels.empty()) return;  // they are being collected
  std::vector<std::string> strangers;
  for (std::int32_t value = 1; value <= mask_most; ++value) {
    if (there[static_cast<std::size_t>(value)] != 0 && !mask_declares(set, value))
      strangers.push_back(text(value));
  }
  if (strangers.empty()) return;
  std::vector<std::string> known;
  for (auto const& label : set.labels)
    for (auto const value : label.values) known.push_back(text(value));
  throw Refusal{"undeclared-label",
                text("case ", id, ": expected the labels 0, ", named(known, 8),
                     set.ignore ? text(" and ", *set.ignore, " (ignored)") : "",
                     " in its mask, got ", named(strangers, 8), " as well"),
                "declare the label, or correct the mask"};
}

std::string mask_name(Dataset const& set, std::int32_t value) {
  for (auto const& label : set.labels) {
    if (label.values.size() == 1 && label.values[0] == value) return label.name;
  }
  return text("value ", value);
}

LabelMap mask_map(Dataset const& set,
                  Volume const& read,
                  std::vector<char> const& there,
                  bool white) {
  std::int32_t most = 255;
  std::vector<Segment> segments;
  for (std::int32_t value = 1; value <= mask_most; ++value) {
    auto const in_it = there[static_cast<std::size_t>(value)] != 0;
    auto const known = mask_declares(set, value) || (set.labels.empty() && in_it);
    if (in_it) most = std::max(most, value);
    if (known && set.ignore != value && !white)
      segments.push_back({.value = value, .name = mask_name(set, value)});
    if (known) most = std::max(most, value);
  }
  if (white) segments = {{.value = 1, .name = mask_name(set, 1)}};
  LabelMap out{Volume{read.grid(), most > 255 ? Type::u16 : Type::u8}, std::move(segments)};
  with_type(read.type(), [&](auto from) {
    with_type(out.voxels.type(), [&](auto to) {
      using To = decltype(to);
      std::ranges::transform(
          read.as<decltype(from)>().first(static_cast<std::size_t>(read.voxels())),
          out.voxels.write<To>().begin(), [&](auto value) {
            return white ? static_cast<To>(value != 0) : static_cast<To>(value);
          });
    });
  });
  return out;
}

// As it was read; what keeps it from being read is an `unreadable` mask.
Volume mask_loaded(Dataset const& set,
                   std::string const& id,
                   Location const& at,
                   Grid const& image) {
  try {
    return mask_single(id, mask_read(set, at, image));
  } catch (Refusal const& refusal) {
    if (refusal.code() == "unreadable") throw;
    if (refusal.code() == "grid-differs")  // of outlines, which know their image's size
      throw Refusal{"grid-differs", text("case ", id, ": ", refusal.what()), ""};
    throw Refusal{"unreadable",
                  text("the mask of case ", id, " cannot be read: ", refusal.what()), ""};
  } catch (Error const& error) {
    if (error.fault() != Fault::input && error.fault() != Fault::usage) throw;
    throw Refusal{"unreadable",
                  text("the mask of case ", id, " cannot be read: ", error.what()), ""};
  }
}

LabelMap mask_checked(Dataset const& set,
                      std::string const& id,
                      Location const& at,
                      Grid const& image,
                      std::vector<std::string>* notes) {
  auto const read = mask_loaded(set, id, at, image);
  mask_expect_grid(id, image, read.grid());
  auto const there = with_type(read.type(), [&](auto kind) {
    using T = decltype(kind);
    return mask_values<T>(id, read.channel<T>(0));
  });
  auto const white = mask_is_white(set, there);
  if (white && notes != nullptr)
    notes->push_back(text("case ", id, ": its mask holds 0 and 255, taken as 0 and 1"));
  if (!white) mask_expect_declared(set, id, there);
  return mask_map(set, read, there, white);
}

}  // namespace

std::vector<std::int32_t> values_in_mask(Dataset const& set, Case const& one) {
  auto const read = mask_loaded(set, one.id, one.mask, {});
  auto const there = with_type(read.type(), [&](auto kind) {
    using T = decltype(kind);
    return mask_values<T>(one.id, read.channel<T>(0));
  });
  std::vector<std::int32_t> values;
  for (std::int32_t value = 0; value <= mask_most; ++value) {
    if (there[static_cast<std::size_t>(value)] != 0) values.push_back(value);
  }
  return values;
}

LabelMap Dataset::mask(Case const& one,
                       Grid const& image,
                       std::vector<std::string>* heard) const {
  if (one.mask.file.empty())
    throw Error{Fault::bug, text("expected a case with a mask, got ", one.id),
                "ask for those of labelled()"};
  return mask_checked(*this, one.id, one.mask, image, heard);
}

std::optional<LabelMap> Dataset::second_mask(Case const& one, Grid const& image) const {
  if (one.second_reader.file.empty()) return std::nullopt;
  return mask_checked(*this, one.id + " (second reader)", one.second_reader, image, nullptr);
}

std::optional<Volume> Dataset::field_of_view(Case const& one, Grid const& image) const {
  if (one.field_of_view.file.empty()) return std::nullopt;
  auto const id = one.id + " (field of view)";
  auto const read = mask_loaded(*this, id, one.field_of_view, image);
  mask_expect_grid(id, image, read.grid());
  Volume out{read.grid(), Type::u8, Unit::one};
  with_type(read.type(), [&](auto kind) {
    using T = decltype(kind);
    std::ranges::transform(read.channel<T>(0), out.write<std::uint8_t>().begin(),
                           [](T value) { return static_cast<std::uint8_t>(value != T{0}); });
  });
  return out;
}

}  // namespace fovea
