// A connected account that an event names and nobody knows: Stripe is asked for it, its events are
// applied and its lists read.
#pragma once

#include "base/clock.h"
#include "jobs/handler.h"
#include "pg/database.h"
#include "stripe/client.h"

namespace payoutd::sync {

// The handler of mirror::kFindAccountJob. An account that Stripe refuses is remembered with the
// reason, and not asked for again for an hour, after each further refusal for twice as long, at
// most a day. While Stripe does not answer the job is repeated. All three must outlive it.
jobs::Handler find_account_handler(pg::Database& db, stripe::Client& client, const Clock& clock,
                                   bool livemode);

}  // namespace payoutd::sync
