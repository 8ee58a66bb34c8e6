#include "base/core/yaml.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

using Items = std::vector<std::string>;

std::string yaml_shown(std::vector<YamlLine> const& lines) {
  std::string out;
  for (auto const& line : lines)
    out += line.key + "=" + line.value + "@" + std::to_string(line.line) + "\n";
  return out;
}

TEST(Yaml, ReadsAFlatMapping) {
  struct Row {
    std::string words, lines;
  };
  for (auto const& row : {
           Row{"a: 1\n# a comment\nb: x y  # beside\n", "a=1@1\nb=x y@3\n"},
           Row{"---\nlearning_rate: 0.001\n", "learning_rate=0.001@2\n"},
           Row{"a: 'it''s'\nb: \"l\\nm \\u00fc\"\n", "a=it's@1\nb=l\nm \xc3\xbc@2\n"},
           Row{"a: [1, 'b, c']\nb:\n  - x\n  - y\n", "a=[1, \"b, c\"]@1\nb=[x, y]@2\n"},
           Row{"a:\nb: ~\n", "a=@1\nb=@2\n"},
           Row{"{a: 1, b: 2}\n", "a=1@1\nb=2@1\n"},
           Row{"a: true\nb: no\nc: 1e-3\n", "a=true@1\nb=no@2\nc=1e-3@3\n"},
           Row{"", ""},
           Row{"# nothing\n", ""},
           Row{"\xef\xbb\xbf"
               "a: 1\r\nb: 2\r\n",
               "a=1@1\nb=2@2\n"},
       })
    EXPECT_EQ(yaml_shown(parse_yaml(row.words, "plan.yaml")), row.lines) << row.words;
}

TEST(Yaml, RefusesWhatGoesBeyondAPlan) {
  std::string const deep(100'000, '[');
  for (auto const& words : {std::string{"a:\n  b: 1\n"},
                            std::string{"a: [[1]]\n"},
                            std::string{"a: &x 1\nb: *x\n"},
                            std::string{"a: &x [1]\n"},
                            std::string{"a: !!int 1\n"},
                            std::string{"a: !x [1]\n"},
                            std::string{"a: 1\n---\nb: 2\n"},
                            std::string{"a: 1\nb: 2\na: 3\n"},
                            std::string{", \\"},
                            std::string{"---\n---\na: 1\n"},
                            std::string{"- 1\n- 2\n"},
                            std::string{"lone\n"},
                            std::string{"a: {b: 1}\n"},
                            std::string{"? [a]\n: 1\n"},
                            "a: " + deep,
                            deep,
                            std::string{"a: \"open\n"},
                            std::string{"a: 1\n\tb: 2\n"},
                            std::string("a: \x04\n"),
                            std::string("a: \0b\n", 6),
                            std::string(2U << 20, '#')}) {
    try {
      parse_yaml(words, "plan.yaml");
      ADD_FAILURE() << "was taken: " << words.substr(0, 80);
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
      EXPECT_NE(std::string{fault.what()}.find("plan.yaml"), std::string::npos) << fault.what();
    }
  }
}

TEST(Yaml, NamesTheLine) {
  try {
    parse_yaml("a: 1\nb: 2\na: 3\n", "plan.yaml");
    ADD_FAILURE();
  } catch (Error const& fault) {
    EXPECT_STREQ(
        fault.what(),
        "plan.yaml, line 3: expected key: value, got the key 'a' twice; keep one of them");
  }
}

TEST(Yaml, TakesListsApart) {
  EXPECT_EQ(yaml_list("[a, 'b, c']"), (Items{"a", "b, c"}));
  EXPECT_EQ(yaml_list("plain text"), Items{"plain text"});
  EXPECT_EQ(yaml_list("[]"), Items{});
  EXPECT_EQ(yaml_list("  "), Items{});
  for (auto const* const bad :
       {"[a", "[[a]]", "[{a: 1}]", "[*a]", "[&a b]", "[a] b", "[a], \\"})
    EXPECT_THROW(yaml_list(bad), Error) << bad;
}

TEST(Yaml, WritesScalarsThatReadBackAsTheSameText) {
  for (std::string const text : {"a",     "",
                                 " ",     "0.7",
                                 "-1",    "-",
                                 "- a",   "---",
                                 "...",   "true",
                                 "null",  "Null",
                                 "~",     "a: b",
                                 "a #b",  "#a",
                                 "[a]",   "{a}",
                                 "'",     "\"",
                                 "\\",    "a\nb",
                                 "\t",    "x, y",
                                 "*a",    "&a",
                                 "!a",    "|",
                                 ">",     "%",
                                 "@",     "`",
                                 "?",     "? a",
                                 "=",     ":",
                                 "a:",    "gr\xc3\xbc\xc3\x9f",
                                 "\x01",  "(.*)_[0-9]+$",
                                 "C:\\x", "/a b/c.png",
                                 "1e-3",  "  lead",
                                 "a  b"}) {
    auto const lines = parse_yaml("key: " + yaml_scalar(text) + "\n", "x");
    ASSERT_EQ(lines.size(), 1U) << text;
    EXPECT_EQ(lines[0].value, text);
    EXPECT_EQ(yaml_list("[" + yaml_scalar(text) + ", end]"), (Items{text, "end"}));
    auto const block = parse_yaml("key:\n  - " + yaml_scalar(text) + "\n", "x");
    EXPECT_EQ(yaml_list(block.at(0).value), Items{text});
  }
  EXPECT_EQ(yaml_scalar("small-cnn"), "small-cnn");
}

}  // namespace
}  // namespace fovea
