// How many jobs stand in which state, as gauges.
#pragma once

#include "http/metrics.h"
#include "pg/database.h"

namespace payoutd::jobs {

void publish_backlog(pg::Tx& tx, http::Metrics& metrics);

}  // namespace payoutd::jobs
