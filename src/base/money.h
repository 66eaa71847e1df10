// Money is whole minor units and a currency, as Stripe counts it: 1050 usd is $10.50, 1050 jpy is
// ¥1050. A float never touches it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/currency.h"
#include "base/result.h"

namespace payoutd {

inline constexpr std::int64_t kMaxMinor =
    1'000'000'000'000'000;  // 10^15, what a caller may ask for

struct Money {
  std::int64_t minor = 0;
  Currency currency;
  friend bool operator==(const Money&, const Money&) = default;
};

inline std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  CHECK(!__builtin_add_overflow(a, b, &sum));
  return sum;
}

inline Money operator+(Money a, Money b) {
  CHECK(a.currency == b.currency);
  return {checked_add(a.minor, b.minor), a.currency};
}

inline Money operator-(Money a) {
  CHECK(a.minor != INT64_MIN);
  return {-a.minor, a.currency};
}

inline Money operator-(Money a, Money b) { return a + -b; }

// "1000.00", with exactly the currency's decimals: "1050" for jpy, "-0.05" for -5 usd.
std::string to_decimal(Money money);

// Exact: digits with at most the currency's decimals, an optional leading minus, nothing else.
// Errors (422): `amount_invalid`, `amount_precision` for excess digits, `amount_too_large`.
Result<Money> parse_decimal(std::string_view text, Currency currency);

}  // namespace payoutd
