#include "learn/segment/panel.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "learn/segment/test_models.hpp"
#include "learn/tensor/tensor.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

std::size_t panel_place(Volume const& like, std::int64_t k, std::int64_t j, std::int64_t i) {
  return static_cast<std::size_t>((k * like.height() + j) * like.width() + i);
}

// Windows of these tests are so small that threads would mostly wait for each other.
class SegmentPanel : public testing::Test {
 protected:
  void SetUp() override { use_threads(1); }
  void TearDown() override { use_threads(usable_cores()); }
};

/// A room in memory that knows what was written.
struct PanelRoom {
  PanelRoom(Grid const& grid, std::int64_t outputs)
      : values{grid, Type::f32, Unit::one, outputs}, written{grid, Type::u8} {}

  template <class Use>
  void each(WindowBox const& box, Use&& use) {
    std::size_t n = 0;
    for (std::int64_t c = 0; c < values.channels(); ++c)
      for (std::int64_t k = 0; k < box.size[0]; ++k)
        for (std::int64_t j = 0; j < box.size[1]; ++j)
          for (std::int64_t i = 0; i < box.size[2]; ++i, ++n)
            use(n, c,
                panel_place(values, box.first[0] + k, box.first[1] + j, box.first[2] + i));
  }
  ProbabilityRoom room(bool kept) {
    return {.write =
                [this](WindowBox const& box, std::span<float const> from) {
                  each(box, [&](std::size_t n, std::int64_t c, std::size_t at) {
                    values.write_channel<float>(c)[at] = from[n];
                    if (c == 0) ++written.write<std::uint8_t>()[at];
                  });
                },
            .read =
                [this](WindowBox const& box, std::span<float> into) {
                  each(box, [&](std::size_t n, std::int64_t c, std::size_t at) {
                    EXPECT_GT(written.as<std::uint8_t>()[at], 0);
                    into[n] = values.channel<float>(c)[at];
                  });
                },
            .kept = kept};
  }

  Volume values, written;
};

Volume panel_image() {
  return test_body(upright({20, 22, 18}, {{1, 1, 2}}, {{-5, 6, 7}}),
                   {{7, 8, 6, 4}, {13, 14, 11, 5}}, 0.05F);
}

// Each member's own probabilities, by the same functions as one model's are.
Volume panel_own(Model const& model, Volume const& image) {
  auto const contract = segment_contract(model.about);
  PanelRoom room{image.grid(), std::ssize(contract.rule.values)};
  auto const panel = panel_of({{"one", model}});
  auto const alone = segmented_together(panel, image, {}, room.room(true)).labels;
  auto const plain = segmented(model, contract, image).labels;
  EXPECT_EQ(alone.byte_count(), plain.byte_count());
  EXPECT_TRUE(std::equal(alone.bytes().get(), alone.bytes().get() + alone.byte_count(),
                         plain.bytes().get()));
  for (auto const times : room.written.as<std::uint8_t>()) EXPECT_EQ(times, 1);
  return room.values;
}

TEST_F(SegmentPanel, AnswersByTheMeanOfProbabilitiesOfOtherSpacingsAndDimensions) {
  auto const image = panel_image();
  TestSegmenter const full{
      .labels = {"organ", "lesion"}, .values = {1, 2}, .weight = {1.0F, 0.5F}};
  // The same structures in another order, with other values, seen slice by slice; and coarse.
  TestSegmenter const flat{.labels = {"lesion", "organ"},
                           .values = {7, 300},
                           .spacing = {1.5, 1.5},
                           .patch = {8, 8},
                           .weight = {4.0F, 1.0F}};
  auto coarse = full;
  coarse.spacing = {3, 3, 3};
  coarse.weight = {2.5F, 2.0F};
  auto const models =
      std::array{test_segmenter(full), test_segmenter(flat), test_segmenter(coarse)};
  auto const panel =
      panel_of({{"full", models[0]}, {"flat", models[1]}, {"coarse", models[2]}});
  PanelRoom room{image.grid(), 3};
  std::vector<double> steps;
  auto const labels = segmented_together(panel, image,
                                         {.progress =
                                              [&](double done, double all) {
                                                EXPECT_EQ(all, 3);
                                                steps.push_back(done);
                                              }},
                                         room.room(true))
                          .labels;
  EXPECT_TRUE(std::ranges::is_sorted(steps));
  EXPECT_EQ(steps.back(), 3);
  std::vector<Volume> own;
  for (auto const& model : models) own.push_back(panel_own(model, image));
  std::array<std::int64_t, 3> counts{};
  for (std::size_t v = 0; v < static_cast<std::size_t>(image.voxels()); ++v) {
    std::array<float, 3> mean{};
    for (std::size_t m = 0; m < 3; ++m) {
      for (std::int64_t n = 0; n < 3; ++n) {
        auto const from = m == 1 && n > 0 ? 3 - n : n;  // lesion before organ
        mean[static_cast<std::size_t>(n)] += own[m].channel<float>(from)[v] / 3;
      }
    }
    for (std::int64_t n = 0; n < 3; ++n)
      ASSERT_NEAR(room.values.channel<float>(n)[v], mean[static_cast<std::size_t>(n)], 1e-6);
    auto sorted = mean;
    std::ranges::sort(sorted);
    auto const best = std::ranges::max_element(mean) - mean.begin();
    ++counts[static_cast<std::size_t>(best)];
    if (sorted[2] - sorted[1] > 1e-5) {
      ASSERT_EQ(std::ptrdiff_t{labels.as<std::uint8_t>()[v]}, best);
    }
  }
  EXPECT_GT(counts[0], 100);
  EXPECT_GT(counts[2], 100) << "the flat and the coarse member outvote the first";
  for (auto const times : room.written.as<std::uint8_t>()) ASSERT_EQ(times, 3);
}

