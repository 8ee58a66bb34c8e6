#include "learn/report/page.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "base/io/picture.hpp"
#include "learn/report/axis.hpp"
#include "learn/report/base64.hpp"
#include "learn/report/colours.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace fovea {
namespace {

constexpr auto page_nan = std::numeric_limits<double>::quiet_NaN();
constexpr auto page_infinity = std::numeric_limits<double>::infinity();
constexpr auto page_hostile = "<script>alert(1)</script>\"' onload=x & é";

std::size_t count_of(std::string_view needle, std::string_view hay) {
  std::size_t count = 0;
  for (auto at = hay.find(needle); at != hay.npos; at = hay.find(needle, at + 1)) ++count;
  return count;
}

Volume page_picture(std::int64_t size, std::int64_t channels = 1) {
  auto out = image2d(size, size, Type::u8, channels);
  auto voxel = out.write<std::uint8_t>().begin();
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t j = 0; j < size; ++j) {
      for (std::int64_t i = 0; i < size; ++i) {
        auto const x = 2.0 * static_cast<double>(i) / static_cast<double>(size) - 1;
        auto const y = 2.0 * static_cast<double>(j) / static_cast<double>(size) - 1;
        auto const lung =
            std::exp(-8 * ((std::abs(x) - 0.45) * (std::abs(x) - 0.45) + 0.4 * y * y));
        *voxel++ = static_cast<std::uint8_t>(200 - 150 * lung + 20 * std::sin(12 * y));
      }
    }
  }
  return out;
}

Volume page_map(std::int64_t size) {
  auto out = image2d(size, size, Type::f32);
  auto voxel = out.write<float>().begin();
  for (std::int64_t j = 0; j < size; ++j) {
    for (std::int64_t i = 0; i < size; ++i) {
      auto const x = static_cast<double>(i) / static_cast<double>(size) - 0.7;
      auto const y = static_cast<double>(j) / static_cast<double>(size) - 0.6;
      *voxel++ = static_cast<float>(std::exp(-30 * (x * x + y * y)));
    }
  }
  return out;
}

/// Every part, with each text given as it is: what both the hostile and the sample page hold.
std::vector<std::string> page_parts(std::string const& words) {
  return {line_chart({{words, {{0, 0, words}, {1, 1, ""}}}}, {.x = words, .y = words}),
          bar_chart({{words, 1}, {words, -2}}, {.x = words, .y = words}),
          bar_chart({{"1", 1}, {"2", 4}, {"3", 2}}, {.x = words, .y = words}),
          confusion_chart({words, "b"}, {{1, 2}, {0, 0}}),
          table({words, "b"}, {{words, "1"}}),
          gallery({{page_picture(8), words, words}}),
          note("info", words),
          details(words, paragraph(words)),
          beside({paragraph(words)}),
          verbatim(words)};
}

TEST(EveryPart, EscapesHostileText) {
  Page page;
  page.title = page.subtitle = page_hostile;
  page.facts = {{page_hostile, page_hostile, page_hostile}};
  for (auto const& part : page_parts(page_hostile))
    page.panels.push_back({page_hostile, page_hostile, part, page_hostile});
  auto const all = render(page);
  EXPECT_EQ(count_of("<script", all), 1U);  // the page's own
  EXPECT_EQ(count_of("alert(1)</", all), 0U);
  EXPECT_EQ(count_of("\"' onload", all), 0U);
  EXPECT_EQ(count_of(" onload=x & ", all), 0U);
  EXPECT_GT(count_of("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=x &amp; é", all),
            20U);
  EXPECT_EQ(count_of("id=\"script-alert-1-script-onload-x\"", all), 1U) << "ids are unique";
  EXPECT_EQ(count_of("id=\"script-alert-1-script-onload-x-2\"", all), 1U);
}

