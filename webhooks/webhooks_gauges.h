// How far the inbox and the appliers are, as gauges.
#pragma once

#include "http/metrics.h"
#include "pg/database.h"
#include "webhooks/apply.h"
#include "webhooks/inbox.h"

namespace payoutd::webhooks {

// The counts of this process since its start.
void publish_counts(http::Metrics& metrics, const Inbox& inbox, const ApplyWorkers& apply);

// The figures of all instances, from the database.
void publish_standing(pg::Tx& tx, http::Metrics& metrics, const ApplyWorkers& apply);

}  // namespace payoutd::webhooks
