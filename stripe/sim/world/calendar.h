// Days as Stripe counts them: UTC, from midnight to midnight, in whole unix seconds.
#pragma once

#include <cstdint>

namespace payoutd::sim {

inline constexpr std::int64_t kMinute = 60, kHour = 3'600, kDay = 86'400;

std::int64_t midnight(std::int64_t second);  // the start of its day
inline std::int64_t next_midnight(std::int64_t second) { return midnight(second) + kDay; }

int weekday(std::int64_t second);       // 0 is Sunday
int day_of_month(std::int64_t second);  // 1 to 31
int days_in_month(std::int64_t second);
bool business_day(std::int64_t second);  // Monday to Friday
std::int64_t on_or_after_business_day(std::int64_t second);
std::int64_t add_business_days(std::int64_t second, int days);

// The same time of day in a later month; the 31st becomes the last day where there is none.
std::int64_t add_months(std::int64_t second, int months);

}  // namespace payoutd::sim
