// The wall-clock minutes on which something happens: "on these days of these months, at these hours
// and minutes". Knows the Gregorian calendar and nothing of time zones.
#pragma once

#include <date/date.h>

#include <cstdint>
#include <optional>

namespace payoutd::jobs {

struct Calendar {
  std::uint64_t minutes = 0;  // bit m: minute m, 0 to 59
  std::uint32_t hours = 0;    // bit h: hour h, 0 to 23
  std::uint32_t days = 0;     // bit d: day d of the month, 1 to 31
  std::uint16_t months = 0;   // bit m: month m, 1 to 12
  std::uint8_t weekdays = 0;  // bit w: weekday w, 0 is Sunday
  bool either_day = false;    // a day of `days` or of `weekdays` will do; else it must be in both
  bool clamp_days = false;    // a day past a month's end means the month's last day

  friend bool operator==(const Calendar&, const Calendar&) = default;

  // Runs in every hour, so it is about the time that passes rather than about an hour of the day.
  bool every_hour() const { return hours == 0xFF'FFFFu; }
  // False where no day of any year can match: February 30.
  bool possible() const;
  bool matches(date::year_month_day day) const;
  // The first match in [from, until). Bounded by the number of days between the two.
  std::optional<date::local_seconds> next(date::local_seconds from,
                                          date::local_seconds until) const;
};

inline constexpr std::uint64_t kEveryMinute = (std::uint64_t{1} << 60) - 1;
inline constexpr std::uint32_t kEveryHour = 0xFF'FFFFu;
inline constexpr std::uint32_t kEveryDay = 0xFFFF'FFFEu;
inline constexpr std::uint16_t kEveryMonth = 0x1FFE;
inline constexpr std::uint8_t kEveryWeekday = 0x7F;

}  // namespace payoutd::jobs
