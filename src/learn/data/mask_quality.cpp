#include "learn/data/mask_quality.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fovea {
namespace {

constexpr double odd_deviations = 6;   // robust deviations from the middle
constexpr std::size_t odd_enough = 8;  // cases that tell what is usual
constexpr double odd_scales = 50;      // largest usual range over the smallest
constexpr std::size_t odd_few = 3;     // cases that show a label
constexpr double edges_usual = 0.15;   // below it the set's edges tell nothing
constexpr double edges_share = 0.25;   // of the usual contrast
constexpr double edges_deviations = 2;

using MaskIndices = std::vector<std::size_t>;

// What the checks share.
struct MaskCheck {
  Dataset const& set;
  std::vector<ImageFacts> const& images;
  std::vector<MaskFacts> const& masks;
  std::vector<Problem>& problems;

  std::vector<std::string> ids(MaskIndices const& cases) const {
    std::vector<std::string> names;
    for (auto const at : cases) names.push_back(set.cases[at].id);
    return names;
  }

  void add(std::string kind, std::string words, MaskIndices cases, bool severe = false) const {
    problems.push_back({std::move(kind), std::move(words), std::move(cases), severe});
  }

  // One problem for all cases of a kind, named in its message.
  void add_all(std::string kind,
               MaskIndices const& cases,
               std::string const& one,
               std::string const& many) const {
    if (cases.empty()) return;
    add(std::move(kind),
        text(cases.size(), " ", cases.size() == 1 ? one : many, ": ", named(ids(cases))),
        cases);
  }