TEST_F(SegmentPanel, PaintsRegionsByTheirMeanAndWritesNoMoreThanItMust) {
  auto const image = panel_image();
  TestSegmenter draw{
      .labels = {"whole", "core"}, .values = {1, 2}, .regions = true, .weight = {3, -3}};
  auto const first = test_segmenter(draw);
  draw.weight = {-1, 4};
  auto const second = test_segmenter(draw);
  auto const panel = panel_of({{"a", first}, {"b", second}});
  PanelRoom room{image.grid(), 2};
  auto const labels = segmented_together(panel, image, {}, room.room(false)).labels;
  for (auto const times : room.written.as<std::uint8_t>()) ASSERT_EQ(times, 1);
  auto const a = panel_own(first, image), b = panel_own(second, image);
  std::array<std::int64_t, 3> counts{};
  for (std::size_t v = 0; v < static_cast<std::size_t>(image.voxels()); ++v) {
    auto const mean = [&](std::int64_t n) {
      return (a.channel<float>(n)[v] + b.channel<float>(n)[v]) / 2;
    };
    if (std::abs(mean(0) - 0.5F) < 1e-5F || std::abs(mean(1) - 0.5F) < 1e-5F) continue;
    auto const wanted = mean(1) > 0.5F ? 2 : mean(0) > 0.5F ? 1 : 0;
    ++counts[static_cast<std::size_t>(wanted)];
    ASSERT_EQ(labels.as<std::uint8_t>()[v], wanted);
  }
  EXPECT_GT(counts[0], 100);
  EXPECT_GT(counts[1] + counts[2], 100);
}

TEST_F(SegmentPanel, CleansUpWhatAllHaveLearntTo) {
  // Two balls of one structure: the larger one alone stays if both members say so.
  auto const image = test_body(upright({20, 22, 40}, {}), {{7, 8, 6, 3}, {13, 14, 30, 5}});
  auto const model = [](std::vector<std::vector<std::int64_t>> largest) {
    auto out = test_segmenter({});
    auto contract = segment_contract(out.about);
    contract.cleanup = {std::move(largest)};
    write_contract(contract, out.about);
    return out;
  };
  auto const small_ball = [&](Model const& a, Model const& b, bool cleanup) {
    auto const panel = panel_of({{"a", a}, {"b", b}});
    PanelRoom room{image.grid(), 2};
    auto const labels =
        segmented_together(panel, image, {.cleanup = cleanup}, room.room(false)).labels;
    EXPECT_EQ(labels.as<std::uint8_t>()[panel_place(labels, 30, 14, 13)], 1);
    return labels.as<std::uint8_t>()[panel_place(labels, 6, 8, 7)] == 1;
  };
  EXPECT_FALSE(small_ball(model({{1}}), model({{1}}), true));
  EXPECT_TRUE(small_ball(model({{1}}), model({{1}}), false));
  EXPECT_TRUE(small_ball(model({{1}}), model({}), true));
  // Another member's values mean something else.
  EXPECT_TRUE(small_ball(model({{1}}), test_segmenter({.values = {5}}), true));
}

TEST_F(SegmentPanel, SaysWhyModelsCannotAnswerTogether) {
  auto const first = test_segmenter({});
  auto const refused = [&](Model const& other) -> std::string {
    try {
      panel_of({{"first", first}, {"other", other}});
    } catch (Error const& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(refused(test_segmenter({.labels = {"liver"}})).find("marks liver"),
            std::string::npos);
  EXPECT_NE(refused(test_segmenter({.regions = true})).find("regions"), std::string::npos);
  auto two = test_segmenter({});
  auto contract = segment_contract(two.about);
  auto& config = contract.recipe.configs.front();
  contract.channels.push_back("PET");
  contract.recipe.intensities.emplace_back();
  config.normalisation.push_back(Normalisation::none);
  config.masked.push_back(false);
  write_contract(contract, two.about);
  EXPECT_NE(refused(two).find("CT, PET"), std::string::npos);
  EXPECT_THROW(panel_of({}), Error);
  auto const panel = panel_of({{"a", first}, {"b", first}});
  PanelRoom room{panel_image().grid(), 2};
  EXPECT_THROW(segmented_together(panel, panel_image(), {.uncertainty = true}, room.room(true)),
               Error);
  EXPECT_THROW(segmented_together(panel, panel_image(), {}, {}), Error);
}

}  // namespace
}  // namespace fovea
