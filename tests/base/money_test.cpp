#include "base/money.h"

#include <gtest/gtest.h>

namespace payoutd {
namespace {

Currency currency(const char* code) { return *Currency::parse(code); }

TEST(Money, TakesAnyCaseAndGivesLowerCase) {
  EXPECT_EQ(Currency::parse("EUR")->str(), "eur");
  EXPECT_FALSE(Currency::parse("eu"));
  EXPECT_FALSE(Currency::parse("xxx"));
  EXPECT_FALSE(Currency::parse("e1r"));
}

TEST(Money, KnowsTheDecimalsAndStepsOfTheOddOnes) {
  EXPECT_EQ(currency("usd").decimals(), 2);
  EXPECT_EQ(currency("jpy").decimals(), 0);
  EXPECT_EQ(currency("kwd").decimals(), 3);
  EXPECT_EQ(currency("isk").decimals(), 2);
  EXPECT_EQ(currency("isk").display_decimals(), 0);
  EXPECT_EQ(currency("isk").payout_step(), 100);
  EXPECT_EQ(currency("huf").charge_step(), 1);
  EXPECT_EQ(currency("huf").payout_step(), 100);
  EXPECT_EQ(currency("kwd").charge_step(), 10);
  EXPECT_EQ(currency("mga").decimals(), 0);
}

TEST(Money, WritesDecimals) {
  EXPECT_EQ(to_decimal({100000, currency("eur")}), "1000.00");
  EXPECT_EQ(to_decimal({-5, currency("usd")}), "-0.05");
  EXPECT_EQ(to_decimal({1050, currency("jpy")}), "1050");
  EXPECT_EQ(to_decimal({1, currency("kwd")}), "0.001");
  EXPECT_EQ(to_decimal({INT64_MIN, currency("jpy")}), "-9223372036854775808");
}

TEST(Money, ReadsDecimalsExactlyOrNotAtAll) {
  EXPECT_EQ(parse_decimal("1000.00", currency("eur"))->minor, 100000);
  EXPECT_EQ(parse_decimal("1000", currency("eur"))->minor, 100000);
  EXPECT_EQ(parse_decimal("0.1", currency("eur"))->minor, 10);
  EXPECT_EQ(parse_decimal("-3.5", currency("usd"))->minor, -350);
  EXPECT_EQ(parse_decimal("000000000000000000000012.34", currency("usd"))->minor, 1234);
  EXPECT_EQ(parse_decimal("10000000000000.00", currency("usd"))->minor, kMaxMinor);
  EXPECT_EQ(parse_decimal("10.001", currency("eur")).error().code, "amount_precision");
  EXPECT_EQ(parse_decimal("10.0", currency("jpy")).error().code, "amount_precision");
  EXPECT_EQ(parse_decimal("10000000000000.01", currency("usd")).error().code, "amount_too_large");
  EXPECT_EQ(parse_decimal("99999999999999999999", currency("usd")).error().code,
            "amount_too_large");
  for (const char* bad :
       {"", "-", ".", "1.", ".5", "1,00", "1e3", " 1", "+1", "0x1", "--1", "NaN"}) {
    EXPECT_EQ(parse_decimal(bad, currency("usd")).error().code, "amount_invalid") << bad;
  }
}

TEST(Money, NeverMixesCurrenciesNorOverflows) {
  EXPECT_THROW((Money{1, currency("usd")} + Money{1, currency("eur")}), Broken);
  EXPECT_THROW((Money{INT64_MAX, currency("usd")} + Money{1, currency("usd")}), Broken);
  EXPECT_THROW(-(Money{INT64_MIN, currency("usd")}), Broken);
}

}  // namespace
}  // namespace payoutd
