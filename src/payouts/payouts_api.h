// GET /api/payouts, /api/payouts/:id, its timeline and audit trail.
#pragma once

#include <vector>

#include "http/router.h"
#include "pg/database.h"

namespace payoutd::payouts {

// `db` must outlive the routes.
std::vector<http::Route> payout_routes(pg::Database& db);

// The schema of a payout as every route shows it.
Json payout_schema();

}  // namespace payoutd::payouts