TEST(EveryPart, NeedsNothingFromOutside) {
  Page page;
  page.title = "x";
  for (auto const& part : page_parts("words")) page.panels.push_back({"Part", "", part, ""});
  auto const all = render(page);
  EXPECT_EQ(count_of("http://", all) + count_of("https://", all), 0U);
  EXPECT_EQ(count_of("src=\"", all), count_of("src=\"data:image/png;base64,", all));
  EXPECT_EQ(count_of("href=\"", all), count_of("href=\"#", all));
  EXPECT_EQ(count_of("@import", all) + count_of("url(", all), 0U);
  EXPECT_NE(all.find("default-src 'none'"), all.npos);
  EXPECT_NE(all.find("@media print"), all.npos);
  EXPECT_NE(all.find("prefers-color-scheme:dark"), all.npos);
}

TEST(EveryChart, HasANameAndNoNumberThatIsNone) {
  std::vector<Series> const odd = {
      {"gaps", {{0, 1, ""}, {1, page_nan, ""}, {page_infinity, 2, ""}, {3, 4, ""}, {4, 5, ""}}},
      {"flat", {{0, 3, ""}, {1, 3, ""}}, true, true},
      {"one", {{2, 2, ""}}},
      {"huge", {{1, 1e308, ""}, {2, -1e308, ""}}},
      {"none", {}}};
  std::vector<std::string> const charts = {
      line_chart(odd, {.x = "x", .y = "y"}),
      line_chart({{"same", {{1, 1, ""}}}},
                 {.x = "x", .y = "y", .square = true, .diagonal = true}),
      line_chart({{"small", {{1e-12, 1e9, ""}, {2e-12, 3e9, ""}}}}, {.x = "x", .y = "y"}),
      line_chart({{"out", {{-5, 7, ""}, {5, 7, ""}}}},
                 {.x = "x", .y = "y", .x_low = 0, .x_high = 1, .y_low = 1, .y_high = 0}),
      bar_chart({{"a", page_nan}, {"b", page_infinity}, {"c", 0}}, {.x = "x", .y = "y"}),
      bar_chart({{"1", page_nan}, {"2", 0}, {"3", -1}}, {.x = "x", .y = "y"}),
      confusion_chart({"a", "b"}, {{0, 0}, {3, 1}})};
  for (auto const& chart : charts) {
    SCOPED_TRACE(chart.substr(0, 300));
    EXPECT_NE(chart.find("role=\"img\""), chart.npos);
    EXPECT_NE(chart.find("aria-label=\""), chart.npos);
    for (auto const none : {"nan\"", "nan ", "nan<", "nan,", "inf\"", "inf ", "inf<", "inf,"})
      EXPECT_EQ(count_of(none, chart), 0U) << none;
  }
  for (auto const& empty : {line_chart({}, {}), bar_chart({}, {}), confusion_chart({}, {}),
                            line_chart({{"none", {{page_nan, 1, ""}}}}, {})})
    EXPECT_NE(empty.find("no values"), empty.npos);
}

