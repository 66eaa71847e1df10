// Named time zones of the machine's IANA database. Clock changes are known up to 2037, where its
// files end; later years keep the last offset.
#pragma once

#include <date/tz.h>

#include <string_view>

#include "base/result.h"

namespace payoutd::jobs {

using TimeZone = date::time_zone;

// "Europe/Berlin", "UTC". The zone lives as long as the program. Error: unprocessable
// `time_zone_unknown`, param `time_zone`; retry `time_zones_missing` where the machine has no
// database.
Result<const TimeZone*> find_time_zone(std::string_view name);

// A stretch of time in which a zone's clocks differ from UTC by one offset.
struct OffsetPeriod {
  date::sys_seconds begin;
  date::sys_seconds end;
  std::chrono::seconds offset;
};
OffsetPeriod offset_at(const TimeZone& zone, date::sys_seconds instant);

}  // namespace payoutd::jobs
