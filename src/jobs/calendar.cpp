#include "jobs/calendar.h"

#include <bit>

namespace payoutd::jobs {
namespace {

using Hours = std::chrono::hours;
using Minutes = std::chrono::minutes;

template <class Mask>
bool has(Mask mask, unsigned bit) {
  return ((mask >> bit) & 1u) != 0;
}

// The lowest set bit of `mask` at or above `from`; -1 where there is none.
int next_bit(std::uint64_t mask, unsigned from) {
  if (from >= 64) return -1;
  const std::uint64_t rest = mask & (~std::uint64_t{0} << from);
  return rest == 0 ? -1 : std::countr_zero(rest);
}

unsigned longest(unsigned month) {
  if (month == 2) return 29;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

}  // namespace

bool Calendar::possible() const {
  if (minutes == 0 || hours == 0 || months == 0) return false;
  if (either_day && weekdays != 0) return true;
  if (weekdays == 0) return false;
  // Every day of every month falls on every weekday within 400 years, February 29 too.
  const int first_day = next_bit(days, 1);
  if (first_day < 0) return false;
  for (unsigned month = 1; month <= 12; ++month) {
    const bool reached = clamp_days || static_cast<unsigned>(first_day) <= longest(month);
    if (has(months, month) && reached) return true;
  }
  return false;
}

bool Calendar::matches(date::year_month_day day) const {
  const unsigned number = static_cast<unsigned>(day.day());
  if (!has(months, static_cast<unsigned>(day.month()))) return false;
  bool in_days = has(days, number);
  if (!in_days && clamp_days) {
    const date::year_month_day last{day.year() / day.month() / date::last};
    in_days = last == day && (days >> number) != 0;
  }
  const bool in_weekdays = has(weekdays, date::weekday{date::local_days{day}}.c_encoding());
  return either_day ? in_days || in_weekdays : in_days && in_weekdays;
}

std::optional<date::local_seconds> Calendar::next(date::local_seconds from,
                                                  date::local_seconds until) const {
  const auto whole = std::chrono::ceil<Minutes>(from);
  auto today = std::chrono::floor<date::days>(whole);
  auto of_day = whole - today;
  for (; today < until; today += date::days{1}, of_day = {}) {
    if (!matches(date::year_month_day{today})) continue;
    auto hour = static_cast<unsigned>(of_day / Hours{1});
    auto minute = static_cast<unsigned>(of_day % Hours{1} / Minutes{1});
    while (true) {
      const int h = next_bit(hours, hour);
      if (h < 0) break;
      if (static_cast<unsigned>(h) != hour) minute = 0;
      const int m = next_bit(minutes, minute);
      if (m < 0) {
        hour = static_cast<unsigned>(h) + 1;
        minute = 0;
        continue;
      }
      const date::local_seconds hit = today + Hours{h} + Minutes{m};
      if (hit >= until) return std::nullopt;
      return hit;
    }
  }
  return std::nullopt;
}

}  // namespace payoutd::jobs
