#include "learn/score/score.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/geometry/marked.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/same_grid.hpp"
#include "base/geometry/surface_distance.hpp"
#include "base/geometry/surface_elements.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::int64_t score_values = 65536;

std::optional<double> score_share(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::optional<double> score_dice(LabelScore const& s) {
  return score_share(2 * s.both, s.found + s.truth);
}
std::optional<double> score_jaccard(LabelScore const& s) {
  return score_share(s.both, s.found + s.truth - s.both);
}
std::optional<double> score_sensitivity(LabelScore const& s) {
  return score_share(s.both, s.truth);
}
std::optional<double> score_precision(LabelScore const& s) {
  return score_share(s.both, s.found);
}
std::optional<double> score_specificity(LabelScore const& s) {
  return score_share(s.voxels - s.found - s.truth + s.both, s.voxels - s.truth);
}
std::optional<double> score_volume(LabelScore const& s) {
  return score_share(s.found - s.truth, s.truth);
}
std::optional<double> score_volume_error(LabelScore const& s) {
  return score_share(std::abs(s.found - s.truth), s.truth);
}
std::optional<double> score_volume_ml(LabelScore const& s) {
  return s.found_ml() - s.truth_ml();
}
std::optional<double> score_hd95(LabelScore const& s) {
  return s.hd95;
}
std::optional<double> score_hd95_pooled(LabelScore const& s) {
  return s.hd95_pooled;
}
std::optional<double> score_assd(LabelScore const& s) {
  return s.assd;
}
std::optional<double> score_nsd(LabelScore const& s) {
  return s.nsd;
}
std::optional<double> score_nsd_voxels(LabelScore const& s) {
  return s.nsd_voxels;
}

constexpr ScoreRow score_table[] = {
    {"dice", "2 both / (found + true)", true, score_dice},
    {"jaccard", "both / either", true, score_jaccard},
    {"hd95", "95th percentile of the distances between surfaces, mm: the larger of both ways",
     false, score_hd95},
    {"hd95_pooled", "the same of the distances of both ways together, mm", false,
     score_hd95_pooled},
    {"assd", "mean distance between surfaces, mm", false, score_assd},
    {"nsd", "share of the surfaces' area within the tolerance of the other", true, score_nsd},
    {"nsd_voxels", "the same by voxels of the borders", true, score_nsd_voxels},
    {"sensitivity", "share of the true voxels that were found", true, score_sensitivity},
    {"precision", "share of the found voxels that are true", true, score_precision},
    {"specificity", "share of the voxels outside that were spared", true, score_specificity},
    {"volume_difference", "(found - true) / true; best near 0", false, score_volume},
    {"volume_error", "|found - true| / true", false, score_volume_error},
    {"volume_difference_ml", "found - true, mL; best near 0", false, score_volume_ml},
};

// Which labels a value belongs to.
class ScoreSets {
 public:
  explicit ScoreSets(std::span<ScoreLabel const> labels)
      : of_(static_cast<std::size_t>(score_values)) {
    for (std::size_t l = 0; l < labels.size(); ++l) {
      for (auto const value : labels[l].values) {
        if (value < 0 || value >= score_values)
          throw Error{Fault::usage,
                      text("expected values of label '", labels[l].name, "' from 0 to ",
                           score_values - 1, ", got ", value),
                      "correct the list of labels"};
        auto& sets = of_[static_cast<std::size_t>(value)];
        if (std::ranges::find(sets, l) == sets.end()) sets.push_back(l);
      }
    }
  }

  std::vector<std::size_t> const& of(std::int64_t value) const {
    return value < 0 || value >= score_values ? none_ : of_[static_cast<std::size_t>(value)];
  }
  bool holds(std::int64_t value, std::size_t label) const {
    auto const& sets = of(value);
    return std::ranges::find(sets, label) != sets.end();
  }

 private:
  std::vector<std::vector<std::size_t>> of_;
  std::vector<std::size_t> none_;
};

struct ScoreMaps {
  Volume const &found, &truth;
  Volume const* within;
  std::int64_t ignore;

  bool known(std::int64_t of_truth) const { return of_truth >= 0 && of_truth != ignore; }
};

// Calls use(found's first voxel, truth's) with both types.
template <class Use>
void score_typed(ScoreMaps const& maps, Use const& use) {
  with_type(maps.found.type(), [&]<class F>(F) {
    with_type(maps.truth.type(), [&]<class T>(T) {
      if constexpr (std::is_integral_v<F> && std::is_integral_v<T>)
        use(maps.found.as<F>().data(), maps.truth.as<T>().data());
    });
  });
}

struct ScoreFolded {
  std::vector<LabelScore> scores;
  std::vector<std::optional<IndexBox>> boxes;  // around either
};

// A run of voxels of a row that are alike.
struct ScoreRun {
  std::int64_t found, truth;
  IndexBox box;
};

void score_fold(ScoreRun const& run, ScoreSets const& sets, ScoreFolded& to) {
  auto const count = run.box.size[0];
  auto const widen = [&](std::size_t label) {
    auto& box = to.boxes[label];
    box = box ? joint_box(*box, run.box) : run.box;
  };
  for (auto const label : sets.of(run.found)) {
    to.scores[label].found += count;
    if (sets.holds(run.truth, label)) to.scores[label].both += count;
    widen(label);
  }
  for (auto const label : sets.of(run.truth)) {
    to.scores[label].truth += count;
    widen(label);
  }
}

ScoreFolded score_folded(ScoreMaps const& maps, ScoreSets const& sets, std::size_t labels) {
  ScoreFolded out{std::vector<LabelScore>(labels),
                  std::vector<std::optional<IndexBox>>(labels)};
  std::int64_t counted = 0;
  auto const* const inside =
      maps.within == nullptr ? nullptr : maps.within->as<std::uint8_t>().data();
  score_typed(maps, [&](auto const* found, auto const* truth) {
    auto const width = maps.truth.width(), height = maps.truth.height();
    for (std::int64_t row = 0; row < height * maps.truth.depth(); ++row) {
      auto const at = row * width;
      for (std::int64_t i = 0; i < width;) {
        auto const f = found[at + i];
        auto const t = truth[at + i];
        auto const in = inside == nullptr || inside[at + i] != 0;
        auto end = i + 1;
        while (end < width && found[at + end] == f && truth[at + end] == t &&
               (inside == nullptr || (inside[at + end] != 0) == in))
          ++end;
        if (in && maps.known(static_cast<std::int64_t>(t))) {
          counted += end - i;
          score_fold({static_cast<std::int64_t>(f),
                      static_cast<std::int64_t>(t),
                      {{i, row % height, row / height}, {end - i, 1, 1}}},
                     sets, out);
        }
        i = end;
      }
    }
  });
  for (auto& score : out.scores) {
    score.voxels = counted;
    score.voxel_ml = voxel_mm3(maps.truth.grid()) / 1000;
  }
  return out;
}

// Of a box: u8, 1 where a voxel counts and its value is of the label.
struct ScoreMasks {
  Volume found, truth;
};
ScoreMasks score_masks(ScoreMaps const& maps,
                       ScoreSets const& sets,
                       std::size_t label,
                       IndexBox const& box) {
  auto const grid = cropped(maps.truth.grid(), box);
  ScoreMasks out{Volume{grid, Type::u8}, Volume{grid, Type::u8}};
  // One look at a table for each voxel, not a search.
  std::vector<std::uint8_t> member(static_cast<std::size_t>(score_values));
  for (std::int64_t value = 0; value < score_values; ++value)
    member[static_cast<std::size_t>(value)] = sets.holds(value, label) ? 1 : 0;
  auto const is_member = [&](std::int64_t value) -> std::uint8_t {
    return value < 0 || value >= score_values ? 0 : member[static_cast<std::size_t>(value)];
  };
  auto* of_found = out.found.write<std::uint8_t>().data();
  auto* of_truth = out.truth.write<std::uint8_t>().data();
  auto const* const inside =
      maps.within == nullptr ? nullptr : maps.within->as<std::uint8_t>().data();
  score_typed(maps, [&](auto const* found, auto const* truth) {
    for (auto k = box.first[2]; k < box.first[2] + box.size[2]; ++k)
      for (auto j = box.first[1]; j < box.first[1] + box.size[1]; ++j) {
        auto const row = (k * maps.truth.height() + j) * maps.truth.width();
        for (auto at = row + box.first[0]; at < row + box.first[0] + box.size[0]; ++at) {
          auto const f = static_cast<std::int64_t>(found[at]);
          auto const t = static_cast<std::int64_t>(truth[at]);
          auto const counts = maps.known(t) && (inside == nullptr || inside[at] != 0);
          *of_found++ = counts ? is_member(f) : 0;
          *of_truth++ = counts ? is_member(t) : 0;
        }
      }
  });
  return out;
}

void score_surfaces(ScoreMaps const& maps,
                    ScoreSets const& sets,
                    ScoreOptions const& options,
                    ScoreFolded& to) {
  for (std::size_t label = 0; label < to.scores.size(); ++label) {
    if (!to.boxes[label]) continue;
    auto& score = to.scores[label];
    if (score.found == 0 || score.truth == 0) {
      score.nsd = score.nsd_voxels = 0;
      continue;
    }
    auto box = *to.boxes[label];
    // One slice of several is no picture: its voxels have neighbours above and below.
    if (box.size[2] == 1 && maps.truth.depth() > 1) {
      box.size[2] = 2;
      box.first[2] = std::min(box.first[2], maps.truth.depth() - 2);
    }
    auto const masks = score_masks(maps, sets, label, box);
    auto const distances = surface_distances(
        masks.found, masks.truth,
        {.percentile = 95, .tolerance_mm = options.tolerance_mm, .threads = 1});
    score.hd95 = distances.percentile;
    score.hd95_pooled = distances.pooled_percentile;
    score.assd = distances.mean;
    score.nsd_voxels = distances.dice;
    score.nsd = surface_dice_by_area(masks.found, masks.truth, options.tolerance_mm, 1);
  }
}

void score_expect(ScoreMaps const& maps, ScoreOptions const& options) {
  if (!(options.tolerance_mm >= 0) || !std::isfinite(options.tolerance_mm))
    throw Error{Fault::usage,
                text("expected a tolerance of 0 mm or more, got ", options.tolerance_mm),
                "choose what two readers differ by"};
  expect_same_places(maps.found.grid(), maps.truth.grid(), "the found and the true labels");
  auto const whole = [](Type type) { return type != Type::f32 && type != Type::f64; };
  for (auto const* map : {&maps.found, &maps.truth}) {
    if (map->channels() != 1 || !whole(map->type()))
      throw Error{Fault::input,
                  text("expected labels as whole numbers in one channel, got ",
                       name_of(map->type()), " in ", map->channels()),
                  "convert them to a label map first"};
  }
  if (maps.within == nullptr) return;
  expect_same_places(maps.within->grid(), maps.truth.grid(),
                     "the field of view and the labels");
  if (maps.within->channels() != 1 || maps.within->type() != Type::u8)
    throw Error{Fault::input,
                text("expected a field of view of u8 in one channel, got ",
                     name_of(maps.within->type()), " in ", maps.within->channels()),
                "give 0 outside and 1 inside"};
}

}  // namespace

std::span<ScoreRow const> score_rows() {
  return score_table;
}

ScoreRow const& score_named(std::string_view name) {
  auto const found = std::ranges::find(score_table, name, &ScoreRow::name);
  if (found != std::end(score_table)) return *found;
  std::vector<std::string> known;
  for (auto const& row : score_table) known.emplace_back(row.name);
  throw Error{Fault::usage, text("no score of segmentation '", name, "'"),
              did_you_mean(name, known)};
}

std::vector<LabelScore> score_case(Volume const& found,
                                   Volume const& truth,
                                   std::span<ScoreLabel const> labels,
                                   ScoreOptions const& options,
                                   Volume const* within) {
  ScoreMaps const maps{found, truth, within, options.ignore};
  score_expect(maps, options);
  ScoreSets const sets{labels};
  auto folded = score_folded(maps, sets, labels.size());
  if (options.surfaces && !truth.grid().sheared()) score_surfaces(maps, sets, options, folded);
  return std::move(folded.scores);
}

}  // namespace fovea
