#include "app/convert_work.hpp"

#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/geometry/orient.hpp"
#include "base/io/transform.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>
#include <vector>

namespace fovea {
namespace {

struct ConvertName {
  std::string_view name;
  Interpolator interpolator;
};
constexpr ConvertName convert_interpolators[] = {
    {"linear", Interpolator::linear},   {"nearest", Interpolator::nearest},
    {"cubic", Interpolator::cubic},     {"lanczos", Interpolator::lanczos},
    {"hamming", Interpolator::hamming}, {"label-linear", Interpolator::label_linear}};

constexpr std::pair<std::string_view, Keep> convert_rules[] = {
    {"box", Keep::box}, {"centre", Keep::centre}, {"corner", Keep::corner}};

Keep convert_rule(std::string const& name) {
  std::vector<std::string> known;
  for (auto const& [word, keep] : convert_rules) {
    if (word == name) return keep;
    known.emplace_back(word);
  }
  throw Error{Fault::usage, text("no grid rule '", name, "'"), did_you_mean(name, known)};
}

Interpolator convert_interpolator(std::string const& name) {
  if (name.empty()) return Interpolator::linear;
  std::vector<std::string> known;
  for (auto const& row : convert_interpolators) {
    if (row.name == name) return row.interpolator;
    known.emplace_back(row.name);
  }
  throw Error{Fault::usage, text("no interpolation '", name, "'"), did_you_mean(name, known)};
}

Spacing convert_spacing(std::string const& words) {
  auto const parts = split(words, ',');
  Spacing out;
  auto good = parts.size() == 1 || parts.size() == 3;
  for (std::size_t axis = 0; good && axis < 3; ++axis) {
    auto const value = number(trimmed(parts[parts.size() == 1 ? 0 : axis]));
    good = value && *value > 0;
    if (good) out.mm[axis] = *value;
  }
  if (!good)
    throw Error{Fault::usage,
                text("expected --spacing as X,Y,Z in mm above 0, got '", words, "'"),
                "for example --spacing 1,1,1"};
  return out;
}

Grid convert_like(std::string const& name, Stop const& stop) {
  Found found;
  auto const one = one_volume(name, {}, found, stop);
  if (!one.placed || one.verdict == Verdict::refused)
    throw Error{Fault::usage,
                text("expected a volume with a place behind --like, got ", fs::path{name}),
                "see fovea inspect"};
  return one.grid;
}

}  // namespace

bool is_pet(FoundVolume const& volume) {
  return volume.dicom != nullptr && volume.modality == "PT";
}

ConvertWork::ConvertWork(ConvertChanges const& options, Stop const& stop)
    : options_(options),
      resample_{.interpolator = convert_interpolator(options.interpolation)},
      keep_(convert_rule(options.grid_rule)) {
  if (!options.spacing.empty()) spacing_ = convert_spacing(options.spacing);
  if (!options.like.empty()) like_ = convert_like(options.like, stop);
  suv_ = suv_kind_of(options.suv);
  if (spacing_ && like_)
    throw Error{Fault::usage, "--spacing and --like both say what the grid is to be",
                "leave one out"};
  if (options.inverse && options.transform.empty())
    throw Error{Fault::usage, "--inverse turns a --transform round, and there is none",
                "name the transform too"};
  if (!options.transform.empty()) transform_ = read_warp(options.transform);
}

void ConvertWork::operator()(FoundVolume const& found, ImageFile& image) const {
  auto& volume = image.volume;
  if (suv_ && is_pet(found)) volume = as_suv(volume, suv_factors(*found.dicom, *suv_));
  auto const directed = options_.straighten || like_ || !options_.orient.empty() || transform_;
  if (!image.placed() && directed)
    throw Error{Fault::input, "it has no place in the patient, so no direction is known",
                "convert it without --orient, --like, --straighten and --transform"};
  // Numbers of segments have no mean.
  auto const how = found.holds_labels() ? of_labels() : of_image(volume);
  if (options_.straighten && volume.grid().sheared())
    volume = resample(volume, straightened(volume.grid()), how);
  if (!options_.orient.empty()) volume = reorient(volume, options_.orient);
  if (transform_) {
    volume = moved_onto(volume, wanted(volume.grid()), how);
    return;
  }
  if (spacing_ || like_) volume = resample(volume, wanted(volume.grid()), how);
}

ImageFile ConvertWork::straight(FoundVolume const& found, SliceStack stack) const {
  if (suv_ && is_pet(found))
    stack.voxels = as_suv(stack.voxels, suv_factors(*found.dicom, *suv_));
  auto grid = straightened(stack);
  if (!options_.orient.empty()) grid = reoriented(grid, options_.orient);
  auto const how = of_image(stack.voxels);
  auto volume = resample(stack, transform_ ? grid : wanted(grid), how);
  if (transform_) volume = moved_onto(volume, wanted(grid), how);
  auto out = image_of(volume);
  out.colour = volume.channels() == 3;
  if (out.colour) out.more.clear();
  return out;
}

std::optional<Affine> ConvertWork::affine() const {
  if (!transform_ || std::ranges::any_of(transform_->steps(), [](Warp::Step const& step) {
        return std::holds_alternative<Displacement>(step);
      }))
    return std::nullopt;
  auto const map = affine_of(*transform_);
  return options_.inverse ? inverse(map) : map;
}

Resample ConvertWork::of_labels() const {
  auto out = resample_;
  if (options_.interpolation.empty()) out.interpolator = Interpolator::nearest;
  if (out.interpolator != Interpolator::nearest &&
      out.interpolator != Interpolator::label_linear)
    throw Error{Fault::input,
                text("segments cannot be mixed by --interpolation ", options_.interpolation),
                "choose nearest or label-linear"};
  return out;
}

Grid ConvertWork::wanted(Grid const& grid) const {
  if (like_ && !transform_ && !voxels_within(*like_, world_box(grid)))
    warn("nothing of it lies where the volume behind --like does");
  return like_ ? *like_ : spacing_ ? respaced(grid, *spacing_, keep_) : grid;
}

// Around a CT is air.
Resample ConvertWork::of_image(Volume const& volume) const {
  constexpr double air = -1000;
  auto out = resample_;
  if (volume.unit() == Unit::hounsfield) out.outside = air;
  return out;
}

Volume ConvertWork::moved_onto(Volume const& volume,
                               Grid const& onto,
                               Resample const& how) const {
  if (!options_.inverse) return warp(volume, onto, *transform_, how);
  if (transform_->steps().size() == 1 &&
      std::holds_alternative<Displacement>(transform_->steps()[0])) {
    auto const& field = std::get<Displacement>(transform_->steps()[0]);
    auto const back = inverse(field, onto, {.partly = true});
    if (back.open > 0)
      warn(text("the field has no way back at ", back.open, " of ",
                onto.size[0] * onto.size[1] * onto.size[2], " voxels, up to ",
                fixed(back.residual, 2), " mm off: they are not moved"));
    return warp(volume, onto, back.field, how);
  }
  return warp(volume, onto, inverse(affine_of(*transform_)), how);
}

}  // namespace fovea
