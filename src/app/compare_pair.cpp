#include "app/compare_pair.hpp"

#include "base/core/error.hpp"
#include "base/geometry/marked.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/overlap.hpp"
#include "base/geometry/same_grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <type_traits>
#include <utility>

namespace fovea {
namespace {

/// A segment of one map and the same of the other; one of them may be missing.
struct PairOfSegments {
  Segment const* a = nullptr;
  Segment const* b = nullptr;

  Segment const& known() const { return a != nullptr ? *a : *b; }
};

// Whether each segment has a `of(segment)` of its own.
template <class Of>
bool pair_unique(LabelMap const& map, Of&& of) {
  std::set<std::decay_t<std::invoke_result_t<Of, Segment const&>>> seen;
  return std::ranges::all_of(
      map.segments, [&](Segment const& segment) { return seen.insert(of(segment)).second; });
}

// Those that `same` finds alike and that are not paired yet.
template <class Same>
void pair_alike(std::vector<Segment const*>& of_a,
                std::vector<Segment const*>& of_b,
                std::vector<PairOfSegments>& out,
                Same&& same) {
  std::erase_if(of_a, [&](Segment const* one) {
    auto const found =
        std::ranges::find_if(of_b, [&](Segment const* other) { return same(*one, *other); });
    if (found == of_b.end()) return false;
    out.push_back({one, *found});
    of_b.erase(found);
    return true;
  });
}

// By name where names tell segments apart, for two programs may number them otherwise; what is
// left by value, where values tell them apart, else by layer and value.
std::vector<PairOfSegments> pair_segments(LabelMap const& a, LabelMap const& b) {
  std::vector<Segment const*> of_a, of_b;
  for (auto const& segment : a.segments) of_a.push_back(&segment);
  for (auto const& segment : b.segments) of_b.push_back(&segment);
  std::vector<PairOfSegments> out;
  auto const name = [](Segment const& segment) { return segment.name; };
  auto const value = [](Segment const& segment) { return segment.value; };
  if (pair_unique(a, name) && pair_unique(b, name))
    pair_alike(of_a, of_b, out, [](Segment const& one, Segment const& other) {
      return !one.name.empty() && one.name == other.name;
    });
  auto const by_value = pair_unique(a, value) && pair_unique(b, value);
  pair_alike(of_a, of_b, out, [&](Segment const& one, Segment const& other) {
    return one.value == other.value && (by_value || one.layer == other.layer);
  });
  for (auto const* const one : of_a) out.push_back({one, nullptr});
  for (auto const* const one : of_b) out.push_back({nullptr, one});
  std::ranges::stable_sort(out, {}, [](PairOfSegments const& one) {
    return std::pair{one.known().layer, std::int64_t{one.known().value}};
  });
  return out;
}

/// Each layer's counts, made once.
class PairSide {
 public:
  explicit PairSide(LabelMap const& map) : map_(map) {
    for (std::int64_t n = 0; n < map.voxels.channels(); ++n) {
      layers_.push_back(channel_of(map.voxels, n));
      marked_.push_back(marked_of(layers_.back()));
    }
  }

  // None if no voxel has it.
  Marked const* marked(Segment const* segment) const {
    if (segment == nullptr) return nullptr;
    auto const& all = marked_[static_cast<std::size_t>(segment->layer)];
    auto const found = std::ranges::find(all, segment->value, &Marked::value);
    return found == all.end() ? nullptr : &*found;
  }
  Volume mask(Segment const* segment, IndexBox const& box) const {
    // What is not there has no voxel: no voxel of a label map is below 0.
    auto const& layer =
        layers_[segment == nullptr ? 0 : static_cast<std::size_t>(segment->layer)];
    if (marked(segment) == nullptr) {
      auto grid = mask_within(layer, 0, {box.first, {1, 1, 1}}).grid();
      grid.size = box.size;
      return Volume{grid, Type::u8, Unit::one};
    }
    return mask_within(layer, segment->value, box);
  }
  Grid const& grid() const { return map_.voxels.grid(); }

