#include "jobs/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace payoutd::jobs {

Result<const TimeZone*> find_time_zone(std::string_view name) {
  try {
    const auto& zones = date::get_tzdb().zones;
    const auto found = std::ranges::lower_bound(
        zones, name, {}, [](const TimeZone& zone) { return std::string_view(zone.name()); });
    if (found != zones.end() && found->name() == name) return &*found;
  } catch (const std::runtime_error& failure) {
    return Error{Kind::retry, "time_zones_missing",
                 fmt::format("this machine's time zones can't be read: {}", failure.what())};
  }
  return Error{Kind::unprocessable, "time_zone_unknown",
               fmt::format("`{}` is not an IANA time zone such as Europe/Berlin or UTC", name),
               "time_zone"};
}

OffsetPeriod offset_at(const TimeZone& zone, date::sys_seconds instant) {
  const date::sys_info info = zone.get_info(instant);
  return {info.begin, info.end, info.offset};
}

}  // namespace payoutd::jobs
