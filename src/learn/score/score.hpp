#pragma once

#include "base/image/volume.hpp"
#include "learn/metric/bootstrap.hpp"
#include "learn/metric/evaluate.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// A structure that is judged: a label, or a region of several.
struct ScoreLabel {
  std::string name;
  std::vector<std::int64_t> values;  ///< of the voxels inside, 0 to 65535
};

struct ScoreOptions {
  double tolerance_mm = 1;   ///< of the surface Dice
  std::int64_t ignore = -1;  ///< a label of the truth that is unknown, as those below 0 are
  bool surfaces = true;      ///< distances and nsd, which take most of the time
};

/// How a found structure fits the true one of a case: voxels, and what lies between surfaces,
/// mm.
struct LabelScore {
  std::int64_t found = 0, truth = 0, both = 0;
  std::int64_t voxels = 0;  ///< that were looked at
  double voxel_ml = 0;
  std::optional<double> hd95{}, hd95_pooled{}, assd{}, nsd{}, nsd_voxels{};

  double found_ml() const { return static_cast<double>(found) * voxel_ml; }
  double truth_ml() const { return static_cast<double>(truth) * voxel_ml; }
};

/// One row for each number that says how good a segmentation is. Add yours in score.cpp: means,
/// intervals, tests of two runs and JSON follow.
struct ScoreRow {
  std::string_view name, does;
  bool higher_is_better = true;
  /// None where the question has no answer:
  ///
  ///                    absent in both    only found        only true
  ///     dice, jaccard  none              0                 0
  ///     nsd, …         none              0                 0
  ///     precision      none              0                 none
  ///     sensitivity    none              none              0
  ///     volume_…       none              none (mL: all)    -1
  ///     hd95, assd     none              none              none
  ///
  /// nnU-Net and MONAI skip what is absent in both, as we do; MONAI's distances are infinite
  /// where one side is empty: we count such cases (ScoreOfLabel) and do not average them away.
  std::optional<double> (*of)(LabelScore const& score) = nullptr;
};
std::span<ScoreRow const> score_rows();
/// Throws Error{usage} with the nearest name.
ScoreRow const& score_named(std::string_view name);

/// Compares label maps of one case. Outside of `within` (not 0: inside; a field of view) and
/// where the truth is unknown nothing counts, and surfaces end there.
///
/// In      whole numbers, one channel, on the same grid
/// Out     by label; distances are none on a sheared grid
/// Throws  Error{input} if grids, channels or types do not fit, Error{usage} on a label value
/// or
///         tolerance out of range
/// Threads runs on one; call it for several cases at a time
std::vector<LabelScore> score_case(Volume const& found,
                                   Volume const& truth,
                                   std::span<ScoreLabel const> labels,
                                   ScoreOptions const& options = {},
                                   Volume const* within = nullptr);

/// The scores of some cases.
struct CaseScore {
  std::string id;
  std::int64_t group = -1;         ///< the patient; below 0: one of its own
  std::vector<LabelScore> labels;  ///< as in ScoreSet
};
struct ScoreSet {
  std::vector<std::string> labels;
  std::vector<CaseScore> cases;
};

/// Volumes found against true ones (Bland and Altman, Lancet 1986), mL, over the cases that
/// have the label on either side.
struct VolumeAgreement {
  std::int64_t cases = 0;
  Interval bias;                         ///< mean of found - true
  double deviation = 0;                  ///< of the differences; NaN below two cases
  double low = 0, high = 0;              ///< limits of agreement: bias -+ 1.96 deviations
  std::vector<double> mean, difference;  ///< by case, for a picture
};

struct ScoreOfLabel {
  std::string name;
  std::int64_t cases = 0;     ///< all
  std::int64_t present = 0;   ///< whose truth has the label
  std::int64_t missed = 0;    ///< of these, in which nothing was found: no distances
  std::int64_t invented = 0;  ///< in which it was found but is not: no distances either
  NamedIntervals metrics;     ///< by row: the mean over the cases that have an answer
  VolumeAgreement volume;
};

struct ScoreReport {
  std::int64_t cases = 0;
  NamedIntervals metrics;  ///< by row: the mean over labels of their means over cases
                           ///< (nnU-Net's foreground mean), labels without an answer left out
  std::vector<ScoreOfLabel> per_class;

  Interval const& operator[](std::string_view metric) const;  ///< Throws Error{bug}: none
};

/// Means with 95 % intervals by bootstrap over patients. Throws Error{input} without cases or
/// labels, or if a case has more or fewer labels.
ScoreReport evaluate(ScoreSet const& set, BootstrapOptions const& options = {});

/// A case's value of a metric: the mean over its labels that have an answer.
std::optional<double> score_of_case(CaseScore const& one, ScoreRow const& row);

/// {"metrics":{NAME:{…}},"per_class":[{"class","cases","positives","missed","invented",
/// NAME:{…},"volume":{"bias":{…},"deviation","low","high"}}]}
Json to_json(ScoreReport const& report);
/// [{"id",NAME:number or null,"found_ml","truth_ml","per_class":[{"class",NAME,…}]}]
Json per_case(ScoreSet const& set);

}  // namespace fovea