 private:
  LabelMap const& map_;
  std::vector<Volume> layers_;
  std::vector<std::vector<Marked>> marked_;
};

Json pair_or_null(std::optional<double> value) {
  return value ? Json(*value) : Json{};
}

Json pair_label(PairSide const& a,
                PairSide const& b,
                PairOfSegments const& of,
                SurfaceOptions const& options) {
  auto const& known = of.known();
  auto const* const in_a = a.marked(of.a);
  auto const* const in_b = b.marked(of.b);
  Json out{{"layer", known.layer}, {"value", known.value}, {"name", known.name}};
  Overlap overlap;
  SurfaceDistances surfaces;
  if (in_a != nullptr || in_b != nullptr) {
    auto box = in_a == nullptr   ? in_b->box
               : in_b == nullptr ? in_a->box
                                 : joint_box(in_a->box, in_b->box);
    // A slice more: what is one slice thick in a volume is no picture.
    if (box.size[2] == 1 && a.grid().size[2] > 1) {
      box.size[2] = 2;
      if (box.first[2] + 2 > a.grid().size[2]) --box.first[2];
    }
    auto const mask_a = a.mask(of.a, box);
    auto const mask_b = b.mask(of.b, box);
    overlap = overlap_of(mask_a, mask_b);
    if (!a.grid().sheared()) surfaces = surface_distances(mask_a, mask_b, options);
  }
  auto const voxel_a = voxel_mm3(a.grid());
  auto const voxel_b = voxel_mm3(b.grid());
  out.update({{"voxels_a", overlap.a},
              {"voxels_b", overlap.b},
              {"volume_a_mm3", static_cast<double>(overlap.a) * voxel_a},
              {"volume_b_mm3", static_cast<double>(overlap.b) * voxel_b},
              {"volume_difference", pair_or_null(overlap.volume_difference())},
              {"dice", pair_or_null(overlap.dice())},
              {"jaccard", pair_or_null(overlap.jaccard())},
              {"sensitivity", pair_or_null(overlap.sensitivity())},
              {"precision", pair_or_null(overlap.precision())},
              {"hausdorff_mm", pair_or_null(surfaces.hausdorff)},
              {"hd95_mm", pair_or_null(surfaces.percentile)},
              {"mean_surface_mm", pair_or_null(surfaces.mean)},
              {"mean_a_to_b_mm", pair_or_null(surfaces.mean_a_to_b)},
              {"mean_b_to_a_mm", pair_or_null(surfaces.mean_b_to_a)},
              {"surface_dice", pair_or_null(surfaces.dice)}});
  return out;
}

void pair_labels(LabelMap const& a,
                 LabelMap const& b,
                 CompareOptions const& options,
                 Json& pair) {
  expect_same_places(a.voxels.grid(), b.voxels.grid(), "both masks");
  auto const pairs = pair_segments(a, b);
  PairSide const side_a{a}, side_b{b};
  pair["tolerance_mm"] = options.surface.tolerance_mm;
  pair["percentile"] = options.surface.percentile;
  pair["labels"] = Json::array();
  if (pairs.empty())
    pair["notes"].push_back("neither marks a voxel: there is nothing to measure");
  if (a.voxels.grid().sheared())
    pair["notes"].push_back(
        "the grid is sheared (a tilted gantry): no surface distances; straighten both first: "
        "fovea convert IN OUT --straighten --interpolation nearest");
  for (auto const& of : pairs) {
    if (of.a != nullptr && of.b != nullptr && of.a->value != of.b->value)
      pair["notes"].push_back(text("'", of.a->name, "' is ", of.a->value, " in A and ",
                                   of.b->value, " in B: taken as the same by its name"));
    auto label = pair_label(side_a, side_b, of, options.surface);
    auto const in_a = label["voxels_a"] != 0;
    auto const in_b = label["voxels_b"] != 0;
    if (!in_a || !in_b)
      pair["notes"].push_back(text("label ", of.known().value, " has no voxel in ",
                                   in_a   ? "B"
                                   : in_b ? "A"
                                          : "either",
                                   ": it has no surface distance"));
    pair["labels"].push_back(std::move(label));
  }
}

/// Sums of A - B over voxels that are finite in both.
struct PairDifference {
  std::int64_t voxels = 0, left_out = 0;
  double largest = 0, absolute = 0, squares = 0, sum = 0;
  double least = std::numeric_limits<double>::infinity(), most = -least;

