// GET /api/payouts, /api/payouts/:id, its timeline and audit trail.
#pragma once

#include <vector>

#include "http/router.h"
#include "pg/database.h"

namespace payoutd::payouts {

// `db` must outlive the routes.
std::vector<http::Route> payout_routes(pg::Database& db);

}  // namespace payoutd::payouts
