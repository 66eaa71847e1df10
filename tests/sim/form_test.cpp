#include "stripe/sim/wire/form.h"

#include <gtest/gtest.h>

#include <random>

namespace payoutd::sim {
namespace {

Json parsed(std::string_view text) {
  auto tree = parse_form(text);
  EXPECT_TRUE(tree) << text << ": " << (tree ? "" : tree.error().message);
  return tree ? *tree : Json();
}

std::string refused(std::string_view text) {
  auto tree = parse_form(text);
  EXPECT_FALSE(tree) << text;
  return tree ? "" : tree.error().code;
}

TEST(Form, NestsByBrackets) {
  EXPECT_EQ(
      parsed("amount=100&transfer_data[destination]=acct_1&a[b][c]=1"),
      Json::parse(
          R"({"amount":"100","transfer_data":{"destination":"acct_1"},"a":{"b":{"c":"1"}}})"));
}

TEST(Form, ReadsArraysWithAndWithoutIndices) {
  const Json expected = Json::parse(R"({"expand":["a","b"]})");
  EXPECT_EQ(parsed("expand[]=a&expand[]=b"), expected);
  EXPECT_EQ(parsed("expand[0]=a&expand[1]=b"), expected);
  EXPECT_EQ(parsed("expand[1]=b&expand[0]=a"), expected);
  EXPECT_EQ(parsed("expand%5B0%5D=a&expand%5b1%5d=b"), expected);
  EXPECT_EQ(parsed("expand[4]=b&expand[2]=a"), expected);
}

TEST(Form, OrdersIndicesAsNumbers) {
  std::string text;
  Json expected = Json::array();
  for (int i = 0; i < 12; ++i) {
    text += "i[" + std::to_string(i) + "]=" + std::to_string(i) + "&";
    expected.push_back(std::to_string(i));
  }
  EXPECT_EQ(parsed(text)["i"], expected);
}

TEST(Form, ReadsArraysOfObjects) {
  const Json expected = Json::parse(R"({"items":[{"price":"p1","quantity":"2"},{"price":"p2"}]})");
  EXPECT_EQ(parsed("items[0][price]=p1&items[0][quantity]=2&items[1][price]=p2"), expected);
  EXPECT_EQ(parsed("items[][price]=p1&items[][quantity]=2&items[][price]=p2"), expected);
}

TEST(Form, KeepsMetadataAnObjectWhateverItsKeys) {
  EXPECT_EQ(parsed("metadata[0]=a&metadata[1]=b"),
            Json::parse(R"({"metadata":{"0":"a","1":"b"}})"));
  EXPECT_EQ(parsed("payment_intent_data[metadata][7]=x"),
            Json::parse(R"({"payment_intent_data":{"metadata":{"7":"x"}}})"));
  EXPECT_EQ(refused("metadata[]=a"), "parameter_invalid_structure");
}

TEST(Form, AnEmptyValueIsAnEmptyString) {
  EXPECT_EQ(parsed("metadata="), Json::parse(R"({"metadata":""})"));
  EXPECT_EQ(parsed("metadata[a]=&description"),
            Json::parse(R"({"metadata":{"a":""},"description":""})"));
}

TEST(Form, TheLaterOfTwoValuesWins) { EXPECT_EQ(parsed("limit=1&limit=2")["limit"], "2"); }

TEST(Form, DecodesPercentAndPlus) {
  EXPECT_EQ(parsed("d=a+b%20c%2Bd%26%3D")["d"], "a b c+d&=");
  EXPECT_EQ(parsed("d=%C3%BC%E2%82%AC%F0%9F%9A%80")["d"], "ü€🚀");
  EXPECT_EQ(parsed("d=a=b")["d"], "a=b");
}

TEST(Form, NothingIsAnEmptyObject) {
  EXPECT_EQ(parsed(""), Json::object());
  EXPECT_EQ(parsed("&&"), Json::object());
}

TEST(Form, ATopLevelNumberIsAName) { EXPECT_EQ(parsed("0=a"), Json::parse(R"({"0":"a"})")); }

TEST(Form, RefusesBadEncoding) {
  for (const char* text :
       {"a=%", "a=%4", "a=%zz", "%=1", "a=%FF", "a=%C0%80", "a=%ED%A0%80", "a=%F5%80%80%80",
        "a=%E2%82", "=1", "[a]=1", "a[b=1", "a]b=1", "a[b]c=1", "a[b[c]]=1"}) {
    EXPECT_EQ(refused(text), "parameter_invalid_encoding") << text;
  }
}

TEST(Form, RefusesOneNameUsedInTwoWays) {
  for (const char* text :
       {"a=1&a[b]=2", "a[b]=2&a=1", "a[]=1&a[b]=2", "a[b]=1&a[]=2", "a[]=1&a[0]=2"}) {
    EXPECT_EQ(refused(text), "parameter_invalid_structure") << text;
  }
  EXPECT_EQ(parse_form("a=1&a[b]=2").error().param, "a");
}

TEST(Form, IsBounded) {
  std::string deep = "a";
  for (std::size_t i = 1; i < kMaxFormDepth; ++i) deep += "[b]";
  EXPECT_TRUE(parse_form(deep + "=1"));
  EXPECT_EQ(refused(deep + "[b]=1"), "parameter_too_many");
  std::string wide;
  for (std::size_t i = 0; i < kMaxFormFields; ++i) wide += "a[]=1&";
  EXPECT_TRUE(parse_form(wide));
  EXPECT_EQ(refused(wide + "a[]=1"), "parameter_too_many");
  EXPECT_EQ(refused("a=" + std::string(kMaxFormBytes, 'x')), "parameter_too_many");
}

TEST(Form, RandomTextIsReadOrRefused) {
  std::mt19937 random(7);
  const std::string alphabet = "ab01[]=&%+.\xC3\xBC\xFF";
  int read = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 24, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    const auto tree = parse_form(text);
    if (!tree) continue;
    ++read;
    EXPECT_TRUE(tree->is_object());
    EXPECT_NO_THROW((void)tree->dump()) << text;
  }
  EXPECT_GT(read, 100);
}

TEST(Form, ADecodedQueryGivesTheSameTree) {
  EXPECT_EQ(*form_tree({{"created[gte]", "5"}, {"expand[]", "data.source"}}),
            Json::parse(R"({"created":{"gte":"5"},"expand":["data.source"]})"));
}

}  // namespace
}  // namespace payoutd::sim
