#pragma once

#include "learn/metric/evaluate.hpp"
#include "learn/metric/operating.hpp"
#include "learn/task/task.hpp"

namespace fovea {

/// What a classifier is worth on some cases.
class ClassEvaluation : public Evaluation {
 public:
  /// `cases`: index in the data set, by row. `points`: chosen on validation.
  ClassEvaluation(ClassRows rows,
                  std::vector<std::size_t> cases,
                  std::vector<OperatingPoint> points,
                  double temperature,
                  std::uint64_t seed);

  Json json() const override;
  std::string predictions_csv() const override;
  void tell(ModelAbout& about) const override;
  std::vector<Fact> facts() const override;
  std::vector<Panel> panels() const override;
  std::vector<std::size_t> worst(std::size_t count) const override;
  Answer answer(std::size_t index) const override;
  Json against(Evaluation const& other) const override;

 private:
  Answer answer_of_row(std::size_t row) const;
  std::vector<std::size_t> shown_classes() const;
  std::string left_out_words() const;  ///< of the classes that no chart has room for
  Panel metrics_panel() const;
  Panel curves_panel() const;
  Panel confusion_panel() const;
  Panel calibration_panel() const;
  Panel points_panel() const;
  Panel per_class_panel() const;

  ClassRows rows_;
  std::vector<std::size_t> cases_;
  std::vector<AtPoint> points_;
  double temperature_;
  ClassReport report_;
};

/// What is said of an image with such probabilities.
Answer answer_from(std::vector<std::string> const& classes,
                   bool multi_label,
                   std::span<double const> probabilities);

}  // namespace fovea
