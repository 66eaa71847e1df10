#include "mirror/annual.h"

#include <gtest/gtest.h>

namespace payoutd::mirror {
namespace {

std::string annual(Recurring price) {
  const auto value = annual_millionths(price);
  return value ? millionths_text(*value) : value.error().message;
}

TEST(Annual, AYearIsTwelveMonthsFiftyTwoWeeksOr365Days) {
  EXPECT_EQ(annual({"2000", 3, "month", 1}), "72000.000000");
  EXPECT_EQ(annual({"2000", 1, "month", 3}), "8000.000000");
  EXPECT_EQ(annual({"100", 1, "week", 1}), "5200.000000");
  EXPECT_EQ(annual({"1", 1, "day", 1}), "365.000000");
  EXPECT_EQ(annual({"9900", 2, "year", 1}), "19800.000000");
}

TEST(Annual, FractionsOfAMinorUnitAreExact) {
  EXPECT_EQ(annual({"0.125", 1, "year", 1}), "0.125000");
  EXPECT_EQ(annual({"0.000000000001", 1'000'000, "year", 1}), "0.000001");
  EXPECT_EQ(annual({"100", 1, "month", 7}), "171.428571");
  EXPECT_EQ(annual({"-2.5", 1, "year", 1}), "-2.500000");
}

TEST(Annual, WhatHasNoValueIsZeroAndWhatDoesNotFitIsRefused) {
  EXPECT_EQ(annual({"5", 1, "fortnight", 1}), "0.000000");
  EXPECT_EQ(annual({"5", 1, "month", 0}), "0.000000");
  EXPECT_EQ(annual({"five", 1, "month", 1}), "items: a price does not fit");
  EXPECT_EQ(annual({"", 1, "month", 1}), "items: a price does not fit");
  EXPECT_EQ(annual({"999999999999999", 9'223'372'036'854'775'807, "month", 1}),
            "items: a price does not fit");
}

}  // namespace
}  // namespace payoutd::mirror
