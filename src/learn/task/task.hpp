#pragma once

#include "learn/data/quality.hpp"
#include "learn/model/package.hpp"
#include "learn/plan/plan.hpp"
#include "learn/report/page.hpp"
#include "learn/train/learner.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea {

/// A learner whose network leaves the run.
class TaskLearner : public Learner {
 public:
  virtual Network network() const = 0;
};

/// One of the networks of a model, and the cases that it has not learnt from: what may be used
/// for choices.
struct Fold {
  Network network;
  std::vector<std::size_t> validation;
};

/// What a model says of one image.
struct Answer {
  std::string id;
  std::string label;  ///< in a word; of several labels: joined by ";"
  std::vector<std::pair<std::string, double>> scores;  ///< label, probability
};

/// What a model is worth on some cases. Each task has its own; everybody else sees only this.
class Evaluation {
 public:
  virtual ~Evaluation() = default;
  virtual Json json() const = 0;  ///< metrics with intervals, per class, per case
  virtual std::string predictions_csv() const = 0;  ///< a row a case
  /// The metrics and what the operating points achieve, as a package states them.
  virtual void tell(ModelAbout& about) const = 0;
  virtual std::vector<Fact> facts() const = 0;    ///< the few numbers to show first
  virtual std::vector<Panel> panels() const = 0;  ///< curves and tables; no pictures
  /// Cases that a person should see first (the surest mistakes), worst first: indices into the
  /// data set's cases.
  virtual std::vector<std::size_t> worst(std::size_t count) const = 0;
  virtual Answer answer(
      std::size_t index) const = 0;  ///< of the case with this index in the data set
  /// This model (as A) beside another (B) on the same cases. Throws Error{input} if the cases
  /// differ.
  virtual Json against(Evaluation const& other) const = 0;
};

/// Why a model said what it said.
struct Explanation {
  Volume shown;       ///< u8, the image as the network saw it
  Volume map;         ///< f32 on the same grid: larger is more important
  std::string label;  ///< what is explained
  std::string method;
};

struct ExplainOptions {
  std::string method = "gradcam";  ///< "gradcam", "occlusion", "integrated-gradients"
  std::string label = {};          ///< empty: the answer
  std::string layer = {};  ///< of gradcam: a mark or the name of a node's weights; empty: the
                           ///< last feature map
  struct RandomWeights {
    std::uint64_t seed = 0;
    double share = 1;  ///< of the layers, from the output down
  };
  /// Explain the network with fresh weights instead: the sanity check of Adebayo 2018.
  std::optional<RandomWeights> random_weights = {};
};

struct ReportParts;  // report.hpp

/// A score of validation (a column of history.csv) and its name for people.
struct ScoreLine {
  std::string_view column, shown;
};

/// Other values for some keys of a plan.
using Candidate = std::vector<std::pair<std::string, std::string>>;

/// A task is a row: what it can learn from, how it is planned, trained, proven and asked. The
/// engine, the run folder, the package, the report and the commands are written once for all
/// rows. Where a `stop` is passed and asked, Interrupted is thrown soon.
struct Task {
  std::string_view name;
  std::string_view does;
  std::span<KeyRow const> (*keys)();
  /// How well this data matches, 0 … 1: so that --task need not be given.
  double (*fits)(Dataset const& set);
  /// Fills what the data decides, with reasons. Keys that a person has set stay.
  void (*plan)(Dataset const& set, QualityReport const& quality, Plan& plan, Stop const& stop);
  /// Settings worth trying beside the plan as it is, for `search`: each a list of key and
  /// value.
  std::vector<Candidate> (*candidates)(Dataset const& set, Plan const& plan);
  std::unique_ptr<TaskLearner> (*learner)(Plan const& plan,
                                          Dataset const& set,
                                          Stop const& stop);
  /// The model of the run: input contract, labels, and whatever is chosen on the validation
  /// cases (temperature, operating points).
  Model (*finish)(Plan const& plan,
                  Dataset const& set,
                  QualityReport const& quality,
                  std::vector<Fold> const& folds,
                  Stop const& stop);
  std::unique_ptr<Evaluation> (*evaluate)(Model const& model,
                                          Dataset const& set,
                                          std::vector<std::size_t> const& cases,
                                          std::uint64_t seed,
                                          Stop const& stop);
  /// Throws Error{input} if the image breaks the model's contract.
  Answer (*answer)(Model const& model, Volume const& image);
  Explanation (*explain)(Model const& model,
                         Volume const& image,
                         ExplainOptions const& options);
  /// Panels that show cases: what was learnt from, where it went wrong, and why.
  std::vector<Panel> (*pictures)(ReportParts const& parts);
  /// Validation scores that the report draws.
  std::span<ScoreLine const> drawn;
  /// How long finishing, proving and explaining take, in validations.
  double (*reserve)(Dataset const& set, Plan const& plan);
};

/// What there is to be found: classes, or the structures of masks.
std::vector<std::string> learnt_names(Dataset const& set);

/// Throws Error{usage} with the nearest name.
Task const& task_named(std::span<Task const> tasks, std::string_view name);
/// The row that fits best. Throws Error{input} if none does, with what each looked for.
Task const& task_for(std::span<Task const> tasks, Dataset const& set);

}  // namespace fovea
