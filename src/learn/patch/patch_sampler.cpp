#include "learn/patch/patch_sampler.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

// Beside seed, step and index: what is drawn, so that no two draws share their numbers.
enum SamplerKey : std::uint64_t { sampler_order = 101, sampler_case, sampler_place };

void sampler_expect(bool holds, char const* what) {
  if (!holds) throw Error{Fault::bug, what, "please report it"};
}

// Python's round, as nnU-Net counts with it.
std::int64_t sampler_first_forced(PatchSampling const& sampling) {
  return std::llrint(static_cast<double>(sampling.batch) * (1 - sampling.foreground));
}

// A class to centre the patch on, -1 for anywhere.
int sampler_class(StoredCase const& from, bool forced, Rng& rng) {
  auto const classes = from.classes().size();
  auto const annotated = !from.annotated().empty() && from.places(classes) > 0;
  if (!forced) return annotated ? static_cast<int>(classes) : -1;
  std::vector<int> present;
  for (std::size_t n = 0; n < classes; ++n)
    if (from.places(n) > 0) present.push_back(static_cast<int>(n));
  if (present.empty()) return annotated ? static_cast<int>(classes) : -1;
  return present[static_cast<std::size_t>(rng.below(std::ssize(present)))];
}

}  // namespace

PatchSampler::PatchSampler(PatchSampling const& sampling,
                           std::vector<std::shared_ptr<StoredCase const>> cases)
    : sampling_(sampling), cases_(std::move(cases)) {
  sampler_expect(!cases_.empty() && sampling_.batch >= 1, "patches of no case, or in no batch");
  for (std::size_t d = 0; d < 3; ++d)
    sampler_expect(sampling_.patch[d] >= 1 && sampling_.box[d] >= sampling_.patch[d],
                   "a patch without voxels, or larger than the box around it");
}

std::size_t PatchSampler::case_of(PatchKey const& key) const {
  auto const count = static_cast<std::uint64_t>(cases_.size());
  if (!sampling_.equally_often) {
    Rng rng{{key.seed, key.step, key.index, sampler_case}};
    return static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(count)));
  }
  // Round after round, each in an order of its own.
  auto const number = key.step * static_cast<std::uint64_t>(sampling_.batch) + key.index;
  std::vector<std::size_t> order(cases_.size());
  std::iota(order.begin(), order.end(), 0U);
  Rng{{key.seed, number / count, sampler_order}}.shuffle(std::span{order});
  return order[number % count];
}

PatchPlace PatchSampler::operator()(PatchKey const& key) const {
  PatchPlace place{case_of(key)};
  auto const& from = *cases_[place.at_case];
  Rng rng{{key.seed, key.step, key.index, sampler_place}};
  auto const forced = sampling_.by_chance ? rng.chance(sampling_.foreground)
                                          : static_cast<std::int64_t>(key.index) >=
                                                sampler_first_forced(sampling_);
  place.on_class = sampler_class(from, forced, rng);
  Kji voxel{};
  if (place.on_class >= 0) {
    auto const of = static_cast<std::size_t>(place.on_class);
    voxel = from.place(of, rng.below(from.places(of)));
  }
  for (std::size_t d = 0; d < 3; ++d) {
    auto const size = from.size()[d];
    auto const patch = sampling_.patch[d];
    auto const box = sampling_.box[d];
    auto const border = std::max(box - patch, box - size);  // of both sides together
    auto const margin = box / 2 - patch / 2;  // from the box's corner to the patch's
    auto const low = -(border + 1) / 2 + margin;
    auto const high = size + (border + 1) / 2 - box + margin;
    auto const centred = std::max(voxel[d] - patch / 2, low);
    place.from[d] = place.on_class < 0 ? low + rng.below(high - low + 1)
                    : sampling_.inside ? std::min(centred, high)
                                       : centred;
  }
  return place;
}

void cut_patch(StoredCase const& from, PatchPlace const& place, PatchView const& out) {
  if (out.channels > 0) from.read_image({place.from, out.size}, out.image);
  if (!out.labels.empty()) from.read_labels({place.from, out.size}, out.labels);
}

}  // namespace fovea
