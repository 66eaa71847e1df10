// Cron expressions of five fields, as crontab(5) reads them:
//
//   minute 0-59 · hour 0-23 · day of month 1-31 · month 1-12 or jan-dec · weekday 0-7 or sun-sat
//
// with lists, ranges, steps (`*/15`, `10-40/5`, `5/20`), and @hourly @daily @midnight @weekly
// @monthly @yearly @annually. Where neither day field begins with `*`, a day that matches either
// will do; else it must match both.
#pragma once

#include <string_view>

#include "base/result.h"
#include "jobs/calendar.h"

namespace payoutd::jobs {

// Error: unprocessable `schedule_invalid`, naming the field, what was found and what is allowed;
// also for what can never match (`0 0 30 2 *`).
Result<Calendar> parse_cron(std::string_view text);

}  // namespace payoutd::jobs
