// When something that repeats happens next. Pure: a rule, a time zone and an instant in, the next
// instant out.
//
// In a zone that changes its clocks, a rule for an hour of the day fires once a day: a time that is
// skipped fires at the first instant after the gap, one that comes twice fires the first time. A
// rule that runs in every hour (`*/15 * * * *`) follows the clock as it shows: nothing for the
// skipped hour, and again in the repeated one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "jobs/calendar.h"
#include "jobs/time_zone.h"

namespace payoutd::jobs {

// How `spec` is written, by kind:
//   interval  "90s", "15m", "6h", "1d": every so long, on the grid that begins at the Unix epoch,
//             so that every instance and every restart agree; 1 second to 366 days
//   daily     "02:00"
//   weekly    "mon 02:00", "mon,thu 02:00"
//   monthly   "1 02:00", "1,15 02:00", "last 02:00"; 31 means the last day of a shorter month
//   cron      see cron.h
enum class Repeats { interval, daily, weekly, monthly, cron };

std::string_view name_of(Repeats repeats);
// Error: unprocessable `schedule_invalid`, param `kind`.
Result<Repeats> parse_repeats(std::string_view text);

using Recurrence = std::variant<std::chrono::seconds, Calendar>;

// Error: unprocessable `schedule_invalid`, param `spec`.
Result<Recurrence> parse_recurrence(Repeats repeats, std::string_view spec);

// The first instant later than `after`. Error: unprocessable `schedule_exhausted` where there is
// none within the next 50 years (February 29 on a Monday comes every 28 to 40).
Result<Time> next_fire(const Recurrence& recurrence, const TimeZone& zone, Time after);

}  // namespace payoutd::jobs
