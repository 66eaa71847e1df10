#include "reports/period.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace payoutd::reports {
namespace {

date::local_days first_day(date::local_days day, GroupBy group_by) {
  switch (group_by) {
    case GroupBy::day: return day;
    case GroupBy::week: return day - (date::weekday{day} - date::Monday);
    case GroupBy::month: {
      const date::year_month_day ymd{day};
      return date::local_days{ymd.year() / ymd.month() / 1};
    }
  }
  CHECK(false);
  return day;
}

date::local_days next_first_day(date::local_days first, GroupBy group_by) {
  switch (group_by) {
    case GroupBy::day: return first + date::days{1};
    case GroupBy::week: return first + date::weeks{1};
    case GroupBy::month: return date::local_days{date::year_month_day{first} + date::months{1}};
  }
  CHECK(false);
  return first;
}

}  // namespace

std::string_view name_of(GroupBy group_by) {
  switch (group_by) {
    case GroupBy::day: return "day";
    case GroupBy::week: return "week";
    case GroupBy::month: return "month";
  }
  CHECK(false);
  return {};
}

Time begin_of_day(const jobs::TimeZone& zone, date::local_days day) {
  // `earliest`: of a midnight that comes twice the first; a skipped one is where the gap ends.
  const date::sys_seconds begin = zone.to_sys(date::local_seconds{day}, date::choose::earliest);
  return from_unix(begin.time_since_epoch().count());
}

date::local_days day_of(const jobs::TimeZone& zone, Time instant) {
  const date::sys_seconds second{std::chrono::seconds{to_unix(instant)}};
  return date::floor<date::days>(zone.to_local(second));
}

std::optional<std::vector<Period>> periods_of(const Range& range, GroupBy group_by,
                                              const jobs::TimeZone& zone) {
  CHECK(range.begin < range.end);
  std::vector<Period> periods;
  date::local_days first = first_day(day_of(zone, range.begin), group_by);
  Time begin = range.begin;
  while (begin < range.end) {
    if (periods.size() == kMaxPeriods) return std::nullopt;
    const date::local_days next = next_first_day(first, group_by);
    const Time end = std::min(begin_of_day(zone, next), range.end);
    // A zone that changed sides of the date line has a day that never was.
    if (begin < end) periods.push_back({first, {begin, end}});
    begin = std::max(begin, end);
    first = next;
  }
  return periods;
}

std::string text_of(date::local_days day) {
  const date::year_month_day ymd{day};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
}

}  // namespace payoutd::reports
