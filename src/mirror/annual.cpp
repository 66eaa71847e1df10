#include "mirror/annual.h"

#include <algorithm>

namespace payoutd::mirror {

namespace {

constexpr std::size_t kDecimals = 12;

std::int64_t times_a_year(std::string_view interval) {
  if (interval == "month") return 12;
  if (interval == "year") return 1;
  if (interval == "week") return 52;
  if (interval == "day") return 365;
  return 0;
}

Error too_large() { return {Kind::unprocessable, "object_invalid", "items: a price does not fit"}; }

// Trillionths of a minor unit.
std::optional<Millionths> parse(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::string digits(whole);
  std::string_view decimals;
  if (dot != std::string_view::npos) decimals = text.substr(dot + 1);
  if (whole.empty() || whole.size() > 15 || decimals.size() > kDecimals) return std::nullopt;
  digits += decimals;
  digits.append(kDecimals - decimals.size(), '0');
  Millionths value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

}  // namespace

Result<Millionths> annual_millionths(const Recurring& price) {
  const std::int64_t times = times_a_year(price.interval);
  if (times == 0 || price.quantity < 0 || price.interval_count < 1) return Millionths{0};
  auto value = parse(price.unit_amount);
  if (!value) return too_large();
  Millionths product = 0;
  if (__builtin_mul_overflow(*value, Millionths{price.quantity} * times, &product)) {
    return too_large();
  }
  const Millionths divisor = Millionths{price.interval_count} * 1'000'000;
  const Millionths half = product < 0 ? -divisor / 2 : divisor / 2;
  return (product + half) / divisor;
}

std::string millionths_text(Millionths value) {
  const bool negative = value < 0;
  std::string digits;
  for (int i = 0; i < 7 || value != 0; ++i, value /= 10) {
    if (i == 6) digits += '.';
    const int digit = static_cast<int>(value % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
  }
  if (negative) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace payoutd::mirror
