// POST /api/balance/transactions/sync, GET /api/sync/runs, GET /api/sync/runs/:id,
// GET /api/mirror/completeness
#pragma once

#include <vector>

#include "base/clock.h"
#include "http/router.h"
#include "pg/database.h"
#include "sync/sync.h"
#include "sync/verify.h"

namespace payoutd::sync {

// Without a syncer, for want of a Stripe key, a sync is 503 `stripe_not_configured`. All must
// outlive the routes.
std::vector<http::Route> sync_routes(pg::Database& db, Syncer* syncer, const Clock& clock);

OrderedJson to_json(const BalanceCheck& check);
OrderedJson to_json(const Completeness& completeness);

}  // namespace payoutd::sync
