#include "base/json.h"

#include <gtest/gtest.h>

namespace payoutd {
namespace {

TEST(Json, ReadsExactIntegers) {
  const auto json = parse_json(R"({"amount": 9007199254740993})");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["amount"].get<std::int64_t>(), 9007199254740993);
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  for (const char* bad :
       {"", "{", "{'a':1}", "{\"a\":1,}", "[1] 2", "nul", "\"\xff\"", "1e999999"}) {
    const auto json = parse_json(bad);
    ASSERT_FALSE(json) << bad;
    EXPECT_EQ(json.error().code, "invalid_json");
  }
}

TEST(Json, MendsWhatIsNoUnicodeAndNothingElse) {
  const std::string replaced = "\xEF\xBF\xBD";
  const std::string good = R"({"a":"\ud83d\ude00 \u0000 \\ud800 \" €","b":[1.50e3]})";
  EXPECT_EQ(mended_json(good), good);
  EXPECT_EQ(mended_json(R"(["\ud800","\ud800\u0041","\udc00x","\ud800\ud83d\ude00"])"),
            R"(["\ufffd","\ufffd\u0041","\ufffdx","\ufffd\ud83d\ude00"])");
  EXPECT_EQ(mended_json("\"a\xff\xc3\""), "\"a" + replaced + replaced + "\"");
  EXPECT_EQ(mended_json("\"\xed\xa0\x80\""), "\"" + replaced + replaced + replaced + "\"");
  EXPECT_EQ(mended_json("\"\\"), "\"\\");
  EXPECT_TRUE(parse_json(mended_json("{\"a\\ud800\": \"\xc0\xaf\"}")));
}

TEST(Json, ReplacesNulInKeysAndTexts) {
  Json json = Json::parse(R"({"a\u0000b": ["x\u0000", {"c": 1}], "d": "fine"})");
  replace_nul(json);
  EXPECT_EQ(json, Json::parse(R"({"a\ufffdb": ["x\ufffd", {"c": 1}], "d": "fine"})"));
}

TEST(Json, RefusesARepeatedKey) {
  EXPECT_NE(parse_json(R"({"a":1,"b":{"a":1},"a":2})").error().message.find("\"a\" twice"),
            std::string::npos);
  EXPECT_TRUE(parse_json(R"([{"a":1},{"a":2}])"));
}

TEST(Json, RefusesDeepNestingBeforeItIsBuilt) {
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(parse_json(std::string(65, '[') + std::string(65, ']')));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
  EXPECT_TRUE(parse_json("\"" + std::string(1000, '[') + "\""));
}

TEST(Json, WritesBrokenTextWithoutThrowing) { EXPECT_EQ(dump(Json("\xff")), "\"\xEF\xBF\xBD\""); }

}  // namespace
}  // namespace payoutd
