// Points in time are UTC with microseconds, as PostgreSQL's timestamptz keeps them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace payoutd {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

inline Time from_unix(std::int64_t seconds) { return Time{std::chrono::seconds{seconds}}; }
inline Time from_micros(std::int64_t micros) { return Time{std::chrono::microseconds{micros}}; }
// Rounds towards the past.
inline std::int64_t to_unix(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
inline std::int64_t to_micros(Time time) { return time.time_since_epoch().count(); }

// "2026-03-01T09:30:00Z"; fractions of a second are written only where there are any.
std::string to_iso(Time time);

// What an unqualified date means at the end of a range: its first or its last microsecond.
enum class DayEdge { first, last };

// Takes "2026-03-01", "2026-03-01T09:30:00", with fractions, with Z or ±hh:mm, and unix seconds.
// Without an offset it is UTC. Years 1970 to 9999. Error: invalid `invalid_date`.
Result<Time> parse_time(std::string_view text, DayEdge edge = DayEdge::first);

}  // namespace payoutd
