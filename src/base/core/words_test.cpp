#include "base/core/words.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <limits>
#include <locale>

namespace fovea {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreTrimmedLoweredSplitAndJoined) {
  EXPECT_EQ(trimmed(" \t a b \r\n"), "a b");
  EXPECT_EQ(trimmed(" \n"), "");
  EXPECT_EQ(lower("Ab\xc3\x84Z"), "ab\xc3\x84z");
  EXPECT_EQ(split("a,,b", ','), (Words{"a", "", "b"}));
  EXPECT_EQ(split("", ','), Words{""});
  EXPECT_EQ(joined(Words{"", "a", ""}, ","), ",a,");
  EXPECT_EQ(joined(Words{}, ","), "");
}

TEST(Words, SuggestTheNearestNameAndNothingFarAway) {
  Words const known{"train", "predict", "evaluate", "resnet18", "resnet50", "learning_rate"};
  struct Row {
    char const *written, *nearest;
  };
  for (auto const& row :
       {Row{"trian", "train"}, Row{"predcit", "predict"}, Row{"EVALUTE", "evaluate"},
        Row{"resnet81", "resnet18"}, Row{"resnet", "resnet18"},
        Row{"learning", "learning_rate"}, Row{"train", "train"}})
    EXPECT_EQ(nearest(row.written, known), row.nearest) << row.written;
  for (auto const* const far : {"x", "", "zzzzzz", "qq"})
    EXPECT_FALSE(nearest(far, known)) << far;
  EXPECT_EQ(did_you_mean("trian", known), "did you mean 'train'?");
  EXPECT_EQ(did_you_mean("zzzzzz", Words{"a", "b"}), "known: a, b");
  EXPECT_FALSE(nearest(std::string(1'000'000, 'a'), known));
}

TEST(Numbers, AreReadWholeOrNotAtAll) {
  EXPECT_EQ(number("0.7"), 0.7);
  EXPECT_EQ(number("+2e-3"), 2e-3);
  EXPECT_EQ(number("-5"), -5);
  for (auto const* const bad :
       {"", "+", "+-5", "0,7", "1x", " 1", "nan", "inf", "1e999", "0x10"})
    EXPECT_FALSE(number(bad)) << bad;
  EXPECT_EQ(whole("+42"), 42);
  EXPECT_EQ(whole("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (auto const* const bad : {"", "1.0", "9223372036854775808", "++1"})
    EXPECT_FALSE(whole(bad)) << bad;
}

TEST(Numbers, ReadBackAsTheSame) {
  for (auto const value : {0.1, 1.0 / 3, 1e-300, -2.5e17, 5e-324, 100.0})
    EXPECT_EQ(number(spelled(value)), value);
  EXPECT_EQ(spelled(0.7), "0.7");
  EXPECT_EQ(spelled(0.0005), "0.0005");
  EXPECT_EQ(spelled(1e-9), "1e-09");
  EXPECT_EQ(spelled(32), "32");
}

TEST(Numbers, HaveFixedDigitsAndNoNegativeNothing) {
  EXPECT_EQ(fixed(0.5, 3), "0.500");
  EXPECT_EQ(fixed(-1.25, 1), "-1.2");
  EXPECT_EQ(fixed(-0.0001, 2), "0.00");
  EXPECT_EQ(fixed(1e300, 0).size(), 301U);
  EXPECT_EQ(fixed(-std::numeric_limits<double>::infinity(), 2), "-inf");
}

struct CommaDecimals : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Numbers, DoNotFollowTheProgramsLocale) {
  auto const before =
      std::locale::global(std::locale{std::locale::classic(), new CommaDecimals});
  EXPECT_EQ(text(1234567, " ", 0.5), "1234567 0.5");
  EXPECT_EQ(spelled(1234.5), "1234.5");
  EXPECT_EQ(number("0.5"), 0.5);
  std::locale::global(before);
}

TEST(Numbers, DoNotFollowTheUsersLocale) {
  auto const* const german = std::setlocale(LC_ALL, "de_DE.UTF-8");
  EXPECT_EQ(number("0.7"), 0.7);
  EXPECT_EQ(fixed(0.5, 1), "0.5");
  std::setlocale(LC_ALL, "C");
  if (german == nullptr)
    GTEST_SKIP() << "the locale de_DE.UTF-8 is not installed: tried in the C locale alone";
}

TEST(Durations, AreReadWithUnits) {
  struct Row {
    char const* words;
    double seconds;
  };
  for (auto const& row : {Row{"90s", 90}, Row{"10m", 600}, Row{"1.5h", 5400}, Row{"2d", 172800},
                          Row{"45", 45}, Row{" 10 m ", 600}})
    EXPECT_EQ(seconds_of(row.words), row.seconds) << row.words;
  for (auto const* const bad : {"", "m", "0s", "-5m", "10x", "ten", "infm"})
    EXPECT_FALSE(seconds_of(bad)) << bad;
}

TEST(Durations, ArePrintedForPeople) {
  EXPECT_EQ(duration(1.25), "1.2s");
  EXPECT_EQ(duration(9.96), "10s");
  EXPECT_EQ(duration(75), "1m 15s");
  EXPECT_EQ(duration(3599.6), "1h 0m");
  EXPECT_EQ(duration(7260), "2h 1m");
  EXPECT_EQ(duration(std::nan("")), "unknown");
  EXPECT_EQ(bytes_in_words(1536), "1.5 KiB");
  EXPECT_EQ(bytes_in_words(12), "12 B");
}

TEST(Printable, KeepsForeignTextFromSteeringATerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\x7f\r\n\tc"), "a?[2Jb??\n\tc");
  EXPECT_EQ(printable("a\nb", {}), "a?b");
  EXPECT_EQ(printable("x\xc2\x9b"
                      "2J \xc3\xa9 \xc2\xa0."),
            "x?2J \xc3\xa9 \xc2\xa0.")
      << "a control of two bytes; letters stay";
}

TEST(Html, KeepsForeignTextFromBeingMarkup) {
  EXPECT_EQ(html("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

}  // namespace
}  // namespace fovea
