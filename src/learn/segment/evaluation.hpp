#pragma once

#include "learn/score/compare.hpp"
#include "learn/score/pixel_roc.hpp"
#include "learn/segment/expected.hpp"
#include "learn/task/task.hpp"

namespace fovea {

/// What a segmenter is worth on some cases.
class SegmentEvaluation : public Evaluation {
 public:
  /// `cases`: index in the data set, by case of `scores`. `pixels`: of fields of view, where
  /// there are some and there is one structure. `expected`: the Dice to expect, by case and
  /// structure; empty if the model does not say.
  SegmentEvaluation(ScoreSet scores,
                    std::vector<std::size_t> cases,
                    std::optional<PixelRoc> pixels,
                    std::vector<Sureness> expected,
                    std::uint64_t seed);

  Json json() const override;
  std::string predictions_csv() const override;
  void tell(ModelAbout& about) const override;
  std::vector<Fact> facts() const override;
  std::vector<Panel> panels() const override;
  std::vector<std::size_t> worst(std::size_t count) const override;
  Answer answer(std::size_t index) const override;
  Json against(Evaluation const& other) const override;

  /// Cases by Dice, worst first, as indices of the data set; those without an answer are left
  /// out.
  std::vector<std::size_t> by_dice() const;
  double dice(std::size_t index) const;  ///< of the case with this index in the data set

 private:
  Panel metrics_panel() const;
  Panel volumes_panel() const;
  Panel pixels_panel() const;
  Panel expected_panel() const;
  std::vector<SureCase> expected_of(std::size_t label) const;
  std::size_t row_of(std::size_t index) const;

  ScoreSet scores_;
  std::vector<std::size_t> cases_;
  std::optional<PixelRoc> pixels_;
  std::vector<Sureness> expected_;
  std::uint64_t seed_;
  ScoreReport report_;
};

}  // namespace fovea
