// What a recurring price is worth in a year, exactly: the input of monthly recurring revenue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace payoutd::mirror {

// A price times its quantity. Amounts are in minor units and may have up to 12 decimals.
struct Recurring {
  std::string unit_amount;  // "2000", "0.125"
  std::int64_t quantity = 1;
  std::string_view interval;  // day, week, month, year
  std::int64_t interval_count = 1;
};

// Millionths of a minor unit. A year is 12 months, 52 weeks, 365 days; an interval that is not
// heard of, or a quantity below zero, is no value. Error: 422 `object_invalid` where it overflows.
using Millionths = __int128;
Result<Millionths> annual_millionths(const Recurring& price);

// "48000.000000"
std::string millionths_text(Millionths value);

}  // namespace payoutd::mirror
