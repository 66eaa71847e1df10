// GET /api/reports/revenue, fees, customers, payout-reconciliation and balance.
#pragma once

#include <vector>

#include "base/clock.h"
#include "http/router.h"
#include "pg/database.h"

namespace payoutd::reports {

// Both outlive the routes.
std::vector<http::Route> report_routes(pg::Database& db, const Clock& clock);

}  // namespace payoutd::reports
