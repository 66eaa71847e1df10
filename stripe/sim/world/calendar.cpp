#include "stripe/sim/world/calendar.h"

#include <algorithm>
#include <chrono>

namespace payoutd::sim {
namespace {

using namespace std::chrono;

sys_days day_of(std::int64_t second) { return floor<days>(sys_seconds{seconds{second}}); }

std::int64_t seconds_of(sys_days day) { return sys_seconds{day}.time_since_epoch().count(); }

unsigned last_day(year_month month) {
  return static_cast<unsigned>(
      year_month_day_last{month.year(), month_day_last{month.month()}}.day());
}

}  // namespace

std::int64_t midnight(std::int64_t second) { return seconds_of(day_of(second)); }

int weekday(std::int64_t second) {
  return static_cast<int>(std::chrono::weekday{day_of(second)}.c_encoding());
}

int day_of_month(std::int64_t second) {
  return static_cast<int>(static_cast<unsigned>(year_month_day{day_of(second)}.day()));
}

int days_in_month(std::int64_t second) {
  const year_month_day date{day_of(second)};
  return static_cast<int>(last_day(date.year() / date.month()));
}

bool business_day(std::int64_t second) {
  const int day = weekday(second);
  return day != 0 && day != 6;
}

std::int64_t on_or_after_business_day(std::int64_t second) {
  while (!business_day(second)) second += kDay;
  return second;
}

std::int64_t add_business_days(std::int64_t second, int days) {
  for (int i = 0; i < days; ++i) second = on_or_after_business_day(second + kDay);
  return second;
}

std::int64_t add_months(std::int64_t second, int months) {
  const sys_days start = day_of(second);
  const year_month_day date{start};
  const year_month target = date.year() / date.month() + std::chrono::months{months};
  const unsigned day = std::min(static_cast<unsigned>(date.day()), last_day(target));
  return seconds_of(sys_days{target / std::chrono::day{day}}) + (second - seconds_of(start));
}

}  // namespace payoutd::sim