  template <class Holds>
  MaskIndices where(Holds const& holds) const {
    MaskIndices found;
    for (std::size_t i = 0; i < masks.size(); ++i) {
      if (images[i].readable && holds(i)) found.push_back(i);
    }
    return found;
  }
};

double odd_median(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct OddMiddle {
  double middle = 0, deviation = 0;
};

// Median, and the deviation estimated by the median of distances to it: outliers move neither.
OddMiddle odd_middle(std::vector<double> const& values) {
  auto const middle = odd_median(values);
  auto away = values;
  for (auto& one : away) one = std::abs(one - middle);
  return {middle, 1.4826 * odd_median(away)};
}

// Cases whose value lies far from the middle; `least` is the smallest deviation that counts.
template <class Value>
MaskIndices odd_ones(MaskCheck const& check, Value const& value, double least) {
  auto const cases = check.where([&](std::size_t i) { return value(i).has_value(); });
  if (cases.size() < odd_enough) return {};
  std::vector<double> values;
  for (auto const at : cases) values.push_back(*value(at));
  auto const usual = odd_middle(values);
  MaskIndices found;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (std::abs(values[i] - usual.middle) > odd_deviations * std::max(usual.deviation, least))
      found.push_back(cases[i]);
  }
  return found;
}

void odd_join(MaskIndices& all, MaskIndices const& more) {
  all.insert(all.end(), more.begin(), more.end());
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

void check_masks(MaskCheck const& check) {
  for (auto const at : check.where([&](std::size_t i) { return !check.masks[i].usable(); }))
    check.add(check.masks[at].kind, check.masks[at].fault, {at});
  auto const total = [&](std::size_t i) {
    std::int64_t sum = 0;
    for (auto const voxels : check.masks[i].voxels) sum += voxels;
    return sum;
  };
  check.add_all("empty-mask", check.where([&](std::size_t i) {
    return check.masks[i].usable() && total(i) == 0;
  }),
                "mask shows nothing", "masks show nothing");
  for (std::size_t label = 0; label < check.set.labels.size(); ++label) {
    auto const name = text("'", check.set.labels[label].name, "'");
    check.add_all("tiny-component", check.where([&](std::size_t i) {
      auto const& tiny = check.masks[i].tiny;
      return label < tiny.size() && tiny[label] > 0;
    }),
                  text("mask has parts of fewer than 10 voxels of ", name),
                  text("masks have parts of fewer than 10 voxels of ", name));
  }
}

// Which cases of a split show a label.
std::size_t check_shown(MaskCheck const& check, std::size_t label, bool learnt) {
  return check
      .where([&](std::size_t i) {
        auto const split = check.set.cases[i].split;
        auto const from = split == Split::train || split == Split::unassigned;
        auto const& voxels = check.masks[i].voxels;
        return from == learnt && label < voxels.size() && voxels[label] > 0;
      })
      .size();
}

void check_labels(MaskCheck const& check) {
  for (std::size_t label = 0; label < check.set.labels.size(); ++label) {
    auto const& name = check.set.labels[label].name;
    auto const learnt = check_shown(check, label, true);
    auto const asked = check_shown(check, label, false);
    if (learnt == 0)
      check.add("unseen-label",
                asked == 0 ? text("label '", name, "' is declared but in no mask")
                           : text("label '", name, "' is in ", asked,
                                  " masks of val or test but in none to learn from"),
                {}, true);
    else if (learnt < odd_few)
      check.add("few-cases",
                text("label '", name, "' is in ", learnt, learnt == 1 ? " mask" : " masks",
                     " to learn from: too few to learn it well"),
                {});
  }
}

// Equal images with different masks contradict each other.
void check_conflicts(MaskCheck const& check) {
  for (auto const& group : equal_images(check.images)) {
    std::set<std::string> hashes;
    for (auto const at : group) {
      if (check.masks[at].usable()) hashes.insert(check.masks[at].hash);
    }
    if (hashes.size() > 1)
      check.add("conflicting-labels",
                text(group.size(),
                     " images are equal but their masks are not: ", named(check.ids(group))),
                group);
  }
}

void check_sizes(MaskCheck const& check) {
  auto const thin = [&](std::size_t i) { return std::ranges::min(check.masks[i].size) == 1; };
  auto const flat = check.where(thin);
  auto const all = check.where([](std::size_t) { return true; });
  if (flat.size() < all.size())
    check.add_all("one-voxel-thick", flat, "case is one voxel thick in a set of volumes",
                  "cases are one voxel thick in a set of volumes");
  MaskIndices odd;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    odd_join(odd, odd_ones(
                      check,
                      [&](std::size_t i) {
                        auto const mm = check.masks[i].spacing[axis];
                        return mm > 0 ? std::optional{std::log(mm)} : std::nullopt;
                      },
                      0.05));
  }
  check.add_all("odd-spacing", odd, "case has an unusual spacing",
                "cases have an unusual spacing");
}

void check_channels(MaskCheck const& check) {
  auto usual = static_cast<std::int64_t>(check.set.channels.size());
  if (usual == 0) {
    std::map<std::int64_t, std::size_t> counts;
    for (auto const at : check.where([](std::size_t) { return true; }))
      ++counts[check.images[at].channels];
    if (counts.empty()) return;
    usual = std::max_element(counts.begin(), counts.end(), [](auto const& a, auto const& b) {
              return a.second < b.second;
            })->first;
  }
  auto const of = text(usual, usual == 1 ? " channel" : " channels");
  check.add_all("odd-channels",
                check.where([&](std::size_t i) { return check.images[i].channels != usual; }),
                text("image has not ", of, " (a fourth axis counts as channels)"),
                text("images have not ", of, " (a fourth axis counts as channels)"));
}

// Hounsfield units and 8-bit pictures mean the same in every image; what a scanner scales as it
// likes does not.
bool check_absolute(MaskCheck const& check) {
  if (!check.set.channels.empty() && lower(check.set.channels.front()) == "ct") return true;
  auto const scaled = check.where([&](std::size_t i) {
    return check.images[i].type != Type::u8 && check.masks[i].unit != Unit::hounsfield;
  });
  return scaled.empty();
}

void check_intensities(MaskCheck const& check) {
  auto const& images = check.images;
  MaskIndices odd;
  if (check_absolute(check)) {
    odd = odd_ones(
        check, [&](std::size_t i) { return std::optional{images[i].mean}; }, 1);
    odd_join(odd, odd_ones(
                      check,
                      [&](std::size_t i) {
                        return images[i].deviation > 0
                                   ? std::optional{std::log(images[i].deviation)}
                                   : std::nullopt;
                      },
                      0.05));
  } else {
    odd = odd_ones(
        check, [&](std::size_t i) { return check.masks[i].inside; }, 0.05);
    std::vector<double> ranges;
    for (auto const at : check.where([](std::size_t) { return true; })) {
      auto const range = images[at].high - images[at].low;
      if (range > 0) ranges.push_back(range);
    }
    std::ranges::sort(ranges);
    if (ranges.size() >= odd_enough) {
      auto const low = ranges[ranges.size() / 20];
      auto const high = ranges[ranges.size() - 1 - ranges.size() / 20];
      if (high > odd_scales * low)
        check.add("mixed-scale",
                  text("values range over ", spelled(std::round(low)),
                       " in some images and over ", spelled(std::round(high)),
                       " in others: they mean something only within an image"),
                  {});
    }
  }
  check.add_all("odd-intensity", odd, "case is unusually dark, bright, flat or harsh",
                "cases are unusually dark, bright, flat or harsh");
}

// A mask that was flipped or moved, or is another case's, lies anywhere; where the set's masks
// follow edges at all it falls out by its lack of them. Measured on 208 hippocampi: none of the
// good masks, and of those flipped along i, j, k 54, 97 and 97 of 100.
void check_edges(MaskCheck const& check) {
  auto const cases =
      check.where([&](std::size_t i) { return check.masks[i].edges.has_value(); });
  if (cases.size() < odd_enough) return;
  std::vector<double> values;
  for (auto const at : cases) values.push_back(*check.masks[at].edges);
  auto const usual = odd_middle(values);
  if (usual.middle < edges_usual) return;
  auto const least =
      std::min(edges_share * usual.middle, usual.middle - edges_deviations * usual.deviation);
  MaskIndices off;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (values[i] < least) off.push_back(cases[i]);
  }
  check.add_all(
      "mask-off-edges", off,
      "mask does not follow edges of its image as the others do (flipped, moved, or "
      "another case's?)",
      "masks do not follow edges of their images as the others do (flipped, moved, or "
      "other cases'?)");
}

}  // namespace

std::vector<Problem> mask_problems_of(Dataset const& set,
                                      std::vector<ImageFacts> const& images,
                                      std::vector<MaskFacts> const& masks) {
  if (masks.size() != set.cases.size())
    throw Error{Fault::bug,
                text("expected facts of ", set.cases.size(), " masks, got ", masks.size()),
                "look at the set first"};
  auto problems = problems_of(set, images);
  MaskCheck const check{set, images, masks, problems};
  check_masks(check);
  check_labels(check);
  check_conflicts(check);
  check_sizes(check);
  check_channels(check);
  check_intensities(check);
  check_edges(check);
  std::ranges::stable_sort(problems, std::greater{}, &Problem::severe);
  return problems;
}

}  // namespace fovea
