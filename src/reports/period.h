// A report's stretch of time, and how it is cut into days, weeks or months of a time zone. Pure.
//
// A day begins with its first instant in the zone: where clocks skip midnight, with the instant
// after the gap. Days have 23, 24 or 25 hours. Weeks begin on Monday.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "jobs/time_zone.h"

namespace payoutd::reports {

enum class GroupBy { day, week, month };
std::string_view name_of(GroupBy group_by);

// From `begin`, inclusive, to `end`, exclusive.
struct Range {
  Time begin{}, end{};
  friend bool operator==(const Range&, const Range&) = default;
};

// One day, week or month, as far as it lies in the report's range.
struct Period {
  date::local_days date{};  // its first day in the zone, also where the range begins later
  Range range{};
};

inline constexpr std::size_t kMaxPeriods = 3'700;  // ten years of days

Time begin_of_day(const jobs::TimeZone& zone, date::local_days day);
date::local_days day_of(const jobs::TimeZone& zone, Time instant);

// All periods that the range touches, in order and without gaps; nothing where there are more than
// kMaxPeriods. The range is not empty.
std::optional<std::vector<Period>> periods_of(const Range& range, GroupBy group_by,
                                              const jobs::TimeZone& zone);

std::string text_of(date::local_days day);  // "2026-03-29"

}  // namespace payoutd::reports
