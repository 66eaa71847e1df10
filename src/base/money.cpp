#include "base/money.h"

#include <fmt/format.h>

namespace payoutd {
namespace {

Error invalid_amount(std::string_view text) {
  return Error{
      Kind::unprocessable, "amount_invalid",
      fmt::format("\"{}\" is not a decimal amount: give digits and at most one point, like "
                  "\"1000.00\"",
                  text.substr(0, 64)),
      "amount_decimal"};
}

bool all_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string to_decimal(Money money) {
  const int decimals = money.currency.decimals();
  std::uint64_t magnitude = static_cast<std::uint64_t>(money.minor);
  if (money.minor < 0) magnitude = 0 - magnitude;
  std::string digits = std::to_string(magnitude);
  if (decimals > 0) {
    const auto places = static_cast<std::size_t>(decimals);
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, ".");
  }
  return money.minor < 0 ? "-" + digits : digits;
}

Result<Money> parse_decimal(std::string_view text, Currency currency) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative) rest.remove_prefix(1);
  const auto point = rest.find('.');
  const std::string_view whole = rest.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view{} : rest.substr(point + 1);
  const bool dangling = point != std::string_view::npos && fraction.empty();
  if (whole.empty() || dangling || !all_digits(whole) || !all_digits(fraction)) {
    return invalid_amount(text);
  }
  const auto decimals = static_cast<std::size_t>(currency.decimals());
  if (fraction.size() > decimals) {
    return Error{Kind::unprocessable, "amount_precision",
                 fmt::format("\"{}\" has {} decimals; {} has {}", text.substr(0, 64),
                             fraction.size(), currency.str(), decimals),
                 "amount_decimal"};
  }
  std::string digits(whole);
  digits += fraction;
  digits.append(decimals - fraction.size(), '0');
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (digits.size() > 16 || std::stoll(digits) > kMaxMinor) {
    return Error{Kind::unprocessable, "amount_too_large",
                 fmt::format("\"{}\" is more than {} minor units", text.substr(0, 64), kMaxMinor),
                 "amount_decimal"};
  }
  const std::int64_t minor = std::stoll(digits);
  return Money{negative ? -minor : minor, currency};
}

}  // namespace payoutd
