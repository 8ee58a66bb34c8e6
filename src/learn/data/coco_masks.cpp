#include "learn/data/coco_masks.hpp"

#include "base/core/refusal.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_map>

namespace fovea {
namespace {

constexpr std::int64_t coco_most_pixels = 64'000'000;

[[noreturn]] void coco_refuse(std::string const& what,
                              std::string const& expected,
                              Json const& got) {
  auto words = printable(got.dump(-1, ' ', true, Json::error_handler_t::replace), {});
  if (words.size() > 80) words = words.substr(0, 80) + "…";
  throw Error{Fault::input, text(what, ": expected ", expected, ", got ", words),
              "it should be as COCO writes it"};
}

Json const& coco_at(std::string const& what, Json const& object, char const* key) {
  if (!object.is_object() || !object.contains(key))
    coco_refuse(what, text("an object with \"", key, "\""), object);
  return object.at(key);
}

std::int64_t coco_whole(std::string const& what, Json const& value, char const* meaning) {
  constexpr double most = 9e15;
  if (value.is_number_integer() &&
      !(value.is_number_unsigned() && value.get<std::uint64_t>() > (1ULL << 53)))
    return value.get<std::int64_t>();
  if (value.is_number_float()) {
    auto const number = value.get<double>();
    if (number == std::floor(number) && std::abs(number) < most)
      return static_cast<std::int64_t>(number);
  }
  coco_refuse(what, text("a whole number as ", meaning), value);
}

std::map<std::int64_t, std::string> coco_categories(std::string const& what, Json const& list) {
  if (!list.is_array() || list.empty() || list.size() > 65535)
    coco_refuse(what, "a list of at most 65535 \"categories\"", list);
  std::map<std::int64_t, std::string> out;
  for (auto const& one : list) {
    auto const& name = coco_at(what, one, "name");
    if (!name.is_string()) coco_refuse(what, "a name of each category", one);
    auto const id = coco_whole(what, coco_at(what, one, "id"), "the number of a category");
    if (!out.emplace(id, name.get<std::string>()).second)
      coco_refuse(what, "a number of its own for each category", one);
  }
  return out;
}

CocoImage coco_image(std::string const& what, Json const& one) {
  CocoImage image;
  auto const& file = coco_at(what, one, "file_name");
  if (!file.is_string()) coco_refuse(what, "the name of a file", file);
  image.file = file.get<std::string>();
  image.width = coco_whole(what, coco_at(what, one, "width"), "a width");
  image.height = coco_whole(what, coco_at(what, one, "height"), "a height");
  if (image.width < 1 || image.height < 1 || image.width > coco_most_pixels ||
      image.height > coco_most_pixels / image.width)
    coco_refuse(what, text("a size of 1 to ", coco_most_pixels, " pixels"), one);
  return image;
}

// Corners are given from the image's corner; ours from the first pixel's centre.
Outline coco_outline(std::string const& what, Json const& numbers) {
  constexpr std::size_t least = 6;
  constexpr double furthest = 1e9;
  if (!numbers.is_array() || numbers.size() < least || numbers.size() % 2 != 0)
    coco_refuse(what, "polygons of at least three corners, x and y each", numbers);
  Outline out;
  for (std::size_t i = 0; i < numbers.size(); i += 2) {
    std::array<double, 2> corner{};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      auto const& number = numbers[i + axis];
      if (!number.is_number() || !(std::abs(number.get<double>()) < furthest))
        coco_refuse(what, "numbers as corners of a polygon", number);
      corner[axis] = number.get<double>() - 0.5;
    }
    out.push_back(corner);
  }
  return out;
}

// Five bits a letter, the lowest first, a sixth says that more follow; from the third number on
// they are differences to the one before the last.
std::vector<std::uint32_t> coco_unpacked(std::string const& what, std::string const& packed) {
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; at < packed.size();) {
    std::int64_t number = 0;
    auto more = true;
    for (int shift = 0; more; shift += 5) {
      auto const letter = at < packed.size() ? static_cast<unsigned char>(packed[at]) : 0U;
      if (letter < 48 || letter > 111 || shift > 30)
        coco_refuse(what, "packed runs of letters from 0 to o", Json(packed.substr(0, 40)));
      auto const bits = letter - 48U;
      ++at;
      number |= static_cast<std::int64_t>(bits & 0x1fU) << shift;
      more = (bits & 0x20U) != 0;
      if (!more && (bits & 0x10U) != 0) number -= std::int64_t{1} << (shift + 5);
    }
    if (numbers.size() > 2) number += numbers[numbers.size() - 2];
    if (number < 0 || number > coco_most_pixels)
      coco_refuse(what, "runs within the image", Json(number));
    numbers.push_back(number);
  }
  return {numbers.begin(), numbers.end()};
}

