// Sends whose outcome waits for Stripe's lists or for a person, as gauges.
#pragma once

#include "base/time.h"
#include "http/metrics.h"
#include "pg/database.h"

namespace payoutd::rails {

void publish_unresolved(pg::Tx& tx, http::Metrics& metrics, Time now);

}  // namespace payoutd::rails
