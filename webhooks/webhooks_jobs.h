// The inbox's own jobs: its weeks are made and dropped, and events of accounts that became known
// are applied.
#pragma once

#include "jobs/duties.h"
#include "webhooks/unknown_accounts.h"

namespace payoutd::webhooks {

inline constexpr const char* kDropOldWeeksJob = "inbox.drop_old_weeks";

jobs::Duties duties(const Adopting& adopting);

}  // namespace payoutd::webhooks