std::vector<std::uint32_t> coco_runs(std::string const& what,
                                     Json const& mask,
                                     CocoImage const& image) {
  auto const& size = coco_at(what, mask, "size");
  if (!size.is_array() || size.size() != 2 ||
      coco_whole(what, size[0], "a height") != image.height ||
      coco_whole(what, size[1], "a width") != image.width)
    coco_refuse(what,
                text("runs of the size [height, width] of their image, [", image.height, ", ",
                     image.width, "]"),
                size);
  auto const& counts = coco_at(what, mask, "counts");
  std::vector<std::uint32_t> runs;
  if (counts.is_string()) {
    runs = coco_unpacked(what, counts.get_ref<std::string const&>());
  } else if (counts.is_array()) {
    for (auto const& count : counts) {
      auto const run = coco_whole(what, count, "the length of a run");
      if (run < 0 || run > coco_most_pixels) coco_refuse(what, "runs within the image", count);
      runs.push_back(static_cast<std::uint32_t>(run));
    }
  } else {
    coco_refuse(what, "runs as numbers or packed into a text", counts);
  }
  auto const filled = std::accumulate(runs.begin(), runs.end(), std::uint64_t{0});
  if (filled != static_cast<std::uint64_t>(image.width * image.height))
    coco_refuse(what, text("runs of ", image.width * image.height, " pixels together"),
                Json(filled));
  return runs;
}

// False if it has a box only.
bool coco_shape(std::string const& what,
                Json const& drawn,
                CocoImage const& image,
                CocoShape& shape) {
  if (drawn.is_array()) {
    for (auto const& polygon : drawn) shape.outlines.push_back(coco_outline(what, polygon));
    return !shape.outlines.empty();
  }
  if (drawn.is_object()) {
    shape.runs = coco_runs(what, drawn, image);
    return true;
  }
  if (drawn.is_null()) return false;
  coco_refuse(what, "polygons or runs as \"segmentation\"", drawn);
}

// Pixels of a shape, in runs along rows or, of runs down columns, one by one.
std::vector<OutlineRun> coco_pixels(CocoShape const& shape, CocoImage const& image) {
  std::vector<OutlineRun> out;
  OutlineFill fill{image.width, image.height};
  for (auto const& outline : shape.outlines) {
    fill.add(outline);
    auto const runs = fill.take();
    out.insert(out.end(), runs.begin(), runs.end());
  }
  std::int64_t at = 0;
  auto inside = false;
  for (auto const run : shape.runs) {
    for (auto end = at + run; inside && at < end;) {
      // The part of the run in this column.
      auto const column = at / image.height;
      auto const stop = std::min<std::int64_t>(end, (column + 1) * image.height);
      for (; at < stop; ++at) out.push_back({at % image.height, column, column + 1});
    }
    if (!inside) at += run;
    inside = !inside;
  }
  return out;
}

}  // namespace

CocoSet parse_coco(Json const& json, std::string const& what) {
  CocoSet set;
  auto const categories = coco_categories(what, coco_at(what, json, "categories"));
  std::unordered_map<std::int64_t, std::int32_t> labels;
  for (auto const& row : categories) {
    set.categories.push_back(row.second);
    labels.emplace(row.first, static_cast<std::int32_t>(set.categories.size()));
  }
  auto const& images = coco_at(what, json, "images");
  if (!images.is_array()) coco_refuse(what, "a list of \"images\"", images);
  std::unordered_map<std::int64_t, std::size_t> places;
  for (auto const& one : images) {
    auto const id = coco_whole(what, coco_at(what, one, "id"), "the number of an image");
    if (!places.emplace(id, set.images.size()).second)
      coco_refuse(what, "a number of its own for each image", one);
    set.images.push_back(coco_image(what, one));
  }
  auto const& annotations = coco_at(what, json, "annotations");
  if (!annotations.is_array()) coco_refuse(what, "a list of \"annotations\"", annotations);
  for (auto const& one : annotations) {
    auto const place =
        places.find(coco_whole(what, coco_at(what, one, "image_id"), "the number of an image"));
    auto const label = labels.find(
        coco_whole(what, coco_at(what, one, "category_id"), "the number of a category"));
    if (place == places.end()) coco_refuse(what, "an image that is listed", one);
    if (label == labels.end()) coco_refuse(what, "a category that is listed", one);
    auto& image = set.images[place->second];
    CocoShape shape{.label = label->second};
    auto const drawn = one.find("segmentation");
    if (drawn != one.end() && coco_shape(what, *drawn, image, shape)) {
      image.shapes.push_back(std::move(shape));
    } else {
      ++set.boxes_only;
    }
  }
  return set;
}

Volume draw_coco(CocoImage const& image, Grid const& grid) {
  if (grid.size != std::array<std::int64_t, 3>{image.width, image.height, 1})
    throw Refusal{
        "grid-differs",
        text("the annotations are of ", image.width, " x ", image.height,
             " pixels, the image has ", grid.size[0], " x ", grid.size[1], " x ", grid.size[2]),
        "was the image scaled or turned after it was annotated?"};
  struct Drawn {
    std::int32_t label;
    std::int64_t pixels = 0;
    std::vector<OutlineRun> runs{};
  };
  std::vector<Drawn> all;
  std::int32_t most = 0;
  for (auto const& shape : image.shapes) {
    Drawn one{shape.label, 0, coco_pixels(shape, image)};
    for (auto const& run : one.runs) one.pixels += run.end - run.first;
    most = std::max(most, one.label);
    all.push_back(std::move(one));
  }
  std::ranges::stable_sort(all, std::greater{}, &Drawn::pixels);
  Volume out{grid, most > 255 ? Type::u16 : Type::u8};
  with_type(out.type(), [&](auto kind) {
    using T = decltype(kind);
    auto const voxels = out.write<T>();
    for (auto const& one : all) {
      for (auto const& run : one.runs)
        std::fill(voxels.begin() + run.row * image.width + run.first,
                  voxels.begin() + run.row * image.width + run.end, static_cast<T>(one.label));
    }
  });
  return out;
}

}  // namespace fovea