TEST(LineChart, ThinsWhatCannotBeSeenAndKeepsBothEnds) {
  Series roc{"ROC", {}};
  for (int i = 0; i <= 100'000; ++i)
    roc.points.push_back({i / 1e5, std::sqrt(i / 1e5), text("point ", i)});
  auto const chart =
      line_chart({roc}, {.x = "1 - specificity", .y = "sensitivity", .square = true});
  EXPECT_LT(chart.size(), 60'000U);
  EXPECT_NE(chart.find("<title>point 0</title>"), chart.npos);
  EXPECT_NE(chart.find("<title>point 100000</title>"), chart.npos);
}

TEST(LineChart, SaysNameAndValuesWhereNoHoverWasGiven) {
  auto const chart = line_chart({{"train", {{1, 0.25, ""}, {2, 0.125, "given"}}}},
                                {.x = "epoch", .y = "loss"});
  EXPECT_NE(chart.find("<title>train\nepoch: 1\nloss: 0.25</title>"), chart.npos);
  EXPECT_NE(chart.find("<title>given</title>"), chart.npos);
}

TEST(ConfusionChart, CountsAndSharesOfARow) {
  auto const chart = confusion_chart({"NORMAL", "PNEUMONIA"}, {{30, 10}, {5, 55}});
  EXPECT_NE(chart.find("truth: NORMAL\nfound: PNEUMONIA\n10 of 40 (25.0 %)"), chart.npos);
  EXPECT_THROW(confusion_chart({"a", "b"}, {{1, 2}}), Error);
  EXPECT_THROW(confusion_chart({"a", "b"}, {{1, 2}, {3}}), Error);
  auto const many = confusion_chart(std::vector<std::string>(100, "class"),
                                    std::vector(100, std::vector<std::int64_t>(100, 1)));
  EXPECT_EQ(many.find("class=\"count"), many.npos);  // no room: values on hover only
}

TEST(Table, PutsNumbersRightAndRefusesRaggedRows) {
  auto const out = table({"name", "AUC"}, {{"a", "0.91 (0.88 – 0.94)"}, {"b", "–"}});
  EXPECT_NE(out.find("<td>a</td><td class=\"num\">0.91"), out.npos);
  EXPECT_THROW(table({"a", "b"}, {{"1"}}), Error);
  EXPECT_NE(table({"a"}, {}).find("<th"), std::string::npos);
}

TEST(Note, RefusesAnUnknownKind) {
  EXPECT_THROW(note("urgent", "x"), Error);
}

TEST(Gallery, HoldsThePictureAndShrinksLargeOnes) {
  auto const out =
      gallery({{page_picture(28), "small", ""}, {page_picture(600, 3), "large", "wrong"}}, 100);
  EXPECT_NE(out.find("class=\"tiny\" width=\"28\""), out.npos);
  EXPECT_NE(out.find("width=\"200\" height=\"200\""), out.npos);
  EXPECT_NE(out.find("data:image/png;base64,iVBORw0KGgo"), out.npos);
  EXPECT_EQ(count_of("class=\"badge\"", out), 1U);
  EXPECT_NE(out.find(base64(encode_png(page_picture(28)))), out.npos);
  for (auto const* const badge : {"best", "middle"})
    EXPECT_EQ(count_of("class=\"badge " + std::string{badge} + "\"",
                       gallery({{page_picture(28), "", badge}}, 100)),
              1U);
}

TEST(Legend, NamesColoursAndEscapesNames) {
  auto const out = legend({{"liver", {0, 200, 140}}, {"<b>", {1, 2, 3}}});
  EXPECT_NE(out.find("rgb(0,200,140)\"></i>liver"), out.npos);
  EXPECT_NE(out.find("rgb(1,2,3)\"></i>&lt;b&gt;"), out.npos);
  EXPECT_EQ(out.find("<b>"), out.npos);
}

TEST(Base64, EqualsTheExamplesOfTheStandard) {
  constexpr std::pair<std::string_view, std::string_view> examples[] = {
      {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (auto const& [plain, coded] : examples)
    EXPECT_EQ(base64(std::as_bytes(std::span{plain})), coded);
}

struct PageTicks {
  double low, high;
  std::vector<std::string> labels;
};

TEST(Ticks, AreRoundAndTheirLabelsShort) {
  PageTicks const examples[] = {{0, 1, {"0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
                                {0, 10, {"0", "2", "4", "6", "8", "10"}},
                                {0.31, 0.74, {"0.4", "0.5", "0.6", "0.7"}},
                                {-1, 1, {"-1.0", "-0.5", "0", "0.5", "1.0"}},
                                {0, 2.5e6, {"0", "5e5", "1e6", "1.5e6", "2e6", "2.5e6"}},
                                {0, 4e-7, {"0", "1e-7", "2e-7", "3e-7", "4e-7"}}};
  for (auto const& one : examples) {
    auto const marks = ticks(one.low, one.high, 5, false);
    std::vector<std::string> labels;
    for (auto const value : marks.values) labels.push_back(tick_label(value, marks));
    EXPECT_EQ(labels, one.labels);
  }
}

TEST(Ticks, SurviveAnyEnds) {
  for (auto const low :
       {0.0, 1.0, -1e308, 1e308, 1e-300, page_nan, page_infinity, -page_infinity}) {
    for (auto const high : {0.0, 1.0, 1e308, -1e308, 1e-300, page_nan, page_infinity}) {
      auto const marks = ticks(low, high, 5, true);
      EXPECT_LT(marks.low, marks.high);
      EXPECT_LE(marks.values.size(), 20U);
      EXPECT_GE(marks.values.size(), 2U);
    }
  }
}

TEST(ShortNumber, HasAboutFourDigits) {
  EXPECT_EQ(short_number(0.912345), "0.9123");
  EXPECT_EQ(short_number(12345.6), "12346");
  EXPECT_EQ(short_number(0.5), "0.5");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(1.5e-9), "1.5e-9");
  EXPECT_EQ(short_number(page_nan), "–");
}

TEST(Shortened, CutsBetweenLetters) {
  EXPECT_EQ(shortened("Röntgen", 7), "Röntgen");
  EXPECT_EQ(shortened("Röntgenbild", 3), "Rö…");
}

double page_luminance(Rgb const& colour) {
  auto const linear = [](std::uint8_t v) { return std::pow(v / 255.0, 2.2); };
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

TEST(Colours, GrowLighterFromLowToHigh) {
  auto last = page_luminance(colour_of(0));
  for (int i = 1; i <= 20; ++i) {
    auto const now = page_luminance(colour_of(i / 20.0));
    EXPECT_GT(now, last) << i;
    last = now;
  }
  EXPECT_EQ(colour_of(-3), colour_of(0));
  EXPECT_EQ(colour_of(7), colour_of(1));
}

TEST(Colours, OverlayLeavesThePictureWhereTheMapIsZero) {
  auto const grey = page_picture(16);
  auto map = image2d(16, 16, Type::f32);
  map.write<float>()[5] = 1;
  map.write<float>()[6] = std::nanf("");
  auto const out = overlay(grey, map, 0.5);
  ASSERT_EQ(out.channels(), 3);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    auto const voxels = out.channel<std::uint8_t>(channel);
    auto const plain = grey.as<std::uint8_t>();
    EXPECT_EQ(voxels[4], plain[4]);
    EXPECT_EQ(voxels[6], plain[6]);
    auto const expected =
        0.5 * plain[5] + 0.5 * colour_of(1)[static_cast<std::size_t>(channel)];
    EXPECT_NEAR(voxels[5], expected, 0.51);
  }
  EXPECT_THROW(overlay(grey, image2d(15, 16, Type::f32)), Error);
  EXPECT_THROW(overlay(page_picture(16, 3), map), Error);
  EXPECT_THROW(overlay(grey, map, 1.5), Error);
}

TEST(Colours, MappedSpansLowToHigh) {
  auto map = image2d(3, 1, Type::f32);
  map.write<float>()[0] = -2;
  map.write<float>()[1] = 1;
  map.write<float>()[2] = 4;
  auto const out = colour_mapped(map, -2, 4);
  for (std::size_t c = 0; c < 3; ++c) {
    auto const voxels = out.channel<std::uint8_t>(static_cast<std::int64_t>(c));
    EXPECT_EQ(voxels[0], colour_of(0)[c]);
    EXPECT_EQ(voxels[1], colour_of(0.5)[c]);
    EXPECT_EQ(voxels[2], colour_of(1)[c]);
  }
  EXPECT_THROW(colour_mapped(map, 1, 1), Error);
  EXPECT_THROW(colour_mapped(page_picture(4), 0, 1), Error);
}

TEST(Colours, ScaleSaysWhatItsEndsMean) {
  auto const picture = page_picture(224);
  auto const out = with_scale(picture, 0.25);
  EXPECT_EQ(out.width(), 224);
  for (std::int64_t c = 0; c < 3; ++c) {
    EXPECT_TRUE(std::ranges::equal(picture.as<std::uint8_t>(),
                                   out.channel<std::uint8_t>(c).first(224 * 224)));
  }
  // The last row of pixels: the feet of "0" and of "0.25".
  auto const foot = out.channel<std::uint8_t>(0).last(224);
  std::string seen;
  for (std::size_t i = 0; i < foot.size(); i += 2) seen += foot[i] == 255 ? '#' : '.';
  EXPECT_EQ(seen.substr(0, 4), "###.");
  EXPECT_EQ(seen.substr(seen.size() - 16), "###.##..###.###.");
  EXPECT_EQ(with_scale(image2d(8, 8, Type::u8), 1e-9).height(), 8 + 4 + 8 + 4 + 5)
      << "too narrow for the number";
}

TEST(Magnified, RepeatsWholePixels) {
  auto small = image2d(2, 1, Type::u8);
  small.write<std::uint8_t>()[1] = 7;
  auto const large = magnified(small, 2);
  EXPECT_TRUE(std::ranges::equal(large.as<std::uint8_t>(),
                                 std::array<std::uint8_t, 8>{0, 0, 7, 7, 0, 0, 7, 7}));
}

TEST(Thumbnail, IsTheMeanOfWhatItCovers) {
  auto picture = image2d(4, 2, Type::u8);
  std::uint8_t value = 0;
  for (auto& voxel : picture.write<std::uint8_t>()) voxel = value++;
  auto const small = thumbnail(picture, 2);
  EXPECT_EQ(small.width(), 2);
  EXPECT_EQ(small.height(), 1);
  EXPECT_EQ(small.as<std::uint8_t>()[0], 3);  // (0 + 1 + 4 + 5) / 4, rounded
  EXPECT_EQ(thumbnail(picture, 9).bytes(), picture.bytes());
  EXPECT_THROW(thumbnail(image2d(2, 2, Type::f32), 1), Error);
}

TEST(Montage, CentresEachPictureInItsTile) {
  auto dot = image2d(2, 2, Type::u8);
  for (auto& voxel : dot.write<std::uint8_t>()) voxel = 9;
  auto const sheet = montage({dot, page_picture(40, 3), dot}, 2, 4, 1);
  EXPECT_EQ(sheet.width(), 9);
  EXPECT_EQ(sheet.height(), 9);
  EXPECT_EQ(sheet.as<std::uint8_t>()[1 * 9 + 1], 9);
  EXPECT_EQ(sheet.as<std::uint8_t>()[0], 0);
  EXPECT_THROW(montage({}, 2, 4), Error);
}

/// A page as a training run makes it. FOVEA_SAMPLE_PAGE=FILE keeps it, to be looked at in a
/// browser.
Page sample_page() {
  Page page{"Pneumonia on chest radiographs",
            "resnet18 at 28 × 28, trained on 4 708 cases in 9m 12s",
            {},
            {}};
  page.facts = {{"AUC on test", "0.984", "0.975 to 0.993"},
                {"Accuracy", "0.918"},
                {"Sensitivity", "0.964"},
                {"Specificity", "0.842"},
                {"Cases on test", "624"},
                {"Training time", "9m 12s"},
                {"Peak memory", "612.4 MiB"}};
  Series train{"train", {}}, valid{"validation", {}, true},
      roc{"ROC, AUC 0.984 (0.975 – 0.993)", {}};
  Series other{"previous run, AUC 0.961", {}, true};
  for (int e = 1; e <= 30; ++e) {
    train.points.push_back({static_cast<double>(e), 0.6 * std::exp(-e / 6.0) + 0.05, ""});
    valid.points.push_back({static_cast<double>(e),
                            0.6 * std::exp(-e / 6.0) + 0.1 + 0.012 * std::sin(2.3 * e), ""});
  }
  for (int i = 0; i <= 300; ++i) {
    auto const x = i / 300.0;
    roc.points.push_back(
        {x, std::pow(x, 0.06), text("threshold ", 1 - x, "\nsensitivity ", std::pow(x, 0.06))});
    other.points.push_back({x, std::pow(x, 0.15), ""});
  }
  Series promised{"this model", {}, false, true};
  for (int b = 1; b < 15; ++b)
    promised.points.push_back(
        {(b + 0.5) / 15, std::pow((b + 0.5) / 15, 1.3), text(b * 7, " cases")});
  page.panels.push_back(
      {"What was trained on what", "Counts by class and split. Splits are by patient.",
       table({"class", "train", "val", "test"},
             {{"NORMAL", "1 214", "135", "234"}, {"PNEUMONIA", "3 494", "389", "390"}}) +
           note("warning", "3 near duplicates lie across train and test: see the data panel.") +
           note("good", "No image of the test split is pixel-equal to a training image.") +
           bar_chart({{"PNEUMONIA", 4273}, {"NORMAL", 1583}}, {.x = "class", .y = "cases"}),
       "data"});
  page.panels.push_back({"Learning", "Loss by epoch: the lines should fall together.",
                         line_chart({train, valid}, {.x = "epoch", .y = "loss", .y_low = 0}),
                         ""});
  page.panels.push_back(
      {"Test results", "On cases that no choice was made on; 95 % intervals.",
       table({"metric", "value", "95 % interval", "method"},
             {{"AUC", "0.984", "0.975 – 0.993", "DeLong"},
              {"Accuracy", "0.918", "0.894 – 0.937", "Wilson"},
              {"F1", "0.936", "0.917 – 0.953", "bootstrap by patient, 2000 draws"}}) +
           beside({"<h3>ROC</h3>" + line_chart({roc, other}, {.x = "1 − specificity",
                                                              .y = "sensitivity",
                                                              .x_low = 0,
                                                              .x_high = 1,
                                                              .y_low = 0,
                                                              .y_high = 1,
                                                              .square = true,
                                                              .diagonal = true}),
                   "<h3>Reliability</h3>" + line_chart({promised}, {.x = "promised probability",
                                                                    .y = "share that had it",
                                                                    .x_low = 0,
                                                                    .x_high = 1,
                                                                    .y_low = 0,
                                                                    .y_high = 1,
                                                                    .square = true,
                                                                    .diagonal = true}),
                   "<h3>Confusion</h3>" +
                       confusion_chart({"NORMAL", "PNEUMONIA"}, {{197, 37}, {14, 376}}),
                   "<h3>Nine classes</h3>" +
                       confusion_chart({"adipose", "background", "debris", "lymphocytes",
                                        "mucus", "smooth muscle", "normal mucosa",
                                        "cancer stroma", "adenocarcinoma"},
                                       [] {
                                         std::vector out(9, std::vector<std::int64_t>(9, 3));
                                         for (std::size_t i = 0; i < 9; ++i)
                                           out[i][i] = 40 + 12 * static_cast<int>(i);
                                         return out;
                                       }())}),
       "test"});
  std::vector<Figure> figures;
  for (int i = 0; i < 6; ++i) {
    figures.push_back({page_picture(i % 2 == 0 ? 28 : 320),
                       text("test/", 100 + i, ".png: found PNEUMONIA with 0.97"),
                       i < 2 ? "wrong" : ""});
    figures.push_back(
        {overlay(page_picture(224), page_map(224)), "where the model looked", ""});
  }
  figures.push_back({colour_scale(240, 24), "little … much", ""});
  page.panels.push_back({"Worst mistakes",
                         "The surest wrong answers, each with its explanation map.",
                         gallery(figures), ""});
  page.panels.push_back({"Distribution", "Of the probabilities.",
                         bar_chart({{"0.0", 120},
                                    {"0.1", 60},
                                    {"0.2", 20},
                                    {"0.3", 12},
                                    {"0.4", 9},
                                    {"0.5", 11},
                                    {"0.6", 15},
                                    {"0.7", 30},
                                    {"0.8", 90},
                                    {"0.9", 260}},
                                   {.x = "probability of PNEUMONIA", .y = "cases"}),
                         ""});
  page.panels.push_back(
      {"Plan and versions", "What repeats this run.",
       details("plan.yaml",
               verbatim("network: resnet18\nlearning_rate: 0.001\nbatch_size: 128\n")) +
           note("info", "Same seed, threads and machine: the same weights, bit for bit.") +
           note("fault", "Two images could not be read and were left out."),
       ""});
  return page;
}

TEST(Render, GivesOnePageWithAllPartsInOrder) {
  auto const out = render(sample_page());
  auto const first = out.find("id=\"data\"");
  auto const second = out.find("id=\"learning\"");
  ASSERT_NE(first, out.npos);
  EXPECT_LT(first, second);
  EXPECT_NE(out.find("href=\"#worst-mistakes\""), out.npos);
  EXPECT_EQ(out, render(sample_page()));
  if (auto const* keep = std::getenv("FOVEA_SAMPLE_PAGE")) write_file(keep, out);
}

}  // namespace
}  // namespace fovea
