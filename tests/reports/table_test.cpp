// Tables as CSV and for the terminal, and the figures' rounding.
#include "reports/table.h"

#include <gtest/gtest.h>

#include "reports/customers.h"
#include "reports/revenue.h"

namespace payoutd::reports {
namespace {

Money money(std::int64_t minor, const char* code) { return {minor, *Currency::parse(code)}; }

TEST(Csv, WritesAmountsExactlyInMajorUnits) {
  const Table table{
      .columns = {"a", "b", "c", "d"},
      .rows = {{money(-5, "usd"), money(1'050, "jpy"), money(1'234'567, "kwd"), std::int64_t{7}},
               {money(INT64_MAX, "usd"), money(0, "eur"), Cell(), std::int64_t{-7}}}};
  EXPECT_EQ(csv(table), "a,b,c,d\r\n-0.05,1050,1234.567,7\r\n92233720368547758.07,0.00,,-7\r\n");
}

TEST(Csv, WordsAreNeverFormulasAndAlwaysOneCell) {
  const Table table{.columns = {"name"},
                    .rows = {{std::string("=HYPERLINK(\"http://x\",\"y\")")},
                             {std::string("+1")},
                             {std::string("-1")},
                             {std::string("@a")},
                             {std::string("\tx")},
                             {std::string("＝1")},
                             {std::string("a,\"b\"\nc")},
                             {std::string("Ada-Lin = 1")}}};
  EXPECT_EQ(
      csv(table),
      "name\r\n\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\r\n'+1\r\n'-1\r\n'@a\r\n'\tx\r\n'＝1\r\n"
      "\"a,\"\"b\"\"\nc\"\r\nAda-Lin = 1\r\n");
}

TEST(Lines, AlignNumbersToTheRightAndKeepControlCharactersOut) {
  const Table table{.columns = {"name", "amount"},
                    .rows = {{std::string("Ada\x1b[2J"), money(5, "usd")},
                             {std::string("Müller"), money(-123456, "usd")}}};
  EXPECT_EQ(lines(table), "name       amount\nAda [2J      0.05\nMüller   -1234.56\n");
}

TEST(Averages, AreRoundedToTheNearestHalvesAwayFromZero) {
  EXPECT_EQ(divide_rounded(10, 4), 3);
  EXPECT_EQ(divide_rounded(-10, 4), -3);
  EXPECT_EQ(divide_rounded(9, 4), 2);
  EXPECT_EQ(divide_rounded(0, 4), 0);
  EXPECT_EQ(divide_rounded(INT64_MAX, 1), INT64_MAX);
  EXPECT_EQ(divide_rounded(INT64_MIN, 1), INT64_MIN);
}

TEST(ChurnRate, IsStripesOwn) {
  EXPECT_EQ(churn_rate({1'000, 100, 100}), "0.0909");
  EXPECT_EQ(churn_rate({0, 0, 0}), std::nullopt);
  EXPECT_EQ(churn_rate({3, 0, 3}), "1.0000");
}

}  // namespace
}  // namespace payoutd::reports
