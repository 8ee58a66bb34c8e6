#include "base/finding/label_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

namespace fovea {
namespace {

constexpr std::int64_t label_most = std::numeric_limits<std::uint16_t>::max();

[[noreturn]] void refuse_map(std::string const& found) {
  throw Error{Fault::input, found, "build the label map as its type says"};
}

}  // namespace

void check(LabelMap const& map) {
  auto const type = map.voxels.type();
  if (map.fractional ? type != Type::f32 : type != Type::u8 && type != Type::u16)
    refuse_map(text("expected voxels of ", map.fractional ? "f32" : "u8 or u16", ", got ",
                    name_of(type)));
  auto const most = type == Type::u8 ? 255 : label_most;
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  for (auto const& segment : map.segments) {
    if (segment.layer < 0 || segment.layer >= map.voxels.channels())
      refuse_map(text("segment ", segment.name, " is in layer ", segment.layer, " of ",
                      map.voxels.channels()));
    if (!map.fractional && (segment.value < 1 || segment.value > most))
      refuse_map(text("expected a value from 1 to ", most, " for segment ", segment.name,
                      ", got ", segment.value));
    if (!seen.insert({segment.layer, map.fractional ? 1 : segment.value}).second)
      refuse_map(text("two segments share a value in layer ", segment.layer));
  }
}

Volume mask_of(LabelMap const& map, Segment const& segment) {
  auto const& all = map.voxels;
  Volume out{all.grid(), map.fractional ? Type::f32 : Type::u8, Unit::one};
  with_type(all.type(), [&](auto zero) {
    using T = decltype(zero);
    auto const in = all.channel<T>(segment.layer);
    if (map.fractional) {
      if constexpr (std::is_same_v<T, float>) std::ranges::copy(in, out.write<T>().begin());
      return;
    }
    std::ranges::transform(in, out.write<std::uint8_t>().begin(), [&](T value) {
      return static_cast<std::uint8_t>(value == static_cast<T>(segment.value));
    });
  });
  return out;
}

LabelMap label_map_of(Volume const& labels) {
  LabelMap out{Volume{labels.grid(), Type::u16, Unit::arbitrary, labels.channels()}};
  std::vector<char> there(static_cast<std::size_t>(label_most) + 1);
  for (std::int64_t layer = 0; layer < labels.channels(); ++layer) {
    std::ranges::fill(there, 0);
    auto const room = out.voxels.write_channel<std::uint16_t>(layer);
    with_type(labels.type(), [&](auto zero) {
      using T = decltype(zero);
      auto const in = labels.channel<T>(layer);
      for (std::size_t at = 0; at < in.size(); ++at) {
        auto const value = static_cast<double>(in[at]);
        if (!(value >= 0 && value <= label_most) || value != std::floor(value))
          throw Error{Fault::input,
                      text("expected whole numbers from 0 to ", label_most,
                           " in a label map, got ", value),
                      "pass a mask, not an image"};
        room[at] = static_cast<std::uint16_t>(value);
        there[room[at]] = 1;
      }
    });
    for (std::int64_t value = 1; value <= label_most; ++value) {
      if (there[static_cast<std::size_t>(value)] != 0)
        out.segments.push_back({.layer = layer, .value = value, .name = text(value)});
    }
  }
  return out;
}

}  // namespace fovea
