#include "base/core/csv.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

using Cells = std::vector<std::string>;
using Rows = std::vector<Cells>;

TEST(Csv, ReadsWhatSpreadsheetsWrite) {
  struct Row {
    char const* name;
    std::string words;
    char separator;
    Cells columns;
    Rows rows;
  };
  Row const rows[] = {
      {"plain", "a,b\n1,2\n", ',', {"a", "b"}, {{"1", "2"}}},
      {"no line end at the end", "a,b\n1,2", ',', {"a", "b"}, {{"1", "2"}}},
      {"byte order mark and CR LF",
       "\xef\xbb\xbf"
       "a,b\r\n1,2\r\n",
       ',',
       {"a", "b"},
       {{"1", "2"}}},
      {"CR alone", "a,b\r1,2\r3,4", ',', {"a", "b"}, {{"1", "2"}, {"3", "4"}}},
      {"semicolons", "a;b;c\n1,5;2;3\n", ';', {"a", "b", "c"}, {{"1,5", "2", "3"}}},
      {"tabs with empty cells", "a\tb\tc\n\t\t3\n", '\t', {"a", "b", "c"}, {{"", "", "3"}}},
      {"bars", "a|b\n1|2\n", '|', {"a", "b"}, {{"1", "2"}}},
      {"one column", "file\nx y.png\n", ',', {"file"}, {{"x y.png"}}},
      {"quotes", "a,b\n\"x, \"\"y\"\"\nz\",2\n", ',', {"a", "b"}, {{"x, \"y\"\nz", "2"}}},
      {"separators in a quoted name", "\"a;b;c\",d\n1,2\n", ',', {"a;b;c", "d"}, {{"1", "2"}}},
      {"blanks", " a , b \n 1 , \" 2 \" \n", ',', {"a", "b"}, {{"1", " 2 "}}},
      {"a quote within", "a,b\n5\" tube,2\n", ',', {"a", "b"}, {{"5\" tube", "2"}}},
      {"empty lines", "\n\na,b\n\n1,2\n  \n", ',', {"a", "b"}, {{"1", "2"}}},
      {"short row", "a,b,c\n1\n", ',', {"a", "b", "c"}, {{"1", "", ""}}},
      {"empty cells beyond the end", "a,b\n1,2,,\n", ',', {"a", "b"}, {{"1", "2"}}},
      {"nameless columns", ",a,\n0,1,\n", ',', {"", "a", ""}, {{"0", "1", ""}}},
      {"an empty quoted cell", "a\n\"\"\n", ',', {"a"}, {{""}}},
      {"header alone", "a,b", ',', {"a", "b"}, {}},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    auto const table = parse_csv(row.words, "x.csv");
    EXPECT_EQ(table.separator, row.separator);
    EXPECT_EQ(table.columns, row.columns);
    EXPECT_EQ(table.rows, row.rows);
  }
}

TEST(Csv, RefusesWithTheLineNumber) {
  struct Row {
    std::string words, said;
  };
  using namespace std::string_literals;
  for (auto const& row : {Row{"", "header row"}, Row{"\n\r\n", "header row"},
                          Row{"a,b\n1,2\n1,2,3\n", "line 3: expected 2 cells, got 3"},
                          Row{"a,b\n\"x\ny\",2\n1,2,3\n", "line 4"},
                          Row{"a,b\n1,\"2\n3", "line 2: expected a closing quote"},
                          Row{"a,b\n\"1\"x,2\n", "line 2: expected the end of the cell"},
                          Row{"a,b,a\n", "'a' occurs twice"}, Row{"a,b\n1,\0\n"s, "zero bytes"},
                          Row{"\xff\xfe"
                              "a\0,\0"s,
                              "UTF-16"}}) {
    try {
      parse_csv(row.words, "x.csv");
      ADD_FAILURE() << "was taken: " << row.words;
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
      EXPECT_NE(std::string{fault.what()}.find(row.said), std::string::npos) << fault.what();
    }
  }
  EXPECT_THROW(parse_csv("a\n1\n2\n3\n", "x.csv", 2), Error);
}

TEST(Csv, ReadsAMillionRows) {
  std::string words = "path,label\n";
  for (int i = 0; i < 1'000'000; ++i) words += "images/" + std::to_string(i) + ".png,1\n";
  auto const table = parse_csv(words, "x.csv");
  ASSERT_EQ(table.rows.size(), 1'000'000U);
  EXPECT_EQ(table.rows.back(), (Cells{"images/999999.png", "1"}));
}

TEST(Csv, DoesNotFillUpMoreCellsThanMemoryHolds) {
  std::string words = "c0";
  for (int i = 1; i < 100'000; ++i) words += ",c" + std::to_string(i);
  for (int i = 0; i < 2'000; ++i) words += "\nx";
  EXPECT_THROW(parse_csv(words, "x.csv"), Error);
}

TEST(Csv, FindsColumnsByAnyOfTheirNames) {
  auto const table = parse_csv("Path, LABEL \nx,1", "x.csv");
  EXPECT_EQ(table.find({"label"}), 1);
  EXPECT_EQ(table.find({"file", "path"}), 0);
  EXPECT_EQ(table.find({"split"}), -1);
}

TEST(Csv, WritesWhatItReads) {
  for (auto const& cells :
       {Cells{"a", "b"}, Cells{""}, Cells{"", ""},
        Cells{"x,y", "\"q\"", "l\nm", " pad ", "s;t", "\t"}, Cells{"gr\xc3\xbc\xc3\x9f"}}) {
    auto const words = "c0,c1,c2,c3,c4,c5\n" + csv_row(cells) + "\n";
    auto const table = parse_csv(words, "x.csv");
    ASSERT_EQ(table.rows.size(), 1U) << words;
    for (std::size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(table.rows[0][i], cells[i]);
  }
  EXPECT_EQ(csv_row({"a", "b c", "1.5"}), "a,b c,1.5");
}

}  // namespace
}  // namespace fovea