  void add(double one, double other) {
    if (!std::isfinite(one) || !std::isfinite(other)) {
      ++left_out;
      return;
    }
    ++voxels;
    auto const apart = one - other;
    largest = std::max(largest, std::abs(apart));
    absolute += std::abs(apart);
    squares += apart * apart;
    sum += apart;
    least = std::min(least, other);
    most = std::max(most, other);
  }
};

void pair_images(Volume const& a, Volume const& b, Json& pair) {
  expect_same_places(a.grid(), b.grid(), "both images");
  if (a.channels() != b.channels())
    throw Error{
        Fault::input,
        text("expected images of as many channels, got ", a.channels(), " and ", b.channels()),
        "choose the same time point or colour of both"};
  if (a.unit() != b.unit())
    pair["notes"].push_back(
        text("the units differ: ", name_of(a.unit()), " and ", name_of(b.unit())));
  PairDifference all;
  with_type(a.type(), [&](auto zero_a) {
    with_type(b.type(), [&](auto zero_b) {
      auto const of_a = a.as<decltype(zero_a)>();
      auto const of_b = b.as<decltype(zero_b)>();
      for (std::size_t n = 0; n < of_a.size(); ++n)
        all.add(static_cast<double>(of_a[n]), static_cast<double>(of_b[n]));
    });
  });
  if (all.left_out > 0)
    pair["notes"].push_back(
        text("voxels that are no finite number in both were left out: ", all.left_out));
  auto const count = static_cast<double>(all.voxels);
  auto const rms = std::sqrt(all.squares / count);
  auto const known = [&](double value) { return all.voxels > 0 ? Json(value) : Json{}; };
  auto const range = all.most - all.least;
  constexpr auto decibels = 20;
  pair["intensity"] = {{"unit", name_of(b.unit())},
                       {"voxels", all.voxels},
                       {"left_out", all.left_out},
                       {"max_abs", known(all.largest)},
                       {"mean_abs", known(all.absolute / count)},
                       {"rms", known(rms)},
                       {"mean", known(all.sum / count)},
                       {"range_b", known(range)},
                       {"psnr_db", all.voxels > 0 && rms > 0 && range > 0
                                       ? Json(decibels * std::log10(range / rms))
                                       : Json{}}};
}

Json pair_grids(Grid const& a, Grid const& b) {
  auto const apart = apart_mm(a, b);
  return {{"same", same_places(a, b)},
          {"apart_mm", apart ? Json(*apart) : Json{}},
          {"size_a", a.size},
          {"size_b", b.size},
          {"spacing_a", a.spacing().mm},
          {"spacing_b", b.spacing().mm},
          {"origin_a", a.origin.mm},
          {"origin_b", b.origin.mm}};
}

// The box around two grids of one lattice, in the voxels of the first.
std::optional<IndexBox> pair_box(Grid const& a, Grid const& b) {
  auto const code = axis_code(a);
  auto const turned = axis_code(b) == code ? b : reoriented(b, code);
  auto const offset = offset_in(a, turned);
  if (!offset) return std::nullopt;
  return joint_box({{0, 0, 0}, a.size}, {*offset, turned.size});
}

// Onto one grid, if what is then added to a map is what it says nothing of by design.
void pair_align(Content& a, Content& b, Json& pair) {
  auto& map_a = a.map->voxels;
  auto& map_b = b.map->voxels;
  auto const box = pair_box(map_a.grid(), map_b.grid());
  if (!box) return;
  Grid grid = map_a.grid();
  grid.size = box->size;
  Index first;
  for (std::size_t n = 0; n < 3; ++n) first.ijk[n] = static_cast<double>(box->first[n]);
  grid.origin = map_a.grid().point_of(first);
  auto const on_a = cut_to(map_a, grid, a.partial);
  auto const on_b = cut_to(map_b, grid, b.partial);
  if (!on_a || !on_b) return;
  if (on_a->voxels() > map_a.voxels() || on_b->voxels() > map_b.voxels())
    pair["notes"].push_back(
        "slices that a segmentation has no frame for are taken as not marked");
  map_a = *on_a;
  map_b = *on_b;
}

}  // namespace

void compare_pair(FoundVolume const& a,
                  FoundVolume const& b,
                  CompareOptions const& options,
                  Json& pair) {
  auto of_a = content_of(a, options.taken);
  auto of_b = content_of(b, options.taken);
  auto const labels = of_a.map.has_value();
  pair["kind"] = labels ? "labels" : "image";
  pair["why"] = of_a.why;
  pair["grid"] = pair_grids(of_a.image.volume.grid(), of_b.image.volume.grid());
  for (auto const* notes : {&of_a.notes, &of_b.notes}) {
    for (auto const& note : *notes) pair["notes"].push_back(note);
  }
  if (labels != of_b.map.has_value())
    throw Error{Fault::input,
                text("A is taken as ", labels ? "a label map" : "an image", " (", of_a.why,
                     "), B as ", labels ? "an image" : "a label map", " (", of_b.why, ")"),
                "say --labels or --image for both"};
  if (of_a.image.placed() != of_b.image.placed())
    pair["notes"].push_back(
        text(of_a.image.placed() ? "B" : "A",
             " has no place in the patient: it is taken as its numbers say"));
  if (!labels) {
    auto const& image = of_a.image.volume;
    auto const other = cut_to(of_b.image.volume, image.grid(), false);
    // A part of an image is another image.
    auto const whole = other && other->voxels() == of_b.image.volume.voxels();
    return pair_images(image, whole ? *other : of_b.image.volume, pair);
  }
  pair_align(of_a, of_b, pair);
  pair_labels(*of_a.map, *of_b.map, options, pair);
}

}  // namespace fovea
