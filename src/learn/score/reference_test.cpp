#include "base/core/file.hpp"
#include "base/core/json.hpp"
#include "learn/score/pixel_roc.hpp"
#include "learn/score/score.hpp"
#include "learn/score/signed_rank.hpp"

#include <gtest/gtest.h>

#include <cmath>

// Every number against MedPy's, MONAI's, surface-distance's, SciPy's and scikit-learn's:
// made/scores.py made made/scores.json.
namespace fovea {
namespace {

Json const& scores_reference() {
  static auto const json =
      read_json(fs::path{FOVEA_SOURCE_DIR} / "src/learn/score/made/scores.json");
  return json;
}

/// The label maps of scores.py, by the same formula.
Volume scores_map(Json const& made, std::string const& which) {
  auto const size = made.at("size").get<std::array<std::int64_t, 3>>();
  Volume out{upright(size, {made.at("spacing").get<std::array<double, 3>>()}, {{9, -7, 3}}),
             Type::u16};
  auto const voxels = out.write<std::uint16_t>();
  for (auto const& shape : made.at(which)) {
    if (shape[0] == "noise") {
      for (std::size_t at = 0; at < voxels.size(); ++at) {
        auto n = (at + shape[1].get<std::uint64_t>()) * 0x9E3779B97F4A7C15U;
        n = (n ^ (n >> 29U)) * 0xBF58476D1CE4E5B9U;
        n = (n ^ (n >> 32U)) % shape[2].get<std::uint64_t>();
        voxels[at] = static_cast<std::uint16_t>(n < 3 ? n : 0);
      }
      continue;
    }
    auto const n = shape.get<std::array<std::int64_t, 7>>();
    auto const p = n[4] * n[4], q = n[5] * n[5], r = n[6] * n[6];
    std::size_t at = 0;
    for (std::int64_t k = 0; k < size[2]; ++k)
      for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[0]; ++i, ++at) {
          auto const x = i - n[1], y = j - n[2], z = k - n[3];
          if (x * x * q * r + y * y * p * r + z * z * p * q <= p * q * r)
            voxels[at] = static_cast<std::uint16_t>(n[0]);
        }
  }
  return out;
}

/// The generator of scores.py.
class ScoresStream {
 public:
  explicit ScoresStream(std::uint64_t seed) : state_(seed) {}
  double operator()() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state_ >> 11) * 0x1.0p-53;
  }

 private:
  std::uint64_t state_;
};

}  // namespace

TEST(EveryScore, EqualsMedPyMonaiAndSurfaceDistance) {
  std::vector<ScoreLabel> const labels{{"one", {1}}, {"two", {2}}, {"both", {1, 2}}};
  for (auto const& made : scores_reference().at("cases")) {
    auto const found = scores_map(made, "found"), truth = scores_map(made, "truth");
    auto const scores =
        score_case(found, truth, labels, {.tolerance_mm = made.at("tolerance")});
    for (std::size_t l = 0; l < labels.size(); ++l) {
      SCOPED_TRACE(made.at("size").dump() + labels[l].name);
      auto const& said = made.at("scores").at(labels[l].name);
      for (auto const& row : score_rows()) {
        ASSERT_TRUE(said.contains(std::string{row.name})) << row.name;
        EXPECT_NEAR(row.of(scores[l]).value(), said.at(std::string{row.name}).get<double>(),
                    2e-6)
            << row.name;
      }
      EXPECT_NEAR(*scores[l].assd, said.at("assd_monai").get<double>(), 2e-6);
    }
  }
}

TEST(SignedRank, EqualsSciPy) {
  for (auto const& made : scores_reference().at("tests")) {
    auto const differences = made.at("differences").get<std::vector<double>>();
    SCOPED_TRACE(differences.size());
    auto const out = signed_rank(differences);
    EXPECT_NEAR(out.p, made.at("p").get<double>(), 1e-9);
    if (differences.size() > 1) {
      EXPECT_EQ(std::min(out.above, out.below), made.at("statistic").get<double>());
    }
  }
}

TEST(PixelRoc, EqualsScikitLearn) {
  for (auto const& made : scores_reference().at("rocs")) {
    SCOPED_TRACE(made.at("seed").dump());
    ScoresStream u{made.at("seed").get<std::uint64_t>()};
    auto const count = made.at("count").get<std::int64_t>();
    auto const sharp = made.at("sharp").get<double>();
    auto const grid = upright({count, 1, 1}, {});
    Volume probability{grid, Type::f32}, truth{grid, Type::u8};
    for (std::size_t at = 0; at < static_cast<std::size_t>(count); ++at) {
      auto const positive = u() < 0.15;
      auto sum = u();
      sum += u();
      sum += u();
      auto const logit = sharp * (sum - 1.5 + (positive ? 0.5 : -0.5));
      probability.write<float>()[at] = static_cast<float>(1 / (1 + std::exp(-logit)));
      truth.write<std::uint8_t>()[at] = positive ? 1 : 0;
    }
    PixelRoc roc;
    roc.add(probability, truth);
    auto const area = roc.auc({.draws = 50});
    EXPECT_LE(std::abs(area.value - made.at("auc").get<double>()), roc.auc_error() + 1e-12);
    EXPECT_LT(roc.auc_error(), 1e-3);
    auto const half = roc.at(0.5);
    EXPECT_EQ((std::vector{half.tn, half.fp, half.fn, half.tp}),
              made.at("half").get<std::vector<std::int64_t>>());
  }
}

}  // namespace fovea
