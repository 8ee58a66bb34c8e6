#include "base/core/json.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

TEST(Json, KeepsTheOrderOfItsKeys) {
  auto const json = parse_json(R"({"z":1,"a":[true,null,"x"],"m":{"b":0.1}})", "x");
  EXPECT_EQ(json.dump(), R"({"z":1,"a":[true,null,"x"],"m":{"b":0.1}})");
  EXPECT_EQ(parse_json(pretty(json), "x"), json);
  EXPECT_EQ(pretty(Json::object()), "{}\n");
}

TEST(Json, RefusesWhatIsBrokenDeepOrAmbiguousAndNamesTheFile) {
  struct Row {
    char const* name;
    std::string words, said;
  };
  std::string many = "{";
  for (int i = 0; i < 20'002; ++i) many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  many += "}";
  auto const deep = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  for (auto const& row :
       {Row{"empty", "", "expected JSON"}, Row{"cut short", R"({"a":1)", "expected JSON"},
        Row{"trailing", "1 2", "expected JSON"}, Row{"not UTF-8", "\"\xff\"", "expected JSON"},
        Row{"number too large", "1e999", "expected JSON"},
        Row{"deep", deep(100), "nested deeper"},
        Row{"very deep", std::string(1'000'000, '['), "nested deeper"},
        Row{"twice", R"({"a":{"b":1,"b":2}})", "\"b\" twice"},
        Row{"many keys", many, "20000 keys"}}) {
    SCOPED_TRACE(row.name);
    try {
      parse_json(row.words, "plan.json");
      ADD_FAILURE() << "was taken";
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
      EXPECT_NE(std::string{fault.what()}.find("plan.json"), std::string::npos) << fault.what();
      EXPECT_NE(std::string{fault.what()}.find(row.said), std::string::npos) << fault.what();
    }
  }
  EXPECT_NO_THROW(parse_json(deep(60), "x"));
  EXPECT_NO_THROW(parse_json(R"([{"a":1},{"a":2}])", "x"));
}

TEST(Json, WritesNotANumberAsNullAndBadTextAsReplaced) {
  EXPECT_EQ(pretty(Json{{"a", std::nan("")}}), "{\n  \"a\": null\n}\n");
  EXPECT_NO_THROW(pretty(Json{{"a", "\xff"}}));
}

TEST(Json, IsReadFromAFile) {
  ScratchFolder const folder;
  write_file(folder.path() / "x.json", std::string_view{"\xef\xbb\xbf[1, 2]"});
  EXPECT_EQ(read_json(folder.path() / "x.json"), (Json{1, 2}));
  EXPECT_THROW(read_json(folder.path() / "none.json"), Error);
}

}  // namespace
TEST(Json, TakesNamesOfAnyBytesAsUtf8) {
  EXPECT_EQ(utf8("Gr\xc3\xb6\xc3\x9f"
                 "e"),
            "Gr\xc3\xb6\xc3\x9f"
            "e");
  EXPECT_EQ(utf8("a\xff"
                 "b"),
            "a\xef\xbf\xbd"
            "b");
}

}  // namespace fovea
