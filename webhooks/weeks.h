// The inbox's partitions, a week each: made ahead of the events and dropped when they are over.
// Nobody who stores an event waits for either.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "pg/database.h"

namespace payoutd::webhooks {

// An event may lie so far back, or ahead: what is older or of a later time has no week.
inline constexpr std::chrono::days kOldestEvent{30};  // Stripe lists and resends for so long
inline constexpr std::chrono::days kNewestEvent{2};

// Makes the weeks from 30 days before `now` to two weeks after it. Throws what the database throws.
void make_weeks(pg::Database& db, Time now);

// Makes the week of `day` for an event that is being delivered: waits for next to nothing, and
// throws pg::Busy.
void make_week_at_once(pg::Database& db, Time day);

// Drops the weeks of the inbox that ended more than 30 days before `now`, and the events that
// were set aside or failed 60 days ago. A week with pending work stays, and so does one that
// somebody reads at every try: the next run drops it. How many were dropped.
Result<int> drop_old_weeks(pg::Database& db, Time now);

}  // namespace payoutd::webhooks
